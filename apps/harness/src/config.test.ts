import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { findConfig, foldersToRoot } from './config.js';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'espalier-config-')));
  await mkdir(join(folder, 'package/src/deep'), { recursive: true });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const at = (...path: string[]) => join(folder, ...path);
const put = (...path: string[]) => writeFile(at(...path), '{}');
const foundFrom = (path: string) => {
  vi.spyOn(process, 'cwd').mockReturnValue(at(path));
  return findConfig();
};

describe('a config', () => {
  it('is the nearest one upwards, to the package’s root and no further', async () => {
    await put('package/package.json');
    await put('espalier.config.ts');
    expect(foundFrom('package/src/deep')).toBeNull();
    await put('package/espalier.config.ts');
    expect(foundFrom('package/src/deep')).toBe(at('package/espalier.config.ts'));
    await put('package/src/espalier.config.mjs');
    expect(foundFrom('package/src/deep')).toBe(at('package/src/espalier.config.mjs'));
  });

  it('may lie in the root of a repository', async () => {
    await mkdir(at('package/.git'));
    await put('package/espalier.config.js');
    expect(foundFrom('package/src')).toBe(at('package/espalier.config.js'));
  });

  it('outside a package is one beside which the command runs', async () => {
    // Up to the home folder: above the temporary folder there may be a package.
    expect(foldersToRoot(at('package/src'), folder)).toEqual([at('package/src')]);
  });

  it('is not looked for above the home folder', async () => {
    await put('package.json');
    expect(foldersToRoot(at('package/src'), at('package'))).toEqual([at('package/src')]);
    expect(foldersToRoot(at('package/src'), at('elsewhere'))).toEqual([
      at('package/src'),
      at('package'),
      folder,
    ]);
  });

  it.skipIf(process.platform === 'win32')(
    'is not taken from a folder above where everybody may write (skipped on Windows)',
    async () => {
      await put('package/package.json');
      await put('package/espalier.config.ts');
      await chmod(at('package'), 0o777);
      expect(foundFrom('package/src')).toBeNull();
      expect(foundFrom('package')).toBe(at('package/espalier.config.ts'));
    },
  );
});
