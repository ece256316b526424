/** One comparison, handed out by a queue to workers: on the servers that are installed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import type { Summary } from '@espalier/experiment';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { bin, espalierIn, fixtures, isLong, qualityOf } from '../test/command.js';
import { espalierHere } from '../test/here.js';
import { connect } from '@espalier/experiment/queue';

import { hasMoto, startMoto } from '../../../packages/experiment/test/moto.js';
import {
  certificateIn,
  missing,
  postgresServer,
  redisServer,
  tellRedis,
  type TestServer,
} from '../test/servers.js';

let folder: string;
const running = new Set<ChildProcess>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-queue-'));
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const espalier = (...args: string[]) => espalierIn(folder, args, running);
const here = (...args: string[]) => espalierHere(folder, args);
/** Trusts a certificate. */
const trusting = (cert: string, ...args: string[]) =>
  espalierIn(folder, args, running, { NODE_EXTRA_CA_CERTS: cert });

interface Worker {
  readonly process: ChildProcess;
  said(): string;
  ended(): Promise<number | null>;
}

function worker(url: string, ...more: string[]): Worker {
  const args = [bin, 'worker', '--queue', url, '--config', fixtures, '--jobs', '1', ...more];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  running.add(child);
  const exit = once(child, 'exit') as Promise<[number | null]>;
  return { process: child, said: () => said, ended: async () => (await exit)[0] };
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await setTimeout(100);
}

const of = (workload: string, pruners: string, out: string) => [
  ...['compare', '--config', fixtures, '--workload', workload, '--pruners', pruners],
  ...['--backend', 'wasm', '--accelerators', 'off', '--out', out],
];

const qualityIn = (out: string) => qualityOf(join(folder, out));

async function checkpointIn(out: string): Promise<boolean> {
  const trials = await readdir(join(folder, out, 'trials')).catch(() => []);
  return trials.some((name) => existsSync(join(folder, out, 'trials', name, 'metrics.jsonl')));
}

const kinds = [
  ['Redis', missing.redis, redisServer] as const,
  ...(isLong ? [['PostgreSQL', missing.postgres, postgresServer] as const] : []),
];

describe.each(kinds)('a queue on %s', { timeout: 300_000 }, (name, lacks, serverIn) => {
  const lacking = lacks();
  if (lacking !== null) {
    it.skip(`is not tested: ${lacking}`, () => {});
    return;
  }
  let server: TestServer;
  beforeAll(async () => {
    server = await serverIn(folder);
  }, 120_000);
  afterAll(() => server.kill());

  it('hands trials to workers, which come to the bits of a comparison here; no password is written or said', async () => {
    const out = `handed-out-${name}`;
    const filed = await here(...of('small', 'magnitude', out), '--queue', server.url, '--detach');
    expect(filed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^2 of 2 trials filed at \w+:\/\/127/),
    });
    const state = await here('status', server.url);
    expect(state.stdout).toMatch(/2 waiting/);
    const one = worker(server.url);
    const compared = await here(...of('small', 'magnitude', out), '--queue', server.url);
    expect(compared).toMatchObject({ code: 0, stdout: expect.stringContaining('support recovery') });
    one.process.kill('SIGTERM');
    expect(await one.ended()).toBe(0);
    expect(one.said()).toContain('Done: 2 ended, 0 failed, 0 handed back');
    expect((await here(...of('small', 'magnitude', `${out}-here`))).code).toBe(0);
    expect(await qualityIn(out)).toEqual(await qualityIn(`${out}-here`));

    const written = await Promise.all(
      ['summary.json', 'summary.md', 'plan.json', 'store.json'].map((file) =>
        readFile(join(folder, out, file), 'utf8'),
      ),
    );
    const said = [filed, compared, state].map(({ stdout, stderr }) => stdout + stderr);
    for (const text of [...written, ...said, one.said()]) expect(text).not.toContain('Secret');
  });

  // What differs between servers is in the first test, and in those of chaos.
  it.runIf(isLong && name === 'Redis')(
    'has a trial handed back, with a checkpoint, by a worker that is told to stop; another goes on from it',
    async () => {
      const out = `handed-back-${name}`;
      const asked = [...of('small', 'magnitude', out), '--epochs', '200', '--queue', server.url];
      const compared = espalier(...asked);
      const first = worker(server.url, '--grace', '30');
      await until(() => checkpointIn(out));
      first.process.kill('SIGTERM');
      expect(await first.ended()).toBe(0);
      expect(first.said()).toMatch(/Done: \d ended, 0 failed, 1 handed back/);
      const [begun] = (await readdir(join(folder, out, 'trials'))).filter((trial) =>
        existsSync(join(folder, out, 'trials', trial, 'checkpoint.bin')),
      );
      expect(begun).toBeDefined();
      const second = worker(server.url);
      expect((await compared).code).toBe(0);
      expect(second.said()).not.toContain('starts anew');
      expect((await espalier(...of('small', 'magnitude', `${out}-here`), '--epochs', '200')).code).toBe(0);
      expect(await qualityIn(out)).toEqual(await qualityIn(`${out}-here`));
    },
  );

  it.runIf(isLong && name === 'Redis')(
    'may lose its server, and all that it had, while trials are trained',
    async () => {
      const out = `lost-${name}`;
      const compared = espalier(...of('small', 'magnitude', out), '--epochs', '200', '--queue', server.url);
      const one = worker(server.url);
      await until(() => checkpointIn(out));
      await server.kill();
      await setTimeout(2_000);
      await server.start(false);
      const { code, stderr } = await compared;
      expect(code).toBe(0);
      expect(stderr).toMatch(/is away .*\n[^]*is back/);
      expect(one.said().match(/dense seed 0: begun/g)).toHaveLength(1);
    },
  );

  it('is refused in one line where it is away, or is none', async () => {
    const away = server.url.replace(/:\d+(\/|$)/, ':1$1');
    const refused = await here(...of('small', 'magnitude', `away-${name}`), '--queue', away);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /^error: The queue at .* cannot be used \(.*ECONNREFUSED.*\): see that its server runs/,
    );
    expect(refused.stderr.trim()).not.toMatch(/\n|Secret/);
    expect(existsSync(join(folder, `away-${name}`))).toBe(false);
  });
});

