import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import { checked, compress } from '../index.js';
import { fileSystem } from '../node.js';
import { fillBlockSparse, weightBits } from '../test-support.js';
import { isWithin } from './file-system.js';

let root: string;
let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(join(tmpdir(), 'espalier-files-'));
});
afterAll(() => rm(root, { recursive: true }));
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++), 'deep');
});

function model(units = 12): tf.LayersModel {
  const made = tf.sequential({ layers: [tf.layers.dense({ units, inputShape: [16] })] });
  fillBlockSparse(made, [4, 4], 0.5);
  return made;
}

it('holds dense and compressed models, to the bit, by a folder, a model.json or a URL', async () => {
  const plain = model();
  const small = await compress(plain, { blockShape: [4, 4] });
  await plain.save(fileSystem(join(folder, 'plain')));
  await small.save(fileSystem(join(folder, 'small/model.json')));
  const again = [
    await tf.loadLayersModel(fileSystem(join(folder, 'plain', 'model.json'))),
    await tf.loadLayersModel(fileSystem(pathToFileURL(join(folder, 'small')))),
    await tf.loadLayersModel(fileSystem(pathToFileURL(join(folder, 'small')).href)),
    await tf.loadLayersModel(fileSystem(pathToFileURL(join(folder, 'small/')))),
  ];
  expect(again.map(weightBits)).toEqual([plain, small, small, small].map(weightBits));
  await small.save(checked(fileSystem(join(folder, 'guarded'))));
  again.push(await tf.loadLayersModel(checked(fileSystem(join(folder, 'guarded')))));
  expect(weightBits(again[4]!)).toEqual(weightBits(small));
  for (const each of [plain, small, ...again]) each.dispose();
});

it('replaces a model by its model.json, and leaves no file of the one before', async () => {
  const [first, second] = [model(), model(8)];
  await first.save(fileSystem(folder));
  const before = await readdir(folder);
  await second.save(fileSystem(folder));
  const after = await readdir(folder);
  expect(before.sort()).toEqual(['model.json', expect.stringMatching(/^weights\.[0-9a-f]{8}\.bin$/)]);
  expect(after.length).toBe(2);
  expect(after).not.toContain(before[1]);
  // Once more the same: the same files.
  await second.save(fileSystem(folder));
  expect(await readdir(folder)).toEqual(after);
  for (const each of [first, second]) each.dispose();
});

it('stays as it was where the new model cannot be written whole', async () => {
  const [first, second] = [model(), model(8)];
  await first.save(fileSystem(folder));
  const text = await readFile(join(folder, 'model.json'), 'utf8');
  // In the place of the new weights lies a folder.
  let name = '';
  await second.save(fileSystem(join(folder, '../other')));
  for (const file of await readdir(join(folder, '../other'))) if (file.endsWith('.bin')) name = file;
  await mkdir(join(folder, name, 'in-the-way'), { recursive: true });
  await expect(second.save(fileSystem(folder))).rejects.toThrow(
    `The model could not be saved to ${folder}: `,
  );
  expect(await readFile(join(folder, 'model.json'), 'utf8')).toBe(text);
  const again = await tf.loadLayersModel(fileSystem(folder));
  expect(weightBits(again)).toEqual(weightBits(first));
  expect((await readdir(folder)).filter((file) => file.endsWith('.partial'))).toEqual([]);
  for (const each of [first, second, again]) each.dispose();
});

it('reads what other programs have written: weights in several files', async () => {
  const plain = model();
  await plain.save(fileSystem(folder));
  const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as tf.io.ModelJSON;
  const [name] = json.weightsManifest[0]!.paths;
  const bytes = await readFile(join(folder, name!));
  await writeFile(join(folder, 'group1-shard1of2.bin'), bytes.subarray(0, 100));
  await writeFile(join(folder, 'group1-shard2of2.bin'), bytes.subarray(100));
  json.weightsManifest[0]!.paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
  await writeFile(join(folder, 'model.json'), JSON.stringify(json));
  const again = await tf.loadLayersModel(fileSystem(folder));
  expect(weightBits(again)).toEqual(weightBits(plain));
  for (const each of [plain, again]) each.dispose();
});

