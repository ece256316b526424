import { describe, expect, it } from 'vitest';

import { packMask, unpackMask, withChoice, type ChosenMasks } from './masks.js';

describe('a mask in bits', () => {
  it('has the first block in the lowest bit of the first byte', () => {
    // Bytes 0b00000101 and 0b00000010: base64 by RFC 4648.
    expect(packMask(Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0, 0, 1))).toBe('BQI=');
    expect([...unpackMask('BQI=', 10)]).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
  });

  it('comes back as it was, however large', () => {
    const mask = Uint8Array.from({ length: 100_003 }, (_, i) => Number((i * 7919) % 13 < 3));
    expect(Buffer.compare(unpackMask(packMask(mask), mask.length), mask)).toBe(0);
    expect(unpackMask(packMask(new Uint8Array()), 0)).toHaveLength(0);
  });

  it('is refused in one line where it is of another grid', () => {
    expect(() => unpackMask('BQI=', 17)).toThrow(/2 bytes are not the bits of 17 blocks, which take 3/);
    expect(() => unpackMask('not base64!', 4)).toThrow(/bits in base64/);
    expect(() => packMask([1, 0] as unknown as Uint8Array)).toThrow(/a mask/);
  });
});

describe('the choices that are kept', () => {
  const keptOf = (count: number, blocks: number) => {
    let kept: ChosenMasks[] = [];
    for (let choice = 0; choice < count; choice++) {
      kept = withChoice(kept, { choice, step: 10 * choice, kept: [] }, blocks);
    }
    return kept.map(({ choice }) => choice);
  };

  it('are all where there is room', () => {
    expect(keptOf(64, 512)).toEqual(Array.from({ length: 64 }, (_, i) => i));
  });

  it('are evenly those of a longer search, its first and its last among them', () => {
    const kept = keptOf(1000, 512);
    expect(kept.length).toBeLessThanOrEqual(64);
    expect(kept.length).toBeGreaterThan(30);
    expect([kept[0], kept.at(-1)]).toEqual([0, 999]);
    expect(new Set(kept.slice(1, -1).map((choice, i) => choice - kept[i]!)).size).toBe(1);
  });

  it('take a mebibyte at most, but for the first and the last of the largest models', () => {
    // 2^21 blocks are 2^18 bytes: four choices.
    expect(keptOf(100, 2 ** 21)).toHaveLength(3);
    expect(keptOf(4, 2 ** 21)).toEqual([0, 1, 2, 3]);
    expect(keptOf(9, 2 ** 25)).toEqual([0, 8]);
  });
});
