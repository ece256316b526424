import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';

import { startBackend } from '@espalier/backend';
import { magnitude } from '@espalier/magnitude';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import tiny from '../../test/tiny.js';
import { compare } from '../compare.js';
import { inPlace } from '../executors/in-place.js';
import type { Row } from '../summary.js';
import type { Checkpoint } from './store.js';
import type { TrialResult } from '../trial/trial.js';
import { pack, unpack } from './checkpoint-file.js';
import { openFolder } from './folder.js';
import { seal } from './sealed.js';

/** Two folders of results to damage: one of a comparison that ended, one of a comparison that was stopped. */
let root: string;
let expected: unknown[];
let executor: ReturnType<typeof inPlace>;

const bits = (rows: readonly Row[]) =>
  rows.map(({ pruner, status, metrics, achieved, fingerprint }) => ({
    ...{ pruner, status, metrics, achieved, fingerprint },
  }));

/** The pruned trial's files; the dense baseline's are left alone. */
async function placeIn(folder: string, pruner = 'magnitude'): Promise<string> {
  const names = await readdir(join(folder, 'trials'));
  return join(folder, 'trials', names.find((name) => name.startsWith(`${pruner}-`)) as string);
}

async function run(folder: string) {
  const notes: string[] = [];
  const ran: string[] = [];
  const steps: number[] = [];
  const { rows } = await compare({
    ...{ workload: tiny, pruners: [magnitude()], executor, store: await openFolder(folder) },
    watcher: {
      noted: (line) => void notes.push(line),
      ended: ({ pruner }, _, anew) => void (anew && ran.push(pruner?.name ?? 'dense')),
      progressed: (_, { step }) => void steps.push(step),
    },
  });
  return { rows, notes, ran, steps };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'espalier-damage-'));
  executor = inPlace({ backend: await startBackend('wasm'), checkpointEveryMs: 0 });
  expected = bits((await run(join(root, 'ended'))).rows);
  const stop = new AbortController();
  const stopped = compare({
    ...{ workload: tiny, pruners: [magnitude()], executor, signal: stop.signal },
    store: await openFolder(join(root, 'stopped')),
    watcher: {
      progressed: (trial, { step }) => trial.pruner && step > 60 && stop.abort(new Error('stopped')),
    },
  });
  await expect(stopped).rejects.toThrow('stopped');
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Damage = (place: string, folder: string) => Promise<unknown>;

const text = (name: string, change: (text: string) => string): Damage => {
  return async (place) => {
    const before = await readFile(join(place, name), 'utf8');
    const after = change(before);
    expect(after).not.toBe(before);
    await writeFile(join(place, name), after);
  };
};
const bytes = (name: string, change: (bytes: Buffer) => Uint8Array): Damage => {
  return async (place) => writeFile(join(place, name), change(await readFile(join(place, name))));
};
/** One bit at this share of the file. */
const flipped = (name: string, share: number) =>
  bytes(name, (content) => {
    const at = Math.min(content.length - 1, Math.floor(share * content.length));
    content[at] = (content[at] as number) ^ 4;
    return content;
  });
const replaced = (name: string, what: (path: string) => Promise<unknown>): Damage => {
  return async (place) => {
    await rm(join(place, name));
    await what(join(place, name));
  };
};
const result = (change: (result: Record<string, unknown> & TrialResult) => unknown) =>
  text('result.json', (before) => seal('result', change(JSON.parse(before).content)));
const checkpoint = (change: (checkpoint: Checkpoint) => unknown) =>
  bytes('checkpoint.bin', (before) => pack(change(unpack(before, '')) as Checkpoint));
const without = (value: object, key: string) => ({ ...value, [key]: undefined });
const pruning = (change: object) => checkpoint((all) => ({ ...all, pruning: { ...all.pruning, ...change } }));

