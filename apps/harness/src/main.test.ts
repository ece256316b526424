import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import type { Summary } from '@espalier/experiment';
import { findAccelerators } from '@espalier/wasm-training/accelerators';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bin, espalierIn, fixtures, isLong } from '../test/command.js';
import { espalierHere } from '../test/here.js';

const realData = [
  process.env['ESPALIER_DATA'],
  fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
].find((folder) => folder !== undefined && existsSync(join(folder, 'mnist')));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const espalier = (...args: string[]) => espalierHere(folder, args, { ESPALIER_DATA: '' });

const readSummary = async (out: string) =>
  JSON.parse(await readFile(join(folder, out, 'summary.json'), 'utf8')) as Summary;

const compareWith = (workload: string, pruners: string, out: string) => [
  ...['compare', '--config', fixtures, '--workload', workload],
  ...['--pruners', pruners, '--backend', 'wasm', '--out', out],
];

const three = 'magnitude,acdc,sequential-attention-plus-plus';

describe('espalier compare', () => {
  it('writes the files of the contract, a row for the dense baseline and each strategy', async () => {
    const kept = ['--save', 'models', '--tensorboard', 'board'];
    const args = [...compareWith('small', three, 'contract'), '--jobs', '999', ...kept];
    // As a user runs it, in a process of its own.
    const own = { ESPALIER_DATA: '' };
    const { code, stdout, stderr } = await espalierIn(folder, args, new Set(), own);
    expect(code).toBe(0);
    expect(stdout).toContain('support recovery');
    const summary = await readSummary('contract');
    // No more run side by side than there are trials, or cores.
    const cores = availableParallelism();
    expect(stderr).toContain(
      `--jobs 999 of 1 thread each is more than the ${cores} cores: ${cores} side by side`,
    );
    const environment = { backend: 'wasm', jobs: Math.min(4, cores), threads: 1 };
    expect(summary).toMatchObject({ schemaVersion: 1, workload: 'small', environment });
    expect(summary.environment.productCosts).toBeNull();
    expect(existsSync(join(folder, 'contract/product-costs.json'))).toBe(false);
    const used = (await findAccelerators('auto')).filter(({ absence }) => absence === null);
    expect(summary.environment.accelerators.map(({ library }) => library?.build)).toEqual(
      used.map(({ library }) => library?.build),
    );
    expect(summary.rows.map(({ pruner }) => pruner)).toEqual(['dense', ...three.split(',')]);
    for (const row of summary.rows) {
      const allocation = row.pruner === 'dense' ? null : 'uniform';
      expect(row).toMatchObject({ seed: 0, status: 'ok', allocation });
      expect(row.metrics?.loss).toBeGreaterThan(0);
      expect(row.timing.stepMs).toBeGreaterThan(0);
      expect(row.timing.denseStepMs).toBe(summary.rows[0]?.timing.stepMs);
      expect(row.fingerprint).toEqual(summary.rows[0]?.fingerprint);
    }
    // 256 × 128 in blocks of 8 × 8: G = 512, k = round(51.2) = 51.
    for (const row of summary.rows.slice(1)) expect(row.achieved?.prunedLayers).toBeCloseTo(1 - 51 / 512, 12);
    const csv = await readFile(join(folder, 'contract/summary.csv'), 'utf8');
    expect(csv.trim().split('\n')).toHaveLength(1 + summary.rows.length);
    expect(await readFile(join(folder, 'contract/summary.md'), 'utf8')).toContain('| dense |');
  });

  it('gives the same metrics, bit for bit, when it is run again elsewhere', async () => {
    const pick = async (out: string) =>
      (await readSummary(out)).rows.map(({ pruner, metrics, achieved }) => ({ pruner, metrics, achieved }));
    const args = compareWith('small', 'sequential-attention-plus-plus', 'again');
    expect((await espalier(...args, '--jobs', '1')).code).toBe(0);
    const [dense, , , attention] = await pick('contract');
    expect(await pick('again')).toEqual([dense, attention]);
  });

  it.runIf(isLong)('keeps apart what was computed with a library and without', async () => {
    const { code } = await espalier(
      ...compareWith('small', 'magnitude', 'contract'),
      '--accelerators',
      'off',
    );
    expect(code).toBe(0);
    const { environment, rows } = await readSummary('contract');
    expect(environment.accelerators).toEqual([]);
    expect(rows.map(({ status }) => status)).toEqual(['ok', 'ok']);
    const folders = (await readdir(join(folder, 'contract/trials'))).filter((name) =>
      name.startsWith('dense-'),
    );
    expect(folders).toHaveLength((await findAccelerators('auto')).some(({ library }) => library) ? 2 : 1);
    await espalier(...compareWith('small', three, 'contract'));
  });

  it('trains nothing again in a folder where it has finished, but what cannot be read', async () => {
    const trials = join(folder, 'contract/trials');
    const resultsOf = async (pruner: string) => {
      const names = (await readdir(trials)).filter((name) => name.startsWith(`${pruner}-`));
      return names.map((name) => join(trials, name, 'result.json'));
    };
    const written = async (pruner: string) => {
      const [result] = await resultsOf(pruner);
      return (await stat(result as string)).mtimeMs;
    };
    const before = await written('acdc');
    const { rows } = await readSummary('contract');
    // Each that there is: with the accelerators, and, of the long run, without.
    for (const result of await resultsOf('magnitude')) await writeFile(result, '{"id": "cut of');
    const { code, stderr } = await espalier(...compareWith('small', three, 'contract'));
    expect(code).toBe(0);
    expect(stderr.match(/from an earlier run/g)).toHaveLength(3);
    expect(stderr).toMatch(/magnitude 0\.9 8×8 seed 0: ok in/);
    expect(await written('acdc')).toBe(before);
    expect((await readSummary('contract')).rows[1]?.metrics).toEqual(rows[1]?.metrics);
  });

  it('has a row for each allocation that is asked for', async () => {
    const args = [...compareWith('two-layers', 'magnitude', 'allocations'), '--seeds', '0'];
    const { code, stdout } = await espalier(...args, '--allocation', 'uniform,global');
    expect(code).toBe(0);
    expect(stdout).toMatch(/magnitude\s+│\s+global/);
    const { rows } = await readSummary('allocations');
    expect(rows.map(({ allocation }) => allocation)).toEqual([null, 'uniform', 'global']);
    const kept = rows.map(({ report }) => report?.pruned.map(({ keptBlocks }) => keptBlocks).join());
    // 64 × 64 and 64 × 32 in blocks of 8 × 8: 10% of 64 and of 32 blocks; by score, as many in all.
    expect(kept[1]).toBe('6,3');
    expect(kept[2]).not.toBe(kept[1]);
    const csv = await readFile(join(folder, 'allocations/summary.csv'), 'utf8');
    expect(csv).toContain(',magnitude,0.9,8,8,global,');
  });

  it('runs a strategy of the config file, and takes differences from a chosen reference', async () => {
    const args = [...compareWith('small', 'acdc-masked,magnitude', 'own'), '--reference', 'magnitude'];
    const { code, stdout } = await espalier(...args);
    expect(code).toBe(0);
    expect(stdout).toContain('from magnitude');
    expect((await readSummary('own')).rows.map(({ pruner }) => pruner)).toContain('acdc-masked');
  });

  it('says diverged of a run whose loss leaves the finite numbers, and goes on', async () => {
    const args = compareWith('diverging', 'magnitude', 'diverged');
    const { code, stdout } = await espalier(...args);
    expect(code).toBe(0);
    const { rows } = await readSummary('diverged');
    expect(rows.map(({ status }) => status)).toEqual(['diverged', 'diverged']);
    expect(rows.every(({ metrics }) => metrics === null)).toBe(true);
    expect(stdout).toMatch(/magnitude\s+│\s+—/);
  });

  it('ends with 1 when trials failed, the others done, and says why each did', async () => {
    const args = compareWith('small', 'breaks,is-killed', 'failed');
    const { code, stdout, stderr } = await espalier(...args);
    expect(code).toBe(1);
    expect(stderr).toContain('breaks 0.9 8×8 seed 0 failed: Error: this strategy is broken');
    expect(stderr).toMatch(/is-killed .* ended by SIGKILL, as when memory runs out: try fewer --jobs/);
    expect(stdout).toMatch(/dense\s+│\s+\d/);
    const { rows } = await readSummary('failed');
    expect(rows.map(({ status }) => status)).toEqual(['ok', 'failed', 'failed']);
  });

  it('says of trials whose folders cannot be written that they failed', async () => {
    await mkdir(join(folder, 'blocked'));
    await writeFile(join(folder, 'blocked/trials'), 'a file where a folder should be');
    const { code, stdout, stderr } = await espalier(...compareWith('small', 'magnitude', 'blocked'));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /dense seed 0 failed: .*blocked\/trials\/dense-seed0-\w+ cannot be made \(E(NOTDIR|EXIST)/,
    );
    expect(stdout).toContain('not known to be identical');
  });

  it.each(isLong ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGTERM'] as const))(
    'told to stop by %s, leaves no process behind',
    async (signal) => {
      const child = spawn(process.execPath, [bin, ...compareWith('long', 'magnitude', signal)], {
        cwd: folder,
      });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const ended = once(child, 'exit');
      const logs = async () => {
        const trials = join(folder, signal, 'trials');
        const names = await readdir(trials).catch(() => []);
        const sizes = names.map(async (name) => {
          const log = await stat(join(trials, name, 'metrics.jsonl')).catch(() => null);
          return log?.size ?? 0;
        });
        return Promise.all(sizes);
      };
      await expect.poll(logs, { timeout: 30_000 }).toContainEqual(expect.toSatisfy((size) => size > 0));
      child.kill(signal);
      const [code] = await ended;
      if (signal === 'SIGTERM') {
        // 128 and the signal's number, as shells have it.
        expect(code).toBe(143);
        expect(stderr).toContain(`the same command with --out ${join(folder, signal)} goes on from here`);
      }
      // A process that lives would log on.
      await setTimeout(500);
      const before = await logs();
      await setTimeout(500);
      expect(await logs()).toEqual(before);
    },
  );

  const refusals: [string, string[], RegExp][] = [
    ['a value out of range', ['--sparsity=-0.5'], /sparsity is from 0 and under 1/],
    ['an unknown option', ['--seds', '0'], /unknown option '--seds' \(Did you mean --seeds\?\)/],
    ['an allocation that there is not', ['--allocation', 'globall'], /did you mean 'global'/],
    [
      'an override that says nothing',
      ['--override', 'dense_1/kernel='],
      /<kernel>=<sparsity>@<rows>x<columns>/,
    ],
    ['an override out of range', ['--override', 'dense_1/kernel=1.5'], /sparsity is from 0 and under 1/],
    [
      "an override of no kernel of the model's",
      ['--override', 'dens/kernel=0.5', '--backend', 'cpu'],
      /no kernel 'dens\/kernel' to override: did you mean 'dense_1\/kernel'/,
    ],
    [
      'an accelerator that there is not',
      ['--accelerators', 'blass', '--backend', 'wasm'],
      /no accelerator 'blass'; did you mean blas\?/,
    ],
    ['more threads than cores', ['--threads', '9999', '--backend', 'wasm'], /is more than the \d+ cores/],
    [
      'threads where they are not used',
      ['--accelerators', 'off', '--threads', '2', '--backend', 'wasm'],
      /needs an accelerator.*|is more than the 1 cores/,
    ],
    [
      'an accelerator of another backend',
      ['--accelerators', 'blas', '--backend', 'cpu'],
      /--accelerators blas is for the wasm backend, and cpu computes: add --backend wasm/,
    ],
    ['what it cannot run', ['--pruners', 'magnitud'], /did you mean 'magnitude'/],
  ];
  it.each(refusals)(
    'refuses %s in one line, with exit code 2 and nothing written',
    async (_, args, message) => {
      const { code, stderr, stdout } = await espalier('compare', ...args, '--out', 'refused');
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^error: .*\n$/);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(existsSync(join(folder, 'refused'))).toBe(false);
    },
  );

  it.skipIf(!realData)(
    'trains the MNIST perceptron on the real files (skipped where they are absent)',
    async () => {
      const args = ['--workload', 'mnist-mlp', '--data', realData as string, '--epochs', '1', '--seeds', '0'];
      const { code } = await espalier('compare', ...args, '--pruners', 'magnitude', '--out', 'mnist');
      expect(code).toBe(0);
      const { rows } = await readSummary('mnist');
      expect(rows[0]?.metrics?.accuracy).toBeGreaterThan(0.96);
      // 784 × 512 and 512 × 512 in 16 × 16 blocks: G = 49·32 and 32·32, k = 157 and 102; 512 × 10 stays dense.
      expect(rows[1]?.achieved?.prunedLayers).toBeCloseTo(1 - (157 + 102) / (1568 + 1024), 12);
    },
  );
});

