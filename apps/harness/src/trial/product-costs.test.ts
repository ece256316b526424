import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { BackendDescription } from '@espalier/backend';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

// As built: it starts a process of its own, which has nothing but the built files.
import { productCosts } from '../../dist/trial/product-costs.js';
import { isUsageError } from '../errors.js';

/** One on which nothing can be measured. */
const nowhere: BackendDescription = {
  name: 'webgpu',
  device: 'a card of long ago',
  kind: 'gpu',
  choice: 'webgpu:a card of long ago',
};

const [small, large] = [
  { blockShape: [4, 4], perKeptWeight: 3, perStep: 1e6 },
  { blockShape: [32, 32], perKeptWeight: 1.5, perStep: 1e6 },
] as const;

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-costs-'));
  file = join(folder, 'product-costs.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the costs of products', () => {
  it.each(['wasm', 'cpu'] as const)('are not measured on %s, whose costs are known', async (name) => {
    expect(await productCosts(folder, { ...nowhere, name, choice: name }, [[4, 4]])).toBeNull();
    expect(await readdir(folder)).toEqual([]);
  });

  it('are taken from the folder where they were measured before, on the same device', async () => {
    const text = JSON.stringify({ another: [], [nowhere.device]: [small, large] });
    await writeFile(file, text);
    expect(await productCosts(folder, nowhere, [large.blockShape, small.blockShape])).toEqual([large, small]);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it.each([
    ['are of another device', JSON.stringify({ another: [small] })],
    ['are of another block shape', JSON.stringify({ [nowhere.device]: [large] })],
    ['are damaged', `{"${nowhere.device}": [{"blockShape": [4, 4], "perKeptWeight": null}]}`],
    ['are cut off', '{"a card'],
  ])('that %s are measured; where they cannot be, a line says why and what to do', async (_, text) => {
    await writeFile(file, text);
    const refusal = productCosts(folder, nowhere, [small.blockShape]);
    await expect(refusal).rejects.toSatisfy(isUsageError);
    await expect(refusal).rejects.toThrow(
      /^Products cannot be timed on a card of long ago \(.*WebGPU adapter.*\): --sparse-phases off needs no times$/,
    );
  });
});
