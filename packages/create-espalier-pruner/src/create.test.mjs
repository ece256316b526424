/** Packages made in a folder of their own, which borrows what is installed here. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const COMMAND = join(import.meta.dirname, '../bin/create-espalier-pruner.js');

let folder;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-create-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const create = (...args) =>
  spawnSync(process.execPath, [COMMAND, ...args], { cwd: folder, encoding: 'utf8' });

/** Runs a program that is installed here in a package that was made. */
function run(name, program, ...args) {
  try {
    const bin = join(ROOT, 'node_modules/.bin', program);
    return execFileSync(bin, args, { cwd: join(folder, name), encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')} fails:\n${error.stdout}${error.stderr}`, { cause: error });
  }
}

/** The test files of a package, or those of them that are named, all of whose tests pass. */
function passedFiles(name, ...only) {
  const report = run(name, 'vitest', 'run', ...only, '--testTimeout=60000', '--reporter', 'json');
  const { success, testResults } = JSON.parse(report.slice(report.indexOf('{')));
  expect(success).toBe(true);
  return testResults.map((result) => result.name.split('/').at(-1)).sort();
}

const FILES = [
  '.gitignore',
  'README.md',
  'espalier.config.ts',
  'package.json',
  'src/conformance.test.ts',
  'src/index.test.ts',
  'src/index.ts',
  'tsconfig.build.json',
  'tsconfig.json',
];
/** What the page's method shows as well is run by `npm run check:long`. */
const isLong = process.env.ESPALIER_LONG !== undefined;

const filesOf = (name) =>
  readdirSync(join(folder, name), { recursive: true })
    .filter((file) => file !== 'src')
    .sort();

it('a package has all of its files, the name in every form, and no placeholder left', () => {
  const { status, stdout } = create('my-method');
  expect(status).toBe(0);
  expect(stdout).toContain('cd my-method\n  npm install\n  npm test');
  expect(filesOf('my-method')).toEqual(FILES);
  const texts = FILES.map((file) => readFileSync(join(folder, 'my-method', file), 'utf8'));
  expect(texts.join()).not.toMatch(/<%|undefined/);
  expect(texts.join()).toContain('export function myMethod(');
  run('my-method', 'tsc', '-p', 'tsconfig.json');
}, 180_000);

describe('with an op of its own, under a scope', () => {
  beforeAll(() => {
    expect(create('@me/summed', '--op').status).toBe(0);
  });

  it('it has the op, its test, and blocks as a peer', () => {
    expect(filesOf('summed')).toEqual([...FILES, 'src/block-sums.test.ts', 'src/block-sums.ts'].sort());
    const { name, peerDependencies } = JSON.parse(readFileSync(join(folder, 'summed/package.json'), 'utf8'));
    expect(name).toBe('@me/summed');
    expect(Object.keys(peerDependencies)).toEqual(['@espalier/blocks', '@espalier/core', '@tensorflow/tfjs']);
  });

  it.runIf(isLong)(
    'it type-checks, builds, and passes its own tests',
    () => {
      run('summed', 'tsc', '-p', 'tsconfig.json');
      run('summed', 'tsc', '-p', 'tsconfig.build.json');
      expect(existsSync(join(folder, 'summed/dist/index.d.ts'))).toBe(true);
      // Conformance of what is made is tested with tools/new-pruner, and with an op with the page's method.
      expect(passedFiles('summed', 'index', 'block-sums')).toEqual(['block-sums.test.ts', 'index.test.ts']);
    },
    240_000,
  );

  it.runIf(isLong)(
    'the command knows it by its config, and has a row for it',
    () => {
      const of = ['--backend', 'wasm', '--accelerators', 'off', '--scale', 'smoke', '--epochs', '2'];
      run('summed', 'espalier', 'compare', '--pruners', 'summed', ...of, '--out', 'run');
      const { rows } = JSON.parse(readFileSync(join(folder, 'summed/run/summary.json'), 'utf8'));
      expect(rows.map(({ pruner, status }) => [pruner, status])).toEqual([
        ['dense', 'ok'],
        ['summed', 'ok'],
      ]);
    },
    180_000,
  );
});

describe('the page docs/a-method-of-your-own.md', () => {
  const page = readFileSync(join(ROOT, 'docs/a-method-of-your-own.md'), 'utf8');
  const files = Array.from(page.matchAll(/```ts (\S+)\n(.*?)```/gs), ([, path, text]) => [path, text]);
  const commands = Array.from(page.matchAll(/```sh\n(.*?)```/gs), ([, lines]) =>
    lines.trim().split('\n'),
  ).flat();

  /** The first of its commands that begins so: what follows, as arguments. */
  const argumentsOf = (start) =>
    commands
      .find((line) => line.startsWith(start))
      .slice(start.length)
      .trim()
      .split(' ');
  const quick = ['--backend', 'wasm', '--accelerators', 'off', '--seeds', '0', '--epochs', '4'];

  beforeAll(() => {
    expect(create(...argumentsOf('npm create espalier-pruner').filter((word) => word !== '--')).status).toBe(
      0,
    );
    for (const [path, text] of files) writeFileSync(join(folder, 'snip', path), text);
  });

  it('has a method that type-checks, and passes the tests of the page, those of the op, and conformance', () => {
    expect(files.map(([path]) => path)).toEqual(['src/index.ts', 'src/index.test.ts', 'espalier.config.ts']);
    run('snip', 'tsc', '-p', 'tsconfig.json');
    expect(passedFiles('snip')).toEqual(['block-sums.test.ts', 'conformance.test.ts', 'index.test.ts']);
  }, 240_000);

  it('has a command that makes its rows', () => {
    run('snip', 'espalier', 'compare', ...argumentsOf('npx espalier compare'), ...quick, '--out', 'run');
    const { rows } = JSON.parse(readFileSync(join(folder, 'snip/run/summary.json'), 'utf8'));
    expect(rows.map(({ pruner }) => pruner)).toEqual([
      'dense',
      'magnitude',
      'random',
      'snip',
      'snip-of-weights',
    ]);
    // 51 of 512 blocks.
    for (const { achieved } of rows.slice(1)) expect(achieved.prunedLayers).toBeCloseTo(1 - 51 / 512, 10);
  }, 180_000);
});

it.each([
  [[], 'Name the strategy: npm create espalier-pruner my-method'],
  [
    ['My-Method'],
    "'My-Method' is not lower-case words joined by hyphens, as my-method is: choose another name",
  ],
  [
    ['../elsewhere'],
    "'../elsewhere' is not lower-case words joined by hyphens, as my-method is: choose another name",
  ],
  [
    ['delete'],
    "'delete' is a word of JavaScript's own, and cannot name the strategy's function: choose another",
  ],
  [['full'], 'The folder full holds kept.txt already: choose another name, or empty it'],
  [['one', 'two'], 'One name, not 2: npm create espalier-pruner my-method [-- --op]'],
  [['one', '--opp'], "Unknown option '--opp': npm create espalier-pruner my-method [-- --op]"],
])('%j is refused in one line, and nothing is written', (args, message) => {
  mkdirSync(join(folder, 'full'), { recursive: true });
  writeFileSync(join(folder, 'full/kept.txt'), '');
  const before = readdirSync(folder);
  const { status, stdout, stderr } = create(...args);
  expect([status, stdout, stderr]).toEqual([2, '', `${message}\n`]);
  expect(readdirSync(folder)).toEqual(before);
});
