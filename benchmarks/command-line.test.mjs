import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { backend, count, flag, Misuse, names, positive, text, valuesOf } from './command-line.mjs';

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
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, folder), 'utf8')])),
  );
}

describe('valuesOf', () => {
  const known = {
    rounds: count(5),
    threads: count(1, { to: 4 }),
    seconds: positive(0.5),
    sides: names(['stock', 'wasm', 'blas']),
    some: names(['a', 'b'], null),
    out: text('a file', null),
    backend: backend('wasm'),
    quick: flag,
  };

  it('is what is usual where nothing is said', () => {
    expect(valuesOf(known, [])).toEqual({
      ...{ rounds: 5, threads: 1, seconds: 0.5, sides: ['stock', 'wasm', 'blas'], some: null, out: null },
      ...{ backend: 'wasm', quick: false },
    });
  });

  it('reads every kind', () => {
    const args = ['--rounds', '3', '--seconds=.25', '--sides', 'blas,stock', '--quick', '--out', 'x y'];
    expect(valuesOf(known, [...args, '--backend', 'webgpu:H100'])).toMatchObject({
      ...{
        rounds: 3,
        seconds: 0.25,
        sides: ['blas', 'stock'],
        quick: true,
        out: 'x y',
        backend: 'webgpu:H100',
      },
    });
  });

  it.each([
    ...['x', '0', '-1', '1.5', '', '1e3', '3x', 'NaN', 'Infinity', '10000000000'].map((value) => [
      [`--rounds=${value}`],
      `--rounds ${value} is not a whole number from 1`,
    ]),
    [['--threads', '5'], '--threads 5 is not a whole number from 1 to 4'],
    ...['x', '0', '-1', '', 'NaN', 'Infinity', '1,5'].map((value) => [
      [`--seconds=${value}`],
      `--seconds ${value} is not a number above 0`,
    ]),
    [['--sides', 'stock,nope'], "--sides stock,nope has the unknown 'nope': choose stock, wasm, blas"],
    [['--sides', 'stock,'], "--sides stock, has the unknown '': choose stock, wasm, blas"],
    [['--sides', 'wasm,wasm'], "--sides wasm,wasm has 'wasm' twice: give it once"],
    [
      ['--backend', 'gpu'],
      '--backend gpu is no backend: give auto, tensorflow, webgpu, wasm, cpu, or webgpu:<',
    ],
    [['--out='], '--out  is empty: give a file'],
    [['--rounds'], '--rounds has no value: give a whole number from 1'],
    [['--sides', '--quick'], '--sides has no value: give some of stock, wasm, blas'],
    [['--rounds', '2', '--rounds', '3'], '--rounds is given twice: give it once'],
    [['--quick', '--quick'], '--quick is given twice: give it once'],
    [['--quick=1'], "--quick takes no value, not '1'"],
    [['--nope', '1'], 'there is no option --nope: there are --rounds, --threads, --seconds, '],
    [['-r', '1'], 'there is no option -r: there are --rounds, '],
    [['--toString'], 'there is no option --toString: '],
    [['3'], "there is no argument '3': there are --rounds, "],
    [['--'], "there is no argument '--': there are --rounds, "],
  ])('%j is refused in a line that has the option, the value and what is allowed', (args, message) => {
    expect(() => valuesOf(known, args)).toThrow(Misuse);
    expect(() => valuesOf(known, args)).toThrow(message);
    expect(() => valuesOf(known, args)).not.toThrow('\n');
  });
});

it.each([
  ['training-step.bench.mjs', ['--workloads', 'nope'], '--workloads nope has the unknown'],
  ['training-step.bench.mjs', ['--threads', '3'], "--threads 3 has the unknown '3': choose 1, 2"],
  ['block-sparse.bench.mjs', ['--sides', 'nope'], "--sides nope has the unknown 'nope': choose stock, "],
  [
    'block-sparse.bench.mjs',
    ['--blocks', '32x32,32x16'],
    "--blocks 32x32,32x16 has '32x16', which is not a square",
  ],
  ['block-sparse.bench.mjs', ['--shapes', '1x2'], "--shapes 1x2 has '1x2', which is not batch x inputs x"],
  [
    'block-sparse.bench.mjs',
    ['--sparsities', '0.5,1'],
    "--sparsities 0.5,1 has '1', which is not a share below 1",
  ],
  ['gpu.bench.mjs', ['--pruners', 'magnitude,nope'], '--pruners magnitude,nope has the unknown'],
  ['gpu.bench.mjs', ['--workloads', 'nope'], "--workloads nope has the unknown 'nope': choose products, "],
  ['strategy-step.bench.mjs', ['--steps', 'x'], '--steps x is not a whole number from 1'],
  ['choosing.bench.mjs', ['--allocations', 'nope'], '--allocations nope has the unknown'],
  ['images.bench.mjs', ['--images', '0'], '--images 0 is not a whole number from 1'],
  ['criteo-rows.bench.mjs', ['2000'], "there is no argument '2000': there are --rows, --batch"],
  ['embedding-step.bench.mjs', ['--tokens', '38'], '--tokens 38 is not a whole number from 39'],
  ['block-ops.bench.mjs', ['--rounds', '3'], 'there is no option --rounds: there are none'],
  ['gradients.bench.mjs', ['3'], "there is no argument '3': there are none"],
  ['planted-omp.mjs', ['--seeds'], 'there is no option --seeds: there are none'],
])('%s %j ends in one line, with code 2', async (benchmark, args, message) => {
  const { code, stdout, stderr } = await run(benchmark, ...args);
  expect(stderr).toContain(`error: ${message}`);
  expect(stderr.trimEnd()).not.toContain('\n');
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

it('a training-step run of a part prints its table, and leaves the results of all as they are', async () => {
  const before = await results();
  const part = ['--workloads', 'mnist', '--threads', '1', '--sides', 'stock,relaxed'];
  const { code, stdout, stderr } = await run(
    'training-step.bench.mjs',
    ...part,
    '--rounds',
    '1',
    '--seconds',
    '0.01',
  );
  expect(stdout).toContain('| stock tfjs wasm | 1 |');
  expect(stdout).toContain('| Espalier, wasm | 1 |');
  expect(stdout).toContain('CPU, ms');
  expect(stderr).toContain('Not written');
  expect(code).toBe(0);
  expect(await results()).toEqual(before);
});
