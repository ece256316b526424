import { describe, expect, it } from 'vitest';
import { expectClose, randomValues } from '../test-support.js';
import { link, simdSupported } from './link.js';

/** A backend of nothing but memory, with a bump allocator. */
function bareBackend(memory: WebAssembly.Memory) {
  let top = 1024;
  const _malloc = (bytes: number) => {
    const offset = top;
    top += (bytes + 15) & ~15;
    return offset;
  };
  return { wasm: { wasmMemory: memory, _malloc, _free: () => {} } };
}

/** Multiplies two matrices of 19 × 33 and 33 × 21 in the given memory. */
function expectProductIn(memory: WebAssembly.Memory): void {
  const [m, n, k] = [19, 21, 33];
  const backend = bareBackend(memory);
  const { exports, scratch } = link(backend);
  const [a, b, c] = [m * k, k * n, m * n].map((size) => backend.wasm._malloc(4 * size)) as [
    number,
    number,
    number,
  ];
  const [x, y] = [randomValues(m * k, 1), randomValues(k * n, 2)];
  new Float32Array(memory.buffer, a, m * k).set(x);
  new Float32Array(memory.buffer, b, k * n).set(y);
  exports.gemm(false, false, m, n, k, a, b, c, false, 0, 0, 0, 0, scratch);
  const expected = Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return Array.from({ length: k }, (_, p) => x[i * k + p]! * y[p * n + j]!).reduce(
      (sum, term) => sum + term,
      0,
    );
  });
  expectClose(new Float32Array(memory.buffer, c, m * n), expected, 1e-6);
}

describe('the kernels', () => {
  it('link to memory of one thread', () => {
    expect(simdSupported()).toBe(true);
    expectProductIn(new WebAssembly.Memory({ initial: 64 }));
  });

  it('link to memory shared between threads, as a cross-origin isolated page has it', () => {
    expectProductIn(new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true }));
  });

  it('link with relaxed SIMD where the engine has it', async () => {
    const { relaxedSimdSupported } = await import('../relaxed-simd.js');
    expect(relaxedSimdSupported).toBe(true);
    expectProductIn(new WebAssembly.Memory({ initial: 64 }));
    expectProductIn(new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true }));
  });

  it('say which version they need when the backend shows no memory', () => {
    const { _malloc, _free } = bareBackend(new WebAssembly.Memory({ initial: 1 })).wasm;
    expect(() => link({ wasm: { _malloc, _free } })).toThrow('@tensorflow/tfjs-backend-wasm 4.22');
  });
});
