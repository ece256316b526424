/** Products of matrices, plain, in batches, and fused with bias and activation. */
import * as tf from '@tensorflow/tfjs';

import type { Random } from '../random.js';
import { swept, within, type Input, type SweptOp } from '../swept-op.js';

type Activation = 'linear' | 'relu' | 'relu6' | 'elu' | 'sigmoid' | 'leakyrelu' | 'prelu';

export const ACTIVATIONS: readonly Activation[] = [
  'linear',
  'linear',
  'relu',
  'relu6',
  'elu',
  'sigmoid',
  'leakyrelu',
  'prelu',
];

interface ProductAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Two matrices that multiply; in batches that broadcast, or over nothing, now and then. */
function factors(
  random: Random,
  batches: boolean,
): { inputs: [Input, Input]; attributes: ProductAttributes } {
  const size = () => (batches && random.chance(0.04) ? 0 : random.integer(1, 4));
  const [rows, inner, columns] = [size(), size(), size()];
  const transposeA = random.chance(0.5);
  const transposeB = random.chance(0.5);
  const batch = Array.from({ length: batches ? random.integer(0, 2) : 0 }, () => random.integer(1, 3));
  const batchOf = () => {
    if (random.chance(0.5)) return batch;
    const narrowed = batch.map((count) => (random.chance(0.4) ? 1 : count));
    return narrowed.slice(random.integer(0, narrowed.length));
  };
  const a = [...batchOf(), ...(transposeA ? [inner, rows] : [rows, inner])];
  const b = [...batchOf(), ...(transposeB ? [columns, inner] : [inner, columns])];
  return { inputs: [within(random, a), within(random, b)], attributes: { transposeA, transposeB } };
}

export const products: readonly SweptOp[] = [
  swept({
    name: 'matMul',
    known: 'by basis vectors',
    sample: (random) => factors(random, true),
    compute: ([a, b]: [tf.Tensor, tf.Tensor], { transposeA, transposeB }) =>
      tf.matMul(a, b, transposeA, transposeB),
  }),
  swept({
    name: 'fusedMatMul',
    known: 'by differences beside kinks',
    sample: (random) => {
      // With a bias, tfjs' wasm and cpu kernels take no other batches than those of both.
      const { inputs, attributes } = factors(random, false);
      const activation = random.pick(ACTIVATIONS);
      const columns = inputs[1].shape.at(attributes.transposeB ? -2 : -1)!;
      const bias = within(random, random.pick([[columns], [1]]));
      // Without a bias, PReLU's weights would be taken for it.
      const withBias = activation === 'prelu' || random.chance(0.7);
      const weights = activation === 'prelu' ? [within(random, [columns], 0.1, 0.5)] : [];
      return {
        inputs: [...inputs, ...(withBias ? [bias] : []), ...weights],
        attributes: { ...attributes, activation },
      };
    },
    compute: ([a, b, bias, preluActivationWeights]: tf.Tensor[], { activation, transposeA, transposeB }) =>
      tf.fused.matMul({
        ...{ a: a!, b: b!, transposeA, transposeB, activation },
        ...(bias && { bias }),
        ...(preluActivationWeights && { preluActivationWeights }),
        ...(activation === 'leakyrelu' && { leakyreluAlpha: 0.2 }),
      }),
  }),
  swept({
    name: 'einsum',
    known: 'by basis vectors',
    sample: (random) => {
      const equation = random.pick([
        'ij,jk->ik',
        'bij,bjk->bik',
        'bqhd,bkhd->bhqk',
        'ij,ij->i',
        'ij,ij->',
        'ij,k->ik',
        'ijk,jk->k',
        'ij->ji',
        'ijk->j',
        'abc,cd->abd',
      ]);
      const sizes = new Map<string, number>();
      const sizeOfLabel = (label: string) => {
        if (!sizes.has(label)) sizes.set(label, random.integer(1, 3));
        return sizes.get(label)!;
      };
      const terms = equation.split('->')[0]!.split(',');
      const inputs = terms.map((term) => within(random, [...term].map(sizeOfLabel)));
      return { inputs, attributes: { equation } };
    },
    compute: (inputs: tf.Tensor[], { equation }) => tf.einsum(equation, ...inputs),
  }),
];
