import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeFolder } from './make-folder.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-folder-'));
  await writeFile(join(folder, 'file'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('makeFolder', () => {
  it('makes it with those above it, and leaves one that is there, also where several do so at once', async () => {
    const path = join(folder, 'a/b/c');
    await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(folder, 'a/b/d'))]);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it.each(['file', 'file/below', 'file/far/below'])('refuses %s, where a file is', async (name) => {
    await expect(makeFolder(join(folder, name))).rejects.toThrow(/is no folder|ENOTDIR/);
  });

  it.skipIf(!existsSync('/proc/self'))(
    'ends where a folder cannot be made and the one above is there (skipped without /proc)',
    async () => {
      await expect(makeFolder('/proc/x')).rejects.toThrow(/ENOENT|EACCES|EPERM/);
      await expect(makeFolder('/proc/x/y')).rejects.toThrow(/ENOENT|EACCES|EPERM/);
    },
  );
});
