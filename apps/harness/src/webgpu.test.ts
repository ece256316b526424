import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { softwareAdapter } from '@espalier/backend';
import type { Summary, Trial } from '@espalier/experiment';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { isLong } from '../test/command.js';
import type { Diagnosis } from './commands/doctor.js';

/** A GPU that is played by the processor; null where there is none. */
const swiftshader = softwareAdapter();
const software = swiftshader ?? {};
/** No adapter at all, whatever the machine has. */
const none = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' };

const bin = fileURLToPath(new URL('../bin/espalier.js', import.meta.url));
const config = fileURLToPath(new URL('../test/webgpu.config.ts', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-webgpu-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function espalier(environment: Record<string, string>, ...args: string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [bin, ...args],
      { cwd: folder, env: { ...process.env, ...environment } },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr });
      },
    );
  });
}

const compare = (environment: Record<string, string>, backend: string, pruners: string, out: string) =>
  espalier(
    environment,
    ...['compare', '--config', config, '--workload', 'tiny', '--backend', backend],
    ...['--pruners', pruners, '--out', out],
  );

const readSummary = async (out: string) =>
  JSON.parse(await readFile(join(folder, out, 'summary.json'), 'utf8')) as Summary;

describe('a backend that is not there', () => {
  // Elsewhere than on Linux an adapter cannot be taken away by the environment.
  it.skipIf(process.platform !== 'linux')(
    'ends webgpu with code 2 and one line, nothing written',
    async () => {
      const { code, stdout, stderr } = await compare(none, 'webgpu', 'magnitude', 'absent');
      expect(stderr).toMatch(/^error: .*WebGPU adapter.*\n$/);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(existsSync(join(folder, 'absent'))).toBe(false);
    },
  );

  it('ends tensorflow so too, unless it is installed', async () => {
    // Where npm could install the package whole, it is there without an addon of ours.
    const { code, stderr } = await compare(
      { XDG_CACHE_HOME: folder },
      'tensorflow',
      'magnitude',
      'tensorflow',
    );
    if (code === 0) return;
    expect(stderr).toMatch(/^error: .*espalier tensorflow install.*\n$/);
    expect(code).toBe(2);
  });
});

describe('espalier doctor', () => {
  it('shows every backend, and ends with 0 where some are missing', async () => {
    const { code, stdout } = await espalier(none, 'doctor', '--json');
    expect(code).toBe(0);
    const { backends, auto, node } = JSON.parse(stdout) as Diagnosis;
    expect(backends.map(({ name }) => name)).toEqual(['tensorflow', 'webgpu', 'wasm', 'cpu']);
    for (const { present, missing } of backends) expect(present ?? missing).not.toBeNull();
    expect(backends[1]).toMatchObject({ name: 'webgpu', present: null, missing: expect.any(String) });
    expect(auto.backend?.name).toBe('wasm');
    expect(node.version).toBe(process.version);
  });

  it.skipIf(!swiftshader)(
    'never takes a software adapter for a GPU (skipped without SwiftShader, of apt-get install chromium)',
    async () => {
      const { stdout } = await espalier(software, 'doctor', '--json');
      const { backends, auto } = JSON.parse(stdout) as Diagnosis;
      expect(backends[1]).toMatchObject({ present: { kind: 'software adapter' } });
      expect(backends[1]?.adapters.join()).toContain('SwiftShader');
      expect(auto.backend?.name).toBe('wasm');
    },
  );
});

