import { crc32 } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { checksum } from './checksum.js';

describe('the checksum', () => {
  it('has the check value of the standard', () => {
    expect(checksum(new TextEncoder().encode('123456789'))).toBe('cbf43926');
    expect(checksum(new Uint8Array())).toBe('00000000');
  });

  it.skipIf(crc32 === undefined)('is that of zlib', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * i * 31) % 251);
    expect(checksum(bytes)).toBe(crc32(bytes).toString(16).padStart(8, '0'));
  });

  it('tells a single bit', () => {
    const bytes = new Uint8Array(64);
    const sums = new Set([checksum(bytes)]);
    for (let bit = 0; bit < 512; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      sums.add(checksum(bytes));
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(sums.size).toBe(513);
  });
});
