import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { imageFile, imageFolder, put, temporaryFolder } from '../class-images/test-images.js';
import type { PreparationProgress } from '../preparation.js';
import { fromImageFolder } from './index.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder.path, 'images', ...names);
const read = () => fromImageFolder(at(), { size: 8 });

describe('a folder of folders of classes', () => {
  it("has the pixels of its images, standardised by ImageNet's mean and deviation", async () => {
    for (const part of ['train', 'val']) {
      const grey = { width: 9, height: 9, channels: 3, background: { r: 255, g: 0, b: 51 } } as const;
      await put(at(part, 'a', 'x.png'), await sharp({ create: grey }).png().toBuffer());
    }
    const { train, test } = await read();
    expect(train.inputs).toEqual([{ shape: [8, 8, 3], type: 'float32' }]);
    // (1 − 0.485) / 0.229, (0 − 0.456) / 0.224, (0.2 − 0.406) / 0.225.
    const expected = [2.2489, -2.0357, -0.9156];
    for (const batch of [await test.gather([0]), await train.gather([0], { seed: 0, epoch: 0 })]) {
      batch.inputs[0]!.forEach((value, i) => expect(value).toBeCloseTo(expected[i % 3] as number, 4));
    }
  });

  it('mirrors half of the images in training, by their own seed', async () => {
    // Bright on the left: mirrored, on the right.
    const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => 255 - 15 * (Math.floor(i / 3) % 16));
    const image = await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
      .png()
      .toBuffer();
    for (let i = 0; i < 60; i++) await put(at('train', 'a', `${i}.png`), image);
    await put(at('val', 'a', 'x.png'), image);
    const { train } = await read();
    const mirrored = async (epoch: number) => {
      const batch = await train.gather([...Array(60).keys()], { seed: 1, epoch });
      return [...Array(60).keys()].map((i) => batch.inputs[0]![i * 192]! < batch.inputs[0]![i * 192 + 21]!);
    };
    const [first, second] = [await mirrored(0), await mirrored(1)];
    // Of 120 throws of a coin: 60, and four standard deviations are 22.
    const count = [...first, ...second].filter(Boolean).length;
    expect(Math.abs(count - 60)).toBeLessThan(22);
    expect(first).not.toEqual(second);
    expect(await mirrored(0)).toEqual(first);
  });

  it('has an example the same in every batch, whatever stands beside it', async () => {
    await imageFolder(at());
    const { train } = await read();
    const draw = { seed: 5, epoch: 3 };
    const all = await train.gather([...Array(15).keys()], draw);
    const some = await train.gather([11, 2], draw);
    expect(some.inputs[0]!.subarray(0, 192)).toEqual(all.inputs[0]!.subarray(11 * 192, 12 * 192));
    expect(some.inputs[0]!.subarray(192)).toEqual(all.inputs[0]!.subarray(2 * 192, 3 * 192));
    expect([...some.targets]).toEqual([all.targets[11], all.targets[2]]);
  });

  it('takes val for validation where there is a test part too', async () => {
    await imageFolder(at());
    await put(at('test', 'n01', 'x.jpg'), await imageFile(1, 20, 20));
    const { validation, test } = await read();
    expect([validation?.count, test.count]).toEqual([6, 1]);
    const batch = await validation!.gather([0], { seed: 0, epoch: 0 });
    expect(batch.targets[0]).toBe(0);
  });

  it('is known by what its files hold, which are read once', async () => {
    await imageFolder(at());
    const progress: PreparationProgress[] = [];
    const digestOf = async () =>
      (await fromImageFolder(at(), { size: 8, onProgress: (seen) => progress.push(seen) })).digest?.();
    const before = await digestOf();
    expect(progress.at(-1)).toEqual({ what: 'reading images', done: 21, total: 21 });
    const path = at('train', 'n01', 'image_9.jpg');
    await utimes(path, 1, 1);
    expect(await digestOf()).toBe(before);
    await writeFile(path, await imageFile(77, 20, 50));
    expect(await digestOf()).not.toBe(before);
  });

  it('leaves hidden files and those that are no images out of account', async () => {
    await imageFolder(at());
    await put(at('train', '.DS_Store'), '');
    await put(at('train', '.cache', 'x.jpg'), '');
    await put(at('train', 'n01', 'notes.txt'), '');
    const { classes, train } = await read();
    expect([classes?.length, train.count]).toEqual([3, 15]);
  });
});

describe('what is wrong with a folder is said in a line', () => {
  it('a class that is in val alone, and one without images', async () => {
    await imageFolder(at());
    await put(at('val', 'zebra', 'x.jpg'), await imageFile(1, 20, 20));
    await expect(read()).rejects.toThrow(`${at('val', 'zebra')} is a class that the training images have not`); // prettier-ignore
    await mkdir(at('train', 'zebra'));
    await expect(read()).rejects.toThrow(`${at('train', 'zebra')} has no images`);
  });

  it('images in no class, no images at all, no part to judge by, no folder', async () => {
    await expect(read()).rejects.toThrow(`${at()} has neither test/ nor val/`);
    await mkdir(at('val', 'a'), { recursive: true });
    await expect(read()).rejects.toThrow(`${at('train')} cannot be read`);
    await mkdir(at('train'));
    await expect(read()).rejects.toThrow(`${at('train')} has no folders of classes`);
    await mkdir(at('train', 'a'));
    await expect(read()).rejects.toThrow(`${at('train')} has no images`);
    await put(at('train', 'a', 'x.jpg'), await imageFile(1, 20, 20));
    await expect(read()).rejects.toThrow(`${at('val')} has no images`);
    await put(at('val', 'y.jpg'), await imageFile(1, 20, 20));
    await expect(read()).rejects.toThrow(`${at('val', 'y.jpg')} lies in no class`);
  });

  it('an image that is none, or is gone, when its batch is gathered', async () => {
    await imageFolder(at());
    const whole = await imageFile(1, 40, 40);
    await put(at('train', 'n01', 'image_5.jpg'), whole.subarray(0, whole.length - 100));
    await put(at('train', 'n01', 'image_8.png'), 'no image');
    const { train } = await read();
    await expect(train.gather([0])).rejects.toThrow(`${at('train', 'n01', 'image_5.jpg')} cannot be decoded`);
    await expect(train.gather([3, 4])).rejects.toThrow(`${at('train', 'n01', 'image_8.png')} cannot be decoded`); // prettier-ignore
    await rm(at('train', 'n01', 'image_9.jpg'));
    await expect(train.gather([4])).rejects.toThrow(`${at('train', 'n01', 'image_9.jpg')} cannot be read`);
  });

  it.each<[object, string]>([
    [{ size: 0 }, 'fromImageFolder(): size = 0, and is to be a whole number of at least 1'],
    [{ size: 1.5 }, 'size = 1.5'],
    [{ concurrency: 0 }, 'concurrency = 0'],
    [{ classes: -1 }, 'classes = -1'],
    [{ imagesPerClass: NaN }, 'imagesPerClass = NaN'],
    [{ onProgress: 3 }, 'onProgress = 3'],
    [{ sizes: 8 }, "fromImageFolder(): options has no 'sizes'"],
  ])('the options %o', async (options, message) => {
    await expect(fromImageFolder(at(), options)).rejects.toThrow(message);
  });
});