describe.skipIf(missing.redis() !== null)('a queue', { timeout: 300_000 }, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await redisServer(await mkdtemp(join(folder, 'redis-')));
  });
  afterAll(() => server.kill());

  it.each([
    ['no URL', 'redis', /--queue is no URL: give one such as redis:\/\/host:6379/],
    ['another protocol', 'amqp://user:Secret@host', /--queue amqp:\/\/… is no queue that is known/],
    ['no host', 'redis://', /names no host/],
  ])('refuses %s', async (_, url, message) => {
    const refused = await here('worker', '--queue', url);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
    expect(refused.stderr.trim()).not.toMatch(/\n|Secret/);
  });

  it('is refused with a wrong password', async () => {
    const refused = await here('worker', '--queue', server.url.replace(server.password, 'Secret-too'));
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/WRONGPASS/) });
    expect(refused.stderr).not.toContain('Secret');
  });

  it('has a failed trial reported with its reason; the rest goes on, and a worker without the code refuses', async () => {
    const out = 'failing';
    const asked = [...of('small', 'breaks,magnitude', out), '--queue', server.url];
    expect((await here(...asked, '--detach')).code).toBe(0);
    // There is something to refuse before it is asked: it would not wait for long.
    const without = spawn(
      process.execPath,
      [bin, 'worker', '--queue', server.url, '--idle', '5', '--out', out],
      {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    running.add(without);
    const exited = once(without, 'exit');
    let said = '';
    without.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => /there is no workload 'small'/.test(said) || without.exitCode !== null);
    expect(said).toContain("there is no workload 'small'");
    const compared = espalier(...asked);
    worker(server.url.replace('redis://', 'valkey://'));
    const { code, stderr } = await compared;
    expect(code).toBe(1);
    expect(stderr).toContain('breaks 0.9 8×8 seed 0 failed: ');
    expect((await qualityIn(out)).map(({ status }) => status)).toEqual(['ok', 'failed', 'ok']);
    await exited;
    expect(said).not.toContain('begun');
  });

  it.runIf(isLong)('goes through the rounds of a tuning', async () => {
    const args = ['--config', fixtures, '--workload', 'small', '--pruners', 'magnitude', '--trials', '2'];
    const more = ['--backend', 'wasm', '--accelerators', 'off', '--epochs', '9', '--out', 'tuned'];
    const one = worker(server.url);
    const tuned = await espalier('tune', ...args, ...more, '--queue', server.url);
    expect(tuned).toMatchObject({ code: 0, stdout: expect.stringContaining('settings.json') });
    expect(one.said()).toContain(': ok');
  });

  it.runIf(isLong)('goes through a recipe', async () => {
    const one = worker(server.url);
    const args = ['reproduce', 'figure-2a', '--scale', 'smoke', '--backend', 'wasm', '--accelerators', 'off'];
    const reproduced = await espalier(...args, '--out', 'figure', '--queue', server.url);
    expect(reproduced).toMatchObject({ code: 0, stdout: expect.stringMatching(/holds|undecided/) });
    expect(one.said().match(/: ok$/gm)?.length).toBeGreaterThan(2);
  });

  it.runIf(isLong)(
    'gives no trial to a worker without the memory for it, or whose time is over',
    async () => {
      const filed = [...of('small', 'magnitude', 'large'), '--queue', server.url, '--detach'];
      expect((await espalier(...filed, '--memory', '1000000')).code).toBe(0);
      const small = worker(server.url, '--out', 'large', '--idle', '1');
      expect(await small.ended()).toBe(0);
      expect(small.said()).toMatch(
        /is refused here: it takes .*, and there are .* for each of 1 side by side/,
      );
      expect(small.said()).toContain('Done: 0 ended, 0 failed, 0 handed back');
      const brief = worker(server.url, '--for', '0.02');
      expect(await brief.ended()).toBe(0);
      expect(brief.said()).toContain('Done: ');
    },
  );

  it.runIf(isLong && hasMoto)('keeps what trials come to in a bucket, as in a folder', async () => {
    const stop = await startMoto('tests');
    try {
      const one = worker(server.url);
      const out = 's3://tests/handed-out';
      const compared = await espalier(...of('small', 'magnitude', out), '--queue', server.url);
      expect(compared.code).toBe(0);
      expect(one.said().match(/: ok$/gm)).toHaveLength(2);
      const { rows } = JSON.parse((await espalier('report', out, '--format', 'json')).stdout) as Summary;
      expect((await espalier(...of('small', 'magnitude', 'no-bucket'))).code).toBe(0);
      const here = await qualityIn('no-bucket');
      expect(rows.map(({ metrics }) => metrics)).toEqual(here.map(({ metrics }) => metrics));
      expect((await espalier('status', out)).stdout).toContain('2 trials: 2 ok');
    } finally {
      await stop();
    }
  });

  it.runIf(isLong)('leaves a trial of another version where it is', async () => {
    const filed = await here(...of('small', 'magnitude', 'newer'), '--queue', server.url, '--detach');
    expect(filed.code).toBe(0);
    const queues = await connect(server.url);
    try {
      const lots = await queues.queue('lots').waiting(100);
      const { lot } = lots.at(-1)?.data as { lot: string };
      await queues.queue(lot).file([{ id: 'of-tomorrow', data: { format: 99 } }]);
      const one = worker(server.url, '--out', 'newer', '--idle', '3');
      expect(await one.ended()).toBe(0);
      expect(one.said()).toContain('A trial of another version of espalier is left in the queue');
      expect(one.said()).toContain('Done: 2 ended, 0 failed, 0 handed back');
      const { later } = await queues.queue(lot).counts();
      expect(later).toBe(1);
    } finally {
      await queues.close();
    }
  });

  it.runIf(isLong)('waits for a server that has no room, and says so once', async () => {
    tellRedis(server, 'CONFIG', 'SET', 'maxmemory', '1');
    const compared = espalierIn(
      folder,
      [...of('small', 'magnitude', 'full'), '--queue', server.url],
      running,
    );
    await setTimeout(15_000);
    expect(existsSync(join(folder, 'full', 'summary.json'))).toBe(false);
    tellRedis(server, 'CONFIG', 'SET', 'maxmemory', '0');
    worker(server.url, '--out', 'full');
    const { code, stderr } = await compared;
    expect(code).toBe(0);
    expect(stderr.match(/has no room \(OOM .*\n[^]*is back/g)).toHaveLength(1);
  });

  it.runIf(isLong)('speaks TLS, with a server whose certificate it trusts', async () => {
    const place = await mkdtemp(join(folder, 'tls-'));
    const certificate = certificateIn(place);
    if (!certificate) throw new Error('openssl, which this test makes a certificate with, is not installed');
    const secret = await redisServer(place, certificate);
    try {
      const distrusted = await espalier('status', secret.url);
      expect(distrusted).toMatchObject({ code: 2, stderr: expect.stringMatching(/self-signed certificate/) });
      expect(distrusted.stderr.trim()).not.toMatch(/\n|Secret/);
      const trusted = await trusting(certificate.cert, 'status', secret.url);
      expect(trusted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^rediss:.* 0 waiting/) });
      expect(trusted.stdout).not.toContain('Secret');
    } finally {
      await secret.kill();
    }
  });
});
