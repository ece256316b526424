/** What hangs, and what must not be trusted: the command as a user runs it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bin } from '../test/command.js';
import { espalierHere } from '../test/here.js';

const hanging = fileURLToPath(new URL('../test/hanging/hanging.config.ts', import.meta.url));
const never = fileURLToPath(new URL('../test/hanging/never.config.ts', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-hanging-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function espalier(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

const compared = (workload: string, pruners: string, out: string, ...more: string[]) => [
  ...['compare', '--config', hanging, '--workload', workload, '--pruners', pruners],
  ...['--backend', 'wasm', '--accelerators', 'off', '--out', out, ...more],
];

describe('a command', () => {
  const refusals: [string, string[], RegExp][] = [
    [
      'a config that waits for what never comes',
      ['compare', '--config', never],
      /^error: Loading .*never\.config\.ts waits for a promise that never settles: .*\n$/,
    ],
    [
      'a workload whose data never come',
      compared('never-loads', 'magnitude', 'refused'),
      /^error: load\(\) of the workload 'never-loads' of .*hanging\.config\.ts waits for a promise .*\n$/,
    ],
    [
      'labels that are none',
      compared('wrong-labels', 'magnitude', 'refused'),
      /^error: The workload 'wrong-labels' cannot be trained: in its training set, the label of example 32 .*\n$/,
    ],
    [
      '--json without --dry-run',
      compared('brief', 'magnitude', 'refused', '--json'),
      /^error: --json is for --dry-run.*\n$/,
    ],
    [
      'a limit that is none',
      compared('brief', 'magnitude', 'refused', '--trial-timeout', '0'),
      /^error: .*a number of minutes is above 0.*\n$/,
    ],
  ];
  it.each(refusals)('refuses %s in one line', async (_, args, message) => {
    // It is a process that ends when nothing is left to wait for; what is refused otherwise needs none.
    const waits = args.includes(never) || args.includes('never-loads');
    const { code, stdout, stderr } = await (waits ? espalier(args).ended : espalierHere(folder, args));
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  it.skipIf(!existsSync('/proc/self'))(
    'refuses an output folder that cannot be made (skipped without /proc)',
    async () => {
      const { code, stderr } = await espalierHere(folder, compared('brief', 'magnitude', '/proc/x'));
      expect(stderr).toMatch(/^error: The output folder \/proc\/x cannot be written to .*\n$/);
      expect(code).toBe(2);
    },
  );

  it('ends a trial that hangs, deaf to SIGTERM, at its limit; the others go on', async () => {
    const args = compared('brief', 'deaf,magnitude', 'limited', '--trial-timeout', '0.5', '--jobs', '2');
    const { code, stdout, stderr } = await espalier(args).ended;
    expect(stderr).toMatch(
      /deaf 0\.9 8×8 seed 0 failed: it was ended after 30 s, its limit: .*--trial-timeout/,
    );
    expect(stdout).toMatch(/magnitude\s+│\s+\d/);
    expect(code).toBe(1);
  });

  it('told to stop, ends a trial that is deaf to it, and then itself', async () => {
    const { child, ended } = espalier(compared('brief', 'deaf', 'stopped'));
    let ready = '';
    child.stderr.on('data', (chunk: Buffer) => (ready += chunk.toString()));
    await expect.poll(() => ready, { timeout: 60_000 }).toContain('dense seed 0: ok');
    const trials = join(folder, 'stopped/trials');
    await expect
      .poll(async () => (await readdir(trials)).some((name) => name.startsWith('deaf')), { timeout: 60_000 })
      .toBe(true);
    child.kill('SIGTERM');
    const { code } = await ended;
    expect(code).toBe(143);
  });

  it('ends though a workload has left a timer running', async () => {
    const { code, stdout } = await espalier(compared('loads-and-leaves-a-timer', 'magnitude', 'timer')).ended;
    expect(stdout).toContain('Written to');
    expect(code).toBe(0);
  });

  it('keeps nothing of what it transpiles where others could put theirs', async () => {
    const temporary = join(folder, 'tmp');
    await mkdir(temporary);
    const { code } = await espalier(['list', '--config', hanging], { TMPDIR: temporary }).ended;
    expect(code).toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('--dry-run says what it would do, and writes nothing', async () => {
    const args = compared('brief', 'magnitude', 'not-made', '--dry-run');
    const { code, stdout } = await espalierHere(folder, args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/magnitude\s+│\s+0\.9 8×8/);
    expect(stdout).toContain('Trials  2: 0 done');
    expect(existsSync(join(folder, 'not-made'))).toBe(false);
    const { stdout: json } = await espalierHere(folder, [...args, '--json']);
    expect(JSON.parse(json)).toMatchObject({ schemaVersion: 1, workload: 'brief', jobs: 2 });
  });
});
