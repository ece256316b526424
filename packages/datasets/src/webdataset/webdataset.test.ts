import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';

import { imageFile, imageFolder, put, temporaryFolder } from '../class-images/test-images.js';
import type { DataSet } from '../examples.js';
import { fromImageFolder } from '../image-folder/index.js';
import { prepareImageNet } from '../imagenet/index.js';
import { fromWebDataset } from './index.js';

const folder = temporaryFolder();

/** A shard of these files, by the library. */
async function shard(path: string, files: Record<string, Uint8Array | string>) {
  await mkdir(join(path, '..'), { recursive: true });
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, Buffer.from(content));
  archive.finalize();
  await pipeline(archive, createWriteStream(path));
}

const draw = { seed: 3, epoch: 2 };

async function bitsOf(data: DataSet, drawn = draw) {
  const of = async (part: 'train' | 'test', asDrawn?: typeof draw) => {
    const examples = data[part];
    const batch = await examples.gather(
      Array.from({ length: examples.count }, (_, i) => i),
      asDrawn,
    );
    return [Buffer.from(batch.inputs[0]!.buffer).toString('base64'), [...batch.targets]];
  };
  return [await of('train', drawn), await of('train'), await of('test')];
}

describe('shards of a folder', () => {
  it('are the same examples in the same order, to the bit, with the same digest, whatever reads them at a time', async () => {
    const [from, to] = [join(folder.path, 'images'), join(folder.path, 'shards')];
    await imageFolder(from);
    expect(await prepareImageNet({ from, to, size: null, shardBytes: 3000 })).toMatchObject({ images: 21 });
    expect((await readdir(to)).filter((name) => name.endsWith('.tar')).length).toBeGreaterThan(4);
    const ofFolder = await fromImageFolder(from, { size: 24, concurrency: 1 });
    const ofShards = await fromWebDataset(to, { size: 24, concurrency: 4 });
    expect(ofFolder.train.count).toBe(15);
    expect(ofFolder.test.count).toBe(6);
    expect(ofShards.classes).toEqual(['n01', 'n02', 'n03 with a space']);
    expect(ofFolder.classes).toEqual(ofShards.classes);
    const bits = await bitsOf(ofFolder);
    expect(await bitsOf(ofShards)).toEqual(bits);
    expect(bits[0]).not.toEqual(bits[1]);
    expect(await bitsOf(await fromImageFolder(from, { size: 24, concurrency: 4 }))).toEqual(bits);
    expect(await bitsOf(ofFolder, { seed: 3, epoch: 1 })).not.toEqual(bits);
    expect(await ofShards.digest?.()).toBe(await ofFolder.digest?.());
    expect(await ofShards.digest?.()).not.toBe(await (await fromWebDataset(to, { size: 25 })).digest?.());
  });

  it('are the same as an independent tar writes them, with long names and a leading ./', async () => {
    const from = join(folder.path, 'images');
    await imageFolder(from);
    const long = 'n'.repeat(120);
    await put(join(from, 'train/n01', `${long}.jpg`), await imageFile(99, 30, 30));
    const data = await fromImageFolder(from, { size: 8 });
    const to = join(folder.path, 'shards');
    await mkdir(to);
    for (const [part, count] of [
      ['train', 16],
      ['val', 6],
    ] as const) {
      const labels = await readdir(join(from, part));
      for (const [label, name] of labels.sort().entries()) {
        for (const file of await readdir(join(from, part, name))) {
          await writeFile(join(from, part, name, `${file.split('.')[0]}.cls`), `${label}\n`);
          await writeFile(join(from, part, name, `${file.split('.')[0]}.json`), '{}');
        }
      }
      for (const format of ['gnu', 'pax']) {
        execFileSync('tar', [`--format=${format}`, '-cf', join(to, `${part}-000000.tar`), '-C', join(from, part), '.']); // prettier-ignore
        if (part === 'train') continue;
        const shards = await fromWebDataset(to, { size: 8 });
        expect(shards.classes).toEqual(['0', '1', '2']);
        expect([shards.train.count, shards.test.count]).toEqual([16, count]);
        expect(await bitsOf(shards)).toEqual(await bitsOf(data));
        expect(await shards.digest?.()).toBe(await data.digest?.());
      }
    }
  });

  it('go on in the midst of an epoch as if they had been read from its start, from folder or shards', async () => {
    const [from, to] = [join(folder.path, 'images'), join(folder.path, 'shards')];
    await imageFolder(from);
    await prepareImageNet({ from, to, size: null, shardBytes: 3000 });
    const batches = async (data: DataSet, first: number) => {
      const seen: string[] = [];
      for (let step = first; step < 8; step++) {
        const at = { seed: 4, epoch: Math.floor(step / 4) };
        const indices = [0, 1, 2, 3].map((i) => (7 * step + 4 * i) % 15);
        const { inputs, targets } = await data.train.gather(indices, at);
        seen.push(`${Buffer.from(inputs[0]!.buffer).toString('base64')} ${targets.join()}`);
      }
      return seen;
    };
    const whole = await batches(await fromImageFolder(from, { size: 16, concurrency: 1 }), 0);
    expect(await batches(await fromImageFolder(from, { size: 16, concurrency: 4 }), 3)).toEqual(
      whole.slice(3),
    );
    expect(await batches(await fromWebDataset(to, { size: 16, concurrency: 3 }), 5)).toEqual(whole.slice(5));
  });

  it('can be cut to the first classes and the first images of each', async () => {
    const [from, to] = [join(folder.path, 'images'), join(folder.path, 'shards')];
    await imageFolder(from);
    await prepareImageNet({ from, to });
    const limits = { size: 8, classes: 2, imagesPerClass: 3 };
    const [ofFolder, ofShards] = [await fromImageFolder(from, limits), await fromWebDataset(to, limits)];
    for (const { classes, train, test } of [ofFolder, ofShards]) {
      expect(classes).toEqual(['n01', 'n02']);
      expect([train.count, test.count]).toEqual([6, 4]);
    }
    expect(await bitsOf(ofShards)).toEqual(await bitsOf(ofFolder));
  });
});

