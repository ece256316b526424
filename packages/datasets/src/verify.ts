/** Whether the files of a data set are what they should be: all of them read, whatever a manifest says. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { assertFolder } from './arguments.js';
import { assertDownload, hashOf, type Download, type DownloadedFile } from './download.js';

export interface VerifiedFile {
  readonly name: string;
  readonly state: 'right' | 'wrong' | 'missing';
  /** In words, where it is not right. */
  readonly why: string | null;
}

/** @param folder the data folder; the files lie in its `<name>/` */
export async function verify(set: Download, folder: string): Promise<VerifiedFile[]> {
  assertDownload(set, 'verify()');
  assertFolder(folder, 'verify()');
  const { name, files } = set;
  const verified: VerifiedFile[] = [];
  for (const file of files) verified.push(await verifyFile(join(folder, name), file));
  return verified;
}

async function verifyFile(folder: string, file: DownloadedFile): Promise<VerifiedFile> {
  const { name, sha256 } = file;
  const path = join(folder, name);
  const there = await stat(path).catch(() => null);
  if (!there) return { name, state: 'missing', why: `${path} is not there` };
  const found = await hashOf(path, file);
  if (found === sha256) return { name, state: 'right', why: null };
  const why = found === null ? 'cannot be read as a whole' : `has SHA-256 ${found}, not ${sha256}`;
  return { name, state: 'wrong', why: `${path} ${why}: fetch it again` };
}
