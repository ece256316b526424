/** Whether the files of a data set are what they should be: all of them read, whatever a manifest says. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { assertFolder } from './arguments.js';
import { DataError } from './data-error.js';
import { assertDownload, type Download } from './download.js';
import { contentHash } from './manifest.js';

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

async function verifyFile(
  folder: string,
  { name, sha256 }: Download['files'][number],
): Promise<VerifiedFile> {
  const path = join(folder, name);
  const there = await stat(path).catch(() => null);
  if (!there) return { name, state: 'missing', why: `${path} is not there` };
  try {
    const found = await contentHash(path);
    if (found === sha256) return { name, state: 'right', why: null };
    return { name, state: 'wrong', why: `its content has SHA-256 ${found}, not ${sha256}` };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { name, state: 'wrong', why: error.message };
  }
}
