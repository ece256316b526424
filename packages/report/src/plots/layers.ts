/** What each layer keeps of its blocks. */
import type { Group } from '@espalier/experiment';

import { INK } from '../palette.js';
import { draw, wrapped, type Spec } from '../vega.js';
import { kebab, type Plot } from './plot.js';

/** A name of two lines over its column. */
const CELL = 26;

/** Null where no report says what was pruned. */
export async function layers(groups: readonly Group[], title: string): Promise<Plot | null> {
  const values = groups.flatMap((group) => keptOf(group));
  if (values.length === 0) return null;
  const names = [...new Set(values.map(({ layer }) => layer))];
  const strategies = [...new Set(values.map(({ strategy }) => strategy))];
  const spec: Spec = {
    data: { values: values.map((value) => ({ ...value, shade: 0.85 * Math.sqrt(value.kept) })) },
    encoding: {
      x: {
        field: 'strategy',
        type: 'nominal',
        sort: strategies,
        title: null,
        axis: { orient: 'top', labelAngle: -90, ticks: false, domain: false },
      },
      y: { field: 'layer', type: 'nominal', sort: names, title: null, axis: { ticks: false, domain: false } },
    },
    layer: [
      {
        mark: { type: 'rect', color: INK.shade.light, stroke: INK.paper.light, strokeWidth: 1 },
        encoding: { opacity: { field: 'shade', type: 'quantitative', scale: null, legend: null } },
      },
      {
        mark: { type: 'text' },
        encoding: {
          text: { field: 'text' },
          color: { condition: { test: 'datum.shade > 0.55', value: INK.paper.light }, value: INK.text.light },
        },
      },
    ],
  };
  const name = kebab('kept-blocks', title);
  const heading = `Kept blocks of each layer, %; ${title}`;
  const seeds = Math.max(...groups.map(({ rows }) => rows.length));
  const note = seeds > 1 ? 'Mean over the seeds.' : null;
  return { name, title: heading, note, svg: await draw(name, heading, spec, { step: CELL }) };
}

function keptOf({ pruner, rows }: Group): { layer: string; strategy: string; kept: number; text: string }[] {
  const shares = new Map<string, number[]>();
  for (const { report } of rows) {
    for (const { name, keptBlocks, blocks } of report?.pruned ?? []) {
      shares.set(name, [...(shares.get(name) ?? []), keptBlocks / blocks]);
    }
  }
  return [...shares].map(([layer, of]) => {
    const kept = of.reduce((sum, share) => sum + share, 0) / of.length;
    const percent = 100 * kept;
    const text = percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0);
    return { layer: layer.replace(/\/kernel$/, ''), strategy: wrapped(pruner, 21), kept, text };
  });
}
