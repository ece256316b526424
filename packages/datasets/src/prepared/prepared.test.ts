import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { DataError } from '../data-error.js';
import { prepared, preparedFolder, preparedRoot } from './prepared.js';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'espalier-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

const make = (text: string) => (folder: string) => writeFile(join(folder, 'a'), text);

describe.runIf(process.platform === 'linux')('what is prepared', () => {
  it('lies in the cache under its name and what it was made from, and is made once', async () => {
    const folder = await prepared('set', { source: 'x' }, make('first'));
    expect(dirname(folder)).toBe(preparedRoot());
    expect(folder).toBe(preparedFolder('set', { source: 'x' }));
    expect(folder).toMatch(/prepared\/set-[0-9a-f]{16}$/);
    expect(folder.startsWith(cache)).toBe(true);
    await prepared('set', { source: 'x' }, () => expect.unreachable());
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('first');
  });

  it('of another key is another', async () => {
    const [one, other] = [await prepared('set', 1, make('1')), await prepared('set', 2, make('2'))];
    expect(one).not.toBe(other);
    expect(await readFile(join(one, 'a'), 'utf8')).toBe('1');
  });

  it('by two at once is whole, and the same for both', async () => {
    const waits: (() => void)[] = [];
    // Both are within before either is done.
    const together = async (folder: string) => {
      await writeFile(join(folder, 'a'), 'a');
      await new Promise<void>((resolve) => {
        if (waits.push(resolve) === 2) waits.forEach((go) => go());
      });
      await writeFile(join(folder, 'b'), 'b');
    };
    const [one, other] = await Promise.all([prepared('set', 0, together), prepared('set', 0, together)]);
    expect(one).toBe(other);
    expect((await readdir(one)).sort()).toEqual(['a', 'b']);
    expect(await readdir(preparedRoot())).toHaveLength(1);
  });

  it('leaves nothing when making it fails, and is made the next time', async () => {
    const failing = async (folder: string) => {
      await make('half')(folder);
      throw new DataError('the source is damaged');
    };
    await expect(prepared('set', 0, failing)).rejects.toThrow('the source is damaged');
    expect(await readdir(preparedRoot())).toEqual([]);
    expect(existsSync(await prepared('set', 0, make('whole')))).toBe(true);
  });

  it('says where it cannot be written, and the way out', async () => {
    const file = join(cache, 'file');
    await writeFile(file, '');
    vi.stubEnv('XDG_CACHE_HOME', file);
    const refusal = prepared('set', 0, make(''));
    await expect(refusal).rejects.toThrow(DataError);
    await expect(refusal).rejects.toThrow(
      /^.*prepared cannot be written \(.*\): make room there, or point \$XDG_CACHE_HOME elsewhere$/,
    );
  });
});
