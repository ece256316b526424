/** Fetching a data set's files: into place only when whole and right. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { assertArgument, assertFields, assertFolder } from './arguments.js';
import { DataError } from './data-error.js';
import { writeManifest } from './manifest.js';

export interface Download {
  /** The folder under the data folder. */
  readonly name: string;
  /** The address that the files' names are appended to. */
  readonly from: string;
  /** Gzip archives, with the SHA-256 of their content. */
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
}

export interface DownloadProgress {
  readonly file: string;
  readonly receivedBytes: number;
  /** Null where the server does not tell. */
  readonly totalBytes: number | null;
}

export interface DownloadOptions {
  /** Another address than the usual one. */
  readonly from?: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** @throws TypeError for what is no `Download` */
export function assertDownload(set: unknown, of: string): void {
  const { name, from, files } = (set ?? {}) as Partial<Download>;
  const holds = typeof name === 'string' && typeof from === 'string' && Array.isArray(files);
  assertArgument(holds, `${of}: set`, set, 'a data set to fetch, such as mnistDownload');
}

/**
 * Downloads the files that are not there yet, and writes beside them what they hold (`manifest.json`).
 *
 * @param folder the data folder; the files go to `<folder>/<name>/`
 * @returns the folder they lie in
 * @throws DataError when the server does not answer, a file is not what it should be, or cannot be written; nothing
 *   of it is kept
 */
export async function download(
  set: Download,
  folder: string,
  options: DownloadOptions = {},
): Promise<string> {
  assertDownload(set, 'download()');
  assertFolder(folder, 'download()');
  assertFields(options, ['from', 'onProgress'], 'download(): options');
  const { name, files } = set;
  const { from = set.from, onProgress } = options;
  assertArgument(typeof from === 'string', 'download(): from', from, 'an address');
  const canBeTold = onProgress === undefined || typeof onProgress === 'function';
  assertArgument(canBeTold, 'download(): onProgress', onProgress, 'a function of progress');
  const target = join(folder, name);
  for (const file of files) {
    const path = join(target, file.name);
    if (await holds(path, file.sha256)) continue;
    const url = `${from.replace(/\/+$/, '')}/${file.name}`;
    const bytes = await fetchBytes(url, (receivedBytes, totalBytes) =>
      onProgress?.({ file: file.name, receivedBytes, totalBytes }),
    );
    const found = contentHash(bytes);
    if (found !== file.sha256) {
      throw new DataError(
        `${url} is not the ${file.name} that was expected: SHA-256 ${found}, not ${file.sha256}`,
      );
    }
    await putInPlace(target, file.name, bytes).catch((error: Error) => {
      throw new DataError(`${path} cannot be written (${error.message}): choose another folder with --data`);
    });
  }
  const names = files.map((file) => file.name);
  await writeManifest(target, names).catch((error: Error) => {
    throw new DataError(`${target} cannot be written (${error.message}): choose another folder with --data`);
  });
  return target;
}

/** Writes under another name first: a file of the right name is whole. */
async function putInPlace(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true });
  const partial = join(folder, `${name}.partial`);
  try {
    await writeFile(partial, bytes);
    await rename(partial, join(folder, name));
  } finally {
    await rm(partial, { force: true });
  }
}

async function holds(path: string, sha256: string): Promise<boolean> {
  const bytes = await readFile(path).catch(() => null);
  return bytes !== null && contentHash(bytes) === sha256;
}

/** The SHA-256 of a gzip archive's content, or a word in its place when it is no archive. */
function contentHash(archive: Uint8Array): string {
  try {
    return createHash('sha256').update(gunzipSync(archive)).digest('hex');
  } catch {
    return 'none (not a whole gzip archive)';
  }
}

async function fetchBytes(
  url: string,
  onProgress: (received: number, total: number | null) => void,
): Promise<Uint8Array> {
  const response = await fetch(url).catch((error: Error) => {
    const cause = error.cause instanceof Error ? error.cause.message : error.message;
    throw new DataError(
      `${url} cannot be reached (${cause}): check the network, or give another address with --from`,
    );
  });
  if (!response.ok || !response.body) {
    throw new DataError(`${url} answered ${response.status}: give another address with --from`);
  }
  const length = Number(response.headers.get('content-length'));
  const total = length > 0 ? length : null;
  const chunks: Uint8Array[] = [];
  let received = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      onProgress((received += chunk.length), total);
    }
  } catch (error) {
    throw new DataError(`${url} broke off after ${received} bytes (${(error as Error).message}): try again`);
  }
  return Buffer.concat(chunks);
}
