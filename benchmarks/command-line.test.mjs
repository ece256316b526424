import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

function run(benchmark, ...args) {
  const file = fileURLToPath(new URL(benchmark, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

async function results() {
  const folder = new URL('results/', import.meta.url);
  const names = await readdir(folder);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, folder), 'utf8')])),
  );
}

it.each([
  [
    'gpu.bench.mjs',
    ['--pruners', 'magnitude,nope'],
    /^error: unknown strategy 'nope': choose magnitude, acdc, .*random\n$/,
  ],
  [
    'gpu.bench.mjs',
    ['--workloads', 'nope'],
    /^error: unknown workload 'nope': choose products, mnist, .*\n$/,
  ],
  [
    'training-step.bench.mjs',
    ['--workloads', 'nope'],
    /^error: unknown workload 'nope': choose mnist, .*\n$/,
  ],
  ['block-sparse.bench.mjs', ['--sides', 'nope'], /^error: --sides: 'nope' is unknown: choose stock, .*\n$/],
  [
    'block-sparse.bench.mjs',
    ['--suites', 'nope'],
    /^error: --suites: 'nope' is unknown: choose products, .*\n$/,
  ],
  ['block-sparse.bench.mjs', ['--blocks', '32x16'], /^error: --blocks: '32x16' is no square block: .*\n$/],
  ['block-sparse.bench.mjs', ['--shapes', '1x2'], /^error: --shapes: '1x2' is no shape: .*\n$/],
  ['block-sparse.bench.mjs', ['--block', '32'], /^error: Unknown option '--block'.*\n$/],
])('%s %s is refused in one line that has the choices', async (benchmark, args, line) => {
  const { code, stdout, stderr } = await run(benchmark, ...args);
  expect(stderr).toMatch(line);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

it('a training-step run of some workloads prints its table, and leaves the results of all as they are', async () => {
  const before = await results();
  const some = ['--workloads', 'mnist', '--rounds', '1', '--seconds', '0.01'];
  const { code, stdout, stderr } = await run('training-step.bench.mjs', ...some);
  expect(stdout).toContain('| stock tfjs wasm | 1 |');
  expect(stderr).toContain('Not written');
  expect(code).toBe(0);
  expect(await results()).toEqual(before);
});