describe.skipIf(!swiftshader)(
  'espalier compare --backend webgpu, on SwiftShader (skipped without it: apt-get install chromium libvulkan1)',
  () => {
    // What a comparison says of its device is in the small form with the device that is lost, below.
    it.runIf(isLong)('ends with 0, and says that the adapter is a software one', async () => {
      const pruners = 'sequential-attention-plus-plus';
      const { code, stdout } = await compare(software, 'webgpu', pruners, 'software');
      expect(code).toBe(0);
      expect(stdout).toContain('software adapter');
      const { rows, environment } = await readSummary('software');
      // One at a time where a device is shared.
      expect(environment).toMatchObject({ backend: 'webgpu', kind: 'software adapter', jobs: 1 });
      expect(rows.map(({ status }) => status)).toEqual(['ok', 'ok']);
      // 32 × 16 in blocks of 4 × 4: G = 32, k = round(3.2) = 3.
      for (const row of rows.slice(1)) expect(row.achieved?.prunedLayers).toBeCloseTo(1 - 3 / 32, 12);
      // The kernel and its momentum alone are 2 · 4 · 32 · 16 bytes.
      for (const row of rows) expect(row.peakGpuMemoryBytes).toBeGreaterThan(4096);
    });

    it.runIf(isLong)(
      'times products once for all its trials, keeps the times, and goes on with them',
      { timeout: 300_000 },
      async () => {
        const pruners = 'magnitude,acdc';
        const trialsOf = async (out: string) => {
          const trials = join(folder, out, 'trials');
          const names = (await readdir(trials)).sort();
          return Promise.all(
            names.map(async (name) => {
              const config = await readFile(join(trials, name, 'config.json'), 'utf8');
              const { content } = JSON.parse(config) as { content: Trial };
              return { name, productCosts: content.productCosts };
            }),
          );
        };
        await compare(software, 'webgpu', pruners, 'timed');
        const { productCosts } = (await readSummary('timed')).environment;
        expect(productCosts).toEqual([
          { blockShape: [4, 4], perKeptWeight: expect.any(Number), perStep: expect.any(Number) },
        ]);
        const trials = await trialsOf('timed');
        const [measured] = productCosts!;
        expect(trials.map((trial) => trial.productCosts)).toEqual([measured, undefined, measured]);

        // Other times, which no measurement comes to: the finished trials are of these, where they are found.
        const file = 'product-costs.json';
        const stored = await readFile(join(folder, 'timed', file), 'utf8');
        const given = { blockShape: [4, 4], perKeptWeight: 0.125, perStep: 0.5 };
        const sealed = JSON.parse(stored) as { content: object };
        const device = Object.keys(sealed.content)[0] as string;
        const content = { [device]: [given] };
        const sha256 = createHash('sha256').update(JSON.stringify(content)).digest('hex');
        await mkdir(join(folder, 'given'));
        await writeFile(join(folder, 'given', file), JSON.stringify({ ...sealed, sha256, content }));
        await compare(software, 'webgpu', pruners, 'given');
        expect((await readSummary('given')).environment.productCosts).toEqual([given]);
        const others = await trialsOf('given');
        expect(others.map((trial) => trial.productCosts)).toEqual([given, undefined, given]);
        const shared = others.filter(({ name }) => trials.some((trial) => trial.name === name));
        expect(shared.map(({ name }) => name.split('-')[0])).toEqual(['dense']);

        const again = await compare(software, 'webgpu', pruners, 'timed');
        expect(again.stderr.match(/from an earlier run/g)).toHaveLength(3);
        expect(await readFile(join(folder, 'timed', file), 'utf8')).toBe(stored);
      },
    );

    it('refuses an adapter of a name that there is not, and says which there are', async () => {
      const { code, stderr } = await compare(software, 'webgpu:H100', 'magnitude', 'absent');
      expect(stderr).toMatch(/^error: .*H100.*SwiftShader.*\n$/);
      expect(code).toBe(2);
    });

    it.runIf(isLong)('reaches what the cpu backend does', async () => {
      await compare(software, 'webgpu', 'magnitude', 'here');
      await compare(software, 'cpu', 'magnitude', 'there');
      const losses = async (out: string) => (await readSummary(out)).rows.map(({ metrics }) => metrics?.loss);
      const [here, there] = [await losses('here'), await losses('there')];
      here.forEach((loss, i) => expect(loss).toBeCloseTo(there[i] as number, 3));
    });

    it.each([
      ['loses-device', /loses-device .* failed: .*device was lost.*/] as const,
      ...(isLong
        ? [['asks-too-much', /asks-too-much .* failed: .*(memory|buffer|limit|allocat).*/i] as const]
        : []),
    ])('keeps what had finished when a trial %s, says why in a line, and goes on', async (pruner, line) => {
      const { code, stdout, stderr } = await compare(software, 'webgpu', `${pruner},magnitude`, pruner);
      expect(code).toBe(1);
      // One line as it happens, and one under the table.
      expect(stderr.split('\n').filter((text) => text.includes(pruner))).toHaveLength(2);
      expect(stderr).toMatch(line);
      expect(stderr).not.toContain('    at ');
      expect(stdout).toMatch(/dense\s+│\s+\d/);
      expect(stdout).toContain('software adapter');
      const { rows, environment } = await readSummary(pruner);
      expect(environment).toMatchObject({ backend: 'webgpu', kind: 'software adapter', jobs: 1 });
      // The kernel and its momentum alone are 2 · 4 · 32 · 16 bytes.
      for (const { status, peakGpuMemoryBytes } of rows)
        if (status === 'ok') expect(peakGpuMemoryBytes).toBeGreaterThan(4096);
      expect(rows.map(({ status }) => status)).toEqual(['ok', 'failed', 'ok']);
      const finished = (await readdir(join(folder, pruner, 'trials'))).filter((name) =>
        existsSync(join(folder, pruner, 'trials', name, 'result.json')),
      );
      expect(finished.map((name) => name.split('-')[0]).sort()).toEqual(['dense', 'magnitude']);
    });
  },
);
