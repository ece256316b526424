/** What a search did: which blocks entered and left at each choice, and how far attention set blocks apart. */
import { measuresIn, meanInterval, valueIn, type Group, type TrialResult } from '@espalier/experiment';

import { INK } from '../palette.js';
import { recordOf } from '../report.js';
import { draw, type Spec } from '../vega.js';
import { ROW } from './dots.js';
import { lookChannels } from './looks.js';
import { kebab, type Plot } from './plot.js';
import { labelOf, sparsityText, type Series } from './series.js';
import { lineAt, strategyRows } from './strategy-rows.js';

type ChoiceRecord = NonNullable<TrialResult['search']>['choices'][number];

/** Null where the choices are not known, or there was but one. */
export async function choices(series: Series, group: Group): Promise<Plot | null> {
  const record = group.rows
    .map((row) => recordOf(series.compared, row))
    .find((found) => found?.result?.search);
  const made = record?.result?.search?.choices ?? [];
  if (!record || made.length < 2) return null;
  const last = (record.steps.at(-1)?.step ?? made.at(-1)!.step) + 1;
  const values = together(made, last).flatMap(({ step, entered, left }) => [
    { step, blocks: entered, kind: 'entered' },
    { step, blocks: -left, kind: 'left' },
  ]);
  const ends = values.map(({ blocks }) => blocks);
  const [down, up] = [Math.max(1, -Math.min(...ends)), Math.max(1, ...ends)];
  const colours = { domain: ['entered', 'left'], range: [INK.hit.light, INK.missed.light] };
  // Tens of blocks at the first choice, single ones later: both are to be seen.
  const tens = [1, 10, 100, 1000, 10_000, 100_000];
  const ticks = [
    ...tens.filter((ten) => ten <= down).map((ten) => -ten),
    0,
    ...tens.filter((ten) => ten <= up),
  ];
  const spec: Spec = {
    data: { values },
    encoding: {
      x: {
        field: 'step',
        type: 'quantitative',
        title: 'step',
        scale: { domain: [0, last], nice: false },
        axis: { grid: false, tickCount: 4, format: '~s' },
      },
      y: {
        field: 'blocks',
        type: 'quantitative',
        title: 'blocks',
        scale: { type: 'symlog', domain: [-1.3 * down, 1.3 * up], nice: false },
        axis: { values: ticks, labelExpr: 'format(abs(datum.value), "~s")' },
      },
    },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: {
          y2: { datum: 0 },
          color: {
            field: 'kind',
            type: 'nominal',
            scale: colours,
            legend: { title: null, symbolType: 'stroke', symbolStrokeWidth: 2.5 },
          },
        },
      },
      {
        data: { values: [{}] },
        mark: { type: 'rule', color: INK.axis.light },
        encoding: { y: { datum: 0 }, x: { value: 0 }, x2: { value: 'width' } },
      },
    ],
  };
  const { pruner, sparsity, blockShape, allocation } = group;
  const shared = allocation && allocation !== 'uniform' ? ` ${allocation}` : '';
  const title = `${pruner} ${sparsityText(sparsity)} ${blockShape.join('×')}${shared}`;
  const name = kebab('choices-of', title);
  const moved = made.slice(1).reduce((sum, { entered, left }) => sum + entered + left, 0);
  const note = `${made.length} choices of seed ${record.trial.seed}; ${
    moved > 0 ? `${moved} blocks came or went after the first` : 'none changed anything after the first'
  }.`;
  return { name, title, note, svg: await draw(name, title, spec, 170) };
}

/** As many as can be told apart; choices between are summed up. */
function together(made: readonly ChoiceRecord[], last: number): Omit<ChoiceRecord, 'kept'>[] {
  const size = last / 120;
  const bins = new Map<number, { step: number; entered: number; left: number }>();
  for (const { step, entered, left } of made) {
    const bin = bins.get(Math.floor(step / size)) ?? { step, entered: 0, left: 0 };
    bins.set(Math.floor(step / size), { ...bin, entered: bin.entered + entered, left: bin.left + left });
  }
  return [...bins.values()];
}

/** Null where nothing is under attention. */
export async function attention(
  series: Series,
  groups: readonly Group[],
  title: string,
): Promise<Plot | null> {
  const measures = measuresIn(series.summary);
  const mean = (group: Group, key: string) => {
    const measure = measures.find((candidate) => candidate.key === key);
    return measure
      ? (meanInterval(group.rows.flatMap((row) => valueIn(row, measure) ?? []))?.mean ?? null)
      : null;
  };
  const rows = groups.flatMap((group) => {
    const [low, high] = [mean(group, 'attentionLowest'), mean(group, 'attentionHighest')];
    return low === null || high === null ? [] : [{ strategy: labelOf(group.pruner), low, high }];
  });
  if (rows.length === 0) return null;
  const names = rows.map(({ strategy }) => strategy);
  const looks = lookChannels(series.looks, names, false);
  const ends = [...rows.flatMap(({ low, high }) => [low, high]), 1];
  const logarithmic = Math.min(...ends) > 0 && Math.max(...ends) > 20 * Math.min(...ends);
  const value = (field: string) => ({
    field,
    type: 'quantitative',
    title: 'factor of kept blocks, least to most',
    scale: { zero: false, nice: true, ...(logarithmic && { type: 'log' }) },
    axis: { tickCount: 4, grid: !logarithmic },
  });
  const spec: Spec = {
    encoding: strategyRows(names),
    layer: [
      lineAt(1, value('at')),
      {
        data: { values: rows },
        mark: { type: 'rule', strokeWidth: 5, opacity: 0.85 },
        encoding: { x: value('low'), x2: { field: 'high' }, color: looks['color'] },
      },
    ],
  };
  const name = kebab('attention', title);
  const heading = `Spread of the attention at the end, ${title}`;
  const note = 'Mean over the seeds of the least and of the most. At 1 everywhere the attention is idle.';
  return { name, title: heading, note, svg: await draw(name, heading, spec, { step: ROW }) };
}

/** Strategies that chose once, in a sentence; null where there are none. */
export function choseOnce(series: Series, groups: readonly Group[]): string | null {
  const names = groups.flatMap(({ pruner, rows }) => {
    const records = rows.flatMap((row) => recordOf(series.compared, row)?.result?.search ?? []);
    const once = records.length > 0 && records.every(({ choices }) => choices.length === 1);
    return once ? [`${pruner} (step ${records[0]!.choices[0]!.step})`] : [];
  });
  return names.length > 0 ? `Chose their blocks once: ${[...new Set(names)].join(', ')}.` : null;
}
