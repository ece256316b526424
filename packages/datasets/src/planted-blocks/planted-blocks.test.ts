import { describe, expect, it } from 'vitest';

import { plantedBlocks, type PlantedBlocksSettings } from './planted-blocks.js';

const settings: PlantedBlocksSettings = {
  inputs: 16,
  outputs: 12,
  blockShape: [4, 3],
  density: 0.25,
  trainExamples: 4000,
  testExamples: 50,
  correlation: 0.7,
  scaleRange: 2,
  noise: 0,
};

const all = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

describe('plantedBlocks', () => {
  it('plants whole blocks, as many as the density asks', () => {
    const { weights } = plantedBlocks(3, settings);
    const blocks = new Map<string, number>();
    weights.forEach((value, i) => {
      if (value === 0) return;
      const block = `${Math.floor(Math.floor(i / 12) / 4)},${Math.floor((i % 12) / 3)}`;
      blocks.set(block, (blocks.get(block) ?? 0) + 1);
    });
    // A 4 × 4 grid of blocks, a quarter of it: 4 blocks of 4 · 3 weights.
    expect([...blocks.values()]).toEqual([12, 12, 12, 12]);
  });

  it('makes targets that are exactly the product with the true weights when there is no noise', () => {
    const { train, weights } = plantedBlocks(3, settings);
    const { inputs: ofModel, targets } = train.gather([7, 2]);
    const inputs = ofModel[0]!;
    for (const example of [0, 1]) {
      for (let j = 0; j < 12; j++) {
        let product = 0;
        for (let i = 0; i < 16; i++)
          product += (inputs[example * 16 + i] as number) * (weights[i * 12 + j] as number);
        expect(targets[example * 12 + j]).toBeCloseTo(product, 4);
      }
    }
  });

  it('correlates partner groups as asked, and no others', () => {
    const { train } = plantedBlocks(3, settings);
    const inputs = train.gather(all(4000)).inputs[0]!;
    const correlation = (a: number, b: number) => {
      let [ab, aa, bb] = [0, 0, 0];
      for (let n = 0; n < 4000; n++) {
        const [x, y] = [inputs[n * 16 + a] as number, inputs[n * 16 + b] as number];
        [ab, aa, bb] = [ab + x * y, aa + x * x, bb + y * y];
      }
      return ab / Math.sqrt(aa * bb);
    };
    // Five standard errors of a sample correlation of 4000: about 0.08 at most.
    expect(Math.abs(correlation(0, 4) - 0.7)).toBeLessThan(0.05);
    expect(Math.abs(correlation(4, 8))).toBeLessThan(0.08);
    expect(Math.abs(correlation(0, 1))).toBeLessThan(0.08);
  });

  it('is the same for the same seed, another for another', () => {
    const content = (seed: number) => plantedBlocks(seed, settings).train.gather(all(20));
    expect(content(1)).toEqual(content(1));
    expect(content(1)).not.toEqual(content(2));
  });

  it('refuses sizes that the blocks do not divide, and numbers out of range', () => {
    expect(() => plantedBlocks(0, { ...settings, inputs: 20 })).toThrow('Blocks of 4×3 do not cut 20×12');
    expect(() => plantedBlocks(0, { ...settings, density: 0 })).toThrow(
      'density = 0, and is to be a number in (0, 1]',
    );
    expect(() => plantedBlocks(0, { ...settings, correlation: 1 })).toThrow(
      'correlation = 1, and is to be a number in [0, 1)',
    );
  });
});
