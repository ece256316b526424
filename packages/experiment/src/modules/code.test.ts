import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { codeOf } from './code.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-code-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
}

const modulesOf = async (path: string) => (await codeOf(path)).modules;

describe('codeOf', () => {
  it("knows a user's module by what is in it and in all that it imports, in TypeScript too", async () => {
    const entry = await write(
      'mine.ts',
      `import { a } from './lib/a.js'; import type { T } from './types';
       const f = <T,>(x: T): T => x;
       export default async () => (await import('./late.mjs'), f(a));`,
    );
    await write('lib/a.ts', `export * from './b';`);
    await write('lib/b.ts', `export const a: number = 1;`);
    await write('late.mjs', '');
    await write('types.ts', 'export type T = number;');
    const before = await modulesOf(entry);
    expect(Object.keys(before)).toEqual(['late.mjs', 'lib/a.ts', 'lib/b.ts', 'mine.ts', 'types.ts']);
    await write('lib/b.ts', `export const a: number = 22;`);
    const after = await modulesOf(entry);
    expect(Object.keys(after).filter((name) => after[name] !== before[name])).toEqual(['lib/b.ts']);
  });

  it('does not depend on where the modules lie', async () => {
    const there = await write('there/mine.js', `import './b.js';`);
    await write('there/b.js', 'export {};');
    const here = await write('here/mine.js', `import './b.js';`);
    await write('here/b.js', 'export {};');
    expect(await modulesOf(here)).toEqual(await modulesOf(there));
  });

  it('knows packages by name and version, and what they import not at all', async () => {
    const entry = await write('mine.js', `import 'some'; import 'node:fs';`);
    const some = (version: string) =>
      write('node_modules/some/package.json', `{"name":"some","version":"${version}","main":"index.js"}`);
    await write('node_modules/some/index.js', `require('./other.js')`);
    await some('1.2.3');
    expect(Object.keys(await modulesOf(entry))).toEqual(['mine.js', 'some@1.2.3']);
  });

  it("knows Espalier's packages by what is in them, and tfjs by its version", async () => {
    const { modules, versions } = await codeOf(fileURLToPath(import.meta.resolve('@espalier/magnitude')));
    expect(Object.keys(modules)).toEqual([
      '@espalier/blocks',
      '@espalier/core',
      '@espalier/gradients',
      '@espalier/magnitude',
      '@tensorflow/tfjs@4.22.0',
    ]);
    expect(versions['@tensorflow/tfjs']).toBe('4.22.0');
  });
});
