// The C API of oneDNN, as much as convolutions take of it: the same functions for version 3, and for version 2, where
// descriptors are structures that the caller owns. Addresses of the library's objects are numbers.

import { AcceleratorError, type ConvolutionDirection } from '../accelerator.js';
import type { AddressOf } from '../native/addresses.js';
import { declare, type Handle, type Koffi } from '../native/koffi.js';

/** The address of an object of the library. */
export type Address = number;

/** Layouts of a convolution's tensors; the filter's and the bias' are of their gradients in 'filterGradient'. */
export interface ConvolutionLayouts {
  readonly images: Address;
  readonly filter: Address;
  /** 0 for none. */
  readonly bias: Address;
  readonly result: Address;
}

/** By the height, then the width. */
export interface ConvolutionSteps {
  readonly strides: readonly number[];
  /** One less than the distance of the filter's taps: 0 where it is not dilated. */
  readonly gaps: readonly number[];
  /** Rows and columns of zeros before the images, and after them. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Arguments of a primitive, by their numbers in the library's header. */
export const ARGUMENT = {
  images: 1,
  result: 17,
  filter: 33,
  bias: 41,
  scratchpad: 80,
  imagesGradient: 129,
  resultGradient: 145,
  filterGradient: 161,
} as const;

export interface OneDnnApi {
  /** A layout of floats, by its lengths and steps in elements. */
  layout(lengths: readonly number[], steps: readonly number[]): Address;
  /** A layout that the library chooses. */
  anyLayout(lengths: readonly number[]): Address;
  bytesOf(layout: Address): number;
  areEqual(a: Address, b: Address): boolean;
  /** What a primitive is to be; null where the library has none. */
  convolution(
    direction: ConvolutionDirection,
    layouts: ConvolutionLayouts,
    steps: ConvolutionSteps,
  ): Address | null;
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

const POINTER = 'uintptr_t';
const POINTER_TO = 'void *';

// Values of the library's enumerations, the same in versions 2 and 3.
const SUCCESS = 0;
const UNIMPLEMENTED = 3;
const F32 = 3;
const ANY = 1;
const CPU = 1;
const IN_ORDER = 1;
const FORWARD_TRAINING = 64;
const DIRECT = 1;
const USER_SCRATCHPAD = 1;
const QUERY_CODE = 8;
const QUERY_ARGUMENT = 255;
/** Structures of version 2 are smaller than these: a layout takes 0.7 kB, a convolution's description ten of them. */
const LAYOUT_BYTES = 2 ** 12;
const DESCRIPTION_BYTES = 2 ** 16;

/**
 * @param version major: 2 or 3
 * @throws AcceleratorError where a function is missing or the library does not start
 */
export function apiOf(koffi: Koffi, handle: Handle, version: 2 | 3, addressOf: AddressOf): OneDnnApi {
  const func = (name: string, result: string, args: string[]) => {
    const found = declare(handle, `dnnl_${name}`, result, args);
    if (!found) throw new AcceleratorError(`The oneDNN library has no dnnl_${name}: give version 2 or 3`);
    return found as (...args: unknown[]) => number;
  };
  /** A function that gives a status. */
  const checked = (name: string, args: string[]) => {
    const call = func(name, 'int', args);
    return (...values: unknown[]) => {
      const status = call(...values);
      if (status !== SUCCESS) throw new StatusError(name, status);
    };
  };
  /** A function that writes the address of what it makes to its first argument. */
  const making = (name: string, args: string[]) => {
    const call = checked(name, [POINTER_TO, ...args]);
    return (...values: unknown[]): Address => {
      const made = new BigUint64Array(1);
      call(made, ...values);
      return Number(made[0]);
    };
  };

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

  const query = func('primitive_desc_query', 'int', [POINTER, 'int', 'int', POINTER_TO]);
  const queryLayout = func('primitive_desc_query_md', POINTER, [POINTER, 'int', 'int']);
  const executeChecked = checked('primitive_execute', [POINTER, POINTER, 'int', POINTER_TO]);
  const makeMemory = making('memory_create', [POINTER, POINTER, POINTER]);
  const sgemm = checked('sgemm', [
    ...['char', 'char', 'int64_t', 'int64_t', 'int64_t', 'float'],
    ...[POINTER, 'int64_t', POINTER, 'int64_t', 'float', POINTER, 'int64_t'],
  ]);
  const makeCopy = making('reorder_primitive_desc_create', [POINTER, POINTER, POINTER, POINTER, POINTER]);
  const describe = version === 3 ? describing3() : describing2();

  type Describe = (
    direction: ConvolutionDirection,
    layouts: ConvolutionLayouts,
    steps: readonly BigInt64Array[],
    forward: Address,
  ) => Address;

  function describing3(): Describe {
    const steps = [POINTER_TO, POINTER_TO, POINTER_TO, POINTER_TO];
    const four = [POINTER, POINTER, POINTER, POINTER];
    const three = [POINTER, POINTER, POINTER];
    const of = (name: string, args: string[]) => making(`convolution_${name}_primitive_desc_create`, args);
    const forwards = of('forward', [POINTER, 'int', 'int', ...four, ...steps, POINTER]);
    const byInput = of('backward_data', [POINTER, 'int', ...three, ...steps, POINTER, POINTER]);
    const byFilter = of('backward_weights', [POINTER, 'int', ...four, ...steps, POINTER, POINTER]);
    return (direction, { images, filter, bias, result }, given, forward) => {
      if (direction === 'forward') {
        return forwards(
          engine,
          FORWARD_TRAINING,
          DIRECT,
          images,
          filter,
          bias,
          result,
          ...given,
          ownScratchpad,
        );
      }
      if (direction === 'inputGradient') {
        return byInput(engine, DIRECT, images, filter, result, ...given, forward, ownScratchpad);
      }
      return byFilter(engine, DIRECT, images, filter, bias, result, ...given, forward, ownScratchpad);
    };
  }

  function describing2(): Describe {
    const steps = [POINTER_TO, POINTER_TO, POINTER_TO, POINTER_TO];
    const four = [POINTER, POINTER, POINTER, POINTER];
    const three = [POINTER, POINTER, POINTER];
    const of = (name: string, args: string[]) =>
      checked(`dilated_convolution_${name}_desc_init`, [POINTER_TO, ...args]);
    const forwards = of('forward', ['int', 'int', ...four, ...steps]);
    const byInput = of('backward_data', ['int', ...three, ...steps]);
    const byFilter = of('backward_weights', ['int', ...four, ...steps]);
    const create = making('primitive_desc_create', [POINTER_TO, POINTER, POINTER, POINTER]);
    return (direction, { images, filter, bias, result }, given, forward) => {
      const operation = new Uint8Array(DESCRIPTION_BYTES);
      if (direction === 'forward') {
        forwards(operation, FORWARD_TRAINING, DIRECT, images, filter, bias, result, ...given);
      } else if (direction === 'inputGradient') {
        byInput(operation, DIRECT, images, filter, result, ...given);
      } else {
        byFilter(operation, DIRECT, images, filter, bias, result, ...given);
      }
      return create(operation, ownScratchpad, engine, forward);
    };
  }

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
    convolution(direction, layouts, steps) {
      const given = [steps.strides, steps.gaps, steps.before, steps.after].map(longs);
      // Gradients ask for a forward one to be made with them.
      let forward = 0;
      try {
        if (direction !== 'forward') forward = describe('forward', { ...layouts, bias: 0 }, given, 0);
        return describe(direction, layouts, given, forward);
      } catch (error) {
        if (error instanceof StatusError) return null;
        throw error;
      } finally {
        if (forward !== 0) destroy.descriptions(forward);
      }
    },
    copy: (from, to) => makeCopy(from, engine, to, engine, 0),
    layoutOf: (description, argument) => Number(queryLayout(description, QUERY_ARGUMENT, argument)),
    codeOf(description) {
      const text = new BigUint64Array(1);
      if (query(description, QUERY_CODE, 0, text) !== SUCCESS || text[0] === 0n) return '';
      return koffi.decode.string(text[0]);
    },
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

/** A call that gave a status other than success. */
class StatusError extends AcceleratorError {
  constructor(name: string, status: number) {
    const why = status === UNIMPLEMENTED ? 'has no code for this' : `gave status ${status}`;
    super(`oneDNN: dnnl_${name} ${why}: the accelerators 'off', or a list without onednn, go on without it`);
  }
}

function longs(values: readonly number[]): BigInt64Array {
  return BigInt64Array.from(values, BigInt);
}

/** Arguments of a primitive as the library reads them: a number of 4 bytes, 4 of nothing, an address of 8. */
export function argumentsOf(args: readonly (readonly [argument: number, memory: Address])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(16 * args.length));
  for (const [i, [argument, memory]] of args.entries()) {
    view.setInt32(16 * i, argument, true);
    view.setBigUint64(16 * i + 8, BigInt(memory), true);
  }
  return new Uint8Array(view.buffer);
}