describe('espalier list', () => {
  it('shows every strategy with a line and its source', async () => {
    const { code, stdout } = await espalier('list', '--json');
    expect(code).toBe(0);
    const { pruners, workloads } = JSON.parse(stdout) as Record<string, { name: string; source?: string }[]>;
    expect(pruners?.map(({ name }) => name)).toContain('sequential-attention-plus-plus');
    for (const { source } of pruners ?? []) expect(source).toMatch(/arXiv|doi/);
    // The default first.
    const names = workloads?.map(({ name }) => name);
    expect(names?.[0]).toBe('planted-blocks');
    expect(names).toEqual(
      expect.arrayContaining([
        'mnist-mlp',
        'cifar10-resnet20',
        'digits-mlp',
        'criteo-mlp',
        'imagenet-resnet50',
      ]),
    );
  });
});

describe('espalier report', () => {
  it('prints an earlier table again as Markdown', async () => {
    const { code, stdout } = await espalier('report', 'contract', '--format', 'markdown');
    expect(code).toBe(0);
    expect(stdout).toContain('| sequential-attention-plus-plus |');
  });

  it('refuses a summary that is damaged', async () => {
    await mkdir(join(folder, 'damaged'));
    await writeFile(join(folder, 'damaged/summary.json'), '{');
    const { code, stderr } = await espalier('report', 'damaged');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: damaged\/summary\.json is damaged .*\n$/);
  });

  it('refuses a folder without a comparison', async () => {
    const { code, stderr } = await espalier('report', 'nowhere');
    expect(code).toBe(2);
    expect(stderr).toContain('summary.json is missing');
  });
});

