/** The code of the guides, in its order, as programs, and what they print. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Runs the JavaScript of a page of docs/ as one program, and then what is to come after it. */
async function printedBy(page: string, then = '') {
  const text = await readFile(join(root, `docs/${page}.md`), 'utf8');
  const code = Array.from(text.matchAll(/```js\n(.*?)```/gs), ([, block]) => block);
  const folder = join(import.meta.dirname, 'out');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${page}.mjs`), [...code, then].join('\n'));
  // Whoever runs the tests may have asked for colours.
  const env = { ...process.env, FORCE_COLOR: '0' };
  const { stdout } = await promisify(execFile)(process.execPath, [`${page}.mjs`], { cwd: folder, env });
  return { blocks: code.length, stdout };
}

it('docs/guide.md: from a trained model to a smaller, faster one', async () => {
  const { blocks, stdout } = await printedBy('guide');
  expect(blocks).toBe(5);
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
  // Which is less, compress-and-load is asked, of larger layers.
  expect(stdout).toMatch(/ms: [\d.]+ dense, [\d.]+ compressed\n$/);
});

it('docs/deploying.md: what is written is read again, the kept blocks alone', async () => {
  const { stdout } = await printedBy(
    'deploying',
    `
    const bytes = (of) => of.weights.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
    console.log(loaded.layers[0].getClassName(), bytes(loaded));
    console.log(loaded.predict(tf.eye(8)).dataSync().join() === tf.eye(8).dataSync().join());`,
  );
  // Four of 16 blocks of four weights, and eight biases.
  expect(stdout).toBe(`BlockSparseDense ${4 * (4 * 4 + 8)}\ntrue\n`);
});
