/** What the native backend lacks, by what TensorFlow's log says and what lies on its run path, and the command that mends it. */
import type { BackendDescription } from '../choice.js';
import type { Remedy } from '../remedy.js';
import { addonInUse, type Addon } from './cache.js';
import { cudaWheels, hasNvidiaDriver, readCudaLog, type CudaLog, type CudaWheel } from './cuda.js';

/** @param error why it did not start, one line; null when it did */
export async function forTensorflow(
  started: BackendDescription | null,
  error: string | null,
  log: string,
): Promise<Remedy> {
  if (started?.kind === 'gpu') return { missing: null, remedy: null };
  const addon = await addonInUse().catch(() => null);
  const hasDriver = hasNvidiaDriver();
  if (!started && addon) return { missing: error, remedy: installAgain(addon) };
  if (!started) return { missing: 'an addon for a TensorFlow', remedy: install(hasDriver ? 'cuda' : 'cpu') };
  if (!addon) return { missing: 'a GPU that its own library is built for', remedy: install('cuda') };
  if (addon.tensorflow.cuda === null) {
    return hasDriver
      ? { missing: 'a TensorFlow for CUDA: this one is for the processor', remedy: install('cuda') }
      : { missing: 'a GPU, and a TensorFlow for CUDA', remedy: null };
  }
  return forCuda(addon, readCudaLog(log), await cudaWheels(addon.tensorflow), hasDriver);
}

/** Of one that is built for CUDA, and computes on the processor. */
export function forCuda(
  addon: Pick<Addon, 'source' | 'tensorflow'>,
  log: CudaLog,
  wheels: readonly CudaWheel[],
  hasDriver: boolean,
): Remedy {
  const absent = wheels.flatMap(({ libraries, requirement }) =>
    libraries.length === 0 && requirement !== null ? nameOf(requirement) : [],
  );
  // What the log says counts: a library may lie elsewhere. Without a driver, TensorFlow does not look for others.
  const looked = [...log.opened, ...log.missing].some(isNotDriver);
  const names = looked ? log.missing.filter(isNotDriver) : absent;
  const missing = [
    ...(hasDriver && !log.driverless ? [] : [driverMissing(hasDriver)]),
    ...(names.length > 0 ? [`libraries of CUDA: ${names.join(', ')}`] : []),
  ];
  if (missing.length === 0) missing.push('a card that this TensorFlow is built for');
  const remedy = names.length > 0 ? bringLibraries(addon) : hasDriver ? null : DRIVER;
  return { missing: missing.join('; '), remedy };
}

const DRIVER = 'apt-get install nvidia-driver (in a container: start it with its GPU, --gpus all)';

const driverMissing = (hasDriver: boolean) =>
  hasDriver
    ? "libcuda.so.1, of NVIDIA's driver (in a container: NVIDIA_DRIVER_CAPABILITIES=compute,utility)"
    : "a GPU with NVIDIA's driver: /dev/nvidiactl is not there";

function bringLibraries({ source, tensorflow: { version } }: Pick<Addon, 'source' | 'tensorflow'>): string {
  return source.kind === 'python'
    ? `${source.command} -m pip install 'tensorflow[and-cuda]==${version}'`
    : `espalier tensorflow install --download cuda --tensorflow ${version}`;
}

const isNotDriver = (library: string) => !library.startsWith('libcuda.so');

/** Without the versions that it may be of. */
const nameOf = (wheel: string) => /^[\w-]+/.exec(wheel)?.[0] ?? wheel;

const install = (kind: 'cpu' | 'cuda') => `espalier tensorflow install --download ${kind}`;

const installAgain = ({ tensorflow: { cuda } }: Addon) => install(cuda === null ? 'cpu' : 'cuda');
