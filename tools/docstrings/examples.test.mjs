/** Every example in a docstring is type-checked against what is built, runs, and prints what its comments say. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { format } from 'node:util';

import ts from 'typescript';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { findExamples, printedBy } from './find-examples.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const BUILD = join(import.meta.dirname, 'build');

const sources = execFileSync('git', ['ls-files', 'apps/*.ts', 'packages/*.ts'], {
  cwd: ROOT,
  encoding: 'utf8',
});
const examples = sources
  .trim()
  .split('\n')
  .filter((file) => !/\.(test|as)\.ts$/.test(file))
  .flatMap((file) => findExamples(file, readFileSync(join(ROOT, file), 'utf8')))
  .map((example, i) => ({ ...example, file: join(BUILD, `example-${i}.ts`) }));

const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
};

let program;
beforeAll(() => {
  rmSync(BUILD, { recursive: true, force: true });
  mkdirSync(BUILD);
  writeFileSync(join(BUILD, 'package.json'), '{ "type": "module" }');
  for (const { file, code } of examples) writeFileSync(file, code);
  program = ts.createProgram(
    examples.map(({ file }) => file),
    OPTIONS,
  );
  program.emit();
}, 120_000);

it('there are examples', () => expect(examples.length).toBeGreaterThan(0));

describe('what is found', () => {
  const docstring = (...lines) =>
    ['class Adder {', '  /**', ...lines.map((line) => `   * ${line}`), '   */', '  add() {}', '}'].join('\n');

  it('is the code in fences, by the line of its docstring', () => {
    const text = docstring('Adds.', '', '@example', '```ts', 'f();', '```', 'Or', '```ts', 'g();', '```');
    expect(findExamples('a.ts', text)).toEqual([
      { name: 'a.ts:2', code: 'f();' },
      { name: 'a.ts:2', code: 'g();' },
    ]);
  });

  it('is refused where an example is no code', () => {
    expect(() => findExamples('a.ts', docstring('@example f()'))).toThrow('a.ts:2: the @example has no code');
  });

  it('prints the comments after its calls', () => {
    const code = 'console.log(1); // 1\nconsole.log(f(2));\n// [ 2,\n//   3 ]\ng(); // nothing is printed';
    expect(printedBy(code)).toEqual(['1', '[ 2,\n  3 ]']);
  });
});

describe.each(examples)('the example of $name', ({ file, code }) => {
  it('type-checks', () => {
    const diagnostics = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
    expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual(
      [],
    );
  });

  it('runs, and prints what it says', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue();
    try {
      await import(file.replace(/ts$/, 'js'));
      expect(log.mock.calls.map((values) => format(...values))).toEqual(printedBy(code));
    } finally {
      log.mockRestore();
    }
  });
});
