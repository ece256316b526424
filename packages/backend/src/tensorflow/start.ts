/** Starts the native backend: the addon that was installed for a TensorFlow, else an npm package with its own. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

import * as tf from '@tensorflow/tfjs';

import { BackendError, synchronous, type StartedBackend } from '../choice.js';
import { setBackend } from '../set-backend.js';
import { tensorflowPackages } from './binding.js';
import {
  addonInUse,
  addonName,
  allAddons,
  binaryIn,
  nameInUse,
  packageIn,
  whyUnusable,
  type Addon,
} from './cache.js';
import { loadKernels, loadPackage } from './load.js';

export interface TensorflowWanted {
  /** Another version is refused; any when absent. */
  readonly version?: string;
  /** Whether a processor is refused. */
  readonly gpu?: boolean;
  /** That TensorFlow computes with; as many as there are cores when absent. */
  readonly threads?: number;
}

/** What the packages call their backend, as far as it is asked. */
interface NativeBackend {
  readonly isUsingGpuDevice?: boolean;
  readonly binding?: { readonly TF_Version?: string };
}

/**
 * What the name alone may come to, as files tell: on what kind of device; null where nothing is installed. A package's own
 * library is not asked what it is built for.
 */
export async function expectedTensorflow(): Promise<'gpu' | 'processor' | null> {
  if (nameInUse() !== null) {
    const addon = await addonInUse().catch(() => null);
    if (!addon || whyUnusable(addon) !== null) return null;
    return addon.tensorflow.cuda === null ? 'processor' : 'gpu';
  }
  const installed = tensorflowPackages.find((name) => folderOf(name) !== null);
  if (installed === undefined) return null;
  return installed.endsWith('-gpu') ? 'gpu' : 'processor';
}

/** @throws BackendError, one line, when it is not installed whole, or is not what is wanted */
export async function startTensorflow(wanted: TensorflowWanted = {}): Promise<StartedBackend> {
  const addon = await addonFor(wanted);
  await Promise.all([import('@espalier/blocks/tensorflow'), import('@espalier/optimizers/tensorflow')]);
  if (addon) await startAddon(addon, wanted);
  else await startPackage(wanted);
  return asWanted(wanted);
}

/** The addon in use, unless another one is of the version that is wanted. */
async function addonFor({ version }: TensorflowWanted): Promise<Addon | null> {
  const inUse = await addonInUse();
  if (version === undefined || inUse === null || isVersion(inUse, version)) return inUse;
  const others = await allAddons();
  return others.find((addon) => isVersion(addon, version) && whyUnusable(addon) === null) ?? inUse;
}

async function startAddon(addon: Addon, { threads }: TensorflowWanted): Promise<void> {
  const why = whyUnusable(addon);
  if (why !== null) throw new BackendError(why);
  const folder = packageIn(addon.folder);
  try {
    keepFloat32();
    withEnvironment(environmentOf(threads), () => loadPackage(folder, binaryIn(folder)));
    await setBackend('tensorflow');
    // Those of another version of this package may be other kernels of the same name.
    if (addon.name === addonName(addon)) {
      withEnvironment(environmentOf(threads), () => void loadKernels(folder));
    }
  } catch (error) {
    throw new BackendError(
      `The addon for TensorFlow ${addon.tensorflow.version} in ${addon.folder} does not load (${firstLine(error)}): ` +
        'espalier tensorflow remove, then install makes it anew',
    );
  }
}

async function startPackage({ threads }: TensorflowWanted): Promise<void> {
  const failures: string[] = [];
  for (const name of tensorflowPackages) {
    const folder = folderOf(name);
    try {
      if (folder === null) throw new Error('it is not installed');
      keepFloat32();
      withEnvironment(environmentOf(threads), () => loadPackage(folder));
      await setBackend('tensorflow');
      return;
    } catch (error) {
      failures.push(`${name}: ${firstLine(error)}`);
    }
  }
  throw new BackendError(
    'The tensorflow backend is not installed: espalier tensorflow install builds it for the TensorFlow of a Python, ' +
      `espalier tensorflow install --download cpu (or cuda) for one of PyPI (${failures.join('; ')})`,
  );
}

function asWanted({ version, gpu }: TensorflowWanted): StartedBackend {
  const { isUsingGpuDevice: onGpu = false, binding } = tf.backend() as NativeBackend;
  const found = binding?.TF_Version ?? 'of an unknown version';
  if (version !== undefined && normal(version) !== normal(found)) {
    throw new BackendError(
      `TensorFlow ${version} is asked for, and ${found} is here: espalier tensorflow install --download cpu ` +
        `--tensorflow ${version}, or --backend tensorflow`,
    );
  }
  if (gpu && !onGpu) {
    throw new BackendError(`TensorFlow ${found} sees no GPU: espalier doctor says what it lacks`);
  }
  return {
    ...synchronous,
    name: 'tensorflow',
    device: `TensorFlow ${found}, ${onGpu ? 'CUDA' : 'no GPU'}`,
    kind: onGpu ? 'gpu' : 'processor',
    choice: `tensorflow:${found}${onGpu ? '-cuda' : ''}`,
  };
}

/**
 * On a card float32 is float32, as on every other backend, and not TF32, which TensorFlow takes by itself. NVIDIA's libraries
 * read it when they are first used, so that it stays.
 */
function keepFloat32(): void {
  process.env['NVIDIA_TF32_OVERRIDE'] ??= '0';
}

/**
 * What TensorFlow reads when it starts: how many threads, and, unless it is said otherwise, to print nothing on the terminal,
 * to take the memory of a card as it is needed, and to compute by oneDNN on every processor. By itself it does so only where
 * there is VNNI or the like, and elsewhere its own kernels refuse depthwise convolutions with dilations.
 */
function environmentOf(threads: number | undefined): Record<string, string> {
  const usual = { TF_CPP_MIN_LOG_LEVEL: '3', TF_FORCE_GPU_ALLOW_GROWTH: 'true', TF_ENABLE_ONEDNN_OPTS: '1' };
  return {
    ...Object.fromEntries(Object.entries(usual).filter(([name]) => process.env[name] === undefined)),
    ...(threads !== undefined && {
      TF_NUM_INTRAOP_THREADS: String(threads),
      TF_NUM_INTEROP_THREADS: String(threads),
      OMP_NUM_THREADS: String(threads),
    }),
  };
}

/** With variables that are as they were afterwards. */
function withEnvironment(variables: Readonly<Record<string, string>>, work: () => void): void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

const isVersion = (addon: Addon, version: string) => normal(addon.tensorflow.version) === normal(version);

/** pip writes 2.16.0rc1 what TensorFlow calls 2.16.0-rc1. */
const normal = (version: string) => version.replace('-', '');

function folderOf(name: string): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

function firstLine(error: unknown): string {
  return ((error as Error).message ?? String(error)).split('\n')[0]?.trim() ?? '';
}
