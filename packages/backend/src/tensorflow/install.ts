/** Makes the native backend run on a modern TensorFlow: `espalier tensorflow install`, `status`, `remove`. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { aFunction, anInstance, assertOptions, aText, oneOf } from '@espalier/blocks';

import { BackendError } from '../choice.js';
import { findBinding, takeBinding } from './binding.js';
import {
  addonInUse,
  addonName,
  addonNamed,
  allAddons,
  asBackendError,
  bytesIn,
  cacheFolder,
  inPartialFolder,
  keep,
  packageIn,
  removeLeftovers,
  use,
  wheelsFolder,
  whyUnusable,
  type Addon,
  type Source,
} from './cache.js';
import { compile, compileKernels } from './compile.js';
import { downloadLibrary, USUAL_VERSION, type DownloadKind } from './download.js';
import { nodeHeaders } from './headers.js';
import { describeLibrary, libraryIn, type Library } from './library.js';
import { withLock } from './lock.js';
import { tensorflowOf } from './python.js';
import { verify } from './verify.js';

export interface InstallOptions {
  /** The command of a Python: whose TensorFlow is taken, or whose pip downloads one. `python3` when absent. */
  readonly python?: string;
  /** The folder of a TensorFlow's wheel, unpacked: no Python is asked then. */
  readonly from?: string;
  /** Takes the wheel of PyPI instead: for the processor, or for CUDA with NVIDIA's libraries beside it. */
  readonly download?: DownloadKind;
  /** Of the download: `2.21.0`, or `2.21` for the last of them. */
  readonly version?: string;
  /** Is told, in a line, what has been done. */
  readonly onStep?: (line: string) => void;
  /** Is told how much of a file has come. `totalBytes` is null where it is not known. */
  readonly onProgress?: (file: string, bytes: number, totalBytes: number | null) => void;
  readonly signal?: AbortSignal;
}

export interface InstalledTensorflow {
  readonly addon: Addon;
  /** False where it was there already. */
  readonly made: boolean;
  /** Of the addon, with its package; the TensorFlow that it is linked to is not part of it. */
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * Compiles the addon of `@tensorflow/tfjs-node-gpu` against a TensorFlow, tries it, and puts it into use: `startBackend`
 * takes it from then on. Run again, it does nothing. An addon that was in use stays so until the new one has been tried.
 *
 * @throws BackendError, one line, when anything is missing or fails; the signal's reason when it was aborted
 */
export async function installTensorflow(options: InstallOptions = {}): Promise<InstalledTensorflow> {
  assertInstallOptions(options);
  assertLinux();
  const { signal, onStep = () => {} } = options;
  const startedAt = performance.now();
  const installed = (addon: Addon, made: boolean) => summaryOf(addon, made, startedAt);
  return inCache(async () => {
    await removeLeftovers();
    const { library, source } = await libraryFor(options);
    onStep(`${describeLibrary(library)}: ${library.folder}`);
    const binding = await findBinding();
    const known = await addonNamed(addonName({ package: binding, tensorflow: library }));
    if (known) {
      await use(known.name);
      return installed(known, false);
    }
    return inPartialFolder(async (folder) => {
      const made = join(folder, 'addon');
      const packageFolder = packageIn(made);
      await takeBinding(binding, packageFolder, signal);
      onStep(`${binding.name} ${binding.version}: ${binding.folder ?? 'taken from npm'}`);
      const headers = await nodeHeaders(join(folder, 'headers'), signal);
      const from = performance.now();
      const compiler = await compile({ packageFolder, tensorflowFolder: library.folder, headers }, signal);
      const without = await compileKernels({ packageFolder, tensorflowFolder: library.folder }, signal);
      onStep(`compiled by ${compiler} in ${seconds(from)} s`);
      if (without !== null) onStep(`without kernels for blocks, which are composed, and slower (${without})`);
      const version = await verify(packageFolder, signal);
      onStep(
        `TensorFlow ${version} computes a product, a gradient and a convolution as the cpu backend does`,
      );
      const { name, version: packageVersion } = binding;
      const addon = await keep(made, {
        ...{ package: { name, version: packageVersion }, tensorflow: library, source },
        date: new Date().toISOString(),
      });
      return installed(addon, true);
    });
  });
}

export interface TensorflowStatus {
  /** Of the cache. */
  readonly folder: string;
  readonly inUse: Addon | null;
  /** Why what is in use cannot be loaded, one line; null where nothing is in the way. */
  readonly trouble: string | null;
  /** Every addon that is there, the one in use among them. */
  readonly addons: readonly Addon[];
  /** TensorFlows that were downloaded. */
  readonly downloads: readonly { readonly name: string; readonly bytes: number }[];
}

/** What is installed, as files tell: nothing is loaded. */
export async function tensorflowStatus(): Promise<TensorflowStatus> {
  const failed = (error: Error) => error.message;
  const inUse = await addonInUse().catch(failed);
  const names = await readdir(wheelsFolder()).catch(() => []);
  return {
    folder: cacheFolder(),
    inUse: typeof inUse === 'string' ? null : inUse,
    trouble: typeof inUse === 'string' ? inUse : inUse && whyUnusable(inUse),
    addons: await allAddons(),
    downloads: await Promise.all(
      names.sort().map(async (name) => ({ name, bytes: await bytesIn(join(wheelsFolder(), name)) })),
    ),
  };
}

/**
 * Removes every addon, and the TensorFlows that were downloaded for them; a Python's own stays.
 *
 * @returns how many bytes that were
 * @throws BackendError, one line, when another command is at work there, or it cannot be removed
 */
export async function removeTensorflow(): Promise<number> {
  const bytes = await bytesIn(cacheFolder());
  if (bytes > 0) await inCache(() => rm(cacheFolder(), { recursive: true, force: true }));
  return bytes;
}

/** Under a lock; errors of the file system are one line. */
async function inCache<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await withLock(work);
  } catch (error) {
    throw asBackendError(error);
  }
}

