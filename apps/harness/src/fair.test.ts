/** Settings that are tuned, claims that are checked, by the command. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isUsageError, type Summary, type TunedSettings } from '@espalier/experiment';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fixtures } from '../test/command.js';
import { espalierHere } from '../test/here.js';
import { run as compare } from './commands/compare.js';
import type { SetOptions } from './options.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-fair-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const espalier = (...args: string[]) => espalierHere(folder, args);

const onSmall = (command: string, ...more: string[]) => [
  ...[command, '--config', fixtures, '--workload', 'small', '--pruners', 'magnitude', '--backend', 'wasm'],
  ...['--accelerators', 'off', ...more],
];

async function read<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(join(folder, path), 'utf8')) as T;
}

describe('espalier tune', () => {
  it('chooses settings that compare uses, with other seeds', async () => {
    const tuned = await espalier(...onSmall('tune', '--trials', '2', '--halving', 'off', '--out', 'tuned'));
    expect(tuned.code).toBe(0);
    expect(tuned.stdout).toMatch(/\| magnitude \| 0\.9 8×8 \|/);
    const { chosen, tuning } = await read<TunedSettings>('tuned/settings.json');
    expect(chosen.map(({ strategy }) => strategy)).toEqual(['dense', 'magnitude']);
    expect(tuning).toMatchObject({ spent: 2, seeds: [100] });

    const compared = await espalier(...onSmall('compare', '--settings', 'tuned', '--out', 'compared'));
    expect(compared.code).toBe(0);
    const summary = await read<Summary>('compared/summary.json');
    expect(summary.tuning).toEqual(tuning);
    expect(summary.rows[1]!.training ?? {}).toEqual(chosen[1]!.training);

    const known = await espalier(
      ...onSmall('compare', '--settings', 'tuned', '--seeds', '100', '--out', 'known'),
    );
    expect(known.code).toBe(2);
    expect(known.stderr).toMatch(/^error: .* compare with others than 100\n$/);
    expect(existsSync(join(folder, 'known'))).toBe(false);
  });
});

describe('a setting', () => {
  it.each([
    ['of no strategy', { magnitud: { dense: 0.3 } }, /no 'magnitud' is compared; did you mean 'magnitude'\?/],
    ['that there is not', { magnitude: { dence: 0.3 } }, /no setting 'dence': did you mean 'dense'\?/],
    ['out of range', { magnitude: { dense: 1.5 } }, /'magnitude' .* cannot be made: .*1\.5/],
    ['of training out of range', { dense: { learningRateFactor: 0 } }, /dense\.learningRateFactor = 0/],
  ])('%s is refused in one line', async (_, set, message) => {
    const refusal = compare({
      ...{ workload: 'small', scale: 'small', pruners: ['magnitude'], backend: 'wasm', accelerators: 'off' },
      ...{ reference: 'dense', save: 'none', sparsePhases: false, config: fixtures },
      set: set as SetOptions,
      out: join(folder, 'never'),
    });
    await expect(refusal).rejects.toThrow(message);
    await refusal.catch((error: Error) => {
      expect(isUsageError(error)).toBe(true);
      expect(error.message).not.toContain('\n');
    });
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });
});

describe('espalier reproduce', () => {
  it('says of each claim what came out, and run again trains nothing and says the same', async () => {
    const args = ['reproduce', 'figure-2a', '--scale', 'smoke', '--backend', 'wasm', '--out', 'figure'];
    const first = await espalier(...args);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/holds|does not hold|undecided/);
    const { claims } = await read<Summary>('figure/summary.json');
    expect(claims).toHaveLength(1);
    const differences = claims!.map(({ difference }) => difference);
    const second = await espalier(...args);
    expect(second.stderr.match(/from an earlier run/g)).toHaveLength(6);
    expect(second.stdout).toBe(first.stdout);
    expect((await read<Summary>('figure/summary.json')).claims!.map(({ difference }) => difference)).toEqual(
      differences,
    );
  });

  it('refuses a recipe that there is not with the nearest name', async () => {
    const { code, stderr } = await espalier('reproduce', 'tabel-1');
    expect(code).toBe(2);
    expect(stderr).toBe(
      "error: Unknown recipe 'tabel-1': did you mean 'table-1'? (`espalier list` shows all)\n",
    );
  });
});
