/** Trials of a plan, run one by one, as schedulers do. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { bin, fixtures, isLong, qualityOf } from '../test/command.js';
import { espalierHere } from '../test/here.js';

const page = fileURLToPath(new URL('../../../docs/many-machines.md', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-one-by-one-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const espalier = (...args: string[]) => espalierHere(folder, args);

const of = (workload: string, pruners: string, out: string) => [
  ...['--config', fixtures, '--workload', workload, '--pruners', pruners],
  ...['--backend', 'wasm', '--accelerators', 'off', '--seeds', '0', '--out', out],
];

const run = (trial: string, out: string, ...more: string[]) =>
  espalier('run', trial, '--out', out, '--config', fixtures, ...more);

const qualityIn = (out: string) => qualityOf(join(folder, out));

const fences = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(
    ([, code]) => code as string,
  );

const hasParallel = spawnSync('parallel', ['--version']).status === 0;

describe('trials of a plan', { timeout: 300_000 }, () => {
  it.runIf(isLong)(
    'are listed with their identities; run by hand, they come to the bits of a comparison',
    async () => {
      const listed = await espalier('plan', ...of('small', 'magnitude', 'by-hand'), '--json');
      expect(listed.code).toBe(0);
      const trials = JSON.parse(listed.stdout) as { trial: string; id: string; pruner: string }[];
      expect(trials.map(({ pruner }) => pruner)).toEqual(['dense', 'magnitude']);
      expect(new Set(trials.map(({ id }) => id)).size).toBe(2);
      for (const { trial, id } of trials) expect(trial.endsWith(`-${id}`)).toBe(true);
      // Without its identity, and by its place; what has ended is not run again.
      expect((await run('dense-seed0', 'by-hand')).code).toBe(0);
      expect((await run('1', 'by-hand')).code).toBe(0);
      const again = await run(trials[1]!.id, 'by-hand');
      expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('earlier run') });
      expect((await espalier('status', 'by-hand')).stdout).toBe('2 trials: 2 ok\n');

      const gathered = await espalier('compare', ...of('small', 'magnitude', 'by-hand'));
      expect(gathered.stderr.match(/from an earlier run/g)).toHaveLength(2);
      expect((await espalier('compare', ...of('small', 'magnitude', 'at-once'))).code).toBe(0);
      expect(await qualityIn('by-hand')).toEqual(await qualityIn('at-once'));
    },
  );

  it.skipIf(!hasParallel)('are run by GNU parallel, each once', async () => {
    const names = await espalier('plan', ...of('small', 'acdc', 'parallel'));
    const command = `parallel --jobs 2 ${process.execPath} ${bin} run {} --out parallel --config ${fixtures}`;
    const lines = execFileSync('bash', ['-c', command], { cwd: folder, input: names.stdout, stdio: 'pipe' });
    expect(lines.toString()).toBe('');
    expect((await espalier('status', 'parallel')).stdout).toBe('2 trials: 2 ok\n');
  });

  it('say by their exit code what a scheduler is to do', async () => {
    expect(await run('0', 'nowhere')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: .*nowhere has no plan: run espalier plan.*\n$/),
    });
    await espalier('plan', ...of('small', 'magnitude,breaks', 'codes'));
    expect(await run('99', 'codes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no trial 99'),
    });
    expect(await run('magnitude', 'codes')).toMatchObject({ code: 2 });
    const failed = await run('breaks-0.9-8x8-seed0', 'codes');
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('this strategy is broken') });
    const status = await espalier('status', 'codes');
    expect(status.stdout).toMatch(
      /^3 trials: 1 failed, 2 to do\nfailed:\n {2}breaks-0.9-8x8-seed0-\w+: .*broken/,
    );
    const elsewhere = await run('0', 'codes', '--backend', 'cpu');
    expect(elsewhere).toMatchObject({ code: 69, stderr: expect.stringContaining('it computes on wasm') });
  });

  it('are refused where the code is another, and the line says which', async () => {
    await espalier('plan', ...of('small', 'magnitude', 'edited'));
    const config = join(
      fileURLToPath(new URL('../test', import.meta.url)),
      `edited-${process.pid}.config.mjs`,
    );
    await copyFile(fixtures, config);
    try {
      await writeFile(config, `${await readFile(config, 'utf8')}// edited\n`);
      const refused = await espalier('run', '0', '--out', 'edited', '--config', config);
      expect(refused.code).toBe(69);
      expect(refused.stderr).toMatch(
        /^error: dense seed 0 is refused here: its code \(.*small.*\) differs from the plan's/,
      );
      expect(refused.stderr.trim()).not.toContain('\n');
    } finally {
      await rm(config);
    }
    const without = await espalier('run', '0', '--out', 'edited');
    expect(without).toMatchObject({
      code: 69,
      stderr: expect.stringContaining("there is no workload 'small'"),
    });
  });

  it.runIf(isLong)(
    'told to stop, leave a checkpoint to go on from; another may have them after',
    async () => {
      const [name] = (await espalier('plan', ...of('long', 'magnitude', 'stopped'))).stdout.split('\n');
      const place = join(folder, 'stopped/trials', name!);
      const args = ['run', name!, '--out', 'stopped', '--config', fixtures, '--grace', '30'];
      const running = spawn(process.execPath, [bin, ...args], {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      while (!existsSync(join(place, 'metrics.jsonl'))) await setTimeout(50);
      await setTimeout(300);
      expect(await run(name!, 'stopped')).toMatchObject({ code: 75 });
      running.kill('SIGTERM');
      expect(await once(running, 'exit')).toEqual([143, null]);
      expect(existsSync(join(place, 'checkpoint.bin'))).toBe(true);
      expect((await espalier('status', 'stopped')).stdout).toContain('2 trials: 1 begun, 1 to do');
    },
  );

  it.runIf(isLong)(
    'that end their process three times without a word are set aside, and begin anew when asked for again',
    async () => {
      const [name] = (await espalier('plan', ...of('long', 'magnitude', 'killed'))).stdout.split('\n');
      const lease = async () => {
        for (;;) {
          const text = await readFile(join(folder, 'killed/trials', name!, 'config.json'), 'utf8').catch(
            () => '',
          );
          if (text !== '') return;
          await setTimeout(50);
        }
      };
      for (let kills = 0; kills < 3; kills++) {
        const args = ['run', name!, '--out', 'killed', '--config', fixtures];
        const running = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: 'ignore' });
        await rm(join(folder, 'killed/trials', name!, 'config.json'), { force: true });
        await lease();
        running.kill('SIGKILL');
        await once(running, 'exit');
      }
      const setAside = await run(name!, 'killed');
      expect(setAside).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('3 that trained it were ended'),
      });
      expect((await espalier('status', 'killed')).stdout).toMatch(/1 failed, 1 to do\nfailed:\n.*set aside/);
    },
  );
});

describe('the scripts for schedulers', () => {
  it('are of the syntax of a shell', async () => {
    const scripts = fences(await readFile(page, 'utf8'), 'sh');
    expect(scripts.length).toBeGreaterThanOrEqual(2);
    for (const script of scripts) execFileSync('bash', ['-n'], { input: script });
    const [slurm] = scripts.filter((script) => script.includes('#SBATCH'));
    for (const line of slurm!.match(/^#SBATCH.*/gm)!) expect(line).toMatch(/^#SBATCH --[a-z-]+(=\S+)?$/);
  });

  it('are of the shape of an indexed Job', async () => {
    const [job] = fences(await readFile(page, 'utf8'), 'yaml').map((text) => parse(text) as unknown);
    expect(job).toMatchObject({
      apiVersion: 'batch/v1',
      kind: 'Job',
      spec: {
        completionMode: 'Indexed',
        completions: expect.any(Number),
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'trial' }] } },
      },
    });
  });
});
