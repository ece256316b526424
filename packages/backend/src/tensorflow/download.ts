/**
 * A TensorFlow of PyPI: its wheel, taken by pip and unpacked into the user's cache, without the libraries of Python that it
 * asks for; with CUDA, NVIDIA's wheels beside it, where its run path looks for them.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { BackendError } from '../choice.js';
import { bytesIn, inPartialFolder, noRoom, putFolder, wheelsFolder } from './cache.js';
import { nvidiaWheelsFor } from './cuda.js';
import { libraryIn, type Library } from './library.js';
import { noPython } from './python.js';
import { complaintOf, isOfFullDisk, run, type Ended } from './run.js';

export type DownloadKind = 'cpu' | 'cuda';

const WHEELS: Readonly<Record<DownloadKind, string>> = { cpu: 'tensorflow-cpu', cuda: 'tensorflow' };

/** The newest that was tried. */
export const USUAL_VERSION = '2.21';

export interface Downloading {
  /** The command of a Python that has pip. */
  readonly python: string;
  readonly signal?: AbortSignal | undefined;
  /** @param totalBytes null where pip does not say */
  readonly onProgress?: (file: string, bytes: number, totalBytes: number | null) => void;
}

export interface Downloaded {
  readonly library: Library;
  /** False of one that was there. */
  readonly taken: boolean;
}

/**
 * @param version `2.21.0`, or `2.21` for the last of them
 * @throws BackendError, one line, when it is not to be had
 */
export async function downloadLibrary(
  kind: DownloadKind,
  version: string,
  downloading: Downloading,
): Promise<Downloaded> {
  const wheel = WHEELS[kind];
  const known = await downloaded(wheel, version);
  if (known) return { library: known, taken: false };
  return inPartialFolder(async (folder) => {
    const unpacked = join(folder, 'unpacked');
    const asked = version.split('.').length > 2 ? version : `${version}.*`;
    await take(`${wheel}==${asked}`, folder, unpacked, KEPT, downloading);
    const library = await libraryIn(unpacked);
    if (kind === 'cuda') {
      for (const needed of await nvidiaWheelsFor(library))
        await take(needed, folder, unpacked, ['nvidia/'], downloading);
    }
    const place = join(wheelsFolder(), `${library.package}-${library.version}`);
    await putFolder(unpacked, place);
    return { library: await libraryIn(place), taken: true };
  });
}

/**
 * What is kept of the wheel, by the beginnings of names: the libraries, what they are built for, and the headers of the C API,
 * with those that they include.
 */
export const KEPT: readonly string[] = [
  'tensorflow/libtensorflow',
  'tensorflow/python/platform/build_info.py',
  ...[
    'tensorflow/c/',
    'tensorflow/core/platform/',
    'tensorflow/core/common_runtime/next_pluggable_device/c/',
    'tsl/',
    'xla/tsl/',
  ].map((part) => `tensorflow/include/${part}`),
];

/** What was downloaded before and is of that version; the newest of several. Null where there is none that is whole. */
async function downloaded(wheel: string, version: string): Promise<Library | null> {
  const names = await readdir(wheelsFolder()).catch(() => []);
  const fitting = names
    .filter((name) => name === `${wheel}-${version}` || name.startsWith(`${wheel}-${version}.`))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const last = fitting.at(-1);
  return last === undefined ? null : libraryIn(join(wheelsFolder(), last)).catch(() => null);
}

/** Any Python's wheel holds the same libraries: where the running one is too new or too old, another's is taken. */
const PYTHONS = [null, '3.13', '3.12', '3.11', '3.10', '3.9'];

async function take(
  requirement: string,
  folder: string,
  into: string,
  kept: readonly string[],
  downloading: Downloading,
): Promise<void> {
  const wheels = join(folder, 'wheels');
  await mkdir(wheels, { recursive: true });
  const wheel = await pipDownload(requirement, wheels, downloading);
  await unpack(wheel, into, kept, downloading);
  await rm(wheels, { recursive: true });
}

async function pipDownload(requirement: string, wheels: string, downloading: Downloading): Promise<string> {
  const { python } = downloading;
  let missing: Ended | null = null;
  for (const version of PYTHONS) {
    const ended = await withProgress(wheels, downloading, (onOutput) =>
      run(python, pipArguments(requirement, wheels, version), {
        // The wheel is written there before it is moved; a folder of the system's own may be small.
        environment: { TMPDIR: wheels, PYTHONUNBUFFERED: '1', PIP_NO_INPUT: '1' },
        signal: downloading.signal,
        onOutput,
      }),
    );
    if (!ended) throw noPython(python);
    const [wheel] = (await readdir(wheels)).filter((name) => name.endsWith('.whl'));
    if (ended.code === 0 && wheel !== undefined) return join(wheels, wheel);
    if (!isNotFound(ended)) throw notDownloaded(requirement, python, ended);
    missing ??= ended;
  }
  throw notDownloaded(requirement, python, missing as Ended);
}

