import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { DataError } from '../data-error.js';
import { loadMnist, mnistDownload } from './mnist.js';

const beside = fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const realData = [process.env['ESPALIER_DATA'], beside].find(
  (folder) => folder && existsSync(join(folder, 'mnist')),
);

describe('loadMnist', () => {
  it('names the missing file and the way to get it', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'espalier-data-'));
    const refusal = loadMnist(empty);
    await expect(refusal).rejects.toThrow(DataError);
    await expect(refusal).rejects.toThrow('run `espalier data get mnist`');
    await rm(empty, { recursive: true });
  });

  /** An IDX header and elements, all zero but the last. */
  const idx = (shape: number[], last: number) => {
    const header = [0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, 0, size])];
    const elements = Array(shape.reduce((a, b) => a * b, 1)).fill(0);
    elements[elements.length - 1] = last;
    return gzipSync(Uint8Array.from([...header, ...elements]));
  };

  const refusals: [string, number[], number[], number, RegExp][] = [
    [
      'images of another size',
      [2, 27, 28],
      [2],
      9,
      /images \[2, 27, 28\] .* are not \[n, 28, 28\] and \[n\]/,
    ],
    ['another number of labels', [2, 28, 28], [3], 9, /labels \[3\] are not \[n, 28, 28\] and \[n\]/],
    ['a label that is no digit', [2, 28, 28], [2], 10, /labels are from 0 to 9, not 10/],
  ];
  it.each(refusals)('refuses %s', async (_, images, labels, last, message) => {
    const folder = await mkdtemp(join(tmpdir(), 'espalier-data-'));
    await mkdir(join(folder, 'mnist'));
    for (const { name } of mnistDownload.files) {
      const content = name.includes('images') ? idx(images, 255) : idx(labels, last);
      await writeFile(join(folder, 'mnist', name), content);
    }
    const refusal = loadMnist(folder);
    await expect(refusal).rejects.toThrow(DataError);
    await expect(refusal).rejects.toThrow(message);
    await rm(folder, { recursive: true });
  });

  it.skipIf(!realData)('reads the real files (skipped where they are absent)', async () => {
    const { train, test } = await loadMnist(realData as string);
    expect([train.count, test.count]).toEqual([60_000, 10_000]);
    // The first labels of the data set as published.
    expect([...train.gather([0, 1, 2, 3, 4]).targets]).toEqual([5, 0, 4, 1, 9]);
    expect([...test.gather([0, 1, 2, 3, 4]).targets]).toEqual([7, 2, 1, 0, 4]);
    const inputs = train.gather(Int32Array.from({ length: 60_000 }, (_, i) => i)).inputs[0]!;
    let [sum, squares] = [0, 0];
    for (const value of inputs) [sum, squares] = [sum + value, squares + value * value];
    // Standardised: mean 0 and variance 1, as far as the four digits of the published constants go.
    expect(Math.abs(sum / inputs.length)).toBeLessThan(1e-3);
    expect(squares / inputs.length).toBeCloseTo(1, 3);
  });
});
