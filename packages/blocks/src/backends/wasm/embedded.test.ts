import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { embed } from '../../../../../tools/embed.mjs';
import * as generated from '../../generated/binaries.js';
import { embedded } from './embedded.js';

const bytes = fc.uint8Array({ maxLength: 10_000 });

describe('a module as text', () => {
  it('is read as it was, whatever its bytes, by whatever lengths', () => {
    fc.assert(
      fc.property(bytes, bytes, (simd, relaxedSimd) => {
        const { order, pieces } = embed([simd, relaxedSimd]);
        const read = embedded(order, pieces);
        expect([...read.simd]).toEqual([...simd]);
        expect([...read.relaxedSimd]).toEqual([...relaxedSimd]);
      }),
      { numRuns: 50 },
    );
  });

  it('has no character that a string or a page gives a meaning to, every byte being there', () => {
    const { pieces } = embed([Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(0)]);
    expect(pieces.join('')).toMatch(/^[^'"`\\$<]+$/);
    expect(pieces.join('')).toMatch(/^[\x20-\x7e]+$/);
  });

  it('takes hardly more, compressed, for two builds than for one', () => {
    const { simd, relaxedSimd } = generated.binaries;
    const compressed = (...builds: Uint8Array[]) => gzipSync(embed(builds).pieces.join('')).length;
    expect(compressed(simd, relaxedSimd)).toBeLessThan(1.25 * compressed(simd));
  });
});
