import { describe, expect, it } from 'vitest';

import { random } from '../random.js';
import { evaluationSize, evaluationView, randomRegion, trainingView } from './view.js';

describe('the part that is shown in training', () => {
  it('lies within the image, and has the areas and ratios of the crops of Inception', () => {
    const draws = random(0, 'crops');
    const regions = Array.from({ length: 4000 }, () => randomRegion(500, 375, draws));
    const shares = regions.map(({ width, height }) => (width * height) / (500 * 375));
    for (const { left, top, width, height } of regions) {
      expect(left >= 0 && top >= 0 && left + width <= 500 && top + height <= 375).toBe(true);
      // Sides are rounded to whole pixels: of 85 or more, by half of one.
      expect(width / height).toBeGreaterThan((3 / 4) * 0.98);
      expect(width / height).toBeLessThan((4 / 3) * 1.02);
    }
    expect(Math.min(...shares)).toBeGreaterThan(0.08 * 0.97);
    // Areas under half of the image always fit: 0.42 of 0.92 drawn are under 0.5, and of the others some are refused.
    const small =
      shares.filter((share) => share < 0.29).length / shares.filter((share) => share < 0.5).length;
    expect(small).toBeCloseTo(0.5, 1);
  });

  it('is the largest middle part of a ratio that is allowed, where nothing drawn fits', () => {
    const draws = random(0, 'crops');
    // Of 1000 × 1 a part of 0.08 of the area is 8 wide or more, and 1 high at most at a ratio of 4/3: none fits.
    expect(randomRegion(1000, 1, draws)).toEqual({ left: 499, top: 0, width: 1, height: 1 });
    expect(randomRegion(3, 300, draws)).toEqual({ left: 0, top: 148, width: 3, height: 4 });
  });
});

describe('what is shown in evaluation', () => {
  it("is 256 pixels at the shorter side for 224, the longer one rounded down, as torchvision's", () => {
    // int(256 · 500 / 375) = 341.
    expect(evaluationSize(500, 375, 224)).toEqual([341, 256]);
    expect(evaluationSize(375, 500, 224)).toEqual([256, 341]);
    expect(evaluationSize(64, 64, 224)).toEqual([256, 256]);
  });

  it('is the middle', async () => {
    // Red on the left, blue on the right, each half of 64 × 32: of the middle 28 × 28 at 64 × 32 too.
    const pixels = Uint8Array.from({ length: 64 * 32 * 3 }, (_, i) => {
      const x = Math.floor(i / 3) % 64;
      return i % 3 === (x < 32 ? 0 : 2) ? 200 : 0;
    });
    const view = await evaluationView({ pixels, width: 64, height: 32 }, 28);
    expect(view.length).toBe(28 * 28 * 3);
    const colourAt = (x: number) => [...view.subarray((14 * 28 + x) * 3, (14 * 28 + x) * 3 + 3)];
    expect(colourAt(0)).toEqual([200, 0, 0]);
    expect(colourAt(13)).toEqual([200, 0, 0]);
    expect(colourAt(14)).toEqual([0, 0, 200]);
  });

  it('is one pixel for all where all are alike, in training too', async () => {
    const pixels = new Uint8Array(40 * 30 * 3).fill(77);
    const image = { pixels, width: 40, height: 30 };
    const views = [await evaluationView(image, 16), await trainingView(image, 16, random(1, 'x'))];
    for (const view of views) expect(new Set(view)).toEqual(new Set([77]));
  });
});
