/** What a folder of results is believed for, by the command. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import type { Summary } from '@espalier/experiment';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bin, espalierIn, fixtures, isLong } from '../test/command.js';
import { espalierHere } from '../test/here.js';

const pathOf = (name: string) => fileURLToPath(import.meta.resolve(name));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-trust-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const environment = () => ({ ESPALIER_DATA: '', XDG_CACHE_HOME: join(folder, 'cache') });
const espalier = (...args: string[]) => espalierHere(folder, args, environment());

const compare = (workload: string, pruners: string, out: string, ...more: string[]) => [
  ...['compare', '--config', fixtures, '--workload', workload, '--pruners', pruners],
  ...['--backend', 'wasm', '--accelerators', 'off', '--out', out, ...more],
];

const lossesIn = async (out: string) =>
  (JSON.parse(await readFile(join(folder, out, 'summary.json'), 'utf8')) as Summary).rows.map(
    ({ metrics }) => metrics?.loss,
  );

/** Digits in MNIST's format, drawn by a small generator of their own. */
async function writeDigits(data: string, seed: number): Promise<void> {
  let state = seed;
  const next = () => (state = (state * 48_271) % 2_147_483_647);
  const idx = (shape: number[], below: number) => {
    const header = [0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, size >> 8, size & 255])];
    const elements = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() % below);
    return gzipSync(Uint8Array.from([...header, ...elements]));
  };
  await mkdir(join(folder, data, 'mnist'), { recursive: true });
  for (const [name, count] of [
    ['train', 256],
    ['t10k', 128],
  ] as const) {
    const at = (file: string) => join(folder, data, 'mnist', `${name}-${file}-ubyte.gz`);
    await writeFile(at('images-idx3'), idx([count, 28, 28], 256));
    await writeFile(at('labels-idx1'), idx([count], 10));
  }
}

describe('a number of an earlier run', () => {
  it.runIf(isLong)('is not given back when the data has changed, and what differs is said', async () => {
    await writeDigits('a', 1);
    await writeDigits('b', 2);
    const args = (data: string) =>
      compare('mnist-mlp', 'magnitude', 'data', '--seeds', '0', '--data', join(folder, data));
    expect((await espalier(...args('a'))).code).toBe(0);
    const ofA = await lossesIn('data');
    expect((await espalier(...args('a'))).stderr.match(/from an earlier run/g)).toHaveLength(2);
    // In place, of the same size: only the time tells.
    await writeDigits('a', 3);
    const { stderr } = await espalier(...args('a'));
    expect(stderr).toContain(
      "magnitude 0.9 16×16 seed 0 is trained anew: its data differs from the stored one's",
    );
    const ofAnotherA = await lossesIn('data');
    expect((await espalier(...args('b'))).code).toBe(0);
    const ofB = await lossesIn('data');
    const all = [ofA, ofAnotherA, ofB].map(([, loss]) => loss);
    expect(new Set(all).size).toBe(3);
    expect(await readdir(join(folder, 'a/mnist'))).not.toContain('manifest.json');
  });

  it("is not given back when a module was edited that the strategy's own imports", async () => {
    const core = (sign: string) => writeFile(join(folder, 'sign.ts'), `export const sign: number = ${sign};`);
    await writeFile(
      join(folder, 'mine.ts'),
      `import { magnitude } from '${pathOf('@espalier/magnitude')}';
       import { sign } from './sign';
       const { importance, ...rest } = magnitude();
       const score = (...given) => importance.score(...given).mul(sign);
       export default { ...rest, name: 'mine', importance: { ...importance, score } };`,
    );
    await core('1');
    // In processes of their own: a module is loaded once by each.
    const ofMine = () => espalierIn(folder, compare('small', './mine.ts', 'code'), new Set(), environment());
    expect((await ofMine()).code).toBe(0);
    const [dense, before] = await lossesIn('code');
    await core('-1');
    const { stderr } = await ofMine();
    expect(stderr).toContain(
      "mine 0.9 8×8 seed 0 is trained anew: its code (sign.ts) differs from the stored one's",
    );
    expect(stderr).toMatch(/dense seed 0: ok, from an earlier run/);
    const [sameDense, after] = await lossesIn('code');
    expect(sameDense).toBe(dense);
    expect(after).not.toBe(before);
  });

  it.runIf(isLong)('is not given back when an accelerator or the length of training is another', async () => {
    await espalier(...compare('small', 'magnitude', 'other'));
    const { stderr } = await espalier(...compare('small', 'magnitude', 'other', '--epochs', '3'));
    expect(stderr).toContain(
      "magnitude 0.9 8×8 seed 0 is trained anew: its epochs differ from the stored one's",
    );
    expect(stderr).not.toContain('from an earlier run');
  });
});

