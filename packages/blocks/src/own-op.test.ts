/** A package outside brings an op of its own by what this one exports: definition, gradient, and a kernel a backend. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import {
  defineOperation,
  instantiate,
  memoryOf,
  newOutput,
  offsetOf,
  oncePerBackend,
  registerCpuKernel,
  registerWasmKernel,
  registerWebgpuKernel,
  runShader,
} from './index.js';
import { startWebgpu } from './test-webgpu.js';

interface SquareAttributes {
  /** How many times over. */
  readonly times: number;
}

let composed = 0;
const square = defineOperation<SquareAttributes>({
  name: 'TestSquare',
  inputsToSave: ['x'],
  composed: ({ x }, { times }) => {
    composed += 1;
    return x!.pow(2 ** times);
  },
  gradient: (dy, [x], { times }) => ({ x: () => dy.mul(x!.pow(2 ** times - 1)).mul(2 ** times) }),
});

registerCpuKernel<'x', SquareAttributes>('TestSquare', ({ x }, { times }) => ({
  shape: x.shape,
  values: x.values.map((value) => value ** (2 ** times)),
}));

/**
 * A module by hand: imports env.memory, exports `square(offset)`, which squares the float at an offset.
 *
 *     (module (import "env" "memory" (memory 1))
 *       (func (export "square") (param i32)
 *         local.get 0  local.get 0  f32.load  local.get 0  f32.load  f32.mul  f32.store))
 */
const SQUARE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x01, 0x7f, 0x00],
  ...[0x02, 0x0f, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x01],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x0a, 0x01, 0x06, 0x73, 0x71, 0x75, 0x61, 0x72, 0x65, 0x00, 0x00],
  ...[0x0a, 0x14, 0x01, 0x12, 0x00, 0x20, 0x00, 0x20, 0x00, 0x2a, 0x02, 0x00],
  ...[0x20, 0x00, 0x2a, 0x02, 0x00, 0x94, 0x38, 0x02, 0x00, 0x0b],
]);

const linked = oncePerBackend((backend) =>
  instantiate<{ square(offset: number): void }>(backend, {
    simd: SQUARE,
    relaxedSimd: SQUARE,
  }),
);

registerWasmKernel('TestSquare', ({ inputs, attrs, backend }) => {
  const x = inputs['x']!;
  const out = newOutput(backend, x.shape);
  const [from, to] = [offsetOf(backend, x), offsetOf(backend, out)];
  const size = tf.util.sizeFromShape(x.shape);
  new Uint8Array(memoryOf(backend).buffer).copyWithin(to, from, from + 4 * size);
  for (let i = 0; i < size; i++) {
    for (let time = 0; time < (attrs['times'] as number); time++) linked(backend).square(to + 4 * i);
  }
  return out;
});

registerWebgpuKernel<SquareAttributes>('TestSquare', ({ inputs, attributes: { times }, backend }) => {
  const x = inputs['x']!;
  const size = tf.util.sizeFromShape(x.shape);
  return runShader(backend, {
    key: 'testSquare',
    inputs: [{ name: 'x', info: x }],
    outputShape: x.shape,
    uniforms: { size, times },
    threads: 64,
    workgroups: Math.ceil(size / 64),
    code: `
      fn main(index : i32) {
        if (index < uniforms.size) {
          var value = x[index];
          for (var time = 0; time < uniforms.times; time++) { value *= value; }
          result[index] = value;
        }
      }`,
  });
});

async function expectSquares(): Promise<void> {
  const before = tf.memory().numTensors;
  const loss = (x: tf.Tensor, y: tf.Tensor) => square({ x }, { times: 2 }).mul(y);
  const [value, byX, byY] = tf.tidy(() => {
    const inputs = [tf.tensor2d([[1, 2], [-3, 0.5]]), tf.tensor2d([[1, 10], [2, 1]])] as const; // prettier-ignore
    return [loss(...inputs), ...tf.grads(loss)([...inputs])];
  });
  const values = await Promise.all([value, byX, byY].map((tensor) => tensor!.data()));
  // x⁴ · y; 4 x³ · y; x⁴.
  expect(values.map((numbers) => Array.from(numbers))).toEqual([
    [1, 160, 162, 0.0625],
    [4, 320, -216, 0.5],
    [1, 16, 81, 0.0625],
  ]);
  tf.dispose([value, byX, byY]);
  expect(tf.memory().numTensors).toBe(before);
}

const webgpu = await startWebgpu();

for (const backend of ['cpu', 'wasm', 'webgpu']) {
  const isAbsent = backend === 'webgpu' && webgpu.absent;
  describe.skipIf(isAbsent)(`on ${backend}${isAbsent ? ` (${webgpu.where})` : ''}`, () => {
    beforeAll(async () => {
      await tf.setBackend(backend);
    });

    it('it computes by its own kernel, and has its gradient under tf.grads', async () => {
      composed = 0;
      await expectSquares();
      expect(composed).toBe(0);
      await webgpu.finished();
    });

    it('without a kernel it is composed', async () => {
      composed = 0;
      tf.unregisterKernel('TestSquare', backend);
      await expectSquares();
      expect(composed).toBeGreaterThan(0);
    });
  });
}
