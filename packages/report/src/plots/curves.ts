/** The loss while training, the search's phases behind it. */
import type { Group, StepMetrics } from '@espalier/experiment';

import { INK } from '../palette.js';
import { recordOf, type TrialRecord } from '../report.js';
import { draw, type Spec } from '../vega.js';
import { binned, phasesOf, type Bin } from './bins.js';
import { kebab, type Plot } from './plot.js';
import { DENSE, labelOf, sparsityText, type Series } from './series.js';

/** Phases by their names; a dense one is not shaded. */
const SHADES: Readonly<Record<string, string>> = {
  sparsification: INK.sparsification.light,
  sparse: INK.sparse.light,
};

/** Of a group's seeds; null where their steps are not known. */
export async function curves(series: Series, group: Group): Promise<Plot | null> {
  const records = group.rows.flatMap((row) => recordOf(series.compared, row) ?? []);
  const what = group.pruner === DENSE ? '' : ` ${sparsityText(group.sparsity)} ${group.blockShape.join('×')}`;
  const allocation = group.allocation && group.allocation !== 'uniform' ? ` ${group.allocation}` : '';
  return drawCurves(series, records, `${group.pruner}${what}${allocation}`, labelOf(group.pruner));
}

/** Of a trial that has not ended, as far as it is. */
export async function unendedCurve(series: Series, record: TrialRecord): Promise<Plot | null> {
  const { pruner, sparsity, blockShape, seed } = record.trial;
  const name = pruner?.name ?? DENSE;
  const what = pruner ? ` ${sparsityText(sparsity)} ${blockShape.join('×')}` : '';
  return drawCurves(series, [record], `${name}${what} seed ${seed}, unfinished`, labelOf(name));
}

async function drawCurves(
  series: Series,
  records: readonly TrialRecord[],
  title: string,
  strategy: string,
): Promise<Plot | null> {
  const dense = (series.dense?.rows ?? []).flatMap((row) => recordOf(series.compared, row)?.steps ?? []);
  return lossCurves(title, {
    logs: records.map(({ steps }) => steps),
    dense: strategy === DENSE ? [] : dense,
    colour: series.looks.get(strategy)?.colour ?? INK.text.light,
  });
}

export interface Losses {
  /** Of one strategy, a log a seed. */
  readonly logs: readonly (readonly StepMetrics[])[];
  /** Of the dense baseline, behind it; empty where there is none. */
  readonly dense: readonly StepMetrics[];
  readonly colour: string;
  /** How many steps there will be, where they are not all done: the axis is of all of them. */
  readonly totalSteps?: number;
}

/** Null where no step is known. */
export async function lossCurves(
  title: string,
  { logs, dense, colour, totalSteps = 0 }: Losses,
): Promise<Plot | null> {
  const known = logs.filter((steps) => steps.length > 0);
  if (known.length === 0) return null;
  const own = curveOf(binned(known));
  const others = curveOf(binned([dense]));
  const losses = [...own, ...others].map(({ loss }) => loss);
  if (losses.length === 0) return null;
  const logarithmic = Math.min(...losses) > 0 && Math.max(...losses) > 10 * Math.min(...losses);
  const phases = phasesOf(known[0]!).filter(({ phase }) => phase !== DENSE);
  const done = Math.max(...known.map((steps) => steps.at(-1)!.step), ...others.map(({ step }) => step)) + 1;
  const last = Math.max(done, totalSteps);
  const names = [...new Set(phases.map(({ phase }) => phase))];
  const y = {
    field: 'loss',
    type: 'quantitative',
    title: 'training loss',
    scale: { zero: false, ...(logarithmic && { type: 'log' }) },
    axis: { tickCount: 5 },
  };
  const x = (field: string) => ({
    field,
    type: 'quantitative',
    title: 'step',
    scale: { domain: [0, last], nice: false },
    axis: { grid: false, tickCount: 4, format: '~s' },
  });
  const line = (
    values: readonly Bin[],
    color: string,
    strokeDash: readonly number[],
    strokeWidth: number,
  ): Spec => ({
    data: { values },
    mark: { type: 'line', color, strokeDash, strokeWidth },
    encoding: { x: x('step'), y },
  });
  const spec: Spec = {
    layer: [
      ...(names.length > 0
        ? [
            {
              data: { values: phases },
              mark: { type: 'rect', stroke: null },
              encoding: {
                x: x('from'),
                x2: { field: 'to' },
                fill: {
                  ...{ field: 'phase', type: 'nominal' },
                  scale: { domain: names, range: names.map((name) => SHADES[name] ?? INK.otherPhase.light) },
                  legend: { title: null, columns: 3, symbolType: 'square', symbolSize: 130 },
                },
              },
            },
          ]
        : []),
      ...(others.length > 0 ? [line(others, INK.reference.light, [4, 3], 1.25)] : []),
      line(own, colour, [1, 0], 1.75),
    ],
  };
  const name = kebab('training', title);
  const note = [
    known.length > 1 ? `Mean of ${known.length} seeds, phases of the first.` : 'One seed.',
    others.length > 0 ? 'The dashed line is the dense baseline.' : '',
  ];
  return { name, title, note: note.join(' ').trim(), svg: await draw(name, title, spec, 190) };
}

function curveOf(bins: readonly Bin[]): { step: number; loss: number }[] {
  return bins.flatMap(({ step, loss }) => (loss === null ? [] : [{ step, loss }]));
}
