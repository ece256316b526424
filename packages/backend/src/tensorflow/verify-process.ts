/** The process that tries an addon: see verify.ts. Its argument is the folder of the package that holds it. */
import { blockGrid, blockSparseMatMul, patternOf } from '@espalier/blocks';
import '@espalier/blocks/tensorflow';
import * as tf from '@tensorflow/tfjs';

import { binaryIn } from './cache.js';
import { loadKernels, loadPackage } from './load.js';
import type { Verdict } from './verify.js';

/** Of the largest number: a card may multiply in TF32, which has 11 bits, and what is wrong is wrong by more. */
const TOLERANCE = 2e-3;

/** What both backends compute, of numbers that say themselves. */
const computations: Readonly<Record<string, () => tf.Tensor>> = {
  product: () => tf.matMul(numbers([7, 11], 1), numbers([11, 5], 2)),
  gradient: () =>
    tf.grad((w: tf.Tensor) =>
      tf
        .matMul(numbers([7, 11], 1), w as tf.Tensor2D)
        .square()
        .sum(),
    )(numbers([11, 5], 2)),
  convolution: () =>
    tf.conv2d(numbers<tf.Tensor4D>([2, 6, 5, 3], 3), numbers<tf.Tensor4D>([3, 3, 3, 4], 4), 1, 'same'),
};

/** What its kernels compute, where it has them. */
const ofKernels: typeof computations = {
  'product with kept blocks': () => {
    const pattern = patternOf(blockGrid([20, 24], [8, 8]), Uint8Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0));
    const product = (values: tf.Tensor) =>
      blockSparseMatMul(numbers([7, 20], 5), values as tf.Tensor1D, pattern)
        .square()
        .sum();
    return tf.grad(product)(numbers<tf.Tensor1D>([pattern.size], 6));
  },
};

function numbers<T extends tf.Tensor = tf.Tensor2D>(shape: number[], seed: number): T {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i)),
    shape,
  ) as T;
}

async function resultsOn(
  backend: string,
  asked: typeof computations,
): Promise<Record<string, ArrayLike<number>>> {
  if (!(await tf.setBackend(backend))) throw new Error(`The backend ${backend} does not start`);
  const results: Record<string, ArrayLike<number>> = {};
  for (const [name, compute] of Object.entries(asked)) results[name] = tf.tidy(compute).dataSync();
  return results;
}

function differs(actual: ArrayLike<number>, expected: ArrayLike<number>): boolean {
  const values = Array.from(expected);
  const largest = Math.max(...values.map(Math.abs));
  // Written so that NaN differs, too.
  return (
    actual.length !== values.length ||
    !values.every((value, i) => Math.abs(actual[i]! - value) <= TOLERANCE * largest)
  );
}

async function verdict(packageFolder: string): Promise<Verdict> {
  loadPackage(packageFolder, binaryIn(packageFolder));
  const hasKernels = (await tf.setBackend('tensorflow')) && loadKernels(packageFolder);
  const asked = hasKernels ? { ...computations, ...ofKernels } : computations;
  const actual = await resultsOn('tensorflow', asked);
  const { binding } = tf.backend() as { binding?: { TF_Version?: string } };
  const expected = await resultsOn('cpu', asked);
  const wrong = Object.keys(asked).filter((name) => differs(actual[name]!, expected[name]!));
  return {
    version: binding?.TF_Version ?? null,
    wrong:
      wrong.length === 0 ? null : `it computes another ${wrong.join(' and another ')} than the cpu backend`,
  };
}

const answer = await verdict(process.argv[2] ?? '').catch((error: Error): Verdict => ({
  version: null,
  wrong: error.message.split('\n')[0] ?? '',
}));
process.send?.(answer, () => process.exit(0));
