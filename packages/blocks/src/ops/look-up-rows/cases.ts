import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

import type { BlockPattern } from '../../pattern.js';
import { opCase, sumOfProducts, type OpCase } from '../../test-cases.js';
import { patterns, placesOfValues } from '../../test-support.js';
import { lookUpRows } from './index.js';

interface LookUp {
  readonly pattern: BlockPattern;
  readonly rows: readonly number[];
}

/** Some rows several times, in any order, or none at all. */
const lookUps: fc.Arbitrary<LookUp> = patterns.chain((pattern) =>
  fc.record({
    pattern: fc.constant(pattern),
    rows: fc.array(fc.nat(pattern.matrixShape[0] - 1), { maxLength: 12 }),
  }),
);

export const cases: OpCase[] = [
  opCase<LookUp>({
    name: 'lookUpRows',
    settings: lookUps,
    shapes: ({ pattern }) => ({ values: [pattern.size] }),
    resultShape: ({ pattern, rows }) => [rows.length, pattern.matrixShape[1]],
    run: ({ values }, { pattern, rows }) =>
      lookUpRows(values as tf.Tensor1D, tf.tensor1d([...rows], 'int32'), pattern),
    define: ({ pattern, rows }) => {
      const [, m] = pattern.matrixShape;
      return sumOfProducts(rows.length * m, (visit) =>
        placesOfValues(pattern).forEach((place, value) =>
          rows.forEach((row, i) => {
            if (Math.floor(place / m) === row) visit(i * m + (place % m), value);
          }),
        ),
      );
    },
  }),
];
