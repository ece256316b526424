/**
 * Every op on every backend: a row for each case that an op's folder gives, see `test-table.ts`. With few settings of each;
 * with ESPALIER_LONG, ten times as many.
 */
import '@tensorflow/tfjs-backend-wasm';
import { readdirSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import './backends/cpu.js';
import './backends/tensorflow.js';
import './backends/wasm.js';
import { folders, hasCases, itComputesEveryOp, kernelNames } from './test-table.js';
import { startTensorflow, withoutNativeKernels } from './test-tensorflow.js';
import { startWebgpu } from './test-webgpu.js';

const webgpu = await startWebgpu();
const tensorflow = await startTensorflow();

describe('the table', () => {
  it('has cases of every op', () => {
    expect(folders.filter((folder) => !hasCases(folder))).toEqual([]);
  });

  it('has every backend that kernels are registered for', () => {
    const lists = readdirSync(new URL('generated', import.meta.url));
    const backends = lists.flatMap((file) => /^(.*)-kernels\.ts$/.exec(file)?.[1] ?? []);
    expect(Object.keys(kernelNames).sort()).toEqual(backends.sort());
  });
});

describe('on cpu, as defined:', () => itComputesEveryOp('cpu', 10));

describe('on wasm, as defined:', () => itComputesEveryOp('wasm', 40));

describe.skipIf(webgpu.absent)(`on webgpu (${webgpu.where}), as defined:`, () => {
  itComputesEveryOp('webgpu', 2);
  afterEach(webgpu.finished);
});

describe.skipIf(tensorflow.absent)(`on tensorflow (${tensorflow.where}), as defined:`, () => {
  itComputesEveryOp('tensorflow', 5);
});

describe.skipIf(tensorflow.absent)(
  `on tensorflow (${tensorflow.where}) without kernels of ours, as defined:`,
  () => {
    let undo: () => void;
    beforeAll(async () => {
      await tf.setBackend('tensorflow');
      undo = withoutNativeKernels();
    });
    afterAll(() => undo());
    itComputesEveryOp('tensorflow', 3);
  },
);
