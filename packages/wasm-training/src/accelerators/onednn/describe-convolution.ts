// What a convolution of oneDNN is to be, in three directions: version 3 describes it in one call, version 2 by way of a structure.

import type { ConvolutionDirection } from '../accelerator.js';
import { longs, orNone, POINTER, POINTER_TO, type Address, type Calls } from './calls.js';

/** Layouts of a convolution's tensors; the filter's and the bias' are of their gradients in 'filterGradient'. */
interface ConvolutionLayouts {
  readonly images: Address;
  readonly filter: Address;
  /** 0 for none. */
  readonly bias: Address;
  readonly result: Address;
}

/** By the height, then the width. */
interface ConvolutionSteps {
  readonly strides: readonly number[];
  /** One less than the distance of the filter's taps: 0 where it is not dilated. */
  readonly gaps: readonly number[];
  /** Rows and columns of zeros before the images, and after them. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** The description of a primitive, or null where the library has none. */
export type DescribeConvolution = (
  direction: ConvolutionDirection,
  layouts: ConvolutionLayouts,
  steps: ConvolutionSteps,
) => Address | null;

const FORWARD_TRAINING = 64;
const DIRECT = 1;
/** A description of version 2 is smaller: it takes ten layouts of 0.7 kB. */
const DESCRIPTION_BYTES = 2 ** 16;

type Describe = (
  direction: ConvolutionDirection,
  layouts: ConvolutionLayouts,
  steps: readonly BigInt64Array[],
  forward: Address,
) => Address;

/** @param attributes of every convolution */
export function describingConvolutions(
  calls: Calls,
  engine: Address,
  attributes: Address,
): DescribeConvolution {
  const describe = (calls.version === 3 ? describing3 : describing2)(calls, engine, attributes);
  const release = calls.func('primitive_desc_destroy', 'int', [POINTER]);
  return (direction, layouts, steps) =>
    orNone(() => {
      const given = [steps.strides, steps.gaps, steps.before, steps.after].map(longs);
      if (direction === 'forward') return describe(direction, layouts, given, 0);
      // Gradients ask for a forward one to be made with them.
      const forward = describe('forward', { ...layouts, bias: 0 }, given, 0);
      try {
        return describe(direction, layouts, given, forward);
      } finally {
        release(forward);
      }
    });
}

const STEPS = [POINTER_TO, POINTER_TO, POINTER_TO, POINTER_TO];
const FOUR = [POINTER, POINTER, POINTER, POINTER];
const THREE = [POINTER, POINTER, POINTER];

function describing3({ making }: Calls, engine: Address, attributes: Address): Describe {
  const of = (name: string, args: string[]) => making(`convolution_${name}_primitive_desc_create`, args);
  const forwards = of('forward', [POINTER, 'int', 'int', ...FOUR, ...STEPS, POINTER]);
  const byInput = of('backward_data', [POINTER, 'int', ...THREE, ...STEPS, POINTER, POINTER]);
  const byFilter = of('backward_weights', [POINTER, 'int', ...FOUR, ...STEPS, POINTER, POINTER]);
  return (direction, { images, filter, bias, result }, given, forward) => {
    if (direction === 'forward') {
      const layouts = [images, filter, bias, result];
      return forwards(engine, FORWARD_TRAINING, DIRECT, ...layouts, ...given, attributes);
    }
    if (direction === 'inputGradient') {
      return byInput(engine, DIRECT, images, filter, result, ...given, forward, attributes);
    }
    return byFilter(engine, DIRECT, images, filter, bias, result, ...given, forward, attributes);
  };
}

function describing2({ checked, making }: Calls, engine: Address, attributes: Address): Describe {
  const of = (name: string, args: string[]) =>
    checked(`dilated_convolution_${name}_desc_init`, [POINTER_TO, ...args]);
  const forwards = of('forward', ['int', 'int', ...FOUR, ...STEPS]);
  const byInput = of('backward_data', ['int', ...THREE, ...STEPS]);
  const byFilter = of('backward_weights', ['int', ...FOUR, ...STEPS]);
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
    return create(operation, attributes, engine, forward);
  };
}