async function libraryFor(options: InstallOptions): Promise<{ library: Library; source: Source }> {
  const { python = 'python3', from, download, version = USUAL_VERSION, signal, onProgress } = options;
  if (download !== undefined) {
    const progress = onProgress ? { onProgress } : {};
    const { library } = await downloadLibrary(download, version, { python, signal, ...progress });
    return { library, source: { kind: 'download' } };
  }
  if (from !== undefined) return { library: await libraryIn(from), source: { kind: 'folder' } };
  const folder = await tensorflowOf(python, signal);
  return { library: await libraryIn(folder), source: { kind: 'python', command: python } };
}

async function summaryOf(addon: Addon, made: boolean, startedAt: number): Promise<InstalledTensorflow> {
  return { addon, made, bytes: await bytesIn(addon.folder), seconds: Number(seconds(startedAt)) };
}

const seconds = (from: number) => ((performance.now() - from) / 1000).toFixed(1);

function assertInstallOptions(options: InstallOptions): void {
  assertOptions('installTensorflow()', options, {
    python: aText('the command of a Python'),
    from: aText('the folder of a TensorFlow'),
    download: oneOf('cpu', 'cuda'),
    version: aText('a version of TensorFlow'),
    onStep: aFunction('a function of a line'),
    onProgress: aFunction('a function of a file and of bytes'),
    signal: anInstance(AbortSignal, 'a signal to stop by'),
  });
  const { from, download, python, version } = options;
  if (from !== undefined && (download !== undefined || python !== undefined)) {
    throw new BackendError('--from names a TensorFlow that is there: without --python and --download');
  }
  if (version !== undefined && download === undefined) {
    throw new BackendError('--tensorflow chooses what is downloaded: add --download cpu or --download cuda');
  }
  if (version !== undefined && !/^\d+\.\d+(\.\d+\w*)?$/.test(version)) {
    throw new BackendError(
      `A version of TensorFlow is as 2.21.0, or 2.21 for the last of them, not '${version}'`,
    );
  }
}

function assertLinux(): void {
  if (process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64')) return;
  throw new BackendError(
    `The wheels of TensorFlow that addons are built for are Linux', on x86-64 or arm64, and this is ${process.platform} ` +
      `${process.arch}: --backend webgpu, or wasm`,
  );
}
