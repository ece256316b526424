import { drawTable } from '@espalier/experiment/node';
import { describe, expect, it } from 'vitest';

import { frame, type RunningTrial, type Standing } from './frame.js';
import { summaryOf } from './test-support.js';

const tableOf = (...pruners: string[]) => {
  const summary = summaryOf(...pruners);
  return (width: number) => drawTable(summary, width);
};

const running = (label: string, more: Partial<RunningTrial> = {}): RunningTrial => ({
  label,
  progress: { step: 31, totalSteps: 128, loss: 0.5, phase: 'dense' },
  silentMs: 0,
  ...more,
});

const standing: Standing = {
  running: [running('acdc 0.9 8×8 seed 0'), running('dense seed 10', { progress: null })],
  ...{ total: 21, ended: 12, earlier: 3, failed: 1 },
  ...{ elapsedMs: 240_000, leftMs: 420_000 },
  table: tableOf('dense', 'magnitude', 'acdc'),
};

const widest = (lines: readonly string[]) => Math.max(...lines.map((line) => [...line].length));

describe('what a terminal shows', () => {
  it('is the table, the trials that run, and one line for the whole', () => {
    const lines = frame(standing, { columns: 100, rows: 40 });
    const blank = lines.indexOf('');
    expect(lines.slice(0, blank).filter((line) => /^│ (dense|magnitude|acdc)/.test(line))).toHaveLength(3);
    expect(lines.slice(blank + 1)).toEqual([
      'acdc 0.9 8×8 seed 0  ████░░░░░░░░░░░░  25%  loss 0.5000, dense',
      'dense seed 10        starting',
      '[12/21] trials done, about 7 min left, 4 min so far; 1 failed; 3 from an earlier run',
    ]);
  });

  it('says before the first step that the time left is not known', () => {
    const lines = frame({ ...standing, leftMs: null, table: () => null }, { columns: 100, rows: 40 });
    expect(lines).toHaveLength(3);
    expect(lines.at(-1)).toContain('[12/21] trials done, time left not known yet');
  });

  it('says of a trial that is silent how long it is, and the way out', () => {
    const silent = { ...standing, running: [running('a', { silentMs: 180_000 })] };
    const [line] = frame(silent, { columns: 100, rows: 40 }).slice(-2);
    expect(line).toMatch(/no word for 3 min \(--trial-timeout <minutes> ends such a trial\)$/);
  });

  it('fits every terminal: nothing wraps, nothing scrolls, how far all is stays to the last', () => {
    const many = Array.from({ length: 30 }, (_, i) => running(`sequential-attention 0.9 8×8 seed ${i}`));
    const names = Array.from({ length: 50 }, (_, i) => `strategy-${i}`);
    const full = { ...standing, running: many, table: tableOf(...names) };
    for (const columns of [20, 40, 100]) {
      for (const rows of [2, 5, 10, 24, 50]) {
        const lines = frame(full, { columns, rows });
        expect(widest(lines)).toBeLessThan(columns);
        expect(lines.length).toBeLessThan(rows);
        expect(lines.at(-1)).toMatch(/^\[12\/21\] /);
      }
    }
    const lines = frame(full, { columns: 100, rows: 24 });
    expect(lines).toContainEqual(expect.stringMatching(/^│ strategy +│/));
    // Those that came last, and how many did before them.
    expect(lines).toContainEqual(expect.stringMatching(/^│ strategy-49/));
    expect(lines).toContainEqual(expect.stringMatching(/^and \d+ more above them \(summary\.md has all\)$/));
    expect(lines).toContainEqual(expect.stringMatching(/^and \d+ more$/));
  });

  it('leaves out bars and losses before it cuts a name', () => {
    const [first] = frame({ ...standing, table: () => null }, { columns: 40, rows: 24 });
    expect(first).toBe('acdc 0.9 8×8 seed 0   25%');
    const [cut] = frame({ ...standing, table: () => null }, { columns: 20, rows: 24 });
    expect(cut).toBe('acdc 0.9 8×8 …  25%');
  });
});
