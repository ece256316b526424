import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { espalierHere } from '../../test/here.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** With a cache of its own. */
const espalier = (...args: string[]) =>
  espalierHere(folder, ['data', ...args, '--data', folder], { XDG_CACHE_HOME: join(folder, 'cache') });

describe('espalier data', () => {
  it('lists the data sets, where they come from, and what is there', async () => {
    await mkdir(join(folder, 'criteo'));
    await writeFile(join(folder, 'criteo/train.txt'), '');
    const { stdout } = await espalier('list', '--json');
    const { sets } = JSON.parse(stdout) as { sets: { name: string; standing: string; obtain: string }[] };
    expect(sets.map(({ name, standing }) => [name, standing])).toEqual([
      ['mnist', 'not there'],
      ['cifar10', 'not there'],
      ['cifar100', 'not there'],
      ['criteo', 'there'],
      ['imagenet', 'not there'],
    ]);
    expect(sets[1]?.obtain).toBe('espalier data get cifar10');
    expect((await espalier('list')).stdout).toContain(`The data folder is ${folder}`);
  });

  it('prepares a set, by which a trial finds it ready, and leaves the data folder as it is', async () => {
    await mkdir(join(folder, 'criteo'));
    const row = (label: number, i: number) =>
      [
        label,
        ...Array<number>(13).fill(i),
        ...Array<string>(26).fill((i + 10).toString(16).padStart(8, '0')),
      ].join('\t');
    const rows = Array.from({ length: 50 }, (_, i) => row(i % 2, i));
    await writeFile(join(folder, 'criteo/train.txt'), `${rows.join('\n')}\n`);
    const first = await espalier('prepare', 'criteo');
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toBe('criteo is prepared: 45 examples to train on, 5 for the test\n');
    expect(existsSync(join(folder, 'criteo/manifest.json'))).toBe(false);
  });

  it('fetches from another address, refuses what is not the set, and keeps nothing of it', async () => {
    const server = createServer((_, response) => response.end('not the archive'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await espalier('get', 'cifar10', '--from', from);
    server.close();
    const found = createHash('sha256').update('not the archive').digest('hex');
    expect(code).not.toBe(0);
    expect(stderr).toContain(`is not the cifar-10-binary.tar.gz that was expected: SHA-256 ${found}`);
    await expect(readFile(join(folder, 'cifar10/cifar-10-binary.tar.gz'))).rejects.toThrow();
  });

  it.each([
    ['a set that there is not', ['get', 'mnits'], "Unknown data set 'mnits': did you mean 'mnist'?"],
    [
      'what may not be fetched',
      ['get', 'imagenet'],
      'imagenet cannot be fetched for you: download it from its owner',
    ],
    ['what needs no preparation', ['prepare', 'mnist'], 'mnist needs no preparation'],
    ['what is not there', ['prepare', 'cifar10'], 'has no CIFAR-10'],
    ['an option of another set', ['prepare', 'criteo', '--size', '32'], '--size is for imagenet'],
    [
      'a size that is none',
      ['prepare', 'imagenet', '--size', '0'],
      'a size in pixels must be a whole number',
    ],
  ])('refuses %s in one line', async (_, args, message) => {
    const { code, stderr } = await espalier(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(
      stderr
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('error')),
    ).toHaveLength(1);
  });
});