const ended: [string, Damage][] = [
  ['cut in half', bytes('result.json', (content) => content.subarray(0, content.length / 2))],
  ['emptied', text('result.json', () => '')],
  ['no JSON', text('result.json', () => 'a result')],
  ['null', text('result.json', () => 'null')],
  ['a link that leads to itself', replaced('result.json', (path) => symlink(path, path))],
  [
    'as it was written before it was sealed',
    text('result.json', (t) => JSON.stringify(JSON.parse(t).content)),
  ],
  ['of another version', text('result.json', (t) => t.replace('"version": 1', '"version": 2'))],
  ['of another format', text('result.json', (t) => t.replace('espalier result', 'espalier lease'))],
  ['with another loss', text('result.json', (t) => t.replace(/"loss": \d/, '"loss": 0'))],
  ['with another status', text('result.json', (t) => t.replace('"ok"', '"diverged"'))],
  ['with another fingerprint', text('result.json', (t) => t.replace(/"init": "./, '"init": "g'))],
  ['with another device', text('result.json', (t) => t.replace(/"device": "./, '"device": "_'))],
  ['with another checksum', text('result.json', (t) => t.replace(/"sha256": "./, '"sha256": "g'))],
  [
    "another trial's",
    async (place, folder) =>
      cp(join(await placeIn(folder, 'dense'), 'result.json'), join(place, 'result.json')),
  ],
  ...['id', 'status', 'measures', 'report', 'fingerprint', 'device'].map((key): [string, Damage] => [
    `sealed without its ${key}`,
    result((all) => without(all, key)),
  ]),
  [
    'sealed with a loss that is a word',
    result((all) => ({ ...all, measures: { ...all.measures, loss: 'low' } })),
  ],
  ['sealed with a status that there is not', result((all) => ({ ...all, status: 'fine' }))],
  ['sealed with a report that is none', result((all) => ({ ...all, report: 3 }))],
  ...[0.2, 0.4, 0.6, 0.8].map((share): [string, Damage] => [
    `with a bit flipped at ${share}`,
    // Of a digit or letter: white space means nothing.
    bytes('result.json', (content) => {
      let at = Math.floor(share * content.length);
      while (!/[0-9a-z]/.test(String.fromCharCode(content[at] as number))) at += 1;
      content[at] = (content[at] as number) ^ 1;
      return content;
    }),
  ]),
];

const stopped: [string, Damage][] = [
  ['cut in half', bytes('checkpoint.bin', (content) => content.subarray(0, content.length / 2))],
  ['emptied', bytes('checkpoint.bin', () => new Uint8Array())],
  ['a link that leads to itself', replaced('checkpoint.bin', (path) => symlink(path, path))],
  ...[0, 0.001, 0.3, 0.6, 0.999].map((share): [string, Damage] => [
    `with a bit flipped at ${share}`,
    flipped('checkpoint.bin', share),
  ]),
  ['as it was written before it was sealed', bytes('checkpoint.bin', (b) => serialize(unpack(b, '')))],
  [
    'of another version',
    bytes('checkpoint.bin', (content) => {
      content[content.indexOf(' 1 ') + 1] = '2'.charCodeAt(0);
      return content;
    }),
  ],
  ["another trial's", checkpoint((all) => ({ ...all, trialId: '0123456789ab' }))],
  ['at the step NaN', checkpoint((all) => ({ ...all, step: NaN }))],
  ['at a step beyond the last', checkpoint((all) => ({ ...all, step: 9999 }))],
  ['without its step', checkpoint((all) => without(all, 'step'))],
  ['without its weights', checkpoint((all) => ({ ...all, weights: [] }))],
  [
    'with weights of another shape',
    checkpoint((all) => ({
      ...all,
      weights: all.weights.map((weight) => ({ ...weight, shape: [...weight.shape].reverse() })),
    })),
  ],
  [
    'with weights that are not as many as they say',
    checkpoint((all) => ({
      ...all,
      weights: all.weights.map((weight) => ({ ...weight, values: weight.values.slice(1) })),
    })),
  ],
  [
    'with weights of another type',
    checkpoint((all) => ({
      ...all,
      weights: all.weights.map((weight) => ({ ...weight, values: Int32Array.from(weight.values) })),
    })),
  ],
  ['without the state of pruning', checkpoint((all) => ({ ...all, pruning: null }))],
  ["with another run's kernels", pruning({ masks: { 'dense_9/kernel': [0] } })],
  ['with blocks that there are not', pruning({ masks: { 'dense_1/kernel': [99_999] } })],
  ["with another step's pruning", pruning({ step: 3 })],
  ['with densities that it has no use for', pruning({ densities: { 'dense_1/kernel': 0.5 } })],
  ['with a log that was cut off', bytes('metrics.jsonl', (content) => content.subarray(0, 100))],
  ['with a log of which a bit was flipped', flipped('metrics.jsonl', 0.1)],
  ['with a log that was removed', replaced('metrics.jsonl', async () => {})],
];

describe('a result', () => {
  it.each(ended)('%s is not believed, which is said, and the trial runs anew', async (_, damage) => {
    const folder = await mkdtemp(join(root, 'copy-'));
    await cp(join(root, 'ended'), folder, { recursive: true });
    await damage(await placeIn(folder), folder);
    const { rows, notes, ran } = await run(folder);
    expect(ran).toEqual(['magnitude']);
    expect(bits(rows)).toEqual(expected);
    expect(notes).toEqual([expect.stringMatching(/^magnitude 0\.9 8×8 seed 0 is trained anew: .*$/)]);
    expect((await run(folder)).ran).toEqual([]);
  });
});

describe('a checkpoint', () => {
  it('is gone on from', async () => {
    const folder = await mkdtemp(join(root, 'copy-'));
    await cp(join(root, 'stopped'), folder, { recursive: true });
    const { rows, steps, notes } = await run(folder);
    expect(steps[0]).toBeGreaterThan(60);
    expect(bits(rows)).toEqual(expected);
    expect(notes).toEqual([]);
  });

  it.each(stopped)('%s is not believed, which is said, and the trial starts anew', async (_, damage) => {
    const folder = await mkdtemp(join(root, 'copy-'));
    await cp(join(root, 'stopped'), folder, { recursive: true });
    const place = await placeIn(folder);
    await damage(place, folder);
    const { rows, notes, steps } = await run(folder);
    expect(steps[0]).toBeLessThan(32);
    expect(bits(rows)).toEqual(expected);
    expect(notes).toEqual([expect.stringMatching(/^magnitude 0\.9 8×8 seed 0 starts anew: .*$/)]);
    expect((await readdir(place)).sort()).toEqual([
      'choices.json',
      'config.json',
      'metrics.jsonl',
      'result.json',
    ]);
    const log = (await readFile(join(place, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(log.map((line) => JSON.parse(line).step)).toEqual(log.map((_, i) => i));
  });
});

describe('a place that cannot be used', () => {
  const asFolder = (name: string) => replaced(name, (path) => mkdir(path));
  const places: [string, 'ended' | 'stopped', Damage][] = [
    ['a result that is a folder', 'ended', asFolder('result.json')],
    ['a checkpoint that is a folder', 'stopped', asFolder('checkpoint.bin')],
    ['a log that is a folder', 'stopped', asFolder('metrics.jsonl')],
    ['a configuration that is a folder', 'stopped', asFolder('config.json')],
    ['a lease that is a folder', 'stopped', (place) => mkdir(join(place, 'lease-7.json'))],
    [
      'a trial that is a file',
      'stopped',
      async (place) => {
        await rename(place, `${place}.away`);
        await writeFile(place, '');
      },
    ],
    [
      "a checkpoint of another optimiser's",
      'stopped',
      checkpoint((all) => ({
        ...all,
        optimizer: all.optimizer.map((slot) => ({ ...slot, name: 'another' })),
      })),
    ],
  ];
  it.each(places)('%s fails its trial alone, in one line', async (_, from, damage) => {
    const folder = await mkdtemp(join(root, 'copy-'));
    await cp(join(root, from), folder, { recursive: true });
    await damage(await placeIn(folder), folder);
    const { rows } = await run(folder);
    expect(bits(rows)[0]).toEqual(expected[0]);
    expect(rows[1]).toMatchObject({ status: 'failed', message: expect.stringMatching(/^.*$/) });
  });

  it.each<[string, string]>([
    ['garbage', 'a lease'],
    ['of another version', seal('lease', { pid: 1 })],
  ])('a lease that is %s is taken over', async (_, content) => {
    const folder = await mkdtemp(join(root, 'copy-'));
    await cp(join(root, 'stopped'), folder, { recursive: true });
    await writeFile(join(await placeIn(folder), 'lease-3.json'), content);
    expect(bits((await run(folder)).rows)).toEqual(expected);
  });
});
