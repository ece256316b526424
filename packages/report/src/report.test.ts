import type { SummaryClaim } from '@espalier/experiment';
import { describe, expect, it } from 'vitest';

import { plotsOf, svgFile } from './files.js';
import { htmlReport } from './page/page.js';
import { DARK } from './palette.js';
import { trainingMultiplyAdds, measuredSpeedUp, meanOf, seriesOf, THEORETICAL } from './plots/series.js';
import { pngFile } from './png.js';
import { recordOf } from './report.js';
import { comparedOf } from './test-support.js';
import { wrapped } from './vega.js';

const strategies = ['magnitude', 'acdc'];
const whole = comparedOf({
  ...{ pruners: strategies, sparsities: [0.5, 0.75], seeds: [0, 1, 2] },
  accuracy: (pruner, sparsity, seed) => 0.95 - sparsity / 10 - (pruner === 'acdc' ? 0.02 : 0) + seed / 100,
});

describe('what axes show', () => {
  const series = seriesOf(whole);
  const [dense, magnitude] = series.groups as [(typeof series.groups)[0], (typeof series.groups)[0]];

  it('is the mean over the seeds with its interval', () => {
    // 0.9, 0.91, 0.92: deviation 0.01, t of 2 degrees of freedom 4.3027, √3.
    const mean = meanOf(magnitude, series.qualities[0]!);
    expect(mean!.mean).toBeCloseTo(91, 10);
    expect(mean!.halfWidth).toBeCloseTo((4.3027 * 1) / Math.sqrt(3), 3);
    expect(series.qualities.map(({ key }) => key)).toEqual(['accuracy', 'loss']);
  });

  it('is speed against the dense baseline, and what training costs', () => {
    const row = magnitude.rows[0]!;
    expect(measuredSpeedUp(series).of(row)).toBe(2);
    expect(THEORETICAL.of(row)).toBe(2);
    // Half of the steps at half of the multiply-adds.
    expect(trainingMultiplyAdds(series).of(row)).toBeCloseTo(0.75, 10);
    expect(trainingMultiplyAdds(series).of(dense.rows[0]!)).toBe(1);
  });

  it('is of the trial with the numbers of the row, not of another of its slot', () => {
    const row = magnitude.rows[0]!;
    const record = recordOf(whole, row)!;
    const other = { ...record, result: { ...record.result!, measures: { loss: 9 } } };
    expect(recordOf({ ...whole, trials: [other, record] }, row)).toBe(record);
    expect(recordOf({ ...whole, trials: [other] }, row)).toBeNull();
  });
});

