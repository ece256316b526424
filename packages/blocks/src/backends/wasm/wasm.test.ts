import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  alignedScratch,
  compile,
  growingWorkspace,
  instantiate,
  memoryOf,
  offsetOf,
  oncePerBackend,
  registerWasmKernel,
  replaceWasmKernel,
  supports,
  takeOver,
  type WasmBackend,
} from '../../index.js';

/**
 * A module by hand: imports env.memory, exports `double(offset)`, which doubles the float at an offset.
 *
 *     (module (import "env" "memory" (memory 1))
 *       (func (export "double") (param i32)
 *         local.get 0  local.get 0  f32.load  f32.const 2  f32.mul  f32.store))
 */
const DOUBLE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x01, 0x7f, 0x00],
  ...[0x02, 0x0f, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x01],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x0a, 0x01, 0x06, 0x64, 0x6f, 0x75, 0x62, 0x6c, 0x65, 0x00, 0x00],
  ...[0x0a, 0x14, 0x01, 0x12, 0x00, 0x20, 0x00, 0x20, 0x00, 0x2a, 0x02, 0x00],
  ...[0x43, 0x00, 0x00, 0x00, 0x40, 0x94, 0x38, 0x02, 0x00, 0x0b],
]);

const NOT_WASM = new TextEncoder().encode('not a module');
const binaries = { simd: DOUBLE, relaxedSimd: NOT_WASM };

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

  it('is handed to another thread as a module, for memory of its own or shared', () => {
    for (const memory of [
      new WebAssembly.Memory({ initial: 1 }),
      new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true }),
    ]) {
      const { double } = new WebAssembly.Instance(compile(memory, binaries), { env: { memory } }).exports;
      const floats = new Float32Array(memory.buffer);
      floats[3] = 21;
      (double as (offset: number) => void)(12);
      expect(floats[3]).toBe(42);
    }
  });

  it('becomes a kernel, once', () => {
    const { double } = instantiate<{ double(offset: number): void }>(backend(), binaries);
    registerWasmKernel('Double', ({ inputs, backend: wasm }) => {
      const out = wasm.makeOutput([1], 'float32');
      const floats = new Float32Array(memoryOf(wasm).buffer);
      floats[offsetOf(wasm, out) / 4] = floats[offsetOf(wasm, inputs['x']!) / 4]!;
      double(offsetOf(wasm, out));
      return out;
    });
    registerWasmKernel('Double', () => {
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
    replaceWasmKernel('Abs', (stock) => (call) => {
      calls += 1;
      return stock(call);
    });
    expect([...tf.tidy(() => tf.abs([-3]).dataSync())]).toEqual([3]);
    expect(calls).toBe(1);
    expect(() => replaceWasmKernel('NoSuchKernel', (stock) => stock)).toThrow("no kernel 'NoSuchKernel'");
  });
});

describe('taking over the memory of a tensor', () => {
  /** A tensor made of data, as the engine makes it of a kernel's output. */
  const tensorOf = ({ dataId, shape }: tf.TensorInfo) =>
    tf.engine().makeTensorFromDataId(dataId, shape, 'float32', backend() as unknown as tf.KernelBackend);

  it('leaves the values where they were, under another data id, and frees them once', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const offset = offsetOf(backend(), x);
    const y = tensorOf(takeOver(backend(), x));
    expect(y.dataId).not.toBe(x.dataId);
    expect(offsetOf(backend(), y)).toBe(offset);
    x.dispose();
    const other = tf.tensor1d([7, 7, 7]);
    expect(offsetOf(backend(), other)).not.toBe(offset);
    expect([...y.dataSync()]).toEqual([1, 2, 3]);
    tf.dispose([y, other]);
  });

  it('twice is refused: it is another tensor’s by then', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const y = tensorOf(takeOver(backend(), x));
    expect(() => takeOver(backend(), x)).toThrow('does not lie in the memory of the wasm backend');
    expect(() => offsetOf(backend(), x)).toThrow('does not lie in the memory of the wasm backend');
    tf.dispose([x, y]);
  });

  it('of data that is shared gives new memory instead', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const shared = x.reshape([3, 1]);
    const y = tensorOf(takeOver(backend(), x));
    expect(offsetOf(backend(), y)).not.toBe(offsetOf(backend(), x));
    expect([...shared.dataSync()]).toEqual([1, 2, 3]);
    tf.dispose([x, y, shared]);
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

  it('is refused where there is none left, and what comes after gets its own', () => {
    const left = [64, 0, 128];
    const small = { wasm: { _malloc: () => left.shift()!, _free: () => {} } };
    const workspace = growingWorkspace(small);
    expect(workspace(10)).toBe(64);
    expect(() => workspace(2 ** 20)).toThrow('no memory left for 1048576 bytes');
    expect(workspace(10)).toBe(128);
    expect(() => alignedScratch({ wasm: { _malloc: () => 0, _free: () => {} } }, 1)).toThrow(
      'no memory left',
    );
  });

  it('of a backend that does not show it is refused with the version to install', () => {
    const closed = { wasm: { _malloc: () => 0, _free: () => {} } };
    expect(() => memoryOf(closed)).toThrow('@tensorflow/tfjs-backend-wasm 4.22');
  });
});

it('what is made once per backend is made at the first call', () => {
  let made = 0;
  const thing = oncePerBackend(() => ({ number: ++made }));
  expect(made).toBe(0);
  expect([thing(backend()), thing(backend())]).toEqual([{ number: 1 }, { number: 1 }]);
  expect(thing({ ...backend() })).toEqual({ number: 2 });
});
