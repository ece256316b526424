/**
 * A trial in small: the real one, with a few steps that go through all its phases, so that what the whole one takes can
 * be told from it. Nothing of it is kept.
 */
import type { Pruner, Search } from '@espalier/core';
import { placePhases } from '@espalier/core';
import type { Workload } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import type { StartedBackend } from './backend.js';
import { memoryStore } from './store/memory.js';
import { train } from './trial/train.js';
import type { Trial } from './trial/trial.js';

/** What a trial costs, as it was measured on a few steps of it. */
export interface TrialCosts {
  /** Steps that were measured. */
  readonly steps: number;
  /** Of the whole trial. */
  readonly totalSteps: number;
  /** The median time of a step in each kind of phase, in milliseconds. */
  readonly stepMs: Readonly<Record<string, number>>;
  /** The share of all steps that each kind of phase has. */
  readonly shares: Readonly<Record<string, number>>;
  /** Beside the steps: starting, loading, measuring at the end. */
  readonly otherMs: number;
  /** Of a checkpoint while it runs. */
  readonly checkpointBytes: number;
  /** Resident memory at the peak; null where it cannot be told from others'. */
  readonly memoryBytes: number | null;
}

/** Enough for a median; all that there are, of a trial that has fewer. */
const STEPS = 64;

/**
 * Short steps are measured for so long, a second time, when the first ones have warmed up what computes: a trial has
 * many more that are fast.
 */
const WARM_MS = 2500;

/** Where steps are slow, fewer do. */
const BUDGET_MS = 30_000;

class Enough extends Error {}

export interface MeasuringOptions {
  readonly backend: StartedBackend;
  readonly dataFolder: string;
  /** By `performance.now()`: since when its time counts. */
  readonly startedAt: number;
  /** What the process that it has to itself took at the peak. */
  readonly memoryBytes?: () => number;
}

export async function measureSteps(
  trial: Trial,
  workload: Workload,
  pruner: Pruner | null,
  options: MeasuringOptions,
): Promise<TrialCosts> {
  const { dataFolder, backend, startedAt, memoryBytes } = options;
  const measure = (steps: number) => trainBriefly(trial, workload, pruner, { dataFolder, backend, steps });
  const cold = await measure(STEPS);
  const otherMs = performance.now() - startedAt - cold.stepsMs;
  const { totalSteps, checkpointBytes } = cold;
  const enough = Math.round((WARM_MS / cold.stepsMs) * cold.times.length);
  const { times } = enough > cold.times.length ? await measure(enough) : cold;
  return {
    ...{ steps: times.length, totalSteps, otherMs, checkpointBytes },
    stepMs: mediansOf(times),
    shares: sharesOf(pruner?.search ?? null, totalSteps),
    memoryBytes: memoryBytes?.() ?? null,
  };
}

interface Brief {
  readonly times: readonly { readonly phase: string; readonly ms: number }[];
  /** Their sum. */
  readonly stepsMs: number;
  readonly totalSteps: number;
  readonly checkpointBytes: number;
}

/** From the first step through all phases to the measures, in about so many steps. */
async function trainBriefly(
  trial: Trial,
  workload: Workload,
  pruner: Pruner | null,
  { steps, ...options }: Pick<MeasuringOptions, 'backend' | 'dataFolder'> & { readonly steps: number },
): Promise<Brief> {
  const times: { phase: string; ms: number }[] = [];
  const subject = observed(workload);
  let [totalSteps, checkpointBytes, stepStarted, firstStep] = [0, 0, 0, 0];
  const training = train(trial, subject.workload, pruner, {
    ...options,
    store: memoryStore().trial('measured'),
    checkpointEveryMs: Infinity,
    stepsBetweenReads: 1,
    steps: (whole) => stepsToMeasure(steps, (totalSteps = whole), pruner?.search ?? null),
    onStart: () => (firstStep = stepStarted = performance.now()),
    onProgress: ({ phase }) => void times.push({ phase, ms: performance.now() - stepStarted }),
    async pause() {
      if (checkpointBytes === 0) checkpointBytes = await subject.bytes();
      if (performance.now() - firstStep > BUDGET_MS) throw new Enough();
      stepStarted = performance.now();
    },
  });
  await training.catch((error: unknown) => {
    if (!(error instanceof Enough)) throw error;
  });
  const stepsMs = times.reduce((sum, { ms }) => sum + ms, 0);
  return { times, stepsMs, totalSteps, checkpointBytes };
}

/** What the steps take, and all else, in milliseconds. */
export function timeOf({ totalSteps, stepMs, shares, otherMs }: TrialCosts): number {
  const known = Object.values(stepMs);
  const mean = known.reduce((sum, ms) => sum + ms, 0) / known.length;
  const perStep = Object.entries(shares).map(([phase, share]) => share * (stepMs[phase] ?? mean));
  return otherMs + totalSteps * perStep.reduce((sum, ms) => sum + ms, 0);
}

/** So many, or as few more as the phases fit into. */
function stepsToMeasure(asked: number, totalSteps: number, search: Search | null): number {
  for (let steps = Math.min(asked, totalSteps); steps < totalSteps; steps += Math.ceil(steps / 8)) {
    if (fits(search, steps)) return steps;
  }
  return totalSteps;
}

function fits(search: Search | null, steps: number): boolean {
  try {
    if (search) placePhases(search.phases, steps);
    return true;
  } catch {
    return false;
  }
}

function sharesOf(search: Search | null, totalSteps: number): Record<string, number> {
  if (!search) return { dense: 1 };
  const shares: Record<string, number> = {};
  for (const { phase, start, end } of placePhases(search.phases, totalSteps)) {
    shares[phase.name] = (shares[phase.name] ?? 0) + (end - start) / totalSteps;
  }
  return shares;
}

function mediansOf(times: readonly { phase: string; ms: number }[]): Record<string, number> {
  const byPhase: Record<string, number[]> = {};
  for (const { phase, ms } of times) (byPhase[phase] ??= []).push(ms);
  return Object.fromEntries(
    Object.entries(byPhase).map(([phase, all]) => {
      all.sort((a, b) => a - b);
      return [phase, all[Math.floor(all.length / 2)] as number];
    }),
  );
}

/** The same workload, which remembers the model and the optimiser that it made last. */
function observed(workload: Workload): { workload: Workload; bytes(): Promise<number> } {
  let model: tf.LayersModel | undefined;
  let optimizer: tf.Optimizer | undefined;
  return {
    workload: {
      ...workload,
      model: async (seed, data) => (model = await workload.model(seed, data)),
      optimizer() {
        const made = workload.optimizer();
        optimizer = made;
        return made;
      },
    },
    /** What a checkpoint of them has. */
    async bytes() {
      const slots = (await optimizer?.getWeights()) ?? [];
      const sizes = [
        ...(model?.weights ?? []).map((weight) => sizeOf(weight.shape)),
        ...slots.map(({ tensor }) => tensor.size),
      ];
      tf.dispose(slots.map(({ tensor }) => tensor).filter((tensor) => !(tensor instanceof tf.Variable)));
      return 4 * sizes.reduce((sum, size) => sum + size, 0);
    },
  };
}

function sizeOf(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((size, length) => size * (length ?? 1), 1);
}
