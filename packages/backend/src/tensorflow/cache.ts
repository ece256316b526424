/**
 * Where addons lie: `espalier/tensorflow` in the user's cache. Each is a folder of its own, named after all that it was made
 * of, and appears whole or not at all; a file beside them names the one in use.
 *
 *     linux-x64-napi8/in-use
 *     linux-x64-napi8/<addon>/addon.json package/ package/lib/napi-v8/tfjs_binding.node
 *     wheels/<wheel>/tensorflow/ wheels/<wheel>/nvidia/
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

import envPaths from 'env-paths';

import { BackendError } from '../choice.js';
import { librariesOf, type Library } from './library.js';
import { isOfFullDisk } from './run.js';

/** Of Node-API, which the addon is compiled for: an addon runs in every Node that has it, from 12.22 on. */
export const NODE_API = 8;

/** Raised when addons are made in another way than those that lie in caches. */
const FORM = 2;

/** Where packages have kernels for TensorFlow, which are compiled beside an addon. */
export const nativeFolders = ['blocks', 'optimizers'].map((name) =>
  join(dirname(createRequire(import.meta.url).resolve(`@espalier/${name}/package.json`)), 'native'),
);

/** Their files, headers among them. */
const nativeFiles = () =>
  nativeFolders.flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .map((name) => join(folder, name)),
  );

export const kernelSources = () => nativeFiles().filter((path) => path.endsWith('.cc'));

/** What an addon was made of, as `addon.json` has it. */
export interface AddonDescription {
  /** The npm package whose addon it is. */
  readonly package: { readonly name: string; readonly version: string };
  readonly tensorflow: Library;
  readonly source: Source;
  /** ISO 8601. */
  readonly date: string;
}

/** Where a TensorFlow came from: a Python's, one of PyPI that was downloaded for it, or a folder that was named. */
export type Source =
  { readonly kind: 'python'; readonly command: string } | { readonly kind: 'download' | 'folder' };

export interface Addon extends AddonDescription {
  readonly name: string;
  readonly folder: string;
}

export function cacheFolder(): string {
  return join(envPaths('espalier', { suffix: '' }).cache, 'tensorflow');
}

export const wheelsFolder = (): string => join(cacheFolder(), 'wheels');

const addonsFolder = (): string => join(cacheFolder(), `${process.platform}-${process.arch}-napi${NODE_API}`);

const inUseFile = (): string => join(addonsFolder(), 'in-use');

/** The package of an addon, within its folder; or of one that is being made. */
export const packageIn = (folder: string): string => join(folder, 'package');

/** The compiled addon of a package. */
export const binaryIn = (packageFolder: string): string =>
  join(packageFolder, 'lib', `napi-v${NODE_API}`, 'tfjs_binding.node');

/** What is loaded after the addon of a package, where the compiler made it. */
export const kernelsIn = (packageFolder: string): string =>
  join(dirname(binaryIn(packageFolder)), 'espalier_kernels.node');

/**
 * An addon is the same as another that was made of the same package, the same kernels and the same TensorFlow, in the same
 * place.
 */
