/**
 * How long a comparison still takes, from what steps of each strategy have taken so far: those of this command, and
 * before there are any, those of trials that an earlier one has trained.
 */
import type { Trial, TrialOutcome, Watcher } from '@espalier/experiment';

/** What a trial has told: that a step was done, and when. */
interface Sign {
  readonly step: number;
  readonly at: number;
}

interface Run {
  readonly startedAt: number;
  totalSteps: number | null;
  first: Sign | null;
  last: Sign | null;
}

/** What runs of one strategy took, in milliseconds. */
interface Tally {
  steps: number;
  ofSteps: number;
}

export interface Pace extends Watcher {
  /** Until all trials have ended; null while that cannot be told. */
  leftMs(): number | null;
}

export function paceOf(now: () => number = Date.now): Pace {
  const toDo = new Set<Trial>();
  const running = new Map<Trial, Run>();
  const steps = new Map<string, Tally>();
  const stored = new Map<string, Tally>();
  /** What trials took beside their steps: to start, to measure. */
  const beside: number[] = [];
  let sideBySide = 1;
  let stepsPerEpoch: number | null = null;

  const msPerStep = (trial: Trial): number | null => {
    const ofStrategy = stepsOfRunning(running, nameOf(trial));
    const measured = sum([steps.get(nameOf(trial)), ofStrategy]);
    return (
      mean(measured) ??
      mean(stored.get(nameOf(trial))) ??
      mean(sum([...steps.values(), ...stored.values()])) ??
      mean(stepsOfRunning(running))
    );
  };
  const besideMs = () => (beside.length > 0 ? beside.reduce((a, b) => a + b, 0) / beside.length : 0);
  const whole = (trial: Trial): number | null => {
    const perStep = msPerStep(trial);
    if (perStep === null || stepsPerEpoch === null) return null;
    return besideMs() + perStep * stepsPerEpoch * trial.epochs;
  };
  const leftOf = (trial: Trial, { startedAt, last, totalSteps }: Run): number | null => {
    if (!last || totalSteps === null) {
      const all = whole(trial);
      return all === null ? null : Math.max(0, all - (now() - startedAt));
    }
    const perStep = msPerStep(trial);
    return perStep === null ? null : Math.max(0, perStep * (totalSteps - last.step - 1) - (now() - last.at));
  };
  return {
    planned: (trials) => trials.forEach((trial) => toDo.add(trial)),
    started(trial) {
      toDo.delete(trial);
      running.set(trial, { startedAt: now(), totalSteps: null, first: null, last: null });
      sideBySide = Math.max(sideBySide, running.size);
    },
    progressed(trial, { step, totalSteps }) {
      const run = running.get(trial);
      if (!run) return;
      run.totalSteps = totalSteps;
      run.last = { step, at: now() };
      run.first ??= run.last;
      stepsPerEpoch = totalSteps / trial.epochs;
    },
    stopped(trial) {
      running.delete(trial);
      toDo.add(trial);
    },
    ended(trial, outcome, ran) {
      toDo.delete(trial);
      const run = running.get(trial);
      running.delete(trial);
      if (!ran) return void addStored(stored, trial, outcome, (perEpoch) => (stepsPerEpoch ??= perEpoch));
      if (!run?.first || !run.last) return;
      const ofSteps = run.last.at - run.first.at;
      const tally = steps.get(nameOf(trial)) ?? { steps: 0, ofSteps: 0 };
      steps.set(nameOf(trial), sum([tally, { steps: run.last.step - run.first.step, ofSteps }]));
      beside.push(now() - run.startedAt - ofSteps);
    },
    leftMs() {
      const now = [...running].map(([trial, run]) => leftOf(trial, run));
      const later = [...toDo].map(whole);
      const known = [...now, ...later];
      if (known.includes(null)) return null;
      return makespan(now as number[], later as number[], sideBySide);
    },
  };
}

const nameOf = ({ pruner }: Trial): string => pruner?.name ?? 'dense';

function addStored(
  stored: Map<string, Tally>,
  trial: Trial,
  outcome: TrialOutcome,
  tell: (stepsPerEpoch: number) => void,
): void {
  if (outcome.status === 'failed') return;
  const { stepMs, totalMs } = outcome.measures;
  if (!stepMs || !totalMs) return;
  const tally = { steps: totalMs / stepMs, ofSteps: totalMs };
  if (outcome.status === 'ok') tell(tally.steps / trial.epochs);
  stored.set(nameOf(trial), sum([stored.get(nameOf(trial)), tally]));
}

function stepsOfRunning(running: ReadonlyMap<Trial, Run>, name?: string): Tally {
  const tallies = [...running].flatMap(([trial, { first, last }]) =>
    first && last && (name === undefined || nameOf(trial) === name)
      ? [{ steps: last.step - first.step, ofSteps: last.at - first.at }]
      : [],
  );
  return sum(tallies);
}

function sum(tallies: readonly (Tally | undefined)[]): Tally {
  const all = { steps: 0, ofSteps: 0 };
  for (const { steps, ofSteps } of tallies.filter((tally) => tally !== undefined)) {
    all.steps += steps;
    all.ofSteps += ofSteps;
  }
  return all;
}

function mean(tally: Tally | undefined): number | null {
  return tally && tally.steps > 0 ? tally.ofSteps / tally.steps : null;
}

/** When each of those to come begins as soon as one that runs has ended. */
function makespan(running: readonly number[], later: readonly number[], sideBySide: number): number {
  const free = [...running, ...new Array<number>(Math.max(0, sideBySide - running.length)).fill(0)];
  for (const time of later) free[free.indexOf(Math.min(...free))]! += time;
  return Math.max(0, ...free);
}