describe('what is wrong with shards is said in a line', () => {
  const jpeg = () => imageFile(1, 20, 20);
  const at = (name: string) => join(folder.path, name);
  const whole = async () => {
    await shard(at('train-000000.tar'), { 'a.jpg': await jpeg(), 'a.cls': '0' });
    await shard(at('val-000000.tar'), { 'b.jpg': await jpeg(), 'b.cls': '0' });
  };
  const read = () => fromWebDataset(folder.path, { size: 8 });

  it.each<[string, Record<string, string>, string]>([
    ['an image without a class', { 'x/c.jpg': '' }, 'train-000000.tar: x/c.jpg has no x/c.cls'],
    ['a class without an image', { 'c.cls': '0' }, 'train-000000.tar: c.cls has no image (jpg, jpeg, png)'],
    ['what is no class', { 'c.jpg': '', 'c.cls': 'cat' }, "train-000000.tar: c.cls says 'cat', and is to be"],
    ['a class below 0', { 'c.jpg': '', 'c.cls': '-1' }, "c.cls says '-1'"],
    ['an empty class', { 'c.jpg': '', 'c.cls': '' }, "c.cls says ''"],
    ['a long text', { 'c.jpg': '', 'c.cls': '1'.repeat(100) }, 'c.cls says a long text'],
    ['two images of a key', { 'c.jpg': '', 'c.png': '', 'c.cls': '0' }, 'c is there twice'],
    ['no images at all', { 'readme.txt': 'none' }, 'train-000000.tar has no images'],
  ])('%s', async (_, files, message) => {
    await whole();
    await shard(at('train-000000.tar'), files);
    await expect(read()).rejects.toThrow(message);
    await expect(read()).rejects.not.toThrow('\n');
  });

  it('a class that there is not', async () => {
    await whole();
    await shard(at('val-000000.tar'), { 'b.jpg': await jpeg(), 'b.cls': '1' });
    await expect(read()).rejects.toThrow(`${at('val-000000.tar')}: b.jpg is of class 1, and there are 1 classes`); // prettier-ignore
    await writeFile(at('manifest.json'), JSON.stringify({ version: 1, files: [], classes: ['cat', 'dog'] }));
    expect((await read()).classes).toEqual(['cat', 'dog']);
  });

  it('a key in two shards', async () => {
    await whole();
    await shard(at('train-000001.tar'), { 'a.jpg': await jpeg(), 'a.cls': '0' });
    await expect(read()).rejects.toThrow('a.jpg is in another shard too');
  });

  it('a shard that is cut, within a file or between two, and one that is no archive', async () => {
    await whole();
    const bytes = await readFile(at('train-000000.tar'));
    for (const length of [700, bytes.length - 1024, 512]) {
      await writeFile(at('train-000000.tar'), bytes);
      await truncate(at('train-000000.tar'), length);
      await expect(read()).rejects.toThrow(`${at('train-000000.tar')} is no whole tar archive`);
    }
    await writeFile(at('train-000000.tar'), '');
    await expect(read()).rejects.toThrow('is no whole tar archive (it is empty)');
    await writeFile(at('train-000000.tar'), Buffer.alloc(4096, 'x'));
    await expect(read()).rejects.toThrow('is no whole tar archive');
  });

  it('a shard that is missing', async () => {
    await whole();
    await shard(at('train-000001.tar'), { 'c.jpg': await jpeg(), 'c.cls': '0' });
    await rename(at('train-000000.tar'), at('aside'));
    await expect(read()).rejects.toThrow(`${at('train-000000.tar')} is missing, and train-000001.tar is there`); // prettier-ignore
    await rename(at('aside'), at('train-000000.tar'));
    await rm(at('val-000000.tar'));
    await expect(read()).rejects.toThrow(`${at('val-000000.tar')} is missing`);
    await rm(at('train-000001.tar'));
    const manifest = { version: 1, files: [{ name: 'train-000001.tar' }] };
    await writeFile(at('manifest.json'), JSON.stringify(manifest));
    await expect(read()).rejects.toThrow(`${at('train-000001.tar')} is missing`);
    await writeFile(at('manifest.json'), '{');
    await expect(read()).rejects.toThrow('manifest.json is damaged');
    await expect(fromWebDataset(at('nowhere'))).rejects.toThrow(`${at('nowhere')} cannot be read`);
  });

  it('an image that is none, when its batch is gathered', async () => {
    await whole();
    const cut = (await jpeg()).subarray(0, 400);
    await shard(at('train-000000.tar'), { 'a.jpg': await jpeg(), 'a.cls': '0', 'c.jpg': cut, 'c.cls': '0' });
    const { train } = await read();
    await train.gather([0]);
    await expect(train.gather([0, 1], draw)).rejects.toThrow(
      `${at('train-000000.tar')}: c.jpg cannot be decoded`,
    );
  });

  it('a shard that is shorter than it was, when its batch is gathered', async () => {
    await whole();
    const { train } = await read();
    await truncate(at('train-000000.tar'), 600);
    await expect(train.gather([0])).rejects.toThrow(`${at('train-000000.tar')} cannot be read (it ends too soon)`); // prettier-ignore
  });
});
