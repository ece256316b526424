/** A few real images for the browser test: MNIST's test set as it is distributed, read without more than is needed. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import * as tf from '@tensorflow/tfjs';

const IMAGES = 'mnist/t10k-images-idx3-ubyte.gz';
const LABELS = 'mnist/t10k-labels-idx1-ubyte.gz';
const BESIDE = fileURLToPath(new URL('../../../../../shared/data', import.meta.url));

/** The folder that holds mnist/; undefined where it is absent. */
export const DATA = [process.env['ESPALIER_DATA'], BESIDE].find(
  (folder) => folder && existsSync(join(folder, IMAGES)),
);

/** The first `count` images, `[count, 784]` from 0 to 1, and their labels, one-hot. */
export async function mnist(count: number): Promise<{ images: tf.Tensor2D; labels: tf.Tensor2D }> {
  // Headers of the IDX format: 16 bytes of images, 8 of labels.
  const [images, labels] = await Promise.all([bytes(IMAGES, 16, 784 * count), bytes(LABELS, 8, count)]);
  return {
    images: tf.tensor2d(
      Float32Array.from(images, (pixel) => pixel / 255),
      [count, 784],
    ),
    labels: tf.tidy(() => tf.oneHot(tf.tensor1d([...labels], 'int32'), 10).toFloat() as tf.Tensor2D),
  };
}

async function bytes(file: string, from: number, count: number): Promise<Uint8Array> {
  return gunzipSync(await readFile(join(DATA!, file))).subarray(from, from + count);
}