describe('what espalier compare keeps', () => {
  const trials = () => readdir(join(folder, 'contract/trials'));

  it('is an event file for each of the first four trials, with a record of every step', async () => {
    const runs = await readdir(join(folder, 'board'));
    expect(runs).toHaveLength(4);
    expect(await trials()).toEqual(expect.arrayContaining(runs));
    for (const run of runs) {
      const bytes = await readFile(join(folder, 'board', run, 'events.out.tfevents.espalier'));
      // 2 epochs of 512 examples in batches of 16; each record names its tags.
      expect(bytes.toString('latin1').match(/train\/loss/g)).toHaveLength(64);
      expect(bytes.toString('latin1').match(/test\/loss/g)).toHaveLength(1);
    }
  });

  it('is the models, which espalier export takes out, or says in a line why not', async () => {
    const name = (await trials()).find((each) => each.startsWith('acdc'))!;
    const args = ['export', 'contract', '--trial', 'acdc', '--out', 'out/acdc', '--compressed'];
    const { code, stdout } = await espalier(...args);
    expect(stdout).toBe(
      `${name}, as it ended after 64 steps: model.json, weights.bin, masks.json in ${join(folder, 'out/acdc')}\n`,
    );
    expect(code).toBe(0);
    const saved = await readFile(join(folder, 'contract/trials', name, 'block-sparse/weights.bin'));
    expect((await readFile(join(folder, 'out/acdc/weights.bin'))).equals(saved)).toBe(true);
    const refused = await espalier('export', 'contract', '--trial', 'acdd', '--out', 'out/none');
    expect(refused).toMatchObject({
      code: 2,
      stderr: "error: contract has no trial 'acdd': did you mean 'acdc'?\n",
    });
    expect(await readdir(join(folder, 'out'))).toEqual(['acdc']);
  });
});

