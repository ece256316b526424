/** A log of steps in so many pieces as a plot has room for. */
import type { StepMetrics } from '@espalier/experiment';

/** Of a plot's width. */
const MOST = 120;

export interface Bin {
  /** Of its middle. */
  readonly step: number;
  /** The mean; null where a loss is not finite. */
  readonly loss: number | null;
}

/** @param logs of several seeds; their mean */
export function binned(logs: readonly (readonly StepMetrics[])[]): Bin[] {
  const total = Math.max(0, ...logs.map((steps) => (steps.at(-1)?.step ?? -1) + 1));
  const size = Math.max(1, Math.ceil(total / MOST));
  const sums = Array.from({ length: Math.ceil(total / size) }, () => ({ loss: 0, count: 0 }));
  for (const { step, loss } of logs.flat()) {
    const bin = sums[Math.floor(step / size)]!;
    bin.loss += loss;
    bin.count += 1;
  }
  return sums.flatMap(({ loss, count }, i) => {
    if (count === 0) return [];
    const step = Math.min(total - 1, i * size + (size - 1) / 2);
    return [{ step, loss: Number.isFinite(loss) ? loss / count : null }];
  });
}

export interface Stretch {
  readonly phase: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The phases one after another. What is too short to be seen belongs to the one before.
 *
 * @param steps of one trial, in order
 */
export function phasesOf(steps: readonly StepMetrics[]): Stretch[] {
  const shortest = steps.length / MOST;
  const stretches: { phase: string; from: number; to: number }[] = [];
  for (const { step, phase } of steps) {
    const last = stretches.at(-1);
    if (last?.phase === phase) last.to = step + 1;
    else stretches.push({ phase, from: step, to: step + 1 });
  }
  const seen: { phase: string; from: number; to: number }[] = [];
  for (const stretch of stretches) {
    const last = seen.at(-1);
    if (last && (stretch.to - stretch.from < shortest || last.phase === stretch.phase)) last.to = stretch.to;
    else seen.push({ ...stretch });
  }
  return seen;
}
