import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

import type { BlockPattern } from '../../pattern.js';
import { opCase, rectified, sumOfProducts, type OpCase } from '../../test-cases.js';
import { KEPT, patternKeeping, placesOfValues } from '../../test-support.js';
import { convolutions, eachTap, placesShape, tapsOf, type Convolution } from '../im2col/cases.js';
import { blockSparseConv2d } from './index.js';

export interface SparseConvolution {
  readonly convolution: Convolution;
  readonly pattern: BlockPattern;
}

const sparseConvolutions: fc.Arbitrary<SparseConvolution> = fc
  .record({
    convolution: convolutions,
    block: fc.constantFrom<[number, number]>([1, 4], [2, 3], [3, 4]),
    kept: fc.constantFrom(...KEPT),
    seed: fc.nat(1e6),
  })
  .map(({ convolution, block, kept, seed }) => ({
    convolution,
    pattern: patternKeeping([tapsOf(convolution), convolution.filterShape[3]], block, kept, seed),
  }));

function definitionOf({ convolution, pattern }: SparseConvolution) {
  const filters = convolution.filterShape[3];
  const places = placesShape(convolution).reduce((a, b) => a * b);
  const valuesInRow = Array.from({ length: tapsOf(convolution) }, () => [] as [number, number][]);
  placesOfValues(pattern).forEach((place, value) =>
    valuesInRow[Math.floor(place / filters)]!.push([place % filters, value]),
  );
  return sumOfProducts(places * filters, (visit) => {
    eachTap(convolution, (place, tap, inImage) => {
      for (const [filter, value] of valuesInRow[tap]!) visit(place * filters + filter, inImage, value);
    });
    for (let at = 0; at < places * filters; at++) visit(at, -1, -1, at % filters);
  });
}

export const convolve = (activation: 'linear' | 'relu'): OpCase<SparseConvolution> => ({
  name: `blockSparseConv2d, ${activation}`,
  settings: sparseConvolutions,
  shapes: ({ convolution: { inputShape, filterShape }, pattern }) => ({
    x: inputShape,
    values: [pattern.size],
    bias: [filterShape[3]],
  }),
  resultShape: ({ convolution }) => [...placesShape(convolution), convolution.filterShape[3]],
  run: ({ x, values, bias }, { convolution: { filterShape, options }, pattern }) =>
    blockSparseConv2d(x as tf.Tensor4D, values as tf.Tensor1D, pattern, {
      filterShape,
      ...options,
      bias: bias as tf.Tensor1D,
      activation,
    }),
  define: (own) => (activation === 'relu' ? rectified(definitionOf(own)) : definitionOf(own)),
});

export const cases: OpCase[] = [opCase(convolve('linear')), opCase(convolve('relu'))];