describe('espalier theory', () => {
  it.runIf(isLong)('shows that every claim holds', async () => {
    const { code, stdout } = await espalier('theory', '--problems', '1');
    expect(stdout).toMatch(/all \d+ hold/);
    expect(code).toBe(0);
  });
});

describe('espalier data get', () => {
  /** Serves files from memory, as a mirror would. */
  async function mirror(files: Record<string, Buffer>) {
    const server = createServer((request, response) => {
      const body = files[(request.url ?? '').slice(1)];
      response.writeHead(body ? 200 : 404).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      close: () => server.close(),
    };
  }

  it('refuses a file that is not the right one, and keeps nothing of it', async () => {
    const wrong = gzipSync('not MNIST');
    const server = await mirror({ 'train-images-idx3-ubyte.gz': wrong });
    const args = ['--data', 'fetched', '--from', server.address];
    const { code, stderr } = await espalier('data', 'get', 'mnist', ...args);
    server.close();
    expect(code).toBe(2);
    expect(stderr).toContain(createHash('sha256').update('not MNIST').digest('hex'));
    expect(existsSync(join(folder, 'fetched'))).toBe(false);
  });

  it('says so when the server does not have it, or does not answer', async () => {
    const server = await mirror({});
    const missing = await espalier('data', 'get', 'mnist', '--data', 'fetched', '--from', server.address);
    server.close();
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('answered 404') });
    const gone = await espalier('data', 'get', 'mnist', '--data', 'fetched', '--from', server.address);
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be reached') });
  });

  it.skipIf(!realData)(
    'downloads MNIST whole, and not again (skipped without the files to serve)',
    async () => {
      const names = await readdir(join(realData as string, 'mnist'));
      const files = Object.fromEntries(
        await Promise.all(
          names.map(async (name) => [name, await readFile(join(realData as string, 'mnist', name))] as const),
        ),
      );
      const server = await mirror(files);
      const first = await espalier('data', 'get', 'mnist', '--data', 'whole', '--from', server.address);
      server.close();
      expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('mnist is in') });
      expect((await readdir(join(folder, 'whole/mnist'))).sort()).toEqual(
        [...new Set([...names, 'manifest.json'])].sort(),
      );
      const verified = await espalier('data', 'verify', 'mnist', '--data', 'whole');
      expect(verified).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^(mnist\/\S+: right\n){4}$/),
      });
      expect((await espalier('data', 'get', 'mnist', '--data', 'whole', '--from', server.address)).code).toBe(
        0,
      );
    },
  );

  it('refuses an unknown data set with the nearest name', async () => {
    const { code, stderr } = await espalier('data', 'get', 'mnits');
    expect(code).toBe(2);
    expect(stderr).toContain("did you mean 'mnist'");
  });
});
