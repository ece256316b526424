import { denseOf, valuesOf } from '../conversion.js';
import { eachWeight } from '../kept-blocks.js';
import type { PatternAttribute } from '../attributes.js';
import type { Values } from './kernel.js';

type Inputs<Names extends string> = Readonly<Record<Names, Values>>;

/** matrix `[n, m]` → values `[size]`. */
export function gatherBlocks({ matrix }: Inputs<'matrix'>, { pattern }: PatternAttribute): Values {
  return { shape: [pattern.size], values: valuesOf(matrix.values, pattern) };
}

/** values `[size]` → matrix `[n, m]`. */
export function scatterBlocks({ values }: Inputs<'values'>, { pattern }: PatternAttribute): Values {
  return { shape: pattern.matrixShape, values: denseOf(values.values, pattern) };
}

/** values `[size]`, scale `[R, C]` → `[size]`. */
export function scaleBlockValues(
  { values, scale }: Inputs<'values' | 'scale'>,
  { pattern }: PatternAttribute,
): Values {
  const scaled = new Float32Array(pattern.size);
  eachWeight(pattern, (value, _, block) => (scaled[value] = values.values[value]! * scale.values[block]!));
  return { shape: [pattern.size], values: scaled };
}

/** a, b `[size]` → `[R, C]`. */
export function blockValuesDot({ a, b }: Inputs<'a' | 'b'>, { pattern }: PatternAttribute): Values {
  const sums = new Float64Array(pattern.grid.blocks);
  eachWeight(pattern, (value, _, block) => (sums[block]! += a.values[value]! * b.values[value]!));
  return { shape: pattern.grid.gridShape, values: Float32Array.from(sums) };
}
