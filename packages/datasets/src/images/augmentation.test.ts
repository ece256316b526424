import { describe, expect, it } from 'vitest';

import type { Batch, Examples } from '../examples.js';
import { inMemory } from '../memory.js';
import { random, type Random } from '../random.js';
import { subset } from '../splits.js';
import { augmented, randomCrop, randomFlip, type ImageShape } from './augmentation.js';

/** Draws what it is told, one after another. */
function told(...numbers: number[]): Random {
  const next = () => numbers.shift() as number;
  return { uniform: next, integer: next, normal: next };
}

const changed = (change: ReturnType<ReturnType<typeof randomFlip>>, image: number[], draws: Random) => {
  const target = new Float32Array(image.length).fill(NaN);
  change(Float32Array.from(image), target, draws);
  return [...target];
};

describe('randomFlip', () => {
  const shape = [2, 3, 2] as const;
  // Two rows of three pixels of two channels.
  const image = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];

  it('exchanges left and right, pixel by pixel', () => {
    expect(changed(randomFlip()(shape), image, told(0.49))).toEqual([5, 6, 3, 4, 1, 2, 15, 16, 13, 14, 11, 12]); // prettier-ignore
  });

  it('leaves the other half as they are', () => {
    expect(changed(randomFlip()(shape), image, told(0.5))).toEqual(image);
    expect(changed(randomFlip({ probability: 0 })(shape), image, told(0))).toEqual(image);
  });
});

describe('randomCrop', () => {
  const shape = [3, 3, 1] as const;
  const image = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const crop = randomCrop({ padding: 1, fill: [-1] })(shape);

  // Rows and columns of the padded 5 × 5 image where the 3 × 3 crop begins.
  it.each([
    [
      [0, 0],
      [-1, -1, -1, -1, 1, 2, -1, 4, 5],
    ],
    [[1, 1], image],
    [
      [2, 2],
      [5, 6, -1, 8, 9, -1, -1, -1, -1],
    ],
    [
      [0, 2],
      [-1, -1, -1, 2, 3, -1, 5, 6, -1],
    ],
    [
      [2, 1],
      [4, 5, 6, 7, 8, 9, -1, -1, -1],
    ],
  ])('at %j of the padded image', ([top, left], expected) => {
    expect(changed(crop, image, told(top as number, left as number))).toEqual(expected);
  });

  it('draws its places evenly', () => {
    const bounds: number[] = [];
    const draws = { ...told(), integer: (below: number) => (bounds.push(below), 0) };
    randomCrop({ padding: 4 })([32, 32, 3])(new Float32Array(3072), new Float32Array(3072), draws);
    expect(bounds).toEqual([9, 9]);
  });

  it('fills each channel with its own, and with 0 where none is given', () => {
    const two = randomCrop({ padding: 1, fill: [-1, -2] })([1, 2, 2]);
    expect(changed(two, [1, 2, 3, 4], told(1, 0))).toEqual([-1, -2, 1, 2]);
    expect(changed(randomCrop({ padding: 1 })([1, 2, 2]), [1, 2, 3, 4], told(1, 2))).toEqual([3, 4, 0, 0]);
  });

  it('of a padding wider than the image may be of padding alone', () => {
    const wide = randomCrop({ padding: 5, fill: [0.5] })([1, 2, 1]);
    expect(changed(wide, [1, 2], told(5, 0))).toEqual([0.5, 0.5]);
    expect(changed(wide, [1, 2], told(5, 10))).toEqual([0.5, 0.5]);
    expect(changed(wide, [1, 2], told(0, 5))).toEqual([0.5, 0.5]);
  });
});

