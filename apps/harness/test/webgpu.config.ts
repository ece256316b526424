/** What the tests of a GPU want: a workload that a software adapter trains in a second, and devices that fail. */
import { frobenius, identity, oneShot, type Pruner } from '@espalier/core';
import { defineConfig } from 'espalier/config';
import { plantedBlocksWorkload } from '@espalier/workloads/planted-blocks';
import * as tf from '@tensorflow/tfjs';

const planted = plantedBlocksWorkload('tiny', 'the planted task in small', {
  inputs: 32,
  outputs: 16,
  blockShape: [4, 4],
  trainExamples: 128,
  testExamples: 64,
});

/** Half way through training, where a one-shot strategy scores its blocks, something happens to the device. */
const inPlaceOfScoring = (name: string, action: () => tf.Tensor2D) => (): Pruner => ({
  name,
  description: 'fails the device',
  source: 'none',
  settings: {},
  parameterisation: identity,
  importance: { ...frobenius, score: action },
  search: oneShot(),
});

export default defineConfig({
  pruners: {
    'loses-device': inPlaceOfScoring('loses-device', () => {
      (tf.backend() as unknown as { device: { destroy(): void } }).device.destroy();
      return tf.zeros([8, 4]);
    }),
    // 64 GiB: beyond what any adapter allows one buffer.
    'asks-too-much': inPlaceOfScoring('asks-too-much', () =>
      tf
        .ones([65_536, 1])
        .mul(tf.ones([1, 262_144]))
        .sum()
        .reshape([1, 1]),
    ),
  },
  workloads: {
    tiny: {
      ...planted,
      defaults: { ...planted.defaults, seeds: [0], epochs: 12, batchSize: 32 },
      target: { minimumBlocks: 8 },
    },
  },
});
