/** The generator in a workspace of its own, which borrows what is installed here. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
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
import { delimiter, dirname, join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import newPruner from './generator.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const MODEL = 'packages/pruners/magnitude';

let workspace;

/** What the generator uses of an Nx tree, over the temporary workspace. */
const tree = {
  exists: (path) => existsSync(join(workspace, path)),
  read: (path, encoding) => readFileSync(join(workspace, path), encoding),
  children: (path) => (existsSync(join(workspace, path)) ? readdirSync(join(workspace, path)) : []),
  write: (path, text) => {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  },
};

/** Runs a program, of those that are installed here first, in a folder of the workspace. */
function run(program, args, folder = '.') {
  try {
    const env = { ...process.env, PATH: [join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter) };
    return execFileSync(program, args, {
      cwd: join(workspace, folder),
      encoding: 'utf8',
      stdio: 'pipe',
      env,
    });
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')} fails:\n${error.stdout}${error.stderr}`, { cause: error });
  }
}

/** The test files of a package, all of whose tests pass. */
function passedFiles(folder) {
  const report = run('vitest', ['run', '--reporter', 'json'], folder);
  const { success, testResults } = JSON.parse(report.slice(report.indexOf('{')));
  expect(success).toBe(true);
  return testResults.map(({ name }) => name.split('/').at(-1)).sort();
}

beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'espalier-new-pruner-'));
  symlinkSync(join(ROOT, 'node_modules'), join(workspace, 'node_modules'));
  const configs = ['tsconfig.base.json', 'eslint.config.js', '.prettierrc.json'];
  const shared = ['package.json', ...configs, 'tools/lint', 'tools/tsc.mjs'];
  const ofModel = ['LICENSE', 'package.json', 'tsconfig.json', 'tsconfig.build.json'].map(
    (file) => `${MODEL}/${file}`,
  );
  for (const file of [...shared, ...ofModel, 'packages/core/package.json']) {
    cpSync(join(ROOT, file), join(workspace, file), { recursive: true });
  }
});

afterAll(() => rmSync(workspace, { recursive: true, force: true }));

describe('a package for a new strategy', () => {
  const folder = 'packages/pruners/my-method';
  let next;
  beforeAll(() => {
    next = newPruner(tree, { name: 'my-method' });
  });

  it('holds what every strategy package holds', () => {
    expect(readdirSync(join(workspace, folder), { recursive: true }).sort()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
      'src',
      'src/conformance.test.ts',
      'src/index.test.ts',
      'src/index.ts',
      'tsconfig.build.json',
      'tsconfig.json',
    ]);
    const manifest = JSON.parse(tree.read(`${folder}/package.json`, 'utf8'));
    const model = JSON.parse(tree.read(`${MODEL}/package.json`, 'utf8'));
    expect(manifest).toEqual({
      ...model,
      name: '@espalier/my-method',
      description: expect.any(String),
      keywords: expect.arrayContaining(['pruning', 'my-method']),
      version: '0.0.0',
      homepage: expect.stringMatching(/\/packages\/pruners\/my-method#readme$/),
      repository: { ...model.repository, directory: folder },
    });
  });

  it('has no placeholder left, and the name in every form', () => {
    const texts = ['src/index.ts', 'src/index.test.ts', 'src/conformance.test.ts', 'README.md'].map((file) =>
      tree.read(`${folder}/${file}`, 'utf8'),
    );
    expect(texts.join()).not.toMatch(/<%|undefined/);
    expect(texts[0]).toContain('export function myMethod({ dense = 0.5 }: MyMethodSettings = {}): Pruner {');
    expect(texts[0]).toContain("name: 'my-method',");
  });

  it('type-checks against core, builds, lints and is formatted', () => {
    run('npm', ['run', 'typecheck'], folder);
    run('npm', ['run', 'build'], folder);
    expect(existsSync(join(workspace, folder, 'dist/index.d.ts'))).toBe(true);
    run('eslint', ['--max-warnings', '0', `${folder}/src`]);
    run('prettier', ['--check', `${folder}/src`, `${folder}/*.{json,md}`]);
  }, 120_000);

  it('passes its own tests and conformance at once', () => {
    expect(passedFiles(folder)).toEqual(['conformance.test.ts', 'index.test.ts']);
  }, 120_000);

  it('is followed by the commands to go on with', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    next();
    const text = write.mock.calls.join();
    write.mockRestore();
    expect(text).toContain('npm install');
    expect(text).toContain('npx nx test @espalier/my-method');
    expect(text).toContain('--pruners magnitude,');
  });
});

describe('the guide', () => {
  const folder = 'packages/pruners/taylor';
  const guide = readFileSync(join(ROOT, 'docs/add-a-pruning-method.md'), 'utf8');
  const [source, test] = Array.from(guide.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code);

  it('has an example that type-checks, lints, and passes its test and conformance', () => {
    newPruner(tree, { name: 'taylor' });
    tree.write(`${folder}/src/index.ts`, source);
    tree.write(`${folder}/src/index.test.ts`, test);
    run('npm', ['run', 'typecheck'], folder);
    run('eslint', ['--max-warnings', '0', `${folder}/src`]);
    expect(passedFiles(folder)).toEqual(['conformance.test.ts', 'index.test.ts']);
  }, 120_000);
});

describe('a name', () => {
  it.each([
    [undefined, 'Name the strategy: npm run new-pruner -- my-method'],
    ['', 'Name the strategy: npm run new-pruner -- my-method'],
    ['My-Method', "'My-Method' is not lower-case words joined by hyphens"],
    ['my_method', "'my_method' is not lower-case words joined by hyphens"],
    ['my--method', "'my--method' is not lower-case words joined by hyphens"],
    ['../elsewhere', "'../elsewhere' is not lower-case words joined by hyphens"],
    ['2nd-order', "'2nd-order' is not lower-case words joined by hyphens"],
    ['@me/my-method', "'@me/my-method' has a scope, which is @espalier here: my-method"],
    ['delete', "'delete' is a word of JavaScript's own"],
    ['magnitude', 'There is a package @espalier/magnitude already, in packages/pruners/magnitude'],
    ['core', 'There is a package @espalier/core already, in packages/core'],
  ])('%j is refused in one line', (name, message) => {
    const refused = () => newPruner(tree, { name });
    expect(refused).toThrow(message);
    expect(refused).toThrow(/^.+$/);
  });

  it('that is refused leaves nothing behind', () => {
    const before = readdirSync(join(workspace, 'packages'), { recursive: true });
    expect(() => newPruner(tree, { name: 'core' })).toThrow();
    expect(readdirSync(join(workspace, 'packages'), { recursive: true })).toEqual(before);
  });
});

it('Nx finds the generator, and takes the name without an option', () => {
  const generator = `${join(ROOT, 'tools/new-pruner/generators.json')}:new-pruner`;
  const nx = join(ROOT, 'node_modules/.bin/nx');
  const output = execFileSync(nx, ['generate', generator, 'some-other-method', '--dry-run'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NX_DAEMON: 'false' },
    stdio: 'pipe',
  });
  expect(output).toContain('packages/pruners/some-other-method/src/index.ts');
  expect(existsSync(join(ROOT, 'packages/pruners/some-other-method'))).toBe(false);
}, 120_000);
