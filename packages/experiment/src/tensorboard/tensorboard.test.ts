import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { memoryStore } from '../store/memory.js';
import type { StepMetrics } from '../store/store.js';
import { trialName } from '../trial/identity.js';
import type { Trial, TrialOutcome } from '../trial/trial.js';
import { decodeEvent } from './events.js';
import { wholeRecords } from './records.js';
import { tensorBoard } from './tensorboard.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-tensorboard-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const trial = {
  workload: { name: 'w', module: null, section: 'default', contentHash: null },
  ...{ pruner: null, sparsity: 0, blockShape: [1, 1], allocation: null, seed: 0, epochs: 1 },
  ...{ backend: 'cpu', accelerators: [], threads: 1, sparsePhases: false },
} as unknown as Trial;
const task = { name: 'regression' };
const outcome = {
  status: 'ok',
  measures: { loss: 0.25, stepMs: 3, supportRecovery: null },
} as unknown as TrialOutcome;
const progress = { step: 0, totalSteps: 40, loss: 1, phase: 'dense' };

const stepsOf = (first: number, count: number): StepMetrics[] =>
  Array.from({ length: count }, (_, i) => {
    const step = first + i;
    const phase = step < 10 ? 'dense' : step < 20 ? 'sparse' : 'dense';
    return { step, loss: 1 / (1 + step), learningRate: 0.5, phase, sparsity: step < 10 ? 0 : 0.75 };
  });

async function runIn(store: ReturnType<typeof memoryStore>) {
  const lease = await store.trial(trialName(trial)).claim();
  if (typeof lease === 'string') throw new Error(lease);
  return store.trial(trialName(trial), lease);
}

async function eventsIn(out: string) {
  const [file] = await readdir(join(out, trialName(trial)));
  expect(file).toBe('events.out.tfevents.espalier');
  const bytes = await readFile(join(out, trialName(trial), file!));
  const { records, length } = wholeRecords(bytes);
  expect(length).toBe(bytes.length);
  return records.map(decodeEvent);
}

describe("TensorBoard's files", () => {
  it('have every step of a trial once, and what was measured', async () => {
    const store = memoryStore();
    const place = await runIn(store);
    const out = join(folder, 'whole');
    const board = await tensorBoard({ folder: out, store, task });
    await place.metrics.append(stepsOf(0, 16));
    board.progressed?.(trial, progress);
    await board.finish();
    expect(await eventsIn(out)).toHaveLength(17);
    await place.metrics.append(stepsOf(16, 24));
    board.progressed?.(trial, progress);
    board.ended?.(trial, outcome, true);
    board.ended?.(trial, outcome, true);
    expect(await board.finish()).toBeNull();
    const [version, ...events] = await eventsIn(out);
    expect(version?.scalars).toEqual({});
    expect(events.map(({ step }) => step)).toEqual(Array.from({ length: 41 }, (_, i) => i));
    expect(events[12]?.scalars).toEqual({
      'train/loss': Math.fround(1 / 13),
      ...{ 'train/learning_rate': 0.5, 'train/sparsity': 0.75, 'train/phase': 1 },
    });
    // Two switches of phase.
    expect(events[39]?.scalars['train/phase']).toBe(2);
    expect(events[40]?.scalars).toEqual({ 'test/loss': 0.25, 'measured/stepMs': 3 });
  });

  it('go on after a kill, wherever it cut them, and have nothing twice', async () => {
    const store = memoryStore();
    const place = await runIn(store);
    await place.metrics.append(stepsOf(0, 3));
    const out = join(folder, 'killed');
    const whole = async () => {
      const board = await tensorBoard({ folder: out, store, task });
      board.ended?.(trial, outcome, false);
      expect(await board.finish()).toBeNull();
      return (await eventsIn(out)).map(({ step, scalars }) => ({ step, scalars }));
    };
    const expected = await whole();
    expect(expected).toHaveLength(5);
    const file = join(out, trialName(trial), 'events.out.tfevents.espalier');
    const { length } = await readFile(file);
    for (let cut = 0; cut < length; cut += 23) {
      await truncate(file, cut);
      expect(await whole()).toEqual(expected);
    }
    await writeFile(file, 'something else');
    expect(await whole()).toEqual(expected);
  });

  it('go on where a resumed trial does again what it had done', async () => {
    const store = memoryStore();
    const place = await runIn(store);
    await place.metrics.append(stepsOf(0, 8));
    const mark = await place.metrics.mark();
    await place.metrics.append(stepsOf(8, 8));
    const out = join(folder, 'resumed');
    const first = await tensorBoard({ folder: out, store, task });
    first.progressed?.(trial, progress);
    await first.finish();
    await place.metrics.rewind(mark);
    const second = await tensorBoard({ folder: out, store, task });
    second.progressed?.(trial, progress);
    await second.finish();
    await place.metrics.append(stepsOf(8, 12));
    second.ended?.(trial, { status: 'failed', message: '' }, true);
    await second.finish();
    const [, ...events] = await eventsIn(out);
    expect(events.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('are refused where they cannot be written, or say so once', async () => {
    const store = memoryStore();
    await writeFile(join(folder, 'a-file'), '');
    await expect(tensorBoard({ folder: join(folder, 'a-file'), store, task })).rejects.toThrow(
      /^TensorBoard's folder .*a-file cannot be written to/,
    );
    const out = join(folder, 'blocked');
    const board = await tensorBoard({ folder: out, store, task });
    await writeFile(join(out, trialName(trial)), 'a file where a folder should be');
    board.ended?.(trial, outcome, true);
    expect(await board.finish()).toMatch(/^TensorBoard's files cannot be written: .*blocked/);
    await expect(tensorBoard({ folder: 3 as never, store, task })).rejects.toThrow(TypeError);
  });
});
