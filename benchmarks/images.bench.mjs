/**
 * Whether images are decoded as fast as ResNet-50 trains on them: images a second read from a folder and from shards,
 * cropped and standardised at 224 × 224, and images a second in training steps at 224 × 224 on the wasm backend.
 *
 *     node benchmarks/images.bench.mjs [--images 400] [--steps 2]
 *
 * The images are noise of 500 × 375 pixels, JPEG of quality 92, made for it: 24 kB each, where ImageNet's are 110 kB.
 */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

import { startBackend } from '@espalier/backend';
import { random } from '@espalier/datasets';
import { loadImageNet, prepareImageNet } from '@espalier/datasets/imagenet';
import { resnet, resnet50 } from '@espalier/models';
import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';

import { count, readOptions } from './command-line.mjs';

const { images, steps } = readOptions({ images: count(400), steps: count(2) });
const SIZE = 224;
/** Eight do not fit into the memory of the wasm backend. */
const BATCH = 4;

const root = await mkdtemp(join(tmpdir(), 'espalier-images-'));
process.env.XDG_CACHE_HOME = join(root, 'cache');
try {
  const [folder, shards] = ['folder', 'shards'].map((name) => join(root, name, 'imagenet'));
  await writeImages(folder);
  await prepareImageNet({ from: folder, to: shards, size: 256 });
  const rows = {
    'folder, 500 × 375': await decoded(join(root, 'folder')),
    'shards, 341 × 256': await decoded(join(root, 'shards')),
  };
  console.log(`images a second at ${SIZE} × ${SIZE}, ${availableParallelism()} cores`);
  console.table(rows);
  console.log(`trained: ${(await trained()).toFixed(2)} images a second, in batches of ${BATCH}, one thread`);
} finally {
  await rm(root, { recursive: true, force: true });
}

async function writeImages(folder) {
  const { integer } = random(0, 'images');
  for (const [part, count] of [
    ['train', images],
    ['val', images],
  ]) {
    await mkdir(join(folder, part, 'noise'), { recursive: true });
    for (let i = 0; i < count; i++) {
      const pixels = Uint8Array.from({ length: 12 * 9 * 3 }, () => integer(256));
      const image = sharp(pixels, { raw: { width: 12, height: 9, channels: 3 } });
      const resized = image.resize(500, 375, { fit: 'fill' }).jpeg({ quality: 92 });
      await writeFile(join(folder, part, 'noise', `${i}.jpg`), await resized.toBuffer());
    }
  }
}

async function decoded(data) {
  const { train, test } = await loadImageNet(data, { size: SIZE });
  return {
    training: await rateOf(train, { seed: 0, epoch: 0 }),
    evaluation: await rateOf(test),
  };
}

async function rateOf(examples, draw) {
  const batch = (first) => Array.from({ length: Math.min(64, examples.count - first) }, (_, i) => first + i);
  await examples.gather(batch(0), draw);
  const started = performance.now();
  for (let first = 0; first < examples.count; first += 64) await examples.gather(batch(first), draw);
  return Math.round((1000 * examples.count) / (performance.now() - started));
}

async function trained() {
  await startBackend('wasm');
  const model = resnet({ ...resnet50, seed: 0 });
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4 });
  const x = tf.randomNormal([BATCH, SIZE, SIZE, 3]);
  const labels = tf.oneHot(tf.zeros([BATCH], 'int32'), 1000).toFloat();
  const step = async () => {
    const loss = optimizer.minimize(
      () => softmaxCrossEntropy(labels, model.apply(x, { training: true })),
      true,
    );
    await loss.data();
    loss.dispose();
  };
  await step();
  const started = performance.now();
  for (let i = 0; i < steps; i++) await step();
  return (1000 * steps * BATCH) / (performance.now() - started);
}
