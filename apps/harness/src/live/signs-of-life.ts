/** Says from time to time, on standard error, how far the trials are, and which of them are silent. */
import { duration, trialLabel, type Trial, type Watcher } from '@espalier/experiment';

const EVERY_MS = 60_000;

/** So many of those that run are named in a line. */
const NAMED = 4;

interface Life {
  heardAt: number;
  /** Steps done, of so many; null before the first word. */
  steps: { readonly done: number; readonly total: number } | null;
}

export interface SignsOfLife extends Watcher {
  /** Says nothing any more. */
  stop(): void;
}

export interface SignsOfLifeOptions {
  readonly say: (line: string) => void;
  /** Whether something else shows how far they are, and which are silent: then nothing is said once all is planned. */
  readonly isShown: boolean;
  /** Until all have ended; null where it is not known. */
  readonly leftMs?: () => number | null;
  readonly everyMs?: number;
  readonly now?: () => number;
}

export function signsOfLife(options: SignsOfLifeOptions): SignsOfLife {
  const { say, isShown, leftMs = () => null, everyMs = EVERY_MS, now = Date.now } = options;
  const startedAt = now();
  const running = new Map<Trial, Life>();
  let planned: number | null = null;
  let ended = 0;

  const speak = () => {
    if (planned === null) {
      return say(`Still preparing, for ${minutes(now() - startedAt)}: loading data, trying out strategies\n`);
    }
    if (isShown) return;
    for (const [trial, { heardAt, steps }] of running) {
      const silent = now() - heardAt;
      if (silent < everyMs) continue;
      const since = steps ? ` since step ${steps.done} of ${steps.total}` : ' yet';
      say(
        `${trialLabel(trial)} has said nothing${since}, for ${minutes(silent)} (--trial-timeout <minutes> ends such a trial)\n`,
      );
    }
    if (running.size > 0) say(`${standing(now() - startedAt)}\n`);
  };
  const standing = (elapsed: number) => {
    const names = [...running].map(([trial, { steps }]) => `${trialLabel(trial)} ${share(steps)}`);
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
    const left = leftMs();
    const until = left === null ? '' : `, about ${duration(left)} left`;
    return `After ${minutes(elapsed)}: ${ended} of ${planned} trials ended${until}; ${names.slice(0, NAMED).join(', ')}${more}`;
  };
  const timer = setInterval(speak, everyMs);
  // Not what keeps the command alive: that nothing else does is how it is seen to hang.
  timer.unref();
  return {
    planned: (trials) => void (planned = trials.length),
    started: (trial) => void running.set(trial, { heardAt: now(), steps: null }),
    progressed(trial, { step, totalSteps }) {
      running.set(trial, { heardAt: now(), steps: { done: step + 1, total: totalSteps } });
    },
    stopped: (trial) => void running.delete(trial),
    ended(trial) {
      ended += 1;
      running.delete(trial);
    },
    stop: () => clearInterval(timer),
  };
}

function share(steps: Life['steps']): string {
  return steps ? `${Math.floor((100 * steps.done) / steps.total)}%` : 'starting';
}

function minutes(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
