// The C API of oneDNN, as much as is taken of it here: the same functions for version 3, and for version 2, where
// descriptors are structures that the caller owns. Addresses of the library's objects are numbers.

import type { AddressOf } from '../native/addresses.js';
import type { Handle, Koffi } from '../native/koffi.js';
import { callsOf, longs, POINTER, POINTER_TO, type Address } from './calls.js';
import { codesOf } from './codes.js';
import { describingConvolutions, type DescribeConvolution } from './describe-convolution.js';
import { describingPasses, type PassDescriptions } from './describe-passes.js';

/** Arguments of a primitive, by their numbers in the library's header. */
export const ARGUMENT = {
  images: 1,
  second: 2,
  result: 17,
  filter: 33,
  bias: 41,
  mean: 49,
  variance: 50,
  scale: 51,
  offset: 52,
  scratchpad: 80,
  imagesGradient: 129,
  resultGradient: 145,
  filterGradient: 161,
  scaleGradient: 255,
  offsetGradient: 256,
} as const;

export interface OneDnnApi {
  /** A layout of floats, by its lengths and steps in elements. */
  layout(lengths: readonly number[], steps: readonly number[]): Address;
  /** A layout that the library chooses. */
  anyLayout(lengths: readonly number[]): Address;
  bytesOf(layout: Address): number;
  areEqual(a: Address, b: Address): boolean;
  /** What a primitive is to be; null where the library has none. */
  readonly convolution: DescribeConvolution;
  readonly passes: PassDescriptions;
  /** A copy from one layout to another. */
  copy(from: Address, to: Address): Address;
  /** The layout that it chose for an argument; 0 where it has none. */
  layoutOf(description: Address, argument: number): Address;
  /** The name of its code: 'ref:any' is the slow one of the last resort. */
  codeOf(description: Address): string;
  primitive(description: Address): Address;
  /** Memory of a layout, which begins nowhere yet. */
  memory(layout: Address): Address;
  place(memory: Address, address: Address): void;
  /** @param args pairs of an argument's number and its memory, as `argumentsOf` writes them */
  execute(primitive: Address, count: number, args: Uint8Array): void;
  /** C [m, n] = op(A) · op(B), or C += op(A) · op(B), of rows as they lie in JavaScript. */
  multiply(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: Address,
    b: Address,
    c: Address,
    accumulate: boolean,
  ): void;
  /** Gives back what was made; a primitive and a memory keep what they need of the descriptions and layouts they were made of. */
  release(objects: {
    primitives?: readonly Address[];
    descriptions?: readonly Address[];
    memories?: readonly Address[];
    layouts?: readonly Address[];
  }): void;
}

// Values of the library's enumerations, the same in versions 2 and 3.
const F32 = 3;
const ANY = 1;
const CPU = 1;
const IN_ORDER = 1;
const USER_SCRATCHPAD = 1;
const QUERY_ARGUMENT = 255;
/** A layout of version 2 is smaller: it takes 0.7 kB. */
const LAYOUT_BYTES = 2 ** 12;

/**
 * @param version major: 2 or 3
 * @throws AcceleratorError where a function is missing or the library does not start
 */
