import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { loadDigits } from './digits.js';

const allOf = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

describe('loadDigits', () => {
  /**
   * By numpy, of scikit-learn's copy:
   *
   *     X, y = load_digits(return_X_y=True)
   *     X.sum(); np.bincount(y.astype(int)); X.sum(0)[:8]
   */
  it('has the pixels and labels that scikit-learn has, each image once', async () => {
    const { train, test, classes } = await loadDigits();
    expect([train.count, test.count]).toEqual([1437, 360]);
    expect(classes).toHaveLength(10);
    const labels = Array<number>(10).fill(0);
    const columns = Array<number>(64).fill(0);
    const images = new Set<string>();
    for (const part of [train, test]) {
      const { inputs, targets } = part.gather(allOf(part.count));
      const [pixels] = inputs as [Float32Array];
      targets.forEach((label) => (labels[label]! += 1));
      pixels.forEach((value, i) => (columns[i % 64]! += 16 * value));
      targets.forEach((_, i) => images.add(pixels.subarray(64 * i, 64 * i + 64).join()));
    }
    expect(labels).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    expect(columns.reduce((a, b) => a + b)).toBe(561_718);
    expect(columns.slice(0, 8)).toEqual([0, 546, 9353, 21269, 21291, 10390, 2448, 233]);
    expect(images.size).toBe(1797);
  });

  it('has each label with its image: of the examples 0, 1, 2, 1000, 1001, 1795 and 1796', async () => {
    const { train, test } = await loadDigits();
    // The SHA-256 of 64 bytes, from 0 to 16: hashlib.sha256(X[i].astype('uint8').tobytes())
    const known = new Map([
      ['9bc74a9fdeea9a14', 0],
      ['627bc62ad7a34d5d', 1],
      ['b2cf93310f7510ba', 2],
      ['3cd49345703d0e33', 1],
      ['611875a034b29cfc', 4],
      ['6e29c3d42bda5b4a', 9],
      ['ffa24dbe03900660', 8],
    ]);
    let found = 0;
    for (const part of [train, test]) {
      const { inputs, targets } = part.gather(allOf(part.count));
      targets.forEach((label, i) => {
        const pixels = Uint8Array.from(inputs[0]!.subarray(64 * i, 64 * i + 64), (value) => 16 * value);
        const expected = known.get(createHash('sha256').update(pixels).digest('hex').slice(0, 16));
        if (expected === undefined) return;
        found += 1;
        expect(label).toBe(expected);
      });
    }
    expect(found).toBe(known.size);
  });

  it('is split the same each time, with each class on both sides, and known by a digest', async () => {
    const [first, second] = await Promise.all([loadDigits(), loadDigits()]);
    const { targets } = first.test.gather(allOf(360));
    expect(second.test.gather(allOf(360)).targets).toEqual(targets);
    expect(new Set(targets).size).toBe(10);
    expect(await first.digest?.()).toMatch(/^[0-9a-f]{16}$/);
  });
});
