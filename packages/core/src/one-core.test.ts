import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import * as tf from '@tensorflow/tfjs';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import type { Parameterisation } from './pruner.js';

const root = fileURLToPath(new URL('..', import.meta.url));
let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(root, 'build-two-cores-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What is asked of core, bundled with a copy of it as a bundler would leave it: only what is used. */
async function withItsOwnCore(name: string, names: string): Promise<Record<string, unknown>> {
  const result = await build({
    stdin: { contents: `export { ${names} } from '@espalier/core';`, resolveDir: root },
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@tensorflow/*'],
    write: false,
    logLevel: 'silent',
  });
  const path = join(folder, name);
  await writeFile(path, result.outputFiles[0]!.contents);
  return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
}

it('says so, once, when a strategy comes with a core of its own', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  // tfjs greets as well.
  const said = () => warn.mock.calls.map(([text]) => String(text)).filter((text) => /@espalier/.test(text));
  const core = await import('./index.js');
  const prune = async (parameterisation: Parameterisation) => {
    const named = { name: 'magnitude', description: 'One-shot magnitude', source: 'none', settings: {} };
    const pruner = { ...named, parameterisation, importance: core.frobenius, search: core.oneShot() };
    const w = tf.variable(tf.ones([4, 4]));
    const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: 4, minimumBlocks: 1 } as const;
    const pruning = await core.sparsify({ w }, pruner, { ...target, optimizer: tf.train.sgd(0) });
    pruning.abandon();
    w.dispose();
  };
  await prune(core.identity);
  expect(said()).toEqual([]);

  const other = await withItsOwnCore('strategy.mjs', 'identity');
  await prune(other['identity'] as Parameterisation);
  await prune(core.identity);
  expect(said()).toEqual([expect.stringMatching(/loaded 2 times .*strategy\.mjs.*npm ls @espalier\/core/)]);
  warn.mockRestore();
});