export function addonName({
  package: npm,
  tensorflow,
}: Pick<AddonDescription, 'package' | 'tensorflow'>): string {
  const made = createHash('sha256').update(`${FORM} ${tensorflow.folder} `);
  for (const path of nativeFiles()) made.update(readFileSync(path));
  const place = made.digest('hex').slice(0, 8);
  const short = npm.name.replace(/^@[^/]+\//, '');
  return `${short}-${npm.version}-${tensorflow.package}-${tensorflow.version}-${place}`;
}

/** The name of the addon in use; null where none is. Read at once, as it decides what is started. */
export function nameInUse(): string | null {
  try {
    return readFileSync(inUseFile(), 'utf8').trim() || null;
  } catch {
    return null;
  }
}

/**
 * The addon in use; null where none is.
 *
 * @throws BackendError when it is there no longer, or damaged
 */
export async function addonInUse(): Promise<Addon | null> {
  const name = nameInUse();
  if (name === null) return null;
  const addon = await addonNamed(name);
  if (addon) return addon;
  throw new BackendError(
    `The addon ${name} is in use, and is not whole in ${addonsFolder()}: espalier tensorflow install makes it anew`,
  );
}

/** Every whole addon for this platform. */
export async function allAddons(): Promise<Addon[]> {
  const names = (await readdir(addonsFolder()).catch(() => [])).filter((name) => !name.startsWith('.'));
  const addons = await Promise.all(names.sort().map(addonNamed));
  return addons.filter((addon) => addon !== null);
}

/** Null where there is none of that name, or it is not whole. */
export async function addonNamed(name: string): Promise<Addon | null> {
  const folder = join(addonsFolder(), name);
  const text = await readFile(join(folder, 'addon.json'), 'utf8').catch(() => null);
  const description = text === null ? null : parse(text);
  if (!description || !existsSync(binaryIn(packageIn(folder)))) return null;
  return { ...description, name, folder };
}

/** Why an addon cannot be loaded, one line with the way out; null where nothing is in the way. */
export function whyUnusable({ tensorflow }: Addon): string | null {
  const absent = librariesOf(tensorflow.folder).find((path) => !existsSync(path));
  if (absent === undefined) return null;
  return (
    `The TensorFlow ${tensorflow.version} that the addon in use was built for is gone (${absent}): ` +
    'espalier tensorflow install --python <command> or --download cpu builds it for another'
  );
}

export async function use(name: string): Promise<void> {
  const partial = join(addonsFolder(), `.in-use.${randomUUID()}`);
  await writeFile(partial, `${name}\n`);
  await rename(partial, inUseFile());
}

/**
 * Puts an addon that was made elsewhere in the cache into its place, and into use.
 *
 * @param made a folder of `inPartialFolder`, with the package in it
 */
export async function keep(made: string, description: AddonDescription): Promise<Addon> {
  const name = addonName(description);
  const folder = join(addonsFolder(), name);
  await writeFile(join(made, 'addon.json'), `${JSON.stringify(description, null, 2)}\n`);
  await mkdir(addonsFolder(), { recursive: true });
  await putFolder(made, folder);
  await use(name);
  return { ...description, name, folder };
}

/** Renames a folder into its place; what is left there of another is not whole, and goes. */
export async function putFolder(made: string, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await rename(made, folder);
}

/** A folder that is being filled: `.<host>-<pid>-<something>.partial`. */
const PARTIAL = /^\.(?<host>.+)-(?<pid>\d+)-[^-]+\.partial$/;

/** Work in a folder of the cache that is gone afterwards, whatever comes of it. */
export async function inPartialFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(cacheFolder(), `.${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}.partial`);
  await mkdir(folder, { recursive: true });
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what processes of this machine left that were killed. */
export async function removeLeftovers(): Promise<void> {
  const names = await readdir(cacheFolder()).catch(() => []);
  const left = names.filter((name) => {
    const { host, pid } = PARTIAL.exec(name)?.groups ?? {};
    return host === hostname() && !isAlive(Number(pid));
  });
  await Promise.all(left.map((name) => rm(join(cacheFolder(), name), { recursive: true, force: true })));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // One of another user's cannot be signalled, and is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** All that lies in a folder, in bytes on disk as far as files tell; 0 where there is none. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** An error of the file system as one line; others stay as they are. */
export function asBackendError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || !/^E[A-Z0-9]+$/.test(code ?? '')) return error;
  return isOfFullDisk(code ?? '')
    ? noRoom()
    : new BackendError(`${cacheFolder()} cannot be used (${message}): ${ELSEWHERE}`);
}

const ELSEWHERE = 'mend it, or let XDG_CACHE_HOME name another folder';

export function noRoom(): BackendError {
  return new BackendError(
    `There is no room for it in ${cacheFolder()}: make some (TensorFlow takes 1 GB, with CUDA 6 GB), or let ` +
      'XDG_CACHE_HOME name a folder on another disk. Nothing was changed',
  );
}

function parse(text: string): AddonDescription | null {
  try {
    const { package: npm, tensorflow, source, date } = JSON.parse(text) as Partial<AddonDescription>;
    if (!npm || !tensorflow || !source || !isTextOrNull(tensorflow.cuda)) return null;
    const texts = [
      npm.name,
      npm.version,
      tensorflow.folder,
      tensorflow.package,
      tensorflow.version,
      source.kind,
      date,
    ];
    if (!texts.every((each) => typeof each === 'string')) return null;
    return { package: npm, tensorflow, source, date: date as string };
  } catch {
    return null;
  }
}

const isTextOrNull = (value: unknown) => value === null || typeof value === 'string';
