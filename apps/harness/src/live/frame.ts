/**
 * What a terminal shows while a comparison runs, as text that fits it: the table so far, a line for each trial that
 * runs, and a line for the whole.
 */
import { duration } from '@espalier/experiment';
import type { DrawnTable } from '@espalier/experiment/node';

import { gauge } from './gauge.js';

export interface RunningTrial {
  readonly label: string;
  /** Null before the first word. */
  readonly progress: {
    readonly step: number;
    readonly totalSteps: number;
    readonly loss: number;
    readonly phase: string;
  } | null;
  /** Since its latest word, or since it was started. */
  readonly silentMs: number;
}

export interface Standing {
  readonly running: readonly RunningTrial[];
  readonly total: number;
  readonly ended: number;
  /** Of those that ended. */
  readonly earlier: number;
  readonly failed: number;
  readonly elapsedMs: number;
  /** Null while it is not known. */
  readonly leftMs: number | null;
  /** Of what has ended, in so many characters; null before there is one. */
  readonly table: (width: number) => DrawnTable | null;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const SILENT_MS = 60_000;

/** At most this share of the lines is of trials that run. */
const SHARE_OF_RUNNING = 1 / 3;

export function frame(standing: Standing, { columns, rows }: Size): string[] {
  // A character and a line are left free, so that nothing wraps and nothing scrolls.
  const [width, height] = [Math.max(1, columns - 1), Math.max(1, rows - 1)];
  const whole = wholeLine(standing, width);
  const most = Math.max(1, Math.floor((height - 1) * SHARE_OF_RUNNING));
  const running = height > 1 ? runningLines(standing.running, width, most) : [];
  const left = height - 1 - running.length - 1;
  const drawn = standing.table(width);
  const table = drawn ? cut(drawn, left) : [];
  return [...table, ...(table.length > 0 ? [''] : []), ...running, whole].map((line) => fit(line, width));
}

function wholeLine({ total, ended, earlier, failed, elapsedMs, leftMs }: Standing, width: number): string {
  const done = `[${ended}/${total}]`;
  const left = leftMs === null ? 'time left not known yet' : `about ${duration(leftMs)} left`;
  const so = `${duration(elapsedMs)} so far`;
  const of = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(earlier > 0 ? [`${earlier} from an earlier run`] : []),
  ];
  return longest(
    [[`${done} trials done, ${left}, ${so}`, ...of].join('; '), `${done} ${left}, ${so}`, `${done} ${left}`],
    width,
  );
}

function runningLines(running: readonly RunningTrial[], width: number, most: number): string[] {
  const shown = running.length > most ? running.slice(0, most - 1) : running;
  const more = running.length - shown.length;
  const labelWidth = Math.max(0, ...shown.map(({ label }) => lengthOf(label)));
  const inFull = shown.map((trial) => inWords(trial, labelWidth));
  // All in the longest form in which all fit, so that they stand under each other.
  const forms = Math.max(0, ...inFull.map(({ length }) => length));
  const form = [...new Array(forms).keys()].find((i) =>
    inFull.every((texts) => lengthOf(texts[i] as string) <= width),
  );
  return [
    ...inFull.map((texts, i) => {
      const text = form === undefined ? null : (texts[form] as string);
      return text ?? shortest(shown[i] as RunningTrial, width);
    }),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}

/** From the longest to the shortest. */
function inWords({ label, progress, silentMs }: RunningTrial, labelWidth: number): string[] {
  const name = label.padEnd(labelWidth);
  const silent = silentMs < SILENT_MS ? '' : `no word for ${duration(silentMs)}`;
  const remedy = silent && `${silent} (--trial-timeout <minutes> ends such a trial)`;
  if (!progress) return [remedy, silent, '', ''].map((text) => `${name}  ${text || 'starting'}`);
  const { step, totalSteps, loss, phase } = progress;
  const share = shareOf(progress);
  const said = `loss ${loss.toFixed(4)}, ${phase}`;
  const bar = gauge((step + 1) / totalSteps);
  return [
    `${name}  ${bar} ${share}  ${remedy || said}`,
    `${name}  ${bar} ${share}  ${silent || said}`,
    `${name}  ${share}  ${silent || said}`,
    `${name}  ${share}`,
  ];
}

function shareOf({ step, totalSteps }: NonNullable<RunningTrial['progress']>): string {
  return `${Math.floor((100 * (step + 1)) / totalSteps)}%`.padStart(4);
}

/** The label gives way to how far it is. */
function shortest({ label, progress }: RunningTrial, width: number): string {
  const share = progress ? shareOf(progress) : '  0%';
  return `${fit(label, Math.max(1, width - share.length - 1))} ${share}`;
}

/** As much of a table as so many lines show: its head, and the lines that came last. */
function cut({ head, rows, foot }: DrawnTable, lines: number): string[] {
  const whole = [...head, ...rows.flat(), ...foot];
  if (whole.length <= lines) return whole;
  const shown: string[] = [];
  let hidden = rows.length;
  for (const row of rows.toReversed()) {
    if (head.length + 1 + row.length + shown.length > lines) break;
    shown.unshift(...row);
    hidden -= 1;
  }
  if (shown.length === 0) return [];
  return [...head, ...shown, `and ${hidden} more above them (summary.md has all)`];
}

function longest(texts: readonly string[], width: number): string {
  return texts.find((text) => lengthOf(text) <= width) ?? (texts.at(-1) as string);
}

function fit(text: string, width: number): string {
  return lengthOf(text) <= width ? text : `${[...text].slice(0, width - 1).join('')}…`;
}

function lengthOf(text: string): number {
  return [...text].length;
}
