// A BLAS library through koffi: whether it can serve, what it calls itself, and its product.

import { release } from 'node:os';

import { AcceleratorError, type AcceleratorLibrary } from '../accelerator.js';
import type { AddressOf } from '../native/addresses.js';
import { withVariables } from '../native/environment.js';
import { declare, loadLibrary, type Handle, type Koffi } from '../native/koffi.js';
import { betterCore, processorFlags } from './openblas-core.js';

type BlasKind = 'OpenBLAS' | 'MKL' | 'BLIS' | 'Accelerate' | 'BLAS';

interface BlasLibrary extends AcceleratorLibrary {
  /** 'BLAS' is a library with `cblas_sgemm` of another make. */
  readonly kind: BlasKind;
}

/** `cblas_sgemm` with pointers as numbers. */
type Sgemm = (
  order: number,
  transposeA: number,
  transposeB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  strideA: number,
  b: number,
  strideB: number,
  beta: number,
  c: number,
  strideC: number,
) => void;

export interface OpenLibrary {
  readonly library: BlasLibrary;
  readonly sgemm: Sgemm;
  setThreads(threads: number): void;
  readonly addressOf: AddressOf;
}

/** @throws AcceleratorError if the library does not load, has no cblas_sgemm, or takes 64-bit integers */
export function open(koffi: Koffi, path: string): OpenLibrary {
  const handle = withKernelsForProcessor(koffi, path, loadLibrary(koffi, path, 'BLAS'));
  const sgemm = declare(handle, 'cblas_sgemm', 'void', SGEMM_ARGUMENTS) as Sgemm | null;
  if (!sgemm) throw new AcceleratorError(`The library ${path} ${lackOf(handle)}: ${WANTED}`);
  const { kind, build, wideIntegers, setThreads } = identify(handle, path);
  if (wideIntegers) throw new AcceleratorError(`The library ${path} takes 64-bit integers: ${WANTED}`);
  const version = /\d+\.\d+(\.\d+)*/.exec(build)?.[0] ?? null;
  const addressOf = (buffer: ArrayBuffer) => Number(koffi.address(buffer));
  return { library: { kind, path, version, build }, sgemm, setThreads, addressOf };
}

const WANTED = 'give OpenBLAS, MKL, BLIS or Accelerate with 32-bit integers (LP64)';

const SGEMM_ARGUMENTS = [
  ...['int', 'int', 'int', 'int', 'int', 'int', 'float'],
  ...['uintptr_t', 'int', 'uintptr_t', 'int', 'float', 'uintptr_t', 'int'],
];

/** What OpenBLAS reads, when it is loaded, in the place of the processor's model. */
const CORE_VARIABLE = 'OPENBLAS_CORETYPE';

/** The library, loaded once more where it is an OpenBLAS that took a newer processor for a very old one. */
function withKernelsForProcessor(koffi: Koffi, path: string, handle: Handle): Handle {
  const chosen = declare(handle, 'openblas_get_corename', 'str', [])?.() as string | undefined;
  const better = chosen && betterCore(chosen, processorFlags());
  if (!better || process.env[CORE_VARIABLE] !== undefined) return handle;
  handle.unload();
  return withVariables({ [CORE_VARIABLE]: better }, () => loadLibrary(koffi, path, 'BLAS'));
}

function lackOf(handle: Handle): string {
  const wide = ['cblas_sgemm64_', 'cblas_sgemm_64'].some((name) => declare(handle, name, 'void', []));
  return wide ? 'takes 64-bit integers' : 'has no cblas_sgemm';
}

interface Identity {
  readonly kind: BlasKind;
  readonly build: string;
  readonly wideIntegers: boolean;
  setThreads(threads: number): void;
}

/** By the functions that each make has beside the standard. */
function identify(handle: Handle, path: string): Identity {
  return (
    asOpenBlas(handle) ??
    asMkl(handle) ??
    asBlis(handle) ??
    (path.includes('Accelerate.framework') ? asAccelerate(handle) : asUnknown(path))
  );
}

function asOpenBlas(handle: Handle): Identity | null {
  const config = declare(handle, 'openblas_get_config', 'str', []);
  const core = declare(handle, 'openblas_get_corename', 'str', []);
  const setThreads = declare(handle, 'openblas_set_num_threads', 'void', ['int']);
  if (!config) return null;
  const said = config() as string;
  const chosen = core?.() as string | undefined;
  const build = chosen && !said.includes(chosen) ? `${said} ${chosen}` : said;
  return {
    kind: 'OpenBLAS',
    build: build.trim(),
    wideIntegers: build.includes('USE64BITINT'),
    setThreads: (threads) => setThreads?.(threads),
  };
}

function asMkl(handle: Handle): Identity | null {
  const setThreads = declare(handle, 'MKL_Set_Num_Threads', 'void', ['int']);
  if (!setThreads) return null;
  const LP64 = 0;
  declare(handle, 'MKL_Set_Interface_Layer', 'int', ['int'])?.(LP64);
  const text = Buffer.alloc(256);
  declare(handle, 'MKL_Get_Version_String', 'void', ['void *', 'int'])?.(text, text.length);
  const build = text.toString('latin1').split('\0')[0]?.trim() || 'MKL';
  return { kind: 'MKL', build, wideIntegers: false, setThreads: (threads) => void setThreads(threads) };
}

function asBlis(handle: Handle): Identity | null {
  const setThreads = declare(handle, 'bli_thread_set_num_threads', 'void', ['int64_t']);
  if (!setThreads) return null;
  const version = declare(handle, 'bli_info_get_version_str', 'str', [])?.() as string | undefined;
  const processor = declare(handle, 'bli_arch_query_id', 'int', [])?.() as number | undefined;
  const nameOf = declare(handle, 'bli_arch_string', 'str', ['int']);
  const chosen = processor === undefined ? undefined : (nameOf?.(processor) as string | undefined);
  const bits = declare(handle, 'bli_info_get_blas_int_type_size', 'int64_t', [])?.() as number | undefined;
  return {
    kind: 'BLIS',
    build: ['BLIS', version, chosen].filter(Boolean).join(' '),
    wideIntegers: Number(bits) === 64,
    setThreads: (threads) => void setThreads(threads),
  };
}

/** From macOS 15 on it takes a number of threads of one or of its own choice. */
function asAccelerate(handle: Handle): Identity {
  const setThreading = declare(handle, 'BLASSetThreading', 'int', ['int']);
  const [MULTI_THREADED, SINGLE_THREADED] = [0, 1];
  return {
    kind: 'Accelerate',
    build: `Accelerate of Darwin ${release()}`,
    wideIntegers: false,
    setThreads: (threads) => setThreading?.(threads === 1 ? SINGLE_THREADED : MULTI_THREADED),
  };
}

function asUnknown(path: string): Identity {
  return { kind: 'BLAS', build: path, wideIntegers: false, setThreads: () => {} };
}
