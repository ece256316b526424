/** Every plot of a report, in the order in which it shows them. */
import { targetText, type Group } from '@espalier/experiment';

import type { Compared } from '../report.js';
import { unended } from '../report.js';
import { across, against, type Across } from './against.js';
import { attention, choices, choseOnce } from './choices.js';
import { curves, unendedCurve } from './curves.js';
import { dots } from './dots.js';
import { forest } from './forest.js';
import { layers } from './layers.js';
import { masks } from '../masks/masks.js';
import type { Plot } from './plot.js';
import {
  allocationsAreCompared,
  measuredSpeedUp,
  seriesOf,
  sparsityText,
  THEORETICAL,
  trainingMultiplyAdds,
  trainingTime,
  type Series,
} from './series.js';

export interface Section {
  readonly id: string;
  readonly title: string;
  /** What is to be said of all; null where there is nothing. */
  readonly note: string | null;
  readonly plots: readonly Plot[];
  /** Beside those, folded. */
  readonly folded: readonly Plot[];
}

/** Sections without a plot are left out. */
export async function sectionsOf(compared: Compared): Promise<Section[]> {
  const series = seriesOf(compared);
  const sections = [
    await quality(series),
    await costs(series),
    await differences(series),
    await training(series),
    await search(series),
    await kept(series),
    ...masks(series),
  ];
  return sections.filter(({ plots, folded }) => plots.length + folded.length > 0);
}

/** The groups of one target each, as they stand beside each other. */
function targetsOf({ variants }: Series): { title: string; groups: Group[] }[] {
  const groups = variants.flatMap((variant) => variant.groups);
  const several = allocationsAreCompared(groups);
  const targets = new Map<string, Group[]>();
  for (const group of groups) {
    const { sparsity, blockShape, allocation, overrides } = group;
    const shared = several ? `, ${allocation}` : '';
    const plain = `${sparsityText(sparsity)} in ${blockShape.join('×')}`;
    const title = `${overrides ? targetText(group) : plain}${shared}`;
    targets.set(title, [...(targets.get(title) ?? []), group]);
  }
  return [...targets].map(([title, members]) => ({ title, groups: members }));
}

async function quality(series: Series): Promise<Section> {
  const { variants, qualities } = series;
  const plots: (Plot | null)[] = [];
  const folded: (Plot | null)[] = [];
  for (const [rank, y] of qualities.entries()) {
    const list = rank === 0 || y.measure?.optional ? plots : folded;
    for (const { title, groups } of variants) {
      const sparsities = sorted(groups.map(({ sparsity }) => sparsity));
      if (sparsities.length > 1)
        list.push(await against(series, groups, { x: bySparsity(sparsities), y, title }));
    }
    list.push(...(await againstBlocks(series, y)));
  }
  for (const { title, groups } of targetsOf(series)) {
    const [first] = variants;
    const alone = new Set(first?.groups.map(({ sparsity }) => sparsity)).size === 1;
    for (const [rank, y] of qualities.entries()) {
      (alone && (rank < 2 || y.measure?.optional) ? plots : folded).push(
        await dots(series, groups, y, title),
      );
    }
  }
  return section('quality', 'Quality', plots, folded);
}

/** Of each sparsity, where block shapes differ. */
async function againstBlocks(series: Series, y: Series['qualities'][number]): Promise<(Plot | null)[]> {
  const groups = series.variants.flatMap((variant) => variant.groups);
  const shapes = new Map(
    groups.map(({ blockShape }) => [blockShape.join('×'), blockShape[0] * blockShape[1]]),
  );
  if (shapes.size < 2) return [];
  const labels = [...shapes].sort(([, a], [, b]) => a - b).map(([label]) => label);
  const x: Across = {
    ...{ key: 'block-shape', called: 'block shape', title: 'block shape', hasDense: false, labels },
    of: ({ blockShape }) => ({ mean: labels.indexOf(blockShape.join('×')) + 1, halfWidth: null }),
  };
  const plots: (Plot | null)[] = [];
  for (const sparsity of sorted(groups.map((group) => group.sparsity))) {
    const members = groups.filter((group) => group.sparsity === sparsity);
    const allocations = allocationsAreCompared(members)
      ? [...new Set(members.map(({ allocation }) => allocation))]
      : [null];
    for (const allocation of allocations) {
      const alike = members.filter((group) => allocation === null || group.allocation === allocation);
      const title = [sparsityText(sparsity), ...(allocation === null ? [] : [allocation])].join(', ');
      plots.push(await against(series, alike, { x, y, title }));
    }
  }
  return plots;
}

/** Evenly apart: drawn to scale, 90%, 95% and 99% would lie close beside an empty half. */
function bySparsity(sparsities: readonly number[]): Across {
  const labels = sparsities.map(sparsityText);
  return {
    ...{ key: 'sparsity', called: 'sparsity', title: 'sparsity', hasDense: false, labels },
    of: ({ sparsity }) => ({ mean: sparsities.indexOf(sparsity) + 1, halfWidth: null }),
  };
}

async function costs(series: Series): Promise<Section> {
  const [y] = series.qualities;
  const plots: (Plot | null)[] = [];
  const axes = [
    across(THEORETICAL, 'theoretical speed-up'),
    across(measuredSpeedUp(series), 'measured speed-up'),
    across(trainingMultiplyAdds(series), 'multiply-adds of training'),
    across(trainingTime(series), 'time of training'),
  ];
  for (const { title, groups } of series.variants) {
    for (const x of axes) if (y) plots.push(await against(series, groups, { x, y, title }));
  }
  return section('costs', 'Quality against what it costs', plots);
}

async function differences(series: Series): Promise<Section> {
  const plots: (Plot | null)[] = [];
  for (const { measure } of series.qualities) {
    if (!measure?.difference) continue;
    for (const { title, groups } of targetsOf(series))
      plots.push(await forest(series, groups, measure, title));
  }
  return section('differences', `Paired differences from ${series.summary.reference}`, plots);
}

async function training(series: Series): Promise<Section> {
  const running: (Plot | null)[] = [];
  for (const record of unended(series.compared)) running.push(await unendedCurve(series, record));
  const [first = [], ...rest] = targetsOf(series).map(({ groups }) => groups);
  const [plots, folded]: (Plot | null)[][] = [[], []];
  for (const group of [...(series.dense ? [series.dense] : []), ...first])
    plots!.push(await curves(series, group));
  for (const group of rest.flat()) folded!.push(await curves(series, group));
  return section('training', 'Training', [...running, ...plots!], folded);
}

async function search(series: Series): Promise<Section> {
  const [plots, folded]: (Plot | null)[][] = [[], []];
  for (const [i, { title, groups }] of targetsOf(series).entries()) {
    const list = (i === 0 ? plots : folded)!;
    for (const group of groups) list.push(await choices(series, group));
    list.push(await attention(series, groups, title));
  }
  const once = choseOnce(
    series,
    series.variants.flatMap(({ groups }) => groups),
  );
  return section('search', 'What the search did', plots!, folded, once);
}

async function kept(series: Series): Promise<Section> {
  const plots: (Plot | null)[] = [];
  for (const { title, groups } of targetsOf(series)) plots.push(await layers(groups, title));
  return section('layers', 'Kept blocks per layer', plots);
}

function section(
  id: string,
  title: string,
  plots: readonly (Plot | null)[],
  folded: readonly (Plot | null)[] = [],
  note: string | null = null,
): Section {
  const present = (list: readonly (Plot | null)[]) => list.filter((plot) => plot !== null);
  return { id, title, note, plots: present(plots), folded: present(folded) };
}

function sorted(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
