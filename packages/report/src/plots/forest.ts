/** Paired differences from the reference, as a forest plot. */
import { pairedDifference, valuesBySeed, type Group } from '@espalier/experiment';
import type { MeasureDescription } from '@espalier/workloads';

import { draw, type Spec } from '../vega.js';
import { ROW } from './dots.js';
import { domainOf, leaves, lookChannels } from './looks.js';
import { kebab, type Plot } from './plot.js';
import { labelOf, referenceOf, type Series } from './series.js';
import { intervals, lineAt, strategyRows } from './strategy-rows.js';

export async function forest(
  series: Series,
  groups: readonly Group[],
  measure: MeasureDescription,
  title: string,
): Promise<Plot | null> {
  const { scale = 1, unit = '' } = measure.format;
  const called = measure.title ?? measure.key;
  const rows = groups.flatMap((group) => {
    const reference = referenceOf(series, group);
    if (!reference) return [];
    const difference = pairedDifference(valuesBySeed(group, measure), valuesBySeed(reference, measure));
    if (!difference) return [];
    const [mean, half] = [scale * difference.mean, scale * (difference.halfWidth ?? 0)];
    const spans = { mean, low: mean - half, high: mean + half };
    return [{ strategy: labelOf(group.pruner), ...spans, spread: difference.halfWidth !== null }];
  });
  if (rows.length === 0) return null;
  const domain = domainOf(rows, [0]);
  const names = rows.map(({ strategy }) => strategy);
  const looks = lookChannels(series.looks, names, false);
  const value = (field: string) => ({
    field,
    type: 'quantitative',
    title: `Δ ${called}${unit ? `, ${unit}` : ''} (${measure.better === 'lower' ? 'left' : 'right'} is better)`,
    scale: { domain, zero: false, nice: false },
    axis: { tickCount: 4 },
  });
  const spec: Spec = {
    encoding: strategyRows(names),
    layer: [
      lineAt(0, value('at')),
      intervals(rows, domain, value('low'), looks['color']),
      {
        data: { values: rows },
        mark: { type: 'point', filled: true, size: 60, opacity: 1 },
        encoding: { x: value('mean'), color: looks['color'], shape: looks['shape'] },
      },
    ],
  };
  const name = kebab('difference-of', measure.key, title);
  const heading = `Δ ${called} from ${series.summary.reference}, ${title}`;
  const cut = leaves(rows, domain) ? ' Intervals that leave the picture are cut off.' : '';
  const note = rows.some(({ spread }) => spread)
    ? `Mean over pairs of one seed, 95% interval (Student's t). One that crosses the line leaves the sign open.${cut}`
    : 'One seed: there are no intervals, and nothing is decided.';
  return { name, title: heading, note, svg: await draw(name, heading, spec, { step: ROW }) };
}
