/** The guide's code, in its order, as one program, and what it prints. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

it('docs/guide.md: from a trained model to a smaller, faster one', async () => {
  const guide = await readFile(join(root, 'docs/guide.md'), 'utf8');
  const code = Array.from(guide.matchAll(/```js\n(.*?)```/gs), ([, block]) => block);
  expect(code).toHaveLength(5);
  await mkdir(join(import.meta.dirname, 'out'), { recursive: true });
  const program = join(import.meta.dirname, 'out/guide.mjs');
  await writeFile(program, code.join('\n'));
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  const number = (words: string) => Number(new RegExp(`${words} (-?[\\d.e-]+)`).exec(stdout)?.[1]);

  expect(number('dense:')).toBeGreaterThan(0.9);
  expect(number('pruned:')).toBeGreaterThan(0.9);
  // Kernels of 8 · 32 and 32 · 32 blocks of 8 × 8: max(1, round(G / 10)) are kept.
  expect(stdout).toContain('dense_Dense1/kernel 26 of 256\ndense_Dense2/kernel 102 of 1024\n');
  expect(stdout).toContain('dense_Dense3/kernel 64 blocks, fewer than 100');
  expect(number('sparsity of the pruned layers:')).toBe(1 - 128 / 1280);
  expect(stdout).toContain('warnings: []');
  const biases = 256 + 256 + 10;
  expect(number('bytes:')).toBe(4 * (64 * 256 + 256 * 256 + 256 * 10 + biases));
  expect(number('dense,(?= \\d+ compressed)')).toBe(4 * ((26 + 102) * 64 + 256 * 10 + biases));
  expect(number('differ by')).toBeLessThan(1e-5);
  expect(number('ms:')).toBeGreaterThan(number('dense,(?= [\\d.]+ compressed\\n$)'));
});
