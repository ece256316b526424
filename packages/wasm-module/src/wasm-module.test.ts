import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addKernel,
  alignedScratch,
  growingWorkspace,
  instantiate,
  memoryOf,
  offsetOf,
  replaceKernel,
  supports,
  type WasmBackend,
} from './index.js';

/**
 * A module by hand: imports env.memory, exports `double(offset)`, which doubles the float at an offset.
 *
 *     (module (import "env" "memory" (memory 1))
 *       (func (export "double") (param i32)
 *         local.get 0  local.get 0  f32.load  f32.const 2  f32.mul  f32.store))
 */
const DOUBLE = Buffer.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x01, 0x7f, 0x00],
  ...[0x02, 0x0f, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x01],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x0a, 0x01, 0x06, 0x64, 0x6f, 0x75, 0x62, 0x6c, 0x65, 0x00, 0x00],
  ...[0x0a, 0x14, 0x01, 0x12, 0x00, 0x20, 0x00, 0x20, 0x00, 0x2a, 0x02, 0x00],
  ...[0x43, 0x00, 0x00, 0x00, 0x40, 0x94, 0x38, 0x02, 0x00, 0x0b],
]).toString('base64');

const NOT_WASM = Buffer.from('not a module').toString('base64');
const binaries = { simd: DOUBLE, relaxedSimd: NOT_WASM, simdShared: DOUBLE, relaxedSimdShared: NOT_WASM };

const backend = () => tf.backend() as unknown as WasmBackend;

beforeAll(async () => {
  await tf.setBackend('wasm');
});

afterAll(() => tf.unregisterKernel('Double', 'wasm'));

describe('a module of one’s own', () => {
  it('computes on a tensor in place, in the best build that the engine takes', () => {
    expect([supports(DOUBLE), supports(NOT_WASM)]).toEqual([true, false]);
    const { double } = instantiate<{ double(offset: number): void }>(backend(), binaries);
    const x = tf.tensor1d([21, 1]);
    double(offsetOf(backend(), x));
    expect([...x.dataSync()]).toEqual([42, 1]);
    x.dispose();
  });

  it('becomes a kernel, once', () => {
    const { double } = instantiate<{ double(offset: number): void }>(backend(), binaries);
    addKernel('Double', ({ inputs, backend: wasm }) => {
      const out = wasm.makeOutput([1], 'float32');
      const floats = new Float32Array(memoryOf(wasm).buffer);
      floats[offsetOf(wasm, out) / 4] = floats[offsetOf(wasm, inputs['x']!) / 4]!;
      double(offsetOf(wasm, out));
      return out;
    });
    addKernel('Double', () => {
      throw new Error('the first stays');
    });
    const before = tf.memory().numTensors;
    const doubled = tf.tidy(() => tf.engine().runKernel('Double', { x: tf.tensor1d([4]) }) as tf.Tensor);
    expect([...doubled.dataSync()]).toEqual([8]);
    doubled.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('can fall back to the kernel that it replaces', () => {
    let calls = 0;
    replaceKernel('Abs', (stock) => (call) => {
      calls += 1;
      return stock(call);
    });
    expect([...tf.tidy(() => tf.abs([-3]).dataSync())]).toEqual([3]);
    expect(calls).toBe(1);
    expect(() => replaceKernel('NoSuchKernel', (stock) => stock)).toThrow("no kernel 'NoSuchKernel'");
  });
});

describe('memory beside the tensors', () => {
  it('is aligned to cache lines', () => {
    expect(alignedScratch(backend(), 100) % 64).toBe(0);
  });

  it('is kept, and replaced when more is asked for', () => {
    const workspace = growingWorkspace(backend());
    const first = workspace(1000);
    expect(workspace(500)).toBe(first);
    expect(workspace(5_000_000)).toBeGreaterThan(0);
  });

  it('of a backend that does not show it is refused with the version to install', () => {
    const closed = { wasm: { _malloc: () => 0, _free: () => {} } };
    expect(() => memoryOf(closed)).toThrow('@tensorflow/tfjs-backend-wasm 4.22');
  });
});
