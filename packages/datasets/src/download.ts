/**
 * Downloads: from wherever they are asked for, gone on with where they broke off, checked by hash, whole or not at all
 * in place.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, rmdir, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { assertArgument, assertFields, assertFolder } from './arguments.js';
import { DataError } from './data-error.js';
import { contentHash, writeManifest } from './manifest.js';

export interface Download {
  /** The folder under the data folder. */
  readonly name: string;
  /** The address that the files' names are appended to. */
  readonly from: string;
  readonly files: readonly DownloadedFile[];
}

export interface DownloadedFile {
  readonly name: string;
  readonly sha256: string;
  /** What the hash is of: the file, or what a gzip archive holds, which is the same from mirror to mirror. */
  readonly hashed: 'file' | 'content';
  /** More than these are never fetched. */
  readonly mostBytes: number;
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
  /** How long a server may send nothing; 60,000. */
  readonly silenceMs?: number;
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
 * @throws DataError when the server does not answer, a file is not what it should be, or cannot be written. What was
 *   received of a download that broke off stays, as `<file>.partial`, and the next call goes on from there.
 */
export async function download(
  set: Download,
  folder: string,
  options: DownloadOptions = {},
): Promise<string> {
  assertDownload(set, 'download()');
  assertFolder(folder, 'download()');
  assertFields(options, ['from', 'onProgress', 'silenceMs'], 'download(): options');
  const { name } = set;
  const { from = set.from, onProgress, silenceMs = 60_000 } = options;
  assertArgument(typeof from === 'string', 'download(): from', from, 'an address');
  const canBeTold = onProgress === undefined || typeof onProgress === 'function';
  assertArgument(canBeTold, 'download(): onProgress', onProgress, 'a function of progress');
  assertArgument(silenceMs > 0, 'download(): silenceMs', silenceMs, 'a number of milliseconds above 0');
  const target = join(folder, name);
  const made = await writing(target, mkdir(target, { recursive: true }));
  try {
    await fetchFiles(set, { target, from, silenceMs, ...(onProgress && { onProgress }) });
  } catch (error) {
    // A folder that was made for nothing goes again; one that holds something stays.
    if (made !== undefined) await removeEmpty(target, made);
    throw error;
  }
  return target;
}

interface Fetch
  extends Required<Pick<DownloadOptions, 'from' | 'silenceMs'>>, Pick<DownloadOptions, 'onProgress'> {
  readonly target: string;
}

async function fetchFiles(
  { files }: Download,
  { target, from, silenceMs, onProgress }: Fetch,
): Promise<void> {
  for (const file of files) {
    if ((await hashOf(join(target, file.name), file)) === file.sha256) continue;
    await fetchFile(file, {
      ...{ url: `${from.replace(/\/+$/, '')}/${file.name}`, path: join(target, file.name), silenceMs },
      onProgress: (receivedBytes, totalBytes) => onProgress?.({ file: file.name, receivedBytes, totalBytes }),
    });
  }
  const names = files.map((file) => file.name);
  await writing(target, writeManifest(target, names));
}

/** From a folder up to the uppermost that was made for it. */
async function removeEmpty(folder: string, uppermost: string): Promise<void> {
  const isLast = resolve(folder) === resolve(uppermost);
  const isGone = await rmdir(folder).then(
    () => true,
    () => false,
  );
  if (isGone && !isLast) await removeEmpty(dirname(folder), uppermost);
}

interface Fetching {
  readonly url: string;
  readonly path: string;
  readonly silenceMs: number;
  readonly onProgress: (received: number, total: number | null) => void;
}

/** Under another name first: a file of the right name is whole. */
async function fetchFile(file: DownloadedFile, fetching: Fetching): Promise<void> {
  const { url, path } = fetching;
  const partial = `${path}.partial`;
  const forget = () => Promise.all([partial, tagFile(partial)].map((name) => rm(name, { force: true })));
  const isWhole = (await hashOf(partial, file)) === file.sha256;
  const receiving = isWhole ? Promise.resolve() : receive(partial, file.mostBytes, fetching);
  await receiving.catch(async (error: unknown) => {
    if (error instanceof Unfit) await forget();
    throw error;
  });
  const found = await hashOf(partial, file);
  if (found !== file.sha256) {
    await forget();
    throw new DataError(
      `${url} is not the ${file.name} that was expected: SHA-256 ${found ?? 'none (not a whole gzip archive)'}, not ${file.sha256}`,
    );
  }
  await writing(path, rename(partial, path));
  await forget();
}

/** What was received is of no use. */
class Unfit extends DataError {}

const tagFile = (partial: string) => `${partial}.tag`;

/** Fills the partial file, from where it stands if the server still has the same. */
async function receive(
  partial: string,
  mostBytes: number,
  { url, silenceMs, onProgress }: Fetching,
): Promise<void> {
  const standing = await stat(partial).then(
    ({ size }) => size,
    () => 0,
  );
  const tag = await readFile(tagFile(partial), 'utf8').catch(() => null);
  const goesOn = standing > 0 && tag !== null;
  const silence = new AbortController();
  const awaken = () =>
    setTimeout(() => silence.abort(new Error(`nothing came for ${silenceMs} ms`)), silenceMs);
  let timer = awaken();
  let received = 0;
  try {
    const response = await fetch(url, {
      signal: silence.signal,
      headers: goesOn ? { range: `bytes=${standing}-`, 'if-range': tag } : {},
    }).catch((error: Error) => {
      const cause = error.cause instanceof Error ? error.cause.message : error.message;
      throw new DataError(
        `${url} cannot be reached (${cause}): check the network, or give another address with --from`,
      );
    });
    if (!response.ok || !response.body) {
      throw new (response.status === 416 ? Unfit : DataError)(
        `${url} answered ${response.status}: ${response.status === 416 ? 'try again' : 'give another address with --from'}`,
      );
    }
    received = response.status === 206 ? standing : 0;
    const length = Number(response.headers.get('content-length'));
    const total = length > 0 ? received + length : null;
    const newTag = response.headers.get('etag') ?? response.headers.get('last-modified');
    if (newTag === null) await rm(tagFile(partial), { force: true });
    else await writing(partial, writeFile(tagFile(partial), newTag));
    const file = await writing(partial, open(partial, received > 0 ? 'r+' : 'w'));
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        clearTimeout(timer);
        timer = awaken();
        if (received + chunk.length > mostBytes) {
          throw new Unfit(`${url} is larger than the ${mostBytes} bytes that it is to have at most`);
        }
        await writing(partial, writeAll(file, chunk, received));
        onProgress((received += chunk.length), total);
      }
    } finally {
      await file.close();
    }
    if (total !== null && received < total) throw new Error(`${total - received} bytes are missing`);
  } catch (error) {
    if (error instanceof DataError) throw error;
    const why = silence.signal.aborted ? (silence.signal.reason as Error).message : (error as Error).message;
    throw new DataError(
      `${url} broke off after ${received} bytes (${why}): run the same again, and it goes on from there`,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

async function writing<T>(path: string, work: Promise<T>): Promise<T> {
  return work.catch((error: Error) => {
    throw new DataError(`${path} cannot be written (${error.message}): choose another folder with --data`);
  });
}

/** Null where there is no file, or no whole archive. */
export async function hashOf(
  path: string,
  { hashed }: Pick<DownloadedFile, 'hashed'>,
): Promise<string | null> {
  if (hashed === 'content') return contentHash(path, true).catch(() => null);
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch {
    return null;
  }
  return hash.digest('hex');
}
