/** The table for a terminal, by Node. */
import { assertArgument } from '@espalier/core';
import Table from 'cli-table3';

import { aSummary, aWidth } from '../arguments.js';
import type { Summary } from '../summary.js';
import { fold, lengthOf } from './fold.js';
import { heading } from './heading.js';
import type { Report } from './report.js';
import { NOTHING, textColumns, type TextColumn } from './table.js';

/** A table as lines of text, in parts, so that one that is too long for a screen can be cut. */
export interface DrawnTable {
  /** The titles, and the rule under them. */
  readonly head: readonly string[];
  /** Each strategy's and target's lines. */
  readonly rows: readonly (readonly string[])[];
  /** What closes it, and what is not shown. */
  readonly foot: readonly string[];
}

/**
 * A terminal that has no room for the table as it is gets it without frame, numbers in two lines, targets under their
 * strategies; and where there is none for that, columns are left out by the importance of their measures, which is said
 * under the table.
 */
export const terminal: Report = (summary, { width = Infinity } = {}) => {
  const { head, rows, foot } = drawTable(summary, width);
  const words = heading(summary).flatMap((line) => fold(line, width));
  return `${[...words, ...head, ...rows.flat(), ...foot].join('\n')}\n`;
};

/** @param width in characters; without bounds when Infinity */
export function drawTable(summary: Summary, width: number): DrawnTable {
  assertArgument('drawTable()', 'summary', summary, aSummary);
  assertArgument('drawTable()', 'width', width, aWidth);
  const left: TextColumn[] = [];
  for (let columns = textColumns(summary); ; columns = columns.filter((column) => !left.includes(column))) {
    if (framedWidth(columns) <= width) return withNote(framed(columns), left, width);
    const dense = denseColumns(columns);
    const gap = GAPS.find((gap) => denseWidth(dense, gap) <= width);
    const least = leastImportant(columns);
    if (gap !== undefined || !least) return withNote(withoutFrame(dense, gap ?? 1), left, width);
    left.unshift(least);
  }
}

/** Null where only one measure is left, which is shown however narrow it is. */
function leastImportant(columns: readonly TextColumn[]): TextColumn | null {
  const measured = columns.filter(({ importance }) => importance !== null);
  if (measured.length < 2) return null;
  const least = Math.min(...measured.map(({ importance }) => importance as number));
  return measured.findLast(({ importance }) => importance === least) ?? null;
}

function withNote(drawn: DrawnTable, left: readonly TextColumn[], width: number): DrawnTable {
  if (left.length === 0) return drawn;
  const titles = left.map(({ title }) => title).join('; ');
  const note = `not shown for want of width (summary.md has them): ${titles}`;
  return { ...drawn, foot: [...drawn.foot, ...fold(note, width)] };
}

function framedWidth(columns: readonly TextColumn[]): number {
  const widths = columns.map(({ title, cells }) => widest([...inLines(title), ...cells]));
  // A line and two spaces for each, and the line at the end.
  return widths.reduce((sum, width) => sum + width + 3, 1);
}

function framed(columns: readonly TextColumn[]): DrawnTable {
  const table = new Table({
    head: columns.map(({ title }) => inLines(title).join('\n')),
    style: { head: [], border: [], compact: true },
    colAligns: columns.map((_, i) => (i === 0 ? 'left' : 'right')),
  });
  const rows = (columns[0]?.cells ?? []).map((_, i) => columns.map(({ cells }) => cells[i] as string));
  table.push(...rows);
  const lines = table.toString().split('\n');
  const head = lines.length - rows.length - 1;
  return {
    head: lines.slice(0, head),
    rows: lines.slice(head, -1).map((line) => [line]),
    foot: lines.slice(-1),
  };
}

function inLines(title: string): string[] {
  return title.replace(', ', ',\n').replace(' (', '\n(').replace(' from ', '\nfrom ').split('\n');
}

/** Between columns without a frame; the first that fits. */
const GAPS = [2, 1];
/** Of titles, and of a strategy's name. */
const TITLE_WIDTH = 8;
const NAME_WIDTH = 14;

/** A column in its title's and cells' lines. */
type DenseColumn = readonly [title: readonly string[], ...cells: (readonly string[])[]];

/** All that says what a line is of stands in the first. */
function denseColumns(columns: readonly TextColumn[]): DenseColumn[] {
  const names = columns.filter(({ importance }) => importance === null);
  const measured = columns.filter(({ importance }) => importance !== null);
  const [strategy] = names as [TextColumn];
  return [
    [
      [strategy.title],
      ...strategy.cells.map((_, i) => nameLines(names.map(({ cells }) => cells[i] as string))),
    ],
    ...measured.map(({ title, cells }): DenseColumn => [
      fold(title, TITLE_WIDTH).map((line) => line.replace(/,$/, '')),
      ...cells.map((cell) => cell.split(/ (?=[±(])/)),
    ]),
  ];
}

/** A strategy's name, and under it its target and allocation. */
function nameLines([name = '', ...more]: readonly string[]): string[] {
  const said = more.filter((text) => text !== NOTHING);
  const [first = '', ...rest] = [...fold(name, NAME_WIDTH), ...said];
  return [first, ...rest.map((line) => `  ${line}`)];
}

function denseWidth(columns: readonly DenseColumn[], gap: number): number {
  return columns.reduce((sum, column) => sum + widest(column.flat()) + gap, -gap);
}

function withoutFrame(columns: readonly DenseColumn[], gap: number): DrawnTable {
  const widths = columns.map((column) => widest(column.flat()));
  const linesAt = (row: number) => {
    const cells = columns.map((column) => column[row] as readonly string[]);
    const height = Math.max(...cells.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      cells
        .map((cell, i) => {
          const text = cell[line] ?? '';
          const space = ' '.repeat((widths[i] as number) - lengthOf(text));
          return i === 0 ? text + space : space + text;
        })
        .join(' '.repeat(gap))
        .trimEnd(),
    );
  };
  const [head = [], ...rows] = (columns[0] ?? []).map((_, row) => linesAt(row));
  return { head: [...head, '─'.repeat(denseWidth(columns, gap))], rows, foot: [] };
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map(lengthOf));
}