describe('augmented examples', () => {
  const shape: ImageShape = [8, 8, 3];
  const size = 8 * 8 * 3;
  const noise = random(0, 'images');
  const values = Float32Array.from({ length: 40 * size }, noise.normal);
  const labels = Int32Array.from({ length: 40 }, (_, i) => i);
  const plain = inMemory(
    [{ shape: [...shape], type: 'float32', values }],
    { shape: [], type: 'int32', values: labels },
    Float32Array.from({ length: 40 }, (_, i) => i / 2),
  );
  const inTurns: Examples = { ...plain, gather: async (indices, draw) => plain.gather(indices, draw) };
  const augmentations = [randomCrop({ padding: 2 }), randomFlip()];
  const examples = augmented(plain, shape, augmentations);
  const draw = { seed: 3, epoch: 1 };
  const image = ({ inputs }: Batch, i: number) => Array.from(inputs[0]!.subarray(i * size, (i + 1) * size));
  const imagesOf = async (of: Examples, indices: number[], from = draw) => {
    const batch = await of.gather(indices, from);
    return indices.map((_, i) => image(batch, i));
  };

  it('of one seed are the same whatever batch they come in, at once or later', async () => {
    const all = await imagesOf(examples, [...labels]);
    const backwards = await imagesOf(examples, [...labels].reverse());
    expect(backwards.reverse()).toEqual(all);
    for (const one of [0, 17, 39]) expect(await imagesOf(examples, [one])).toEqual([all[one]]);
    expect(await imagesOf(augmented(inTurns, shape, augmentations), [5, 4])).toEqual([all[5], all[4]]);
    const part = subset(examples, Int32Array.of(30, 10));
    expect(await imagesOf(part, [1, 0])).toEqual([all[10], all[30]]);
  });

  it('are drawn anew for another epoch, another seed and another image', async () => {
    const all = [...labels];
    const first = await imagesOf(examples, all);
    const differing = async (from: { seed: number; epoch: number }) => {
      const others = await imagesOf(examples, all, from);
      return others.filter((other, i) => other.join() !== first[i]!.join()).length;
    };
    // One of 2 · 5 · 5 changes is the one that it was.
    expect(await differing({ seed: 3, epoch: 2 })).toBeGreaterThan(30);
    expect(await differing({ seed: 4, epoch: 1 })).toBeGreaterThan(30);
    const same = inMemory([{ shape: [...shape], type: 'float32', values: new Float32Array(40 * size).map((_, i) => values[i % size]!) }], { shape: [], type: 'int32', values: labels }); // prettier-ignore
    const drawn = await imagesOf(augmented(same, shape, augmentations), all);
    expect(new Set(drawn.map(String)).size).toBeGreaterThan(15);
  });

  it('do all their changes, one after another', () => {
    const shift = () => (source: Float32Array, target: Float32Array) =>
      target.set(source.map((value) => value + 1));
    const double = () => (source: Float32Array, target: Float32Array) =>
      target.set(source.map((value) => value * 2));
    const three = augmented(plain, shape, [shift, double, shift]).gather([7], draw) as Batch;
    const [asItWas] = plain.gather([7]).inputs;
    expect(image(three, 0)).toEqual(Array.from(asItWas!.map((value) => Math.fround(Math.fround(value + 1) * 2) + 1))); // prettier-ignore
  });

  it('without a draw are as they are; targets and weights always', () => {
    expect(examples.gather([3, 1])).toEqual(plain.gather([3, 1]));
    const { targets, weights } = examples.gather([3, 1], draw) as Batch;
    expect([...targets, ...weights!]).toEqual([3, 1, 1.5, 0.5]);
    const before = Float32Array.from(values);
    examples.gather(labels, draw);
    expect(values).toEqual(before);
  });

  it('refuse what they are not made of', () => {
    type Loose = (...args: unknown[]) => unknown;
    const refusals: [Loose, unknown[], string][] = [
      [augmented as Loose, [plain, [8, 8], []], 'augmented(): shape = an array of 2'],
      [augmented as Loose, [plain, [8, 8, 1], []], 'some whose first input is an image of 64 floats'],
      [augmented as Loose, [plain, shape, randomFlip()], 'augmented(): augmentations'],
      [augmented as Loose, [plain, shape, [randomCrop({ padding: 1, fill: [1] })]], 'a number for each of the 3 channels'], // prettier-ignore
      [randomCrop as Loose, [{ padding: 0 }], 'randomCrop(): padding = 0'],
      [randomCrop as Loose, [{ pading: 4 }], "randomCrop(): options has no 'pading'"],
      [randomCrop as Loose, [{ padding: 1, fill: [NaN] }], 'randomCrop(): fill'],
      [randomFlip as Loose, [{ probability: 2 }], 'randomFlip(): probability = 2, and is to be in [0, 1]'],
    ];
    for (const [refused, args, message] of refusals) {
      expect(() => refused(...args)).toThrow(message);
      expect(() => refused(...args)).toThrow(/^[^\n]+$/);
    }
  });
});
