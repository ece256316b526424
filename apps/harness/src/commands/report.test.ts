import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { espalierHere } from '../../test/here.js';
import { commandLine } from '../command-line.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-report-'));
  await summaryIn('one', 'digits', ['dense', 'magnitude']);
  await summaryIn('two', 'digits', ['dense', 'acdc']);
  await summaryIn('other', 'planted-blocks', ['dense']);
  await mkdir(join(folder, 'begun/trials/dense-seed0'), { recursive: true });
  await writeFile(join(folder, 'a-file'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As a comparison leaves it, of one seed, without its trials. */
async function summaryIn(name: string, workload: string, pruners: readonly string[]): Promise<void> {
  const environment = {
    ...{ backend: 'wasm', device: 'd', kind: 'processor', accelerators: [], threads: 1, jobs: 1 },
    ...{
      productCosts: null,
      tfjs: '4',
      node: 'v20',
      platform: 'p',
      processor: 'c',
      cores: 2,
      date: '2026-01-02',
    },
  };
  const rows = pruners.map((pruner) => ({
    ...{ pruner, sparsity: pruner === 'dense' ? 0 : 0.9, blockShape: pruner === 'dense' ? [1, 1] : [8, 8] },
    ...{ allocation: pruner === 'dense' ? null : 'uniform', seed: 0, status: 'ok', metrics: { loss: 0.5 } },
    ...{ achieved: null, report: null, fingerprint: { init: 'i', data: 'd' } },
    timing: { stepMs: 1, denseStepMs: 1, totalMs: 5 },
  }));
  const summary = {
    schemaVersion: 1,
    workload,
    task: 'regression',
    epochs: 1,
    reference: 'dense',
    environment,
    rows,
  };
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'summary.json'), JSON.stringify(summary));
}

const report = (...args: string[]) => espalierHere(folder, ['report', ...args]);

describe('espalier report', () => {
  it('writes several folders as one page, and its plots as files', { timeout: 60_000 }, async () => {
    const args = ['one', 'two', '--format', 'html', '--out', 'pages/report.html', '--plots', 'plots'];
    const { code, stdout, stderr } = await report(...args);
    expect([code, stdout]).toEqual([0, '']);
    const page = await readFile(join(folder, 'pages/report.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('magnitude');
    expect(page).toContain('acdc');
    const files = await readdir(join(folder, 'plots'));
    const named = (extension: string) =>
      files.filter((file) => file.endsWith(extension)).map((file) => file.slice(0, -extension.length));
    expect(named('.svg')).toContain('loss-of-each-90-in-8x8');
    expect(named('.png')).toEqual(named('.svg'));
    expect(stderr).toContain(`${named('.svg').length} plots written to`);
    expect(await readdir(join(folder, 'pages'))).toEqual(['report.html']);
  });

  it('prints a table for a paper', async () => {
    const { code, stdout } = await report('one', 'two', '--format', 'latex');
    expect(code).toBe(0);
    expect(stdout).toContain('\\toprule');
    expect(stdout.match(/^ {4}dense &/gm)).toHaveLength(1);
  });

  it.each<[string, string[]]>([
    ['one is of workload digits, other of planted-blocks: give folders of one workload', ['one', 'other']],
    ["there is no format 'htlm': did you mean 'html'?", ['one', '--format', 'htlm']],
    ['no trial of begun has ended yet', ['begun']],
    ['summary.json is missing: give the --out folder of an `espalier compare`', ['nowhere']],
    ['choose another with --out', ['one', '--out', 'a-file/report.txt']],
  ])('answers in one line: %s', async (line, args) => {
    const { code, stderr } = await report(...args);
    expect(code).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(line);
  });
});

describe('the command line in a report', () => {
  it('is what a shell takes', () => {
    expect(commandLine(['compare', '--seeds', '0,1', '--out', "it's here"])).toBe(
      `espalier compare --seeds 0,1 --out 'it'\\''s here'`,
    );
  });
});
