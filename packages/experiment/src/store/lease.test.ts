import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Trial, TrialResult } from '../trial/trial.js';
import { folderStore } from './folder.js';
import { memoryStore } from './memory.js';
import { seal } from './sealed.js';
import type { Lease, Store } from './store.js';
import { LeaseLost } from './trouble.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'espalier-lease-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Between two of the waits below a machine may be busy with others for a second, and no lease may have died of it. */
const times = { signMs: 200, deadAfterMs: 2000 };
const inFolder = async () => folderStore(await mkdtemp(join(root, 'store-')), times);
const trial = { pruner: null, seed: 0 } as unknown as Trial;
const result = { id: 'an-id', status: 'ok' } as unknown as TrialResult;

/** Rewrites the lease that is in force, as if another had it. */
async function held(store: Store, by: object): Promise<string> {
  const place = join(store.address as string, 'trials/a');
  const [name = ''] = (await readdir(place)).filter((name) => name.startsWith('lease-'));
  const { content } = JSON.parse(await readFile(join(place, name), 'utf8')) as { content: object };
  await writeFile(join(place, name), seal('lease', { ...content, ...by }));
  return join(place, name);
}

describe.each<[string, () => Promise<Store>]>([
  ['in a folder', inFolder],
  ['in memory', async () => memoryStore()],
])('a trial %s', (_, open) => {
  it('has one owner at a time, of several that ask at once', async () => {
    const store = await open();
    const claims = await Promise.all(Array.from({ length: 8 }, () => store.trial('a').claim()));
    const leases = claims.filter((claim): claim is Lease => typeof claim !== 'string');
    expect(leases).toHaveLength(1);
    expect(await store.trial('a').claim()).toMatch(/\w/);
    await leases[0]?.release();
  });

  it('is let go of, and the next number is larger', async () => {
    const store = await open();
    const first = (await store.trial('a').claim()) as Lease;
    await first.release();
    const second = (await store.trial('a').claim()) as Lease;
    expect(second.number).toBeGreaterThan(first.number);
    await second.release();
  });

  it('refuses every write that comes with a smaller number, or with none', async () => {
    const store = await open();
    const first = (await store.trial('a').claim()) as Lease;
    const old = store.trial('a', first);
    await old.begin(trial);
    await old.metrics.start();
    await first.release();
    const second = (await store.trial('a').claim()) as Lease;
    for (const place of [old, store.trial('a')]) {
      await expect(place.begin(trial)).rejects.toThrow(LeaseLost);
      await expect(place.saveCheckpoint({} as never)).rejects.toThrow(LeaseLost);
      await expect(place.publish(result)).rejects.toThrow(LeaseLost);
      await expect(place.metrics.start()).rejects.toThrow(LeaseLost);
      await expect(place.metrics.append([])).rejects.toThrow(LeaseLost);
    }
    await store.trial('a', second).begin(trial);
    await second.release();
  });

  it('refuses what an owner writes that has let go of it, though no other has come', async () => {
    const store = await open();
    const lease = (await store.trial('a').claim()) as Lease;
    await lease.release();
    await expect(store.trial('a', lease).publish(result)).rejects.toThrow(LeaseLost);
  });
});

describe('the lease of an owner', { timeout: 30_000 }, () => {
  it('that has ended on this machine is taken over at once', async () => {
    const store = await inFolder();
    const first = (await store.trial('a').claim()) as Lease;
    // Its number is ours, and it started at another time: the process that had it is gone.
    await held(store, { started: '1' });
    const second = (await store.trial('a').claim()) as Lease;
    expect(second.number).toBe(first.number + 1);
    await first.release();
    await second.release();
  });

  it('on another machine is taken over when it has given no sign of life for a while', async () => {
    const store = await inFolder();
    const first = (await store.trial('a').claim()) as Lease;
    await first.release();
    const path = await held(store, { host: 'elsewhere', hostname: 'elsewhere', pid: 7, released: false });
    expect(await store.trial('a').claim()).toBe('process 7 on elsewhere');
    await setTimeout(1200);
    await utimes(path, new Date(), new Date());
    expect(typeof (await store.trial('a').claim())).toBe('string');
    await setTimeout(1200);
    expect(typeof (await store.trial('a').claim())).toBe('string');
    await setTimeout(1200);
    const second = (await store.trial('a').claim()) as Lease;
    expect(second.number).toBe(first.number + 1);
    await second.release();
  });

  it.skipIf(process.platform !== 'linux')(
    'that is stopped is taken over, and changes nothing when it goes on',
    async () => {
      const store = await inFolder();
      const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
      const first = (await store.trial('a').claim()) as Lease;
      const stat = await readFile(`/proc/${sleeper.pid}/stat`, 'utf8');
      const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
      await held(store, { pid: sleeper.pid, started });
      const old = store.trial('a', first);
      await old.begin(trial);
      await first.release();
      await held(store, { pid: sleeper.pid, started, released: false });
      expect(typeof (await store.trial('a').claim())).toBe('string');
      sleeper.kill('SIGSTOP');
      await setTimeout(200);
      expect(typeof (await store.trial('a').claim())).toBe('string');
      await setTimeout(2400);
      const second = (await store.trial('a').claim()) as Lease;
      expect([second.number, second.kills]).toEqual([first.number + 1, 1]);
      sleeper.kill('SIGCONT');
      await expect(old.saveCheckpoint({} as never)).rejects.toThrow(LeaseLost);
      await expect(old.publish(result)).rejects.toThrow(LeaseLost);
      await second.release();
      sleeper.kill('SIGKILL');
    },
  );

  it('that is gone with the whole folder is refused with the place', async () => {
    const store = await inFolder();
    const lease = (await store.trial('a').claim()) as Lease;
    await rm(store.address as string, { recursive: true });
    await expect(store.trial('a', lease).publish(result)).rejects.toThrow(/trials\/a.* was removed|removed/);
    await mkdir(store.address as string);
    await lease.release();
  });
});
