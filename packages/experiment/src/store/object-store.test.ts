/** A store in a bucket, on a server of the S3 kind. */
import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hasMoto, startMoto } from '../../test/moto.js';
import type { Trial, TrialResult } from '../trial/trial.js';
import { bucketAt } from './bucket.js';
import { bucketStore, openBucket } from './object-store.js';
import { openStore } from './open.js';
import { seal } from './sealed.js';
import type { Checkpoint, Lease, StepMetrics, Store } from './store.js';
import { LeaseLost } from './trouble.js';

const times = { signMs: 50, deadAfterMs: 500 };
const trial = { pruner: null, seed: 0 } as unknown as Trial;
const result = {
  ...{ id: 'an-id', status: 'ok', measures: {}, report: null, device: 'd', search: null },
  fingerprint: { init: 'i', data: 'd' },
} as unknown as TrialResult;
const checkpoint = (step: number): Checkpoint => ({
  ...{ trialId: 'an-id', step, elapsedMs: 1, metrics: { length: 0, sha256: '' } },
  ...{ weights: [], optimizer: [], pruning: null, search: null },
});
const stepAt = (step: number): StepMetrics => ({ step, loss: 1, learningRate: 0.1, phase: 'p', sparsity: 0 });

let count = 0;
const inBucket = async (): Promise<Store> =>
  bucketStore(await bucketAt(`s3://tests/store-${count++}`), times);

/** Makes the lease one of another machine, of which there are no more signs of life. */
async function abandon(store: Store): Promise<void> {
  const bucket = await bucketAt(store.address as string);
  const there = await bucket.get('trials/a/lease.json');
  const { content } = JSON.parse(Buffer.from(there!.bytes).toString()) as { content: object };
  await bucket.put('trials/a/lease.json', seal('lease', { ...content, host: 'elsewhere', pid: 7 }));
}

describe.skipIf(!hasMoto)('a store in a bucket', () => {
  let stop: () => Promise<void>;
  beforeAll(async () => {
    stop = await startMoto('tests');
  });
  afterAll(() => stop());

  it('keeps documents and lists trials', async () => {
    const store = await openStore('s3://tests/documents/');
    expect(store.address).toBe('s3://tests/documents');
    expect(await store.read('summary.json')).toBeNull();
    await store.write('summary.json', 'first');
    await store.write('summary.json', 'second');
    expect(await store.read('summary.json')).toBe('second');
    expect([await store.create('one.json', '1'), await store.create('one.json', '2')]).toEqual([true, false]);
    for (const name of ['b', 'a']) await store.trial(name).begin(trial);
    expect(await store.trials()).toEqual(['a', 'b']);
  });

  it('gives a trial one owner, of several that ask at once; the next has a larger number', async () => {
    const store = await inBucket();
    const claims = await Promise.all(Array.from({ length: 8 }, () => store.trial('a').claim()));
    const leases = claims.filter((claim): claim is Lease => typeof claim !== 'string');
    expect(leases).toHaveLength(1);
    expect(await store.trial('a').claim()).toMatch(/^process \d+ on /);
    await leases[0]!.release();
    const second = (await store.trial('a').claim()) as Lease;
    expect([second.number, second.kills]).toEqual([leases[0]!.number + 1, 0]);
    await second.release();
  });

  it('has a trial taken over of an owner without signs of life, and not of one that gives them', async () => {
    const store = await inBucket();
    const first = (await store.trial('a').claim()) as Lease;
    await abandon(store);
    expect(await store.trial('a').claim()).toBe(`process 7 on ${(await import('node:os')).hostname()}`);
    await setTimeout(700);
    const second = (await store.trial('a').claim()) as Lease;
    expect([second.number, second.kills]).toEqual([first.number + 1, 1]);
    await setTimeout(700);
    expect(typeof (await store.trial('a').claim())).toBe('string');
    await second.release();
  });

  it('is not written over by an owner that was paused and has a successor', async () => {
    const store = await inBucket();
    const first = (await store.trial('a').claim()) as Lease;
    const old = store.trial('a', first);
    await old.begin(trial);
    await old.metrics.append([stepAt(0)]);
    const mark = await old.metrics.mark();
    await old.saveCheckpoint(checkpoint(16));
    await abandon(store);
    await store.trial('a').claim();
    await setTimeout(700);
    const second = (await store.trial('a').claim()) as Lease;
    const place = store.trial('a', second);
    expect((await place.checkpoint())?.step).toBe(16);
    expect(await place.metrics.rewind(mark)).toBe(true);
    await place.metrics.append([stepAt(1)]);
    await place.metrics.mark();
    await place.saveCheckpoint(checkpoint(32));
    for (const write of [
      () => old.begin(trial),
      () => old.saveCheckpoint(checkpoint(17)),
      () => old.publish(result),
      () => old.saveFailure({ trialId: 'an-id', message: 'late' }),
    ]) {
      await expect(write()).rejects.toThrow(LeaseLost);
    }
    expect((await place.checkpoint())?.step).toBe(32);
    expect(await place.metrics.read()).toEqual([stepAt(0), stepAt(1)]);
    await place.publish(result);
    expect([await place.result(), await place.checkpoint()]).toEqual([result, null]);
    await first.release();
    await second.release();
  });

  it('is not written over even where the check of the lease came before its loss', async () => {
    const bucket = await bucketAt('s3://tests/late');
    // A checkpoint that the first owner was about to write when it was paused.
    await bucket.put('trials/a/checkpoint-000000002.bin', 'of the second');
    await bucket.put('trials/a/checkpoint-000000001.bin', 'of the first, late');
    await expect(bucketStore(bucket).trial('a').checkpoint()).rejects.toThrow(/checkpoint-000000002\.bin/);
    await bucket.put('trials/a/result.json', seal('result', result));
    expect(await bucket.put('trials/a/result.json', 'late', { absent: true })).toBeNull();
  });

  it('refuses a bucket that is not there, and an address that is none, in a line', async () => {
    await expect(openBucket('s3://not-there/x')).rejects.toThrow(
      /^The store cannot be used: s3:\/\/not-there\/x\/\.espalier cannot be written \(NoSuchBucket.*make the bucket/,
    );
    await expect(openStore('s3://A')).rejects.toThrow(/s3:\/\/A is no store: give s3:\/\/<bucket>\/<prefix>/);
  });
});
