import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGunzip, gzipSync } from 'node:zlib';

import sharp from 'sharp';
import { extract, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { DataError } from '../data-error.js';
import type { Batch } from '../examples.js';
import type { PreparationProgress } from '../preparation.js';
import { preparedRoot } from '../prepared/prepared.js';
import { loadCifar10, loadCifar100, type Cifar, type CifarOptions } from './index.js';

const beside = fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const realData = [process.env['ESPALIER_DATA'], beside].find(
  (folder) => folder && existsSync(join(folder, 'cifar10')),
);

let root: string;
let data: string;
let open: Cifar[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'espalier-cifar-'));
  data = join(root, 'data');
  await mkdir(data);
  vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'));
  open = [];
});
afterEach(async () => {
  open.forEach((set) => set.close());
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

const loaded = async (load: typeof loadCifar10, options: CifarOptions = {}) => {
  const set = await load(data, options);
  open.push(set);
  return set;
};

type Files = Record<string, Uint8Array>;

async function lay(files: Files, folder: string): Promise<void> {
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}

/** The images of an archive whose numbers end in 0: all classes have as many of them. */
async function tenthOf(archive: string): Promise<Files> {
  const entries = createReadStream(archive).pipe(createGunzip()).pipe(extract());
  const files: Files = {};
  for await (const entry of entries) {
    const parts: Uint8Array[] = [];
    for await (const part of entry) parts.push(part as Uint8Array);
    if (/0\.jpg$/.test(entry.header.name)) files[entry.header.name] = Buffer.concat(parts);
  }
  return files;
}

async function tarOf(files: Files): Promise<Uint8Array> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of archive) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}

const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/** Of image `number`, at row `y`, column `x`: red tells the row, green the column, blue the image. */
const pixelOf = (number: number, y: number, x: number) => [8 * y, 8 * x, number] as const;

const pixelsOf = (number: number) =>
  Uint8Array.from(
    Array.from({ length: 32 * 32 }, (_, i) => pixelOf(number, Math.floor(i / 32), i % 32)).flat(),
  );

const pngOf = (number: number) =>
  sharp(pixelsOf(number), { raw: { width: 32, height: 32, channels: 3 } })
    .png()
    .toBuffer();

/** A row of the release: labels, then all red, all green, all blue. */
const releaseRow = (labels: number[], number: number) => [
  ...labels,
  ...[0, 1, 2].flatMap((channel) => [...pixelsOf(number).filter((_, i) => i % 3 === channel)]),
];

/** Two training images of each class, and one to test on; the images' numbers in the order of their paths. */
async function folders(names: readonly string[] = classes): Promise<Files> {
  const files: Files = {};
  for (const [label, name] of names.entries()) {
    files[`train/${name}/1.png`] = await pngOf(2 * label + 1);
    files[`train/${name}/0.png`] = await pngOf(2 * label);
    files[`test/${name}/0.png`] = await pngOf(100 + label);
  }
  return files;
}

/** The same images as the release has them. */
function release(): Files {
  const row = (number: number) => releaseRow([Math.floor(number / 2)], number);
  const files = Object.fromEntries(
    [0, 1, 2, 3, 4].map((file) => [
      `data_batch_${file + 1}.bin`,
      Uint8Array.from([0, 1, 2, 3].flatMap((i) => row(4 * file + i))),
    ]),
  );
  const test = classes.flatMap((_, label) => releaseRow([label], 100 + label));
  return { ...files, 'test_batch.bin': Uint8Array.from(test) };
}

/** What the set's images are normalised by. */
const MEAN = [0.4914, 0.4822, 0.4465];
const DEVIATION = [0.247, 0.2435, 0.2616];

function expectImage({ inputs }: Batch, i: number, number: number): void {
  for (const [y, x] of [
    [0, 0],
    [0, 31],
    [7, 3],
    [31, 0],
    [31, 31],
  ] as const) {
    const from = i * 3072 + (y * 32 + x) * 3;
    const expected = pixelOf(number, y, x).map((value, c) => (value / 255 - MEAN[c]!) / DEVIATION[c]!);
    expect([...inputs[0]!.subarray(from, from + 3)]).toEqual(
      expected.map((value) => expect.closeTo(value, 5)),
    );
  }
}

