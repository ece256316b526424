import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { imageFile, imageFolder, put, temporaryFolder } from '../class-images/test-images.js';
import { fromWebDataset } from '../webdataset/index.js';
import { readStretch, tarMembers } from '../webdataset/tar.js';
import { loadImageNet, prepareImageNet } from './index.js';

const folder = temporaryFolder();
const from = () => join(folder.path, 'images');
const to = () => join(folder.path, 'data', 'imagenet');
const archives = async () => {
  const names = (await readdir(to())).filter((name) => name.endsWith('.tar'));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(to(), name), 'base64')] as const)),
  );
};

describe('prepareImageNet', () => {
  it('makes larger images smaller, by the shorter side, and keeps the others as they are', async () => {
    await imageFolder(from());
    await prepareImageNet({ from: from(), to: to(), size: 24 });
    const path = join(to(), 'train-000000.tar');
    const sizes = new Map<string, string>();
    for (const { name, offset, length } of await tarMembers(path)) {
      if (name.endsWith('.cls')) continue;
      const bytes = await readStretch(path, offset, length);
      const { width, height, format } = await sharp(bytes).metadata();
      sizes.set(name, `${width}x${height} ${format}`);
    }
    // 20 × 50 as it is; 27 × 41, 34 × 32, 41 × 23, 48 × 14: 24 × 36.4, 25.5 × 24, then as they are.
    expect(Object.fromEntries([...sizes].slice(0, 5))).toEqual({
      'n01/image_5.jpg': '48x14 jpeg',
      'n01/image_6.jpg': '41x23 jpeg',
      'n01/image_7.JPEG': '26x24 jpeg',
      'n01/image_8.jpg': '24x36 jpeg',
      'n01/image_9.jpg': '20x50 jpeg',
    });
  });

  it('says what it made, so that nothing has to be read for its digest', async () => {
    await imageFolder(from());
    const told: number[] = [];
    await prepareImageNet({
      from: from(),
      to: to(),
      shardBytes: 4000,
      onProgress: ({ done }) => told.push(done),
    });
    expect(told.at(-1)).toBe(21);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    const manifest = JSON.parse(await readFile(join(to(), 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({
      classes: ['n01', 'n02', 'n03 with a space'],
      images: { train: 15, val: 6 },
      making: { size: 256, quality: 90, shardBytes: 4000 },
    });
    expect(manifest.digest).toMatch(/^[0-9a-f]{16}$/);
    expect(Object.keys(await archives()).sort()).toEqual(manifest.files.map(({ name }: { name: string }) => name).sort()); // prettier-ignore
    expect(await prepareImageNet({ from: from(), to: to(), shardBytes: 4000 })).toEqual({
      images: 21,
      shards: manifest.files.length,
    });
  });

  it('goes on where it was interrupted, with what is whole, to the same shards', async () => {
    await imageFolder(from());
    const making = { from: from(), to: to(), size: 24, shardBytes: 3000 };
    await prepareImageNet(making);
    const whole = await archives();
    await rm(to(), { recursive: true });
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    await expect(prepareImageNet({ ...making, onProgress, signal: stop.signal })).rejects.toThrow('enough');
    expect((await readdir(to())).filter((name) => name.endsWith('.partial'))).toEqual([]);
    await expect(loadImageNet(join(folder.path, 'data'))).rejects.toThrow('is half prepared');
    const partly = await archives();
    expect(Object.keys(partly).length).toBeLessThan(Object.keys(whole).length);
    // What a command that was killed leaves, and a shard that a full disk cut.
    await writeFile(join(to(), 'train-000007.tar.1-2.partial'), 'half');
    await prepareImageNet(making);
    expect(await archives()).toEqual(whole);
    await truncate(join(to(), 'train-000001.tar'), 1000);
    await rm(join(to(), 'val-000000.tar'));
    await prepareImageNet(making);
    expect(await archives()).toEqual(whole);
    expect((await readdir(to())).filter((name) => !name.endsWith('.tar'))).toEqual(['manifest.json']);
  });

  it('does not go on with shards of another making', async () => {
    await imageFolder(from());
    await prepareImageNet({ from: from(), to: to(), size: 24 });
    const other = 'holds shards of other images, or made with other settings';
    await expect(prepareImageNet({ from: from(), to: to(), size: 25 })).rejects.toThrow(other);
    await put(join(from(), 'train/n01/another.jpg'), await imageFile(1, 20, 20));
    await expect(prepareImageNet({ from: from(), to: to(), size: 24 })).rejects.toThrow(other);
    await rm(join(to(), 'manifest.json'));
    await expect(prepareImageNet({ from: from(), to: to(), size: 24 })).rejects.toThrow(other);
  });

  it('refuses what it cannot make shards of, and leaves no half of one', async () => {
    await expect(prepareImageNet({ from: from(), to: to() })).rejects.toThrow(`${join(from(), 'train')} is missing`); // prettier-ignore
    await imageFolder(from());
    await put(join(from(), 'train/n01/a.b.jpg'), await imageFile(1, 20, 20));
    await expect(prepareImageNet({ from: from(), to: to() })).rejects.toThrow('a.b.jpg has a point within its name'); // prettier-ignore
    await rm(join(from(), 'train/n01/a.b.jpg'));
    await put(join(from(), 'train/n01/image_9.png'), await imageFile(1, 20, 20));
    await expect(prepareImageNet({ from: from(), to: to() })).rejects.toThrow('image_9.png has the name of another'); // prettier-ignore
    await put(join(from(), 'train/n01/image_9.png'), 'none');
    await rm(join(from(), 'train/n01/image_9.jpg'));
    await expect(prepareImageNet({ from: from(), to: to() })).rejects.toThrow(
      'image_9.png cannot be decoded',
    );
    expect((await readdir(to())).filter((name) => name !== 'preparing.json')).toEqual([]);
    await expect(prepareImageNet({ from: from(), to: join(from(), 'train/n02/image_9.jpg/x') })).rejects.toThrow('cannot be written'); // prettier-ignore
  });

  it.each<[object, string]>([
    [{ size: 0 }, 'prepareImageNet(): size = 0'],
    [{ shardBytes: 0.5 }, 'shardBytes = 0.5'],
    [{ from: 3 }, 'prepareImageNet(): from: folder = 3'],
    [{ too: '' }, "has no 'too'"],
    [{ onProgress: 1 }, 'onProgress = 1'],
    [{ signal: 1 }, 'signal = 1'],
  ])('refuses the options %o', async (options, message) => {
    await expect(prepareImageNet({ from: from(), to: to(), ...options })).rejects.toThrow(message);
  });
});

describe('loadImageNet', () => {
  it('reads folders, and shards where both are there; test/ is not looked at', async () => {
    const data = join(folder.path, 'data');
    await expect(loadImageNet(data)).rejects.toThrow('imagenet has neither train/ nor train-000000.tar');
    await imageFolder(to());
    await put(join(to(), 'test', 'loose.jpg'), '');
    const ofFolder = await loadImageNet(data, { size: 8 });
    expect([ofFolder.train.count, ofFolder.validation, ofFolder.test.count]).toEqual([15, undefined, 6]);
    await prepareImageNet({ from: to(), to: to(), size: null });
    const digest = await ofFolder.digest?.();
    await rm(join(to(), 'train'), { recursive: true });
    const ofShards = await loadImageNet(data, { size: 8 });
    expect(await ofShards.digest?.()).toBe(digest);
    expect(await ofShards.digest?.()).toBe(await (await fromWebDataset(to(), { size: 8 })).digest?.());
    await expect(loadImageNet(data, { sizes: 8 } as never)).rejects.toThrow("loadImageNet(): options has no 'sizes'"); // prettier-ignore
  });
});
