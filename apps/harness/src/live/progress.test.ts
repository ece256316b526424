import { setTimeout } from 'node:timers/promises';

import xterm from '@xterm/headless';
import { describe, expect, it } from 'vitest';

import { isRedrawn, showProgress } from './progress.js';
import { outcomeOf, summaryOf, trialOf } from './test-support.js';

/** A terminal that keeps what was written to it, and what is to be seen of that. */
function terminalOf(columns: number, rows: number) {
  const terminal = new xterm.Terminal({ cols: columns, rows, convertEol: true, allowProposedApi: true });
  let written = '';
  const write = (text: string) => {
    written += text;
    terminal.write(text);
    return true;
  };
  return {
    stream: { isTTY: true, columns, rows, write } as unknown as NodeJS.WriteStream,
    written: () => written,
    async lines() {
      await new Promise<void>((resolve) => terminal.write('', resolve));
      const { active } = terminal.buffer;
      const lines = Array.from({ length: active.length }, (_, i) =>
        active.getLine(i)!.translateToString(true),
      );
      return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
    },
  };
}

const REDRAWN_MS = 300;
const step = { step: 63, totalSteps: 128, loss: 0.25, phase: 'sparse' };

describe('the progress on a terminal', () => {
  it('is written over in its place; what failed and what is noted stays above', async () => {
    const { stream, lines, written } = terminalOf(80, 16);
    const progress = showProgress(stream);
    const trials = Array.from({ length: 40 }, (_, seed) => trialOf('acdc', seed));
    progress.planned?.(trials);
    for (const [i, trial] of trials.slice(0, 30).entries()) {
      progress.started?.(trial);
      progress.progressed?.(trial, step);
      if (i % 10 === 0) progress.ended?.(trial, { status: 'failed', message: 'broken\nhere' }, true);
      else progress.ended?.(trial, outcomeOf(), true);
      if (i % 10 === 5) progress.noted?.(`a note of ${i}`);
    }
    progress.started?.(trials[30]!);
    progress.progressed?.(trials[30]!, step);
    progress.summed(summaryOf('dense', 'acdc'));
    await setTimeout(REDRAWN_MS);
    const seen = await lines();
    expect(seen.slice(0, 6)).toEqual([
      '[1/40] acdc 0.9 8×8 seed 0: failed: broken',
      'a note of 5',
      '[11/40] acdc 0.9 8×8 seed 10: failed: broken',
      'a note of 15',
      '[21/40] acdc 0.9 8×8 seed 20: failed: broken',
      'a note of 25',
    ]);
    expect(seen.filter((line) => line.startsWith('│'))).toHaveLength(3);
    expect(seen.filter((line) => line.includes('░'))).toEqual([
      expect.stringMatching(/^acdc 0\.9 8×8 seed 30 {2}█{8}░{8} {2}50%/),
    ]);
    expect(seen.at(-1)).toMatch(/^\[30\/40\] trials done, .* so far; 3 failed$/);
    // No colours, whatever NO_COLOR says: what is written moves the cursor and erases, no more.
    // eslint-disable-next-line no-control-regex
    expect(written()).not.toMatch(/\x1b\[[\d;]*m/);
    progress.stop();
    expect((await lines()).at(-1)).toMatch(/^\[30\/40\] /);
  });

  it('goes when all have ended, as the table comes', async () => {
    const { stream, lines } = terminalOf(60, 16);
    const progress = showProgress(stream);
    const trial = trialOf('acdc', 0);
    progress.planned?.([trial]);
    progress.started?.(trial);
    await setTimeout(REDRAWN_MS);
    expect(await lines()).toEqual(['acdc 0.9 8×8 seed 0  starting', expect.stringMatching(/^\[0\/1\]/)]);
    progress.ended?.(trial, outcomeOf(), true);
    progress.stop();
    expect(await lines()).toEqual([]);
  });

  it('is a line a trial where nothing can be written over', async () => {
    expect(isRedrawn({ isTTY: true }, { TERM: 'xterm' })).toBe(true);
    expect(isRedrawn({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(isRedrawn({}, { TERM: 'xterm' })).toBe(false);
    const { stream, lines, written } = terminalOf(60, 16);
    const progress = showProgress(Object.assign(stream, { isTTY: false }));
    const trial = trialOf('acdc', 0);
    progress.planned?.([trial]);
    progress.started?.(trial);
    progress.progressed?.(trial, step);
    progress.summed(summaryOf('acdc'));
    progress.ended?.(trial, outcomeOf({ loss: 0.5, totalMs: 1500 }), true);
    progress.stop();
    expect(await lines()).toEqual(['[1/1] acdc 0.9 8×8 seed 0: ok in 1.5 s, loss 0.5000']);
    expect(written()).not.toContain('\x1b');
  });
});
