import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { isUsageError } from '@espalier/experiment';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// As built: it starts processes of its own, which have nothing but the built files.
import { run as compare } from '../../dist/commands/compare.js';
import type { CompareCommandOptions } from './compare.js';

const fixtures = fileURLToPath(new URL('../../test/fixtures.config.mjs', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-compare-'));
  await writeFile(join(folder, 'file'), '');
  const header = Buffer.from([0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 28, 0, 0, 0, 28, 1, 2, 3]);
  await mkdir(join(folder, 'cut/mnist'), { recursive: true });
  for (const name of ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']) {
    await writeFile(join(folder, `cut/mnist/${name}-ubyte.gz`), gzipSync(header));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('compare', () => {
  const refusals: [string, Partial<CompareCommandOptions>, RegExp][] = [
    [
      'an unknown workload, with the nearest name',
      { workload: 'mnist-mpl' },
      /Unknown workload 'mnist-mpl': did you mean 'mnist-mlp'/,
    ],
    [
      'an unknown strategy, with the nearest name',
      { pruners: ['magnitud'] },
      /Unknown strategy 'magnitud': did you mean 'magnitude'/,
    ],
    [
      'a scale that the workload has not',
      { scale: 'paper' },
      /The workload 'planted-blocks' has no scale 'paper': choose smoke or small/,
    ],
    [
      'a block larger than every kernel',
      { block: [[512, 512]] },
      /magnitude: No kernel can be pruned in blocks of 512×512/,
    ],
    ['blocks so large that no layer has a hundred', { block: [[64, 64]] }, /fewer than 100/],
    [
      'two strategies of one name',
      { pruners: ['acdc', fileURLToPath(import.meta.resolve('@espalier/acdc'))] },
      /Two strategies are called 'acdc': give one another name/,
    ],
    [
      'a reference that is not compared',
      { reference: 'gmp' },
      /'gmp' is not compared: choose dense, magnitude/,
    ],
    [
      "too few epochs for a strategy's phases",
      { workload: 'hurried', pruners: ['sequential-attention-plus-plus'], epochs: 1 },
      /21 phases do not fit into 16 steps.*Train \d+ steps or more.*--epochs 1 is 16 steps/,
    ],
    ['an adapter that is not there', { backend: 'webgpu:nothing' }, /No WebGPU adapter is/],
    [
      'a BLAS that is not there',
      { accelerators: ['blas:/no/such/libblas.so'] },
      /\/no\/such\/libblas\.so (does not load|is called)/,
    ],
    ['a config file that is not there', { config: 'nowhere.ts' }, /nowhere\.ts does not exist/],
    ['missing data', { workload: 'mnist-mlp', data: 'nothing' }, /is missing: run `espalier data get mnist`/],
    [
      'truncated data, naming the file',
      { workload: 'mnist-mlp', data: 'cut' },
      /idx[13]-ubyte\.gz is truncated: 19 bytes where \[9, 28, 28\] needs 7072/,
    ],
    ['an output folder that is a file', { out: 'file' }, /cannot be written to.*choose another with --out/],
    ['an output folder below a file', { out: 'file/out' }, /cannot be written to.*choose another with --out/],
  ];
  it.each(refusals)('refuses %s in one line, nothing written', async (_, given, message) => {
    const data = given.data && join(folder, given.data);
    const out = join(folder, given.out ?? 'refused');
    const refusal = compare({
      workload: 'planted-blocks',
      scale: 'small',
      pruners: ['magnitude'],
      backend: 'wasm',
      reference: 'dense',
      accelerators: 'off',
      sparsePhases: false,
      config: fixtures,
      ...given,
      ...(data === undefined ? {} : { data }),
      out,
    });
    await expect(refusal).rejects.toSatisfy(isUsageError);
    await expect(refusal).rejects.toThrow(message);
    await refusal.catch(({ message }: Error) => expect(message).not.toContain('\n'));
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });
});
