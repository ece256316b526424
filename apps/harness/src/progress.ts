/** Shows trials as they run, on standard error: a bar each on a terminal, and a line each when they have ended. */
import cliProgress from 'cli-progress';

import { trialLabel, type Trial, type TrialOutcome, type Watcher } from '@espalier/experiment';

import { signsOfLife } from './signs-of-life.js';

export interface Progress extends Watcher {
  /** Leaves the terminal as it should be. */
  stop(): void;
}

interface Shown extends Progress {
  /** A line, above what is shown. */
  say(line: string): void;
}

/** Shows nothing before it is told what is planned. */
export function showProgress(): Progress {
  let shown: Shown | undefined;
  const life = signsOfLife({
    say: (line) => (shown ? shown.say(line) : process.stderr.write(line)),
    isShown: process.stderr.isTTY,
  });
  const both = () => [shown, life];
  return {
    planned(trials) {
      shown = process.stderr.isTTY ? bars(trials) : lines(trials.length);
      life.planned?.(trials);
    },
    started: (trial) => both().forEach((one) => one?.started?.(trial)),
    progressed: (trial, progress) => both().forEach((one) => one?.progressed?.(trial, progress)),
    stopped: (trial) => both().forEach((one) => one?.stopped?.(trial)),
    ended: (trial, outcome, ran) => both().forEach((one) => one?.ended?.(trial, outcome, ran)),
    noted(line) {
      if (shown) shown.say(`${line}\n`);
      else process.stderr.write(`${line}\n`);
    },
    stop: () => both().forEach((one) => one?.stop()),
  };
}

/** A bar for each trial that runs; those that have ended become lines above, so that the bars fit on a screen. */
function bars(trials: readonly Trial[]): Shown {
  const width = Math.max(...trials.map((trial) => trialLabel(trial).length));
  const multi = new cliProgress.MultiBar(
    {
      format: '{label} {percentage}% {bar} {eta_formatted} left, loss {loss}, {phase}',
      autopadding: true,
      barsize: 20,
      hideCursor: true,
      // Signals are the command's own to answer: cli-progress would keep it from ending.
      gracefulExit: false,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_grey,
  );
  const shown = new Map<Trial, cliProgress.SingleBar>();
  let ended = 0;
  const remove = (trial: Trial): boolean => {
    const bar = shown.get(trial);
    shown.delete(trial);
    return bar !== undefined && multi.remove(bar);
  };
  return {
    started(trial) {
      const label = trialLabel(trial).padEnd(width);
      shown.set(trial, multi.create(1, 0, { label, phase: 'starting', loss: '–' }));
    },
    progressed(trial, { step, totalSteps, loss, phase }) {
      const bar = shown.get(trial);
      bar?.setTotal(totalSteps);
      bar?.update(step + 1, { phase, loss: loss.toFixed(4) });
    },
    stopped: (trial) => void remove(trial),
    ended(trial, outcome, ran) {
      ended += 1;
      multi.log(line(ended, trials.length, trial, outcome, ran));
      if (!remove(trial)) multi.update();
    },
    say: (line) => multi.log(line),
    stop: () => multi.stop(),
  };
}

function lines(total: number): Shown {
  let ended = 0;
  return {
    ended(trial, outcome, ran) {
      ended += 1;
      process.stderr.write(line(ended, total, trial, outcome, ran));
    },
    say: (line) => process.stderr.write(line),
    stop: () => {},
  };
}

function line(ended: number, total: number, trial: Trial, outcome: TrialOutcome, ran: boolean): string {
  return `[${ended}/${total}] ${trialLabel(trial)}: ${ending(outcome, ran)}${lossOf(outcome)}\n`;
}

function ending(outcome: TrialOutcome, ran: boolean): string {
  if (outcome.status === 'failed') return `failed: ${outcome.message.split('\n')[0]}`;
  if (!ran) return `${outcome.status}, from an earlier run`;
  const totalMs = outcome.measures['totalMs'];
  return `${outcome.status} in ${((totalMs ?? 0) / 1000).toFixed(1)} s`;
}

function lossOf(outcome: TrialOutcome): string {
  return outcome.status === 'ok' ? `, loss ${outcome.measures['loss']?.toFixed(4)}` : '';
}