async function expectTheImages(set: Cifar): Promise<void> {
  expect([set.train.count, set.test.count]).toEqual([20, 10]);
  expect(set.train.inputs).toEqual([{ shape: [32, 32, 3], type: 'float32' }]);
  expect(set.train.target).toEqual({ shape: [], type: 'int32' });
  const all = await set.train.gather(Int32Array.from({ length: 20 }, (_, i) => i));
  expect([...all.targets]).toEqual(Array.from({ length: 20 }, (_, i) => Math.floor(i / 2)));
  for (let i = 0; i < 20; i++) expectImage(all, i, i);
  const some = await set.test.gather([9, 0]);
  expect([...some.targets]).toEqual([9, 0]);
  expectImage(some, 0, 109);
  expectImage(some, 1, 100);
  expect(set.classes).toEqual(classes);
}

describe.runIf(process.platform === 'linux')('loadCifar10', () => {
  it('reads the binary release, loose or in the folder that it unpacks to', async () => {
    await lay(release(), join(data, 'cifar10'));
    const set = await loaded(loadCifar10);
    await expectTheImages(set);
    await rm(join(data, 'cifar10'), { recursive: true });
    await lay(release(), join(data, 'cifar10/cifar-10-batches-bin'));
    const again = await loaded(loadCifar10);
    await expectTheImages(again);
    expect(again.digest()).toBe(set.digest());
    // Of the same content: prepared once.
    expect(await readdir(preparedRoot())).toHaveLength(1);
  });

  it('reads folders of images, in the order of their paths', async () => {
    const files = await folders();
    await lay({ ...files, 'train/cat/.DS_Store': Uint8Array.of(0), 'train/cat/notes.txt': Uint8Array.of(0) }, join(data, 'cifar10')); // prettier-ignore
    await expectTheImages(await loaded(loadCifar10));
  });

  it.each([
    ['a.tar', async () => tarOf(await folders())],
    ['a.tar.gz', async () => gzipSync(await tarOf(prefixed('some/where/', await folders())))],
    ['a.tgz', async () => gzipSync(await tarOf(prefixed('./cifar-10-batches-bin/', release())))],
  ])('reads an archive %s, in whatever order it is', async (name, archive) => {
    await lay({ [name]: await archive() }, join(data, 'cifar10'));
    await expectTheImages(await loaded(loadCifar10));
  });

  it('is known by what it holds, wherever it comes from', async () => {
    await lay(release(), join(data, 'cifar10'));
    const digest = (await loaded(loadCifar10)).digest();
    await rm(join(data, 'cifar10'), { recursive: true });
    await lay({ 'a.tar': await tarOf(await folders()) }, join(data, 'cifar10'));
    expect((await loaded(loadCifar10)).digest()).toBe(digest);
    await rm(join(data, 'cifar10'), { recursive: true });
    const changed = { ...(await folders()), 'test/cat/0.png': await pngOf(0) };
    await lay(changed, join(data, 'cifar10'));
    expect((await loaded(loadCifar10)).digest()).not.toBe(digest);
  });

  it('is prepared once, and anew when an image changes', async () => {
    await lay(await folders(), join(data, 'cifar10'));
    const told: PreparationProgress[] = [];
    const onProgress = (progress: PreparationProgress) => told.push(progress);
    const first = await loaded(loadCifar10, { onProgress });
    expect(told.at(-1)).toEqual({ what: 'preparing CIFAR-10', done: 30, total: 30 });
    told.length = 0;
    await loaded(loadCifar10, { onProgress });
    expect(told).toEqual([]);
    await writeFile(join(data, 'cifar10/train/cat/0.png'), await pngOf(200));
    await utimes(join(data, 'cifar10/train/cat/0.png'), 1, 1);
    const changed = await loaded(loadCifar10, { onProgress });
    expect(told.length).toBeGreaterThan(0);
    expectImage(await changed.train.gather([6]), 0, 200);
    // What is open stays as it was.
    expectImage(await first.train.gather([6]), 0, 6);
  });

  it('reads nothing once it is closed', async () => {
    await lay(release(), join(data, 'cifar10'));
    const set = await loadCifar10(data);
    set.close();
    set.close();
    await expect(set.train.gather([0])).rejects.toThrow(/train\.rows was closed/);
  });

  const png = () => pngOf(0);
  const small = () =>
    sharp({ create: { width: 31, height: 32, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
  const without = (files: Files, ...paths: string[]) =>
    Object.fromEntries(Object.entries(files).filter(([path]) => !paths.includes(path)));
  const mislabelled = () => {
    const files = release();
    files['data_batch_3.bin']![2 * 3073] = 10;
    return files;
  };
  const refusals: [string, () => Promise<Files> | Files, RegExp][] = [
    ['nothing at all', () => ({}), /cifar10 has no CIFAR-10: put cifar-10-binary\.tar\.gz .* there/],
    ['folders without images', () => ({ 'train/cat/a.txt': Uint8Array.of(1), 'test/cat/a.txt': Uint8Array.of(1) }), /cifar10 has neither data_batch_1\.bin nor images in train\/<class>/], // prettier-ignore
    ['no test folder', async () => ({ 'train/cat/0.png': await png() }), /cifar10\/test is missing or cannot be read/], // prettier-ignore
    ['an image that does not decode', async () => ({ ...(await folders()), 'train/dog/7.jpg': Uint8Array.of(255, 216, 255) }), /cifar10: train\/dog\/7\.jpg cannot be decoded \(.+\): fetch it again/], // prettier-ignore
    ['an empty image', async () => ({ ...(await folders()), 'test/dog/7.jpg': new Uint8Array() }), /cifar10: test\/dog\/7\.jpg is empty/], // prettier-ignore
    ['an image of another size', async () => ({ ...(await folders()), 'train/dog/7.png': await small() }), /train\/dog\/7\.png is 31 × 32 pixels, where those of CIFAR-10 are 32 × 32/], // prettier-ignore
    ['a class that is not tested', async () => without(await folders(), 'test/ship/0.png'), /images in train\/ship, and none in test\/ship/], // prettier-ignore
    ['a class that is tested alone', async () => without(await folders(), 'train/ship/0.png', 'train/ship/1.png'), /images in test\/ship, and none in train\/ship/], // prettier-ignore
    ['another number of classes', () => folders(classes.slice(1)), /has 9 classes in train\/, where CIFAR-10 has 10/], // prettier-ignore
    ['a release that lacks a file', () => without(release(), 'data_batch_4.bin'), /data_batch_4\.bin is missing beside the others/], // prettier-ignore
    ['a truncated release', () => ({ ...release(), 'test_batch.bin': new Uint8Array(3072) }), /test_batch\.bin has 3072 bytes, no whole number of rows of 3073/], // prettier-ignore
    ['an empty file of the release', () => ({ ...release(), 'test_batch.bin': new Uint8Array() }), /test_batch\.bin has 0 bytes/], // prettier-ignore
    ['a label that there is not', mislabelled, /data_batch_3\.bin: row 2 has the label 10, where those of CIFAR-10 are from 0 to 9/], // prettier-ignore
    ['an archive that is cut', async () => ({ 'a.tar': (await tarOf(await folders())).subarray(0, 9000) }), /a\.tar cannot be read \(.+\): fetch it again/], // prettier-ignore
    ['an archive that is cut between two files', async () => ({ 'a.tar': (await tarOf(await folders())).subarray(0, -1024) }), /a\.tar cannot be read \(it has no end\): fetch it again/], // prettier-ignore
    ['a gzip archive that is cut', async () => ({ 'a.tar.gz': gzipSync(await tarOf(await folders())).subarray(0, -20) }), /a\.tar\.gz cannot be read \(.+\): fetch/], // prettier-ignore
    ['a .tgz that is cut', async () => ({ 'a.tgz': gzipSync(await tarOf(await folders())).subarray(0, -20) }), /a\.tgz cannot be read \(.+\): fetch it again/], // prettier-ignore
    ['what is no archive', () => ({ 'a.tgz': Uint8Array.of(1, 2, 3) }), /a\.tgz cannot be read \(.+\): fetch it again/], // prettier-ignore
    ['an archive of something else', async () => ({ 'a.tar': await tarOf({ 'a.txt': Uint8Array.of(1) }) }), /a\.tar has neither data_batch_1\.bin nor images/], // prettier-ignore
    ['two archives', async () => ({ 'a.tar': await tarOf({}), 'b.tgz': new Uint8Array() }), /two archives, a\.tar and b\.tgz/], // prettier-ignore
    ['an archive of two sets', async () => ({ 'a.tar': await tarOf({ ...prefixed('x/', await folders()), ...prefixed('y/', await folders()) }) }), /a\.tar has images under 'x' and under 'y'/], // prettier-ignore
  ];
  it.each(refusals)('refuses %s in one line, and keeps nothing', async (_, files, message) => {
    await mkdir(join(data, 'cifar10'));
    await lay(await files(), join(data, 'cifar10'));
    const refusal = loadCifar10(data);
    await expect(refusal).rejects.toThrow(DataError);
    await expect(refusal).rejects.toThrow(message);
    await expect(refusal).rejects.toThrow(/^[^\n]+$/);
    expect(await readdir(preparedRoot()).catch(() => [])).toEqual([]);
  });

  it('refuses a link to an image that is gone', async () => {
    await lay(await folders(), join(data, 'cifar10'));
    await symlink(join(root, 'gone.png'), join(data, 'cifar10/train/cat/2.png'));
    await expect(loadCifar10(data)).rejects.toThrow(
      /cifar10 cannot be read \(ENOENT.*2\.png'\): fetch it again$/,
    );
  });

  it('refuses what was prepared and is damaged since, with the way out', async () => {
    await lay(release(), join(data, 'cifar10'));
    (await loadCifar10(data)).close();
    const [name] = await readdir(preparedRoot());
    const folder = join(preparedRoot(), name as string);
    const rows = await readFile(join(folder, 'test.rows'));
    await writeFile(join(folder, 'test.rows'), rows.subarray(0, 3073));
    await expect(loadCifar10(data)).rejects.toThrow(
      `${folder} is damaged (test.rows has 1 rows of 10): remove it, and the data is prepared again`,
    );
    await writeFile(join(folder, 'about.json'), '{');
    await expect(loadCifar10(data)).rejects.toThrow(/ is damaged \(.*JSON.*\): remove it/);
    await rm(folder, { recursive: true });
    await expectTheImages(await loaded(loadCifar10));
  });

  it('refuses arguments that are not what they are to be', async () => {
    await expect(loadCifar10(3 as never)).rejects.toThrow('loadCifar10(): folder = 3');
    await expect(loadCifar10('', { onProgres: 1 } as never)).rejects.toThrow("has no 'onProgres'");
    await expect(loadCifar100('', { onProgress: 1 } as never)).rejects.toThrow('loadCifar100(): onProgress = 1'); // prettier-ignore
  });

  it.skipIf(!realData)('reads a tenth of the real archive (skipped where it is absent)', async () => {
    const archive = join(realData as string, 'cifar10/cifar10-images.tar.gz');
    await lay({ 'some.tar': await tarOf(await tenthOf(archive)) }, join(data, 'cifar10'));
    const { train, test, classes: names } = await loaded(loadCifar10);
    expect([train.count, test.count]).toEqual([5000, 1000]);
    expect(names).toEqual(classes);
    const { inputs, targets } = await train.gather(Int32Array.from({ length: 5000 }, (_, i) => i));
    expect([...targets]).toEqual(Array.from({ length: 5000 }, (_, i) => Math.floor(i / 500)));
    const [sums, squares] = [
      [0, 0, 0],
      [0, 0, 0],
    ];
    inputs[0]!.forEach((value, i) => {
      sums[i % 3]! += value;
      squares[i % 3]! += value * value;
    });
    // Standardised, as far as a tenth, and JPEG, leave the statistics what they were.
    const pixels = 5000 * 1024;
    for (const sum of sums) expect(Math.abs(sum / pixels)).toBeLessThan(0.03);
    for (const square of squares) expect(Math.sqrt(square / pixels)).toBeCloseTo(1, 1);
  });
});

describe.runIf(process.platform === 'linux')('loadCifar100', () => {
  it('reads the fine labels of the binary release', async () => {
    const rows = (numbers: number[]) =>
      Uint8Array.from(numbers.flatMap((number) => releaseRow([19, number], number)));
    await lay({ 'train.bin': rows([99, 0, 42]), 'test.bin': rows([7]) }, join(data, 'cifar100'));
    const { train, test, classes: names } = await loaded(loadCifar100);
    const batch = await train.gather([0, 1, 2]);
    expect([...batch.targets, ...(await test.gather([0])).targets]).toEqual([99, 0, 42, 7]);
    // As published: 100 names, the first, the last and some between in their places.
    expect(names).toHaveLength(100);
    expect([names[0], names[7], names[42], names[99]]).toEqual(['apple', 'beetle', 'leopard', 'worm']);
    expect([...names].sort()).toEqual(names);
    const red = (8 * 31) / 255;
    expect(batch.inputs[0]!.at(-3)).toBeCloseTo((red - 0.5071) / 0.2673, 5);
  });

  it('names what it lacks', async () => {
    await expect(loadCifar100(data)).rejects.toThrow(
      /cifar100 has no CIFAR-100: put cifar-100-binary\.tar\.gz/,
    );
  });
});

function prefixed(prefix: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, bytes]) => [prefix + path, bytes]));
}
