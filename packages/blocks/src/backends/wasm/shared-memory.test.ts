import { describe, expect, it } from 'vitest';

import { binaries } from '../../generated/binaries.js';
import { supports } from './instantiate.js';
import { withSharedMemory } from './shared-memory.js';

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const TYPES = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00];
const ENV_MEMORY = [0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79];

describe('a module for shared memory', () => {
  it('differs in the declaration of its memory alone', () => {
    const own = [0x02, 0x0f, 0x01, ...ENV_MEMORY, 0x02, 0x00, 0x01];
    const shared = [0x02, 0x12, 0x01, ...ENV_MEMORY, 0x02, 0x03, 0x01, 0x80, 0x80, 0x04];
    const module = withSharedMemory(Uint8Array.from([...HEADER, ...TYPES, ...own]));
    expect([...module]).toEqual([...HEADER, ...TYPES, ...shared]);
  });

  it('declares a section of 128 bytes and more in two bytes', () => {
    const long = [0x7b, ...Array.from({ length: 0x7b }, () => 0x61)];
    const own = [0x02, 0x87, 0x01, 0x01, ...long, ...ENV_MEMORY.slice(4), 0x02, 0x00, 0x01];
    const module = withSharedMemory(Uint8Array.from([...HEADER, ...own]));
    expect([...module.subarray(8, 11)]).toEqual([0x02, 0x8a, 0x01]);
    expect(WebAssembly.validate(module)).toBe(true);
  });

  it.each(['simd', 'relaxedSimd'] as const)('is what an engine takes: %s', (build) => {
    const module = withSharedMemory(binaries[build]);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
    if (!WebAssembly.validate(module)) return expect(supports(binaries[build])).toBe(false);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } });
    expect(Object.keys(exports).length).toBeGreaterThan(0);
  });

  it.each([
    ['no imports', [...HEADER, ...TYPES], 'imports no memory'],
    [
      'two imports',
      [...HEADER, 0x02, 0x0f, 0x02, ...ENV_MEMORY, 0x02, 0x00, 0x01],
      'imports more than memory',
    ],
    ['a maximum', [...HEADER, 0x02, 0x10, 0x01, ...ENV_MEMORY, 0x02, 0x01, 0x01, 0x02], 'without a maximum'],
  ])('is not made of one with %s', (_, bytes, message) => {
    expect(() => withSharedMemory(Uint8Array.from(bytes))).toThrow(message);
  });
});