describe('data verify', () => {
  it('says of every file whether it is right', async () => {
    await writeDigits('verified', 1);
    await rm(join(folder, 'verified/mnist/t10k-labels-idx1-ubyte.gz'));
    const { code, stdout } = await espalier('data', 'verify', '--data', 'verified');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^mnist\/train-images-idx3-ubyte\.gz: wrong \(.* has SHA-256 [0-9a-f]{64}, not ba89/,
    );
    expect(stdout).toMatch(/^mnist\/t10k-labels-idx1-ubyte\.gz: missing/m);
  });
});

describe('a reader that goes away', () => {
  it.each([
    ...(isLong ? [['of the output', '| head -c 1 >/dev/null'] as const] : []),
    ['of the output and of what is said beside it', '2>&1 | head -c 1 >/dev/null'] as const,
  ])('%s ends the printing, not the command', async (_, pipe) => {
    const out = join(folder, `pipe-${pipe.length}`);
    const command = [process.execPath, bin, ...compare('small', 'magnitude', out)].join(' ');
    const shell = spawn('bash', ['-c', `${command} ${pipe}; exit \${PIPESTATUS[0]}`], {
      cwd: folder,
      env: { ...process.env, ...environment() },
      stdio: 'ignore',
    });
    expect(await once(shell, 'exit')).toEqual([0, null]);
    expect(await readdir(out)).toEqual(
      expect.arrayContaining(['summary.csv', 'summary.json', 'summary.md', 'trials']),
    );
  });
});

describe('a folder', () => {
  it('that vanishes fails what was being trained, in one line, and nothing else', async () => {
    const out = join(folder, 'vanishing');
    const running = espalier(...compare('long', 'magnitude', out, '--epochs', '60', '--jobs', '1'));
    const logged = async () => {
      const [first] = await readdir(join(out, 'trials')).catch(() => []);
      return first ? (await stat(join(out, 'trials', first, 'metrics.jsonl')).catch(() => null))?.size : 0;
    };
    try {
      await expect.poll(logged, { timeout: 60_000 }).toBeGreaterThan(0);
      await rm(out, { recursive: true });
    } finally {
      await running;
    }
    const { code, stdout, stderr } = await running;
    // Where it was seen to be half gone, the trial is trained again in a new folder: then nothing failed.
    expect(stderr).toMatch(
      /^dense seed 0 (failed: \/\S+ .*(removed|ENOENT)|is asked for again: .*removed).*$/m,
    );
    expect(code).toBe(/ failed: /.test(stderr) ? 1 : 0);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toMatch(/magnitude\s+│\s+\d/);
  });

  it('whose summary cannot be written has its table printed, and the exit code says so', async () => {
    const out = join(folder, 'no-summary');
    await mkdir(join(out, 'summary.json'), { recursive: true });
    const { code, stdout, stderr } = await espalier(...compare('small', 'magnitude', out));
    expect(code).toBe(1);
    expect(stdout).toMatch(/magnitude\s+│\s+\d/);
    expect(stderr).toMatch(/^error: The summary cannot be written: .*no-summary\/summary\.json.*$/m);
  });
});

/** A disk of its own, where this may be mounted. */
function mounted(options: string, at: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a disk', () => {
  it('that fills up keeps what was finished, and says so in a line a trial (skipped where none may be mounted)', async (context) => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    if (!mounted('size=80k', disk)) return context.skip();
    try {
      const args = compare('small', 'magnitude', join(disk, 'out'), '--jobs', '1');
      const { code, stdout, stderr } = await espalier(...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/ENOSPC.*make room and run again/);
      expect(stderr).not.toMatch(/^ {4}at /m);
      expect(stdout).toMatch(/dense\s+│\s+\d/);
      execFileSync('mount', ['-o', 'remount,size=8m', disk]);
      const again = await espalier(...args);
      expect(again.stderr).toMatch(/dense seed 0: ok, from an earlier run/);
      expect(again.code).toBe(0);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('that may only be read is refused before anything runs (skipped where none may be mounted)', async (context) => {
    const disk = join(folder, 'read-only');
    await mkdir(disk);
    if (!mounted('ro,size=80k', disk)) return context.skip();
    try {
      const { code, stderr } = await espalier(...compare('small', 'magnitude', join(disk, 'out')));
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: The output folder .* cannot be written to \(E.*\n$/);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
