/** The sweep over one backend, as tests: an op a test, so many random calls of it. */
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

import { forward, knownGradients } from './known.js';
import { Random, seedOf } from './random.js';
import type { Sample, SweptOp } from './swept-op.js';
import { sweptOps } from './table.js';
import { tfjsGradients } from './tfjs-gradients.js';

export interface Sweep {
  readonly backend: string;
  /** How many calls of each op: this many, or as `$ESPALIER_GRADIENT_SAMPLES` says. */
  readonly samples: number;
  /** Where gradients are known from: from the op on the backend itself; from cpu's, where a device is slow to ask. */
  readonly known?: 'here' | 'on cpu';
  /** By the name of an op: what a refusal says, of the calls that the backend does not serve. */
  readonly refusals?: Readonly<Record<string, RegExp>>;
  /** What a refusal of any op may say. */
  readonly refusal?: RegExp;
  /** Whether the backend takes such a call at all. */
  readonly takes?: (sample: Sample, op: SweptOp) => boolean;
  /** How far from right is right, beside what the op itself allows for. */
  readonly precision?: number;
  /** Ops whose sums come in another order each time. */
  readonly unordered?: readonly string[];
}

export function samplesOf({ samples }: Pick<Sweep, 'samples'>): number {
  return Number(process.env['ESPALIER_GRADIENT_SAMPLES'] ?? samples);
}

/** Random calls of an op: the same for the same op. */
export function* callsOf(op: SweptOp, count: number): Generator<{ sample: Sample; random: Random }> {
  const random = new Random(seedOf(op.name));
  for (let i = 0; i < count; i++) yield { sample: op.sample(random), random };
}

export function weightsFor(values: readonly number[], random: Random): number[] {
  return values.map(() => Math.fround(random.uniform(-1, 1)));
}

export function declareSweep(sweep: Sweep): void {
  const count = samplesOf(sweep);
  for (const op of sweptOps) {
    it(
      op.name,
      async () => {
        let compared = 0;
        for (const { sample, random } of callsOf(op, count)) {
          if (sweep.takes?.(sample, op) === false) continue;
          const found = await judged(sweep, op, sample, random);
          if (found === 'refused') continue;
          expect(found, described(sample)).toBeNull();
          compared += 1;
        }
        const { [op.name]: refusal } = sweep.refusals ?? {};
        if (!refusal) expect(compared).toBeGreaterThan(0);
      },
      20_000 + 4_000 * count,
    );
  }
}

function described({ inputs, attributes }: Sample): string {
  return `${inputs.map(({ shape }) => `[${shape.join()}]`).join(' ')} ${JSON.stringify(attributes)}`;
}

/** What is wrong with the gradients of one call; null for nothing. */
async function judged(
  sweep: Sweep,
  op: SweptOp,
  sample: Sample,
  random: Random,
): Promise<string | 'refused' | null> {
  const before = tf.memory().numTensors;
  const attempt = async () => {
    const values = await forward(op, sample);
    const weighing = { op, sample, weights: weightsFor(values, random) };
    return { values, weighing, first: await tfjsGradients(weighing) };
  };
  const outcome = await attempt().catch((error: unknown) => error as Error);
  if (outcome instanceof Error) {
    const allowed = [sweep.refusal, sweep.refusals?.[op.name]];
    if (allowed.some((refusal) => refusal?.test(outcome.message))) return 'refused';
    throw outcome;
  }
  const { values, weighing, first } = outcome;
  const second = await tfjsGradients(weighing);
  const left = tf.memory().numTensors - before;
  if (left !== 0) return `${left} tensors are left`;
  if (!sweep.unordered?.includes(op.name) && !sameBits(first, second)) return 'the second time is another';

  if (sweep.known === 'on cpu') await tf.setBackend('cpu');
  const expected = await knownGradients(weighing);
  const onCpu = sweep.known === 'on cpu' ? await forward(op, sample) : values;
  await tf.setBackend(sweep.backend);
  const tolerance = Math.max(op.tolerance ?? 1e-3, sweep.precision ?? 0);
  return (
    differing('the value', values, onCpu, tolerance) ??
    expected.reduce<string | null>(
      (found, known, which) =>
        found ?? (known && differing(`the gradient by input ${which}`, first[which]!, known, tolerance)),
      null,
    )
  );
}

function sameBits(
  a: readonly (readonly number[] | null)[],
  b: readonly (readonly number[] | null)[],
): boolean {
  return a.every((values, i) => !values || values.every((value, j) => Object.is(value, b[i]![j])));
}

/**
 * The first element that is not as expected, to `tolerance` of the largest (or of 0.1: what differences are good for); NaN is
 * where nothing is known, null stands for what is not finite.
 */
export function differing(
  what: string,
  actual: readonly number[],
  expected: readonly (number | null)[],
  tolerance: number,
): string | null {
  if (actual.length !== expected.length)
    return `${what} has ${actual.length} elements, not ${expected.length}`;
  const scale = expected.reduce<number>(
    (most, x) => Math.max(most, Number.isFinite(x) ? Math.abs(x!) : 0),
    0.1,
  );
  const wrong = actual.findIndex((value, i) => {
    const known = expected[i] as number | null;
    if (known === null) return Number.isFinite(value);
    // Written so that a value that is not a number is wrong.
    return !Number.isNaN(known) && !(Math.abs(value - known) <= tolerance * scale || Object.is(value, known));
  });
  return wrong === -1 ? null : `${what} has ${actual[wrong]} as element ${wrong}, not ${expected[wrong]}`;
}
