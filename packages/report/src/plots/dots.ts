/** One quantity of every strategy, side by side: means with their intervals, and the seeds themselves. */
import type { Group } from '@espalier/experiment';

import { draw, sentence, type Spec } from '../vega.js';
import { noteOf } from './against.js';
import { domainOf, fromZero, leaves, lookChannels } from './looks.js';
import { kebab, type Plot } from './plot.js';
import { labelOf, meanOf, type Quantity, type Series } from './series.js';
import { intervals, lineAt, strategyRows } from './strategy-rows.js';

/** In pixels: two lines of a name. */
export const ROW = 30;

export async function dots(
  series: Series,
  groups: readonly Group[],
  quantity: Quantity,
  title: string,
): Promise<Plot | null> {
  const rows = groups.flatMap((group) => {
    const mean = meanOf(group, quantity);
    if (!mean) return [];
    const half = mean.halfWidth ?? 0;
    const seeds = group.rows.flatMap((row) => quantity.of(row) ?? []);
    const spans = { mean: mean.mean, low: mean.mean - half, high: mean.mean + half };
    return [{ strategy: labelOf(group.pruner), ...spans, spread: mean.halfWidth !== null, seeds }];
  });
  if (rows.length === 0) return null;
  const order = [...rows].sort((a, b) => (quantity.better === 'lower' ? a.mean - b.mean : b.mean - a.mean));
  const dense = series.dense && meanOf(series.dense, quantity);
  const others = [...rows.flatMap(({ seeds }) => seeds), ...(dense ? [dense.mean] : [])];
  const domain = fromZero(rows, domainOf(rows, others));
  const names = order.map(({ strategy }) => strategy);
  const value = (field: string) => ({
    field,
    type: 'quantitative',
    title: quantity.title,
    scale: { domain, zero: false, nice: false },
    axis: { tickCount: 4 },
  });
  const looks = lookChannels(series.looks, names, false);
  const spec: Spec = {
    encoding: strategyRows(names),
    layer: [
      ...(dense ? [lineAt(dense.mean, value('at'))] : []),
      intervals(rows, domain, value('low'), looks['color']),
      {
        data: { values: rows.flatMap(({ strategy, seeds }) => seeds.map((seed) => ({ strategy, seed }))) },
        mark: { type: 'tick', thickness: 1.25, size: 11, opacity: 0.7 },
        encoding: { x: value('seed'), color: looks['color'] },
      },
      {
        data: { values: rows },
        mark: { type: 'point', filled: true, size: 60, opacity: 1 },
        encoding: { x: value('mean'), color: looks['color'], shape: looks['shape'] },
      },
    ],
  };
  const name = kebab(quantity.key, 'of-each', title);
  const heading = sentence(`${quantity.measure?.title ?? quantity.key}, ${title}`);
  const note = [
    noteOf(rows, leaves(rows, domain)),
    rows.some(({ seeds }) => seeds.length > 1) ? 'The short lines are the seeds.' : '',
    dense ? 'The dashed line is the dense baseline.' : '',
  ].join(' ');
  return { name, title: heading, note: note.trim(), svg: await draw(name, heading, spec, { step: ROW }) };
}
