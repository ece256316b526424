import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { readElf } from './elf.js';
import { elfHeader } from './test-fakes.js';

const folder = mkdtempSync(join(tmpdir(), 'espalier-elf-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fileOf = (name: string, content: Buffer | string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

describe('readElf', () => {
  it.each(['x64', 'arm64'] as const)('knows a library for %s', async (arch) => {
    expect(await readElf(fileOf(arch, elfHeader(arch)))).toEqual({ arch, runPath: [] });
  });

  it('knows that a library is for a processor that Node has no name for here', async () => {
    expect(await readElf(fileOf('power', elfHeader('ppc64')))).toEqual({ arch: null, runPath: [] });
  });

  it.each([
    ['an empty file', ''],
    ['a text', 'libtensorflow_cc.so.2\n'.repeat(10)],
    ['what macOS loads', Buffer.from('cffaedfe07000001'.padEnd(200, '0'), 'hex')],
    ['a library of 32 bits', Buffer.from(elfHeader('x64')).fill(1, 4, 5)],
  ])('takes %s for none', async (name, content) => {
    expect(await readElf(fileOf(name, content))).toBeNull();
  });

  // Debian's compiler: an independent reading of the same file.
  const compiler = ['/usr/bin/g++', '/usr/bin/gcc'].find((path) => existsSync(path));
  it.skipIf(!compiler || process.platform !== 'linux')(
    'reads the run path that a linker wrote (skipped without a compiler)',
    async () => {
      const source = fileOf('empty.c', 'int nothing;');
      const library = join(folder, 'libempty.so');
      for (const kind of ['--enable-new-dtags', '--disable-new-dtags']) {
        const paths = '-Wl,-rpath,$ORIGIN/../nvidia/cudnn/lib:/somewhere else/lib';
        execFileSync(compiler!, ['-shared', '-fPIC', source, '-o', library, paths, `-Wl,${kind}`]);
        const elf = await readElf(library);
        expect(elf).toEqual({
          arch: process.arch,
          runPath: ['$ORIGIN/../nvidia/cudnn/lib', '/somewhere else/lib'],
        });
      }
    },
  );
});
