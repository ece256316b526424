import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';

import './index.js';
import { expectClose, randomTensor } from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

interface OpenBackend {
  wasm: { HEAPU8: Uint8Array; _malloc(bytes: number): number };
  makeOutput(...args: unknown[]): tf.TensorInfo;
}

/** A network with most of the layers whose gradients have kernels here, and one step of its training. */
function network() {
  let seed = 1;
  const kernelInitializer = () => tf.initializers.heNormal({ seed: seed++ });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters: 6,
        kernelSize: 3,
        inputShape: [9, 8, 2],
        kernelInitializer: kernelInitializer(),
      }),
      tf.layers.batchNormalization(),
      tf.layers.reLU(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.depthwiseConv2d({
        kernelSize: 2,
        padding: 'same',
        depthwiseInitializer: kernelInitializer(),
      }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 20, activation: 'relu', kernelInitializer: kernelInitializer() }),
      tf.layers.dense({ units: 3, kernelInitializer: kernelInitializer() }),
    ],
  });
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4 });
  const x = randomTensor([12, 9, 8, 2], 7);
  const y = tf.tidy(() =>
    tf.oneHot(
      tf.tensor1d(
        Array.from({ length: 12 }, (_, i) => i % 3),
        'int32',
      ),
      3,
    ),
  );
  const step = (): number => {
    const loss = optimizer.minimize(
      () => softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor),
      true,
    ) as tf.Scalar;
    const [value] = loss.dataSync();
    loss.dispose();
    return value!;
  };
  const dispose = () => {
    tf.dispose([x, y]);
    optimizer.dispose();
    model.dispose();
  };
  return { step, dispose };
}

describe('training', () => {
  it('goes on rightly when the memory grows at every op of a step', async () => {
    const backend = tf.backend() as unknown as OpenBackend;
    const { makeOutput } = backend;
    backend.makeOutput = (...args) => {
      backend.wasm._malloc(1 << 19);
      return makeOutput.apply(backend, args);
    };
    const before = backend.wasm.HEAPU8.byteLength;
    const { step, dispose } = network();
    const grown = [step(), step(), step()];
    backend.makeOutput = makeOutput;
    expect(backend.wasm.HEAPU8.byteLength).toBeGreaterThan(before + (32 << 20));
    dispose();

    await tf.setBackend('cpu');
    const reference = network();
    expectClose(grown, [reference.step(), reference.step(), reference.step()], 1e-3);
    reference.dispose();
    await tf.setBackend('wasm');
  });

  it('leaves tensors, the memory of the backend and the heap alone over a thousand steps', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heapBytes = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const backend = tf.backend() as unknown as OpenBackend;
    const { step, dispose } = network();
    for (let i = 0; i < 200; i++) step();
    const before = { ...tf.memory(), wasm: backend.wasm.HEAPU8.byteLength, heap: heapBytes() };
    for (let i = 0; i < 1000; i++) step();
    const after = { ...tf.memory(), wasm: backend.wasm.HEAPU8.byteLength, heap: heapBytes() };
    expect([after.numTensors, after.numDataBuffers, after.numBytes, after.wasm]).toEqual([
      before.numTensors,
      before.numDataBuffers,
      before.numBytes,
      before.wasm,
    ]);
    // What a step leaves on the tape alone is several kilobytes; the engine's own noise is less than one a step.
    expect(after.heap - before.heap).toBeLessThan(1000 * 1000);
    dispose();
  });
});
