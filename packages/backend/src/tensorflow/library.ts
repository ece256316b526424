/** A TensorFlow on disk, as its wheel for Linux brings it: two libraries with the whole C API, and its headers. */
import { existsSync } from 'node:fs';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { BackendError } from '../choice.js';
import { readElf } from './elf.js';

export interface Library {
  /** Of Python's package `tensorflow`, links followed. */
  readonly folder: string;
  /** As pip calls the wheel: `tensorflow`, `tensorflow-cpu`. */
  readonly package: string;
  readonly version: string;
  /** The version of CUDA that it is built for; null of one for the processor alone. */
  readonly cuda: string | null;
}

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

/** The wheels that hold TensorFlow itself, as pip writes their names in folders. */
const WHEEL =
  /^(?<name>tensorflow|tensorflow_cpu|tensorflow_cpu_aws|tf_nightly|tf_nightly_cpu)-(?<version>[^-]+)\.dist-info$/;

export const librariesOf = (folder: string): string[] => LIBRARIES.map((name) => join(folder, name));

export const includeOf = (folder: string): string => join(folder, 'include');

/**
 * @param given the folder of the package `tensorflow`, or the one that it lies in
 * @throws BackendError, one line, when it holds none that an addon can be built against here
 */
export async function libraryIn(given: string): Promise<Library> {
  const folder = await packageIn(given);
  await assertPlatform(folder);
  if (!existsSync(join(includeOf(folder), 'tensorflow/c/c_api.h'))) {
    throw new BackendError(
      `The TensorFlow in ${folder} has no headers (include/tensorflow/c/c_api.h): take a wheel of PyPI, ` +
        'or espalier tensorflow install --download cpu',
    );
  }
  return { folder, ...(await wheelOf(folder)), cuda: await cudaOf(folder) };
}

/** `TensorFlow 2.21.0 (tensorflow-cpu)`. */
export function describeLibrary({ package: wheel, version, cuda }: Library): string {
  return `TensorFlow ${version} (${wheel}${cuda === null ? '' : `, for CUDA ${cuda}`})`;
}

async function packageIn(given: string): Promise<string> {
  const folder = [given, join(given, 'tensorflow')].find((place) =>
    librariesOf(place).every((path) => existsSync(path)),
  );
  if (folder !== undefined) return realpath(folder);
  if (!existsSync(given)) throw new BackendError(`There is no folder ${given}: --from names a TensorFlow's`);
  const other = await otherSystemOf(given);
  throw new BackendError(
    other
      ? `The TensorFlow in ${given} is for ${other}, and this is ${process.platform} ${process.arch}: ` +
          'take the wheel for it, or espalier tensorflow install --download cpu'
      : `${given} holds no TensorFlow with its C API (${LIBRARIES.join(', ')}): name the folder tensorflow of a ` +
          'wheel of 2.15 or later, or espalier tensorflow install --download cpu',
  );
}

/** The system that a folder's libraries are for, where it is not Linux. */
async function otherSystemOf(given: string): Promise<string | null> {
  const names = await Promise.all([given, join(given, 'tensorflow')].map((place) => namesIn(place)));
  if (names.flat().some((name) => /^libtensorflow.*\.dylib$/.test(name))) return 'macOS';
  if (names.flat().some((name) => /^tensorflow.*\.dll$/i.test(name))) return 'Windows';
  return null;
}

async function assertPlatform(folder: string): Promise<void> {
  for (const path of librariesOf(folder)) {
    const elf = await readElf(path);
    if (elf?.arch === process.arch) continue;
    const what = elf ? `for ${elf.arch ?? 'another processor'}` : 'no library for Linux';
    throw new BackendError(
      `${path} is ${what}, and this is ${process.platform} ${process.arch}: take the wheel for it, ` +
        'or espalier tensorflow install --download cpu',
    );
  }
}

/** Of the description that pip leaves beside the package. */
async function wheelOf(folder: string): Promise<Pick<Library, 'package' | 'version'>> {
  const beside = dirname(folder);
  for (const name of await namesIn(beside)) {
    const { name: wheel, version } = WHEEL.exec(name)?.groups ?? {};
    if (wheel !== undefined && version !== undefined) return { package: wheel.replaceAll('_', '-'), version };
  }
  throw new BackendError(
    `The version of the TensorFlow in ${folder} is not known: no tensorflow-<version>.dist-info lies beside ` +
      `${basename(folder)}, as pip leaves it`,
  );
}

/** What the package says of its own build. */
async function cudaOf(folder: string): Promise<string | null> {
  const text = await readFile(join(folder, 'python/platform/build_info.py'), 'utf8').catch(() => '');
  if (!/'is_cuda_build', True/.test(text)) return null;
  return /'cuda_version', '([^']+)'/.exec(text)?.[1] ?? 'of an unknown version';
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