describe('plots', () => {
  it('have names of their own, no colour without one for the dark, and no text under 11 pixels', async () => {
    const plots = await plotsOf(whole);
    const names = plots.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const wanted of [
      ...['accuracy-against-sparsity', 'accuracy-against-theoretical-speed-up'],
      ...['accuracy-against-measured-speed-up', 'accuracy-against-training-multiply-adds'],
      ...['accuracy-against-training-time', 'difference-of-loss-50-in-8x8', 'training-magnitude-50-8x8'],
      ...['choices-of-acdc-50-8x8', 'attention-50-in-8x8', 'kept-blocks-50-in-8x8'],
      ...['truth-magnitude-50-8x8', 'evolution-magnitude-50-8x8', 'masks-magnitude-50-8x8'],
    ]) {
      expect(names).toContain(wanted);
    }
    for (const { svg, name } of plots) {
      const colours = [...svg.matchAll(/(?:fill|stroke)="([^"]+)"/g)].map(([, colour]) => colour!);
      expect(colours.filter((colour) => !['none', 'transparent'].includes(colour) && !DARK.has(colour)), name).toEqual([]); // prettier-ignore
      const sizes = [...svg.matchAll(/font-size="([\d.]+)/g)].map(([, size]) => Number(size));
      expect(Math.min(...sizes), name).toBeGreaterThanOrEqual(11);
      expect(svg).not.toContain('NaN');
    }
    const truth = plots.find(({ name }) => name === 'truth-magnitude-50-8x8')!;
    expect(truth.svg).toMatch(/found 2<.*missed 1<.*not true 1</);
  });

  it('are files: SVG with colours for the dark, PNG three times as large', async () => {
    const [plot] = await plotsOf(comparedOf({ pruners: ['magnitude'], sparsities: [0.5], seeds: [0] }));
    expect(svgFile(plot!)).toContain('prefers-color-scheme:dark');
    const png = Buffer.from(await pngFile(plot!));
    // The header of a PNG: its signature, then IHDR with the width.
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(3 * 340);
  });

  it('of strategies with allocations of their own show these beside each other', () => {
    const { summary, trials } = whole;
    const rows = summary.rows.map((row) => (row.pruner === 'acdc' ? { ...row, allocation: 'global' } : row));
    expect(seriesOf({ summary: { ...summary, rows }, trials }).variants).toHaveLength(1);
  });

  it('break long names after their hyphens', () => {
    expect(wrapped('sequential-attention-plus-plus', 21)).toBe('sequential-attention-\nplus-plus');
    expect(wrapped('one two three', 7)).toBe('one two\nthree');
  });
});

describe('the page', () => {
  it('says of one seed that there are no intervals, and what has not ended', async () => {
    const { summary, trials } = comparedOf({
      ...{ pruners: ['magnitude'], sparsities: [0.5], seeds: [0] },
      more: { planned: 4, command: 'espalier compare --workload digits' },
    });
    const running = { ...trials[1]!, name: 'running', result: null, masks: null };
    const page = await htmlReport({
      summary,
      trials: [...trials, { ...running, trial: { ...running.trial, seed: 7 } }],
    });
    expect(page).toContain('Unfinished: 2 of 4 trials have ended, 1 have begun');
    expect(page).toContain('One seed: there are no intervals');
    expect(page).toContain('magnitude 50% 8×8 seed 7, unfinished');
    expect(page).toContain('<pre>espalier compare --workload digits</pre>');
    expect(page).toContain(
      '<a href="../runs/my%20run/trials/magnitude/dense/model.json">dense/model.json</a>',
    );
  });

  it('escapes what comes from outside, and shows what failed', async () => {
    const { summary, trials } = comparedOf({ pruners: ['<b>"mine"&'], sparsities: [0.5], seeds: [0] });
    const bad = {
      ...summary.rows[1]!,
      pruner: 'worse',
      status: 'failed',
      metrics: null,
      message: '<img src=x>',
    };
    const page = await htmlReport({ summary: { ...summary, rows: [...summary.rows, bad as never] }, trials });
    expect(page).not.toMatch(/<b>|<img/);
    expect(page).toContain('&lt;b&gt;&quot;mine&quot;&amp;');
    expect(page).toContain('worse 50.00% in 8×8 seed 0 failed: &lt;img src=x&gt;');
  });

  it('shows claims with their verdicts, differences and the paper’s figures', async () => {
    const claims: SummaryClaim[] = [
      {
        id: 'a',
        statement: 'A is better',
        verdict: 'holds',
        measure: 'loss',
        difference: 0.01234,
        interval: [0.005, 0.02],
        smallest: 0.007,
        count: 5,
        asked: 5,
        paper: 'better by 0.02',
      },
      {
        id: 'b',
        statement: 'B is worse',
        verdict: 'undecided',
        measure: 'accuracy',
        difference: -0.5,
        interval: [-1.2, 0.2],
        smallest: 0.7,
        count: 5,
        asked: 5,
      },
    ];
    const page = await htmlReport(
      comparedOf({ pruners: [], sparsities: [], seeds: [0, 1], more: { claims } }),
    );
    // As the measures are written: a loss to four digits, an accuracy in percent.
    expect(page).toMatch(/A is better.*holds.*\+0\.0123 \(\+0\.0050 to \+0\.0200\).*better by 0\.02/s);
    expect(page).toMatch(/B is worse.*undecided.*−50\.0+% \(−120\.0+% to \+20\.0+%\)/s);
  });

  it('is drawn from a summary alone, and is the same text each time', async () => {
    const { summary } = comparedOf({ pruners: ['magnitude'], sparsities: [0.5, 0.75], seeds: [0, 1] });
    const [first, second] = [
      await htmlReport({ summary, trials: [] }),
      await htmlReport({ summary, trials: [] }),
    ];
    expect(first).toBe(second);
    expect(first).toContain('Accuracy against sparsity');
    expect(first).not.toMatch(/>NaN|"NaN/);
  });

  it('refuses what is no comparison in one line', async () => {
    await expect(htmlReport({ summary: {}, trials: [] } as never)).rejects.toThrow(/summary/);
    await expect(htmlReport(undefined as never)).rejects.toThrow(/compared/);
  });
});
