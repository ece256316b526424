// What oneDNN's passes over tensors are to be: batch normalisation in training, and what is done number by number.

import { orNone, POINTER, POINTER_TO, type Address, type Calls } from './calls.js';
import type { Codes } from './codes.js';

/** Numbers of the library's enumeration, the same in versions 2 and 3. */
const BINARY = { add: 0x1fff0, multiply: 0x1fff1, max: 0x1fff2, isGreater: 0x1fff7 } as const;

export type BinaryOperation = keyof typeof BINARY;

/** Descriptions of primitives; null where the library has none. */
export interface PassDescriptions {
  /**
   * Batch normalisation in training with a scale and an offset. Version 2 has none here: it is no faster than wasm.
   *
   * @param code what the name of its code is to begin with
   */
  normalisation(
    direction: 'forward' | 'gradient',
    layout: Address,
    epsilon: number,
    code: string,
  ): Address | null;
  /**
   * a (operation) b, and then, where there is one, (operation) c. 1 and 0 are what a comparison gives.
   *
   * @param a, b layouts of the operands: that of the result too, and it or one number
   * @param then the second operation, and the layout of c
   */
  binary(
    operation: BinaryOperation,
    a: Address,
    b: Address,
    then?: { readonly operation: BinaryOperation; readonly c: Address },
  ): Address | null;
}

const FORWARD_TRAINING = 64;
const BACKWARD = 128;
const SCALE_AND_OFFSET = 2 | 4;
/** A description of version 2 is smaller: it takes three layouts of 0.7 kB. */
const DESCRIPTION_BYTES = 2 ** 14;

/** @param attributes of what does one thing */
export function describingPasses(
  calls: Calls,
  codes: Codes,
  engine: Address,
  attributes: Address,
): PassDescriptions {
  const { func } = calls;
  const normalise =
    calls.version === 3 ? describingNormalisations(calls, codes, engine, attributes) : () => null;
  const describeBinary = (calls.version === 3 ? describingBinary3 : describingBinary2)(calls, engine);
  const withSecond = attributesOfTwo(calls);
  const release = func('primitive_attr_destroy', 'int', [POINTER]);
  return {
    normalisation: normalise,
    binary: (operation, a, b, then) =>
      orNone(() => {
        if (!then) return describeBinary(BINARY[operation], a, b, attributes);
        const both = withSecond(attributes, BINARY[then.operation], then.c);
        try {
          return describeBinary(BINARY[operation], a, b, both);
        } finally {
          release(both);
        }
      }),
  };
}

/** Version 3's. */
function describingNormalisations(
  { making, func }: Calls,
  { takeCode }: Codes,
  engine: Address,
  attributes: Address,
): PassDescriptions['normalisation'] {
  const of = (name: string, args: string[]) =>
    making(`batch_normalization_${name}_primitive_desc_create`, args);
  const forwards = of('forward', [POINTER, 'int', POINTER, POINTER, 'float', 'uint', POINTER]);
  const backwards = of('backward', [
    ...[POINTER, 'int', POINTER, POINTER, POINTER, 'float', 'uint', POINTER, POINTER],
  ]);
  const release = func('primitive_desc_destroy', 'int', [POINTER]);
  const settings = (epsilon: number) => [epsilon, SCALE_AND_OFFSET];
  const ofCode = (description: Address, code: string) => {
    if (takeCode(description, code)) return description;
    release(description);
    return null;
  };
  return (direction, layout, epsilon, code) =>
    orNone(() => {
      const forward = forwards(engine, FORWARD_TRAINING, layout, layout, ...settings(epsilon), attributes);
      if (direction === 'forward') return ofCode(forward, code);
      try {
        const layouts = [layout, layout, layout];
        return ofCode(
          backwards(engine, BACKWARD, ...layouts, ...settings(epsilon), forward, attributes),
          code,
        );
      } finally {
        release(forward);
      }
    });
}

type DescribeBinary = (operation: number, a: Address, b: Address, attributes: Address) => Address;

function describingBinary3({ making }: Calls, engine: Address): DescribeBinary {
  const layouts = [POINTER, POINTER, POINTER];
  const describe = making('binary_primitive_desc_create', [POINTER, 'int', ...layouts, POINTER]);
  return (operation, a, b, attributes) => describe(engine, operation, a, b, a, attributes);
}

function describingBinary2({ checked, making }: Calls, engine: Address): DescribeBinary {
  const describe = checked('binary_desc_init', [POINTER_TO, 'int', POINTER, POINTER, POINTER]);
  const create = making('primitive_desc_create', [POINTER_TO, POINTER, POINTER, POINTER]);
  return (operation, a, b, attributes) => {
    const structure = new Uint8Array(DESCRIPTION_BYTES);
    describe(structure, operation, a, b, a);
    return create(structure, attributes, engine, 0);
  };
}

/** Attributes as others are, and of another operation afterwards. */
function attributesOfTwo({ checked, making, func }: Calls) {
  const copy = making('primitive_attr_clone', [POINTER]);
  const make = making('post_ops_create', []);
  const append = checked('post_ops_append_binary', [POINTER, 'int', POINTER]);
  const set = checked('primitive_attr_set_post_ops', [POINTER, POINTER]);
  const release = func('post_ops_destroy', 'int', [POINTER]);
  return (attributes: Address, operation: number, operand: Address): Address => {
    const [made, afterwards] = [copy(attributes), make()];
    try {
      append(afterwards, operation, operand);
      set(made, afterwards);
    } finally {
      release(afterwards);
    }
    return made;
  };
}
