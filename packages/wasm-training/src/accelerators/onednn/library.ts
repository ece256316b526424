// oneDNN through koffi: whether a library can serve, and what it calls itself.

import { AcceleratorError, type AcceleratorLibrary } from '../accelerator.js';
import type { AddressOf } from '../native/addresses.js';
import { withVariables } from '../native/environment.js';
import { declare, loadLibrary, type Handle, type Koffi } from '../native/koffi.js';
import { apiOf, type OneDnnApi } from './api.js';

export interface OpenOneDnn {
  readonly library: AcceleratorLibrary;
  readonly addressOf: AddressOf;
  /** Whether its code for this processor has vectors of 16 floats. */
  readonly hasAvx512: boolean;
  /** Whether it is ahead of products over patches in them: version 3 is not. */
  readonly stridedInputGradients: boolean;
  setThreads(threads: number): void;
  readonly api: OneDnnApi;
}

/** @throws AcceleratorError if the library does not load or start, is no oneDNN 2 or 3, or has threads that cannot be counted */
export function open(koffi: Koffi, path: string): OpenOneDnn {
  const handle = withVariables(shortWaits(process.env), () => loadLibrary(koffi, path, 'oneDNN'));
  const { version, runtime } = versionOf(koffi, handle, path);
  const major = Number(version.split('.')[0]);
  if (major !== 2 && major !== 3) {
    throw new AcceleratorError(`The library ${path} is oneDNN ${version}: give version 2 or 3`);
  }
  const isa = declare(handle, 'dnnl_get_effective_cpu_isa', 'int', [])?.() as number | undefined;
  const addressOf = (buffer: ArrayBuffer) => Number(koffi.address(buffer));
  return {
    library: {
      ...{ kind: 'oneDNN', path, version },
      build: `oneDNN ${version}, ${runtime}, instruction set 0x${(isa ?? 0).toString(16)}`,
    },
    addressOf,
    hasAvx512: ((isa ?? 0) & AVX512_CORE) === AVX512_CORE,
    stridedInputGradients: major === 2,
    setThreads: threadsOf(handle, runtime, path),
    api: apiOf(koffi, handle, major, addressOf),
  };
}

/**
 * Threads of GNU's OpenMP wait for one another by looking again and again, for milliseconds, before they sleep. Where something
 * else wants the cores, that keeps the very thread from running that they wait for, and a step takes ten times as long.
 */
function shortWaits({ OMP_WAIT_POLICY: policy }: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return policy === undefined ? { GOMP_SPINCOUNT: '1000' } : {};
}

/** Bits of dnnl_cpu_isa_t for processors with AVX-512. */
const AVX512_CORE = 0x27;

/** Of dnnl_version_t: three numbers, a text, the runtime of its threads. */
const RUNTIME_OFFSET = 24;
const RUNTIMES: Readonly<Record<number, string>> = {
  1: 'one thread',
  2: 'OpenMP',
  4: 'TBB',
  8: 'thread pool',
};

function versionOf(koffi: Koffi, handle: Handle, path: string): { version: string; runtime: string } {
  const read = declare(handle, 'dnnl_version', 'void *', []);
  if (!read) throw new AcceleratorError(`The library ${path} has no dnnl_version: give oneDNN 2 or 3`);
  const structure: unknown = read();
  const numbers = koffi.decode(structure, 'int', 3) as ArrayLike<number>;
  const runtime = koffi.decode(structure, RUNTIME_OFFSET, 'unsigned int') as number;
  return { version: Array.from(numbers).join('.'), runtime: RUNTIMES[runtime] ?? `runtime ${runtime}` };
}

/** Its threads are those of OpenMP, which the library brings with it. */
function threadsOf(handle: Handle, runtime: string, path: string): (threads: number) => void {
  if (runtime === 'one thread') return () => {};
  const setThreads = declare(handle, 'omp_set_num_threads', 'void', ['int']);
  if (runtime === 'OpenMP' && setThreads) return (threads) => setThreads(threads);
  const why =
    runtime === 'OpenMP'
      ? 'OpenMP, which cannot be reached through it'
      : `${runtime}, which cannot be told so`;
  throw new AcceleratorError(
    `The library ${path} cannot be told how many threads it may have, as they are of ${why}: give one with OpenMP on Linux or macOS`,
  );
}