function pipArguments(requirement: string, wheels: string, pythonVersion: string | null): string[] {
  return [
    ...['-m', 'pip', 'download', requirement, '--dest', wheels, '--no-deps', '--only-binary', ':all:'],
    ...['--no-cache-dir', '--disable-pip-version-check', '--progress-bar', 'off'],
    ...(pythonVersion === null ? [] : ['--python-version', pythonVersion]),
  ];
}

/** Whether pip has heard from the index, and there is no such wheel. */
function isNotFound({ stderr }: Ended): boolean {
  return /No matching distribution found/.test(stderr) && !isOfNetwork(stderr);
}

const isOfNetwork = (text: string) =>
  /connection broken|ConnectionError|NewConnectionError|ReadTimeout|Max retries exceeded|Name or service not known/i.test(
    text,
  );

function notDownloaded(requirement: string, python: string, ended: Ended): BackendError {
  const { stderr } = ended;
  if (isOfFullDisk(stderr)) return noRoom();
  if (/No module named pip/.test(stderr)) {
    return new BackendError(
      `${python} has no pip, which takes the wheel: apt-get install python3-pip, or --python names a Python that has one`,
    );
  }
  if (isNotFound(ended)) {
    const versions = /from versions: ([^)]*)\)/.exec(stderr)?.[1]?.split(', ') ?? [];
    const newest = versions.findLast((version) => /^[\d.]+$/.test(version));
    return new BackendError(
      `There is no wheel of ${requirement} for ${process.platform} ${process.arch}` +
        (newest ? `: the newest is ${newest}` : ', or pip does not see one: is there a network?'),
    );
  }
  const why = isOfNetwork(stderr) ? 'pip lost the network' : complaintOf(ended);
  return new BackendError(
    `The download of ${requirement} broke off (${why}): run the same command again, or --from names the ` +
      'folder of a TensorFlow',
  );
}

const LOOK_EVERY_MS = 300;

/** Tells how much of a wheel has come, as pip says which it takes, and files tell the rest. */
async function withProgress<T>(
  wheels: string,
  { onProgress }: Downloading,
  work: (onOutput: (text: string) => void) => Promise<T>,
): Promise<T> {
  if (!onProgress) return work(() => {});
  let said = '';
  const look = setInterval(() => {
    const download = announced(said);
    if (!download) return;
    const { file, bytes: total } = download;
    // It lies there twice while it is moved.
    void bytesIn(wheels).then((bytes) => onProgress(file, Math.min(bytes, total ?? bytes), total));
  }, LOOK_EVERY_MS);
  look.unref();
  try {
    return await work((text) => (said = (said + text).slice(-10_000)));
  } finally {
    clearInterval(look);
  }
}

const UNITS: Readonly<Record<string, number>> = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** The last download that pip has announced: `Downloading https://…/a.whl (268.0 MB)`. */
export function announced(said: string): { file: string; bytes: number | null } | null {
  const [last] = [...said.matchAll(/Downloading (\S+\.whl)\S*(?: \(([\d.]+) (bytes|kB|MB|GB)\))?/g)].slice(
    -1,
  );
  if (!last) return null;
  const [, address = '', size, unit] = last;
  const file = address.slice(address.lastIndexOf('/') + 1);
  return { file, bytes: size === undefined ? null : Math.round(Number(size) * (UNITS[unit ?? ''] ?? 1)) };
}

/** Python reads the archive, and checks what it reads. */
const UNPACK = `
import sys, zipfile
wheel, folder, *kept = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        if member.filename.startswith(tuple(kept)) or '.dist-info/' in member.filename:
            archive.extract(member, folder)
`;

async function unpack(
  wheel: string,
  into: string,
  kept: readonly string[],
  { python, signal }: Downloading,
): Promise<void> {
  const ended = await run(python, ['-c', UNPACK, wheel, into, ...kept], { signal });
  if (!ended) throw noPython(python);
  if (ended.code === 0 && existsSync(into)) return;
  if (isOfFullDisk(ended.stderr)) throw noRoom();
  const name = wheel.slice(wheel.lastIndexOf('/') + 1);
  throw new BackendError(
    `The wheel ${name} came damaged (${complaintOf(ended)}): run the same command again`,
  );
}