it('says of what is damaged, missing or no path what it is', async () => {
  const refuse = (message: string | RegExp) =>
    expect(tf.loadLayersModel(fileSystem(folder))).rejects.toThrow(message);
  await refuse(`${join(folder, 'model.json')} cannot be read (ENOENT): save a model there first`);
  const plain = model();
  await plain.save(fileSystem(folder));
  plain.dispose();
  const path = join(folder, 'model.json');
  const text = await readFile(path, 'utf8');
  const json = JSON.parse(text) as tf.io.ModelJSON;
  const [name] = json.weightsManifest[0]!.paths;
  const edited = (edit: (json: tf.io.ModelJSON) => void) => {
    const copy = structuredClone(json);
    edit(copy);
    return writeFile(path, JSON.stringify(copy));
  };
  await writeFile(path, text.slice(0, 200));
  await refuse(/model\.json is damaged: /);
  await writeFile(path, '[]');
  await refuse('is no model: it lacks a modelTopology, or a weightsManifest');
  await edited((copy) => (copy.weightsManifest[0]!.paths = ['../../elsewhere.bin']));
  await refuse("names weights outside its folder: '../../elsewhere.bin'");
  // A file that asks for more than it holds is refused before anything is allocated.
  await edited((copy) => (copy.weightsManifest[0]!.weights[0]!.shape = [2 ** 20, 2 ** 12]));
  await refuse("The model's file ends within");
  await writeFile(path, text);
  await truncate(join(folder, name!), 40);
  await refuse("The model's file ends within");
  await rm(join(folder, name!));
  await refuse(/weights\..*\.bin cannot be read \(ENOENT\): .* names it/);
  for (const wrong of ['', 3, null, 'https://example.org/model.json', new URL('https://example.org')]) {
    expect(() => fileSystem(wrong as string)).toThrow('fileSystem() takes the path of a folder');
  }
});

it.skipIf(process.getuid?.() === 0)('says of a folder that it may not write in what it is', async () => {
  const plain = model();
  await plain.save(fileSystem(folder));
  await chmod(folder, 0o500);
  await expect(model(8).save(fileSystem(folder))).rejects.toThrow('could not be saved');
  await chmod(folder, 0o700);
  plain.dispose();
});

it('reads no file twice, whatever is told of the weights', async () => {
  const plain = model();
  await plain.save(fileSystem(folder));
  plain.dispose();
  const path = join(folder, 'model.json');
  const json = JSON.parse(await readFile(path, 'utf8')) as tf.io.ModelJSON;
  const [group] = json.weightsManifest;
  const [name] = group!.paths;
  // Texts have no length that is told: the sizes of the files would end nothing.
  group!.weights.push({ name: 'texts', shape: [1], dtype: 'string' });
  for (const again of [name!, `./${name}`]) {
    const named = { ...json, weightsManifest: [group!, { paths: [again], weights: [] }] };
    await writeFile(path, JSON.stringify(named));
    await expect(tf.loadLayersModel(fileSystem(folder))).rejects.toThrow(
      `${path} names ${join(folder, name!)} twice among its weights`,
    );
  }
});

it('knows what lies in a folder, and in the root', () => {
  const { root: top } = parse(resolve('.'));
  expect(dirname(join(top, 'model.json'))).toBe(top);
  expect(isWithin(top, resolve(top, 'weights.bin'))).toBe(true);
  expect(isWithin(top, resolve(top, ''))).toBe(false);
  const models = join(top, 'models');
  expect(isWithin(models, resolve(models, 'weights.bin'))).toBe(true);
  expect(isWithin(models, resolve(models, '../models-2/weights.bin'))).toBe(false);
  expect(isWithin(models, resolve(models, ''))).toBe(false);
});