export function apiOf(koffi: Koffi, handle: Handle, version: 2 | 3, addressOf: AddressOf): OneDnnApi {
  const calls = callsOf(handle, version);
  const { func, checked, making } = calls;

  const engine = making('engine_create', ['int', 'size_t'])(CPU, 0);
  const stream = making('stream_create', [POINTER, 'uint'])(engine, IN_ORDER);
  const makeAttributes = making('primitive_attr_create', []);
  const setScratchpad = checked('primitive_attr_set_scratchpad_mode', [POINTER, 'int']);
  const ownScratchpad = makeAttributes();
  setScratchpad(ownScratchpad, USER_SCRATCHPAD);
  /** The layouts of version 2, until they are released. */
  const structures = new Map<Address, Uint8Array>();
  /** A layout, which version 3 makes, and version 2 writes to a structure. */
  const layoutBy = (name: { 2: string; 3: string }, last: string) => {
    const parameters = ['int', POINTER_TO, 'int', last];
    const make = version === 3 ? making(name[3], parameters) : checked(name[2], [POINTER_TO, ...parameters]);
    return (lengths: readonly number[], form: unknown): Address => {
      const given = [lengths.length, longs(lengths), F32, form];
      if (version === 3) return Number(make(...given));
      const structure = new Uint8Array(LAYOUT_BYTES);
      make(structure, ...given);
      const address = addressOf(structure.buffer);
      structures.set(address, structure);
      return address;
    };
  };
  const byStrides = layoutBy(
    { 2: 'memory_desc_init_by_strides', 3: 'memory_desc_create_with_strides' },
    POINTER_TO,
  );
  const byTag = layoutBy({ 2: 'memory_desc_init_by_tag', 3: 'memory_desc_create_with_tag' }, 'int');

  const queryLayout = func('primitive_desc_query_md', POINTER, [POINTER, 'int', 'int']);
  const executeChecked = checked('primitive_execute', [POINTER, POINTER, 'int', POINTER_TO]);
  const makeMemory = making('memory_create', [POINTER, POINTER, POINTER]);
  const sgemm = checked('sgemm', [
    ...['char', 'char', 'int64_t', 'int64_t', 'int64_t', 'float'],
    ...[POINTER, 'int64_t', POINTER, 'int64_t', 'float', POINTER, 'int64_t'],
  ]);
  const makeCopy = making('reorder_primitive_desc_create', [POINTER, POINTER, POINTER, POINTER, POINTER]);
  const codes = codesOf(koffi, calls);

  const destroy = {
    primitives: func('primitive_destroy', 'int', [POINTER]),
    descriptions: func('primitive_desc_destroy', 'int', [POINTER]),
    memories: func('memory_destroy', 'int', [POINTER]),
    layouts:
      version === 3
        ? func('memory_desc_destroy', 'int', [POINTER])
        : (layout: unknown) => Number(structures.delete(layout as Address)),
  };

  const api: OneDnnApi = {
    layout: (lengths, steps) => byStrides(lengths, longs(steps)),
    anyLayout: (lengths) => byTag(lengths, ANY),
    bytesOf: func('memory_desc_get_size', 'size_t', [POINTER]) as OneDnnApi['bytesOf'],
    areEqual: equality(),
    convolution: describingConvolutions(calls, engine, ownScratchpad),
    passes: describingPasses(calls, codes, engine, ownScratchpad),
    copy: (from, to) => makeCopy(from, engine, to, engine, 0),
    layoutOf: (description, argument) => Number(queryLayout(description, QUERY_ARGUMENT, argument)),
    codeOf: codes.codeOf,
    primitive: making('primitive_create', [POINTER]) as OneDnnApi['primitive'],
    memory: (layout) => makeMemory(layout, engine, 0),
    place: checked('memory_set_data_handle', [POINTER, POINTER]) as OneDnnApi['place'],
    execute: (primitive, count, args) => executeChecked(primitive, stream, count, args),
    multiply(transposeA, transposeB, m, n, k, a, b, c, accumulate) {
      sgemm(
        transposeA ? TRANSPOSED : STRAIGHT,
        transposeB ? TRANSPOSED : STRAIGHT,
        ...[m, n, k, 1, a, transposeA ? m : k, b, transposeB ? k : n, accumulate ? 1 : 0, c, n],
      );
    },
    release(objects) {
      for (const kind of ['primitives', 'memories', 'descriptions', 'layouts'] as const) {
        for (const address of objects[kind] ?? []) destroy[kind](address);
      }
    },
  };
  return api;

  function equality(): OneDnnApi['areEqual'] {
    const equal = func('memory_desc_equal', 'int', [POINTER, POINTER]);
    return (a, b) => equal(a, b) !== 0;
  }
}

const STRAIGHT = 'N'.charCodeAt(0);
const TRANSPOSED = 'T'.charCodeAt(0);

/** Arguments of a primitive as the library reads them: a number of 4 bytes, 4 of nothing, an address of 8. */
export function argumentsOf(args: readonly (readonly [argument: number, memory: Address])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(16 * args.length));
  for (const [i, [argument, memory]] of args.entries()) {
    view.setInt32(16 * i, argument, true);
    view.setBigUint64(16 * i + 8, BigInt(memory), true);
  }
  return new Uint8Array(view.buffer);
}
