/** What the sources include is kept of a download: with a Python's TensorFlow, by a compiler that lists it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, relative } from 'node:path';

import { expect, it } from 'vitest';

import { kernelSources, nativeFolders } from './cache.js';
import { KEPT } from './download.js';
import { includeOf } from './library.js';

const python = process.env['ESPALIER_PYTHON'];
const hasCompiler = spawnSync('g++', ['--version']).status === 0;

it.skipIf(!python || !hasCompiler)(
  'a download has every header that the kernels include (skipped without TensorFlow and g++)',
  () => {
    const where =
      'import importlib.util; print(importlib.util.find_spec("tensorflow").submodule_search_locations[0])';
    const folder = execFileSync(python!, ['-c', where], { encoding: 'utf8' }).trim();
    const including = [includeOf(folder), ...nativeFolders].flatMap((path) => ['-I', path]);
    const list = execFileSync('g++', ['-std=c++17', '-M', ...including, ...kernelSources()], {
      encoding: 'utf8',
    });
    const headers = list.split(/[\s\\]+/).filter((path) => path.startsWith(folder));
    const names = headers.map((path) => relative(dirname(folder), path));
    expect(names).toContain('tensorflow/include/tensorflow/c/kernels.h');
    expect(names.filter((name) => !KEPT.some((kept) => name.startsWith(kept)))).toEqual([]);
  },
);
