/** Shows trials as they run, on standard error: on a terminal what `frame` makes of them, elsewhere a line each. */
import { trialLabel, type Summary, type Trial, type TrialOutcome, type Watcher } from '@espalier/experiment';
import { drawTable, type DrawnTable } from '@espalier/experiment/node';
import { createLogUpdate } from 'log-update';

import { frame, type RunningTrial } from './frame.js';
import { paceOf, type Pace } from './pace.js';
import { signsOfLife } from './signs-of-life.js';

export interface Progress extends Watcher {
  /** What there is so far. */
  summed(summary: Summary): void;
  /** Leaves the terminal as it should be. */
  stop(): void;
}

interface Shown extends Progress {
  /** A line, above what is shown. */
  say(line: string): void;
}

/** Shows nothing before it is told what is planned. */
export function showProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const redrawn = isRedrawn(stream, process.env);
  const pace = paceOf();
  let shown: Shown | undefined;
  const say = (line: string) => (shown ? shown.say(line) : stream.write(line));
  const life = signsOfLife({ say, isShown: redrawn, leftMs: () => pace.leftMs() });
  const all = () => [pace, life, ...(shown ? [shown] : [])];
  return {
    planned(trials) {
      shown = redrawn ? picture(trials.length, stream, pace) : lines(trials.length, stream);
      for (const one of [pace, life]) one.planned?.(trials);
    },
    started: (trial) => all().forEach((one) => one.started?.(trial)),
    progressed: (trial, progress) => all().forEach((one) => one.progressed?.(trial, progress)),
    stopped: (trial) => all().forEach((one) => one.stopped?.(trial)),
    ended: (trial, outcome, ran) => all().forEach((one) => one.ended?.(trial, outcome, ran)),
    noted: (line) => void say(`${line}\n`),
    summed: (summary) => shown?.summed(summary),
    stop() {
      life.stop();
      shown?.stop();
    },
  };
}

/** Whether what was written can be written over. */
export function isRedrawn({ isTTY }: { isTTY?: boolean }, { TERM }: NodeJS.ProcessEnv): boolean {
  return isTTY === true && TERM !== 'dumb';
}

/** At most so often. */
const REDRAW_MS = 200;
/** Times go on where nothing else does. */
const TICK_MS = 1000;

interface Run {
  progress: RunningTrial['progress'];
  heardAt: number;
}

/**
 * What is written over and over, at the lower end of the terminal. Trials that have ended are in its table; a line above
 * stays of those that failed.
 */
function picture(total: number, stream: NodeJS.WriteStream, pace: Pace): Shown {
  // The cursor stays: what would bring it back at a signal ends the command, whose own to answer signals are.
  const draw = createLogUpdate(stream, { showCursor: true });
  const startedAt = Date.now();
  const running = new Map<Trial, Run>();
  let [ended, earlier, failed] = [0, 0, 0];
  let table: (width: number) => DrawnTable | null = () => null;
  let later: ReturnType<typeof setTimeout> | undefined;

  const redraw = () => {
    clearTimeout(later);
    later = undefined;
    const now = Date.now();
    const trials = [...running].map(([trial, { progress, heardAt }]) => ({
      ...{ label: trialLabel(trial), progress, silentMs: now - heardAt },
    }));
    const counts = { total, ended, earlier, failed, elapsedMs: now - startedAt };
    const { columns = 80, rows = 24 } = stream;
    draw(frame({ ...counts, running: trials, leftMs: pace.leftMs(), table }, { columns, rows }).join('\n'));
  };
  const soon = () => {
    later ??= setTimeout(redraw, REDRAW_MS);
    later.unref();
  };
  const ticks = setInterval(redraw, TICK_MS);
  // Not what keeps the command alive: that nothing else does is how it is seen to hang.
  ticks.unref();
  const say = (line: string) => {
    draw.clear();
    stream.write(line);
    redraw();
  };
  return {
    started(trial) {
      running.set(trial, { progress: null, heardAt: Date.now() });
      soon();
    },
    progressed(trial, progress) {
      running.set(trial, { progress, heardAt: Date.now() });
      soon();
    },
    stopped(trial) {
      running.delete(trial);
      soon();
    },
    ended(trial, outcome, ran) {
      ended += 1;
      running.delete(trial);
      if (!ran) earlier += 1;
      if (outcome.status !== 'failed') return soon();
      failed += 1;
      say(line(ended, total, trial, outcome, ran));
    },
    summed(latest) {
      table = tableOf(latest);
      soon();
    },
    say,
    stop() {
      clearInterval(ticks);
      // Where all have ended, the table that comes is the same and more.
      if (ended === total) {
        clearTimeout(later);
        draw.clear();
      } else redraw();
      draw.done();
    },
  };
}

/** Drawn once for a width. */
function tableOf(summary: Summary): (width: number) => DrawnTable {
  let drawn: { readonly width: number; readonly table: DrawnTable } | undefined;
  return (width) => {
    if (drawn?.width !== width) drawn = { width, table: drawTable(summary, width) };
    return drawn.table;
  };
}

function lines(total: number, stream: NodeJS.WriteStream): Shown {
  let ended = 0;
  return {
    ended(trial, outcome, ran) {
      ended += 1;
      stream.write(line(ended, total, trial, outcome, ran));
    },
    summed: () => {},
    say: (line) => void stream.write(line),
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
