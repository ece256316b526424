/** What was compared, and whether it was the same for all: the lines over the table. */
import { formatNumber, percent } from '@espalier/workloads';

import type { Environment, Row, Summary } from '../summary.js';
import type { Fingerprint } from '../trial/trial.js';
import { describeBudget } from '../tune/describe-tuning.js';
import { NOTHING } from './table.js';
import { isPruned, overridesText } from './target.js';

export function heading(summary: Summary): string[] {
  const { workload, scale, epochs, environment, rows, split, tuning, planned = rows.length } = summary;
  const computed = new Set([environment, ...(summary.others ?? [])].map(computedOn));
  const seeds = [...new Set(rows.map(({ seed }) => seed))];
  const targets = new Set(rows.filter(isPruned).map(targetOf));
  return [
    `${workload}${scale ? ` at scale ${scale}` : ''}, ${epochs} epochs, seeds ${seeds.join(', ')}; target ${[...targets].join(', ') || 'none'}`,
    ...computed,
    ...(computed.size > 1 ? ['times are of several machines, and compare only within one'] : []),
    fingerprintLine(rows),
    ...mixedLine(rows),
    ...(split ? ['judged on the validation split'] : []),
    ...(tuning ? [`settings tuned: ${describeBudget(tuning)}`] : []),
    ...(planned > rows.length ? [`unfinished: ${rows.length} of ${planned} trials have ended`] : []),
  ];
}

function targetOf({ sparsity, blockShape, allocation, overrides }: Row): string {
  const shared = allocation && allocation !== 'uniform' ? ` by ${allocation}` : '';
  const own = overrides ? ` (${overridesText(overrides)})` : '';
  return `${formatNumber(sparsity, percent)} of ${blockShape.join('×')} blocks${shared}${own}`;
}

function computedOn(environment: Environment): string {
  const {
    backend,
    device,
    accelerators = [],
    threads = 1,
    processor,
    cores,
    jobs,
    node,
    platform,
  } = environment;
  const libraries = accelerators.flatMap(({ library }) =>
    library ? [[library.kind, library.version].filter(Boolean).join(' ')] : [],
  );
  const computing = [device, ...libraries, ...(threads > 1 ? [`${threads} threads a trial`] : [])].join('; ');
  const runtime = node === null ? [platform] : [`Node ${node}`, platform];
  return [`${backend} (${computing})`, processor, `${cores} cores`, `${jobs} side by side`, ...runtime].join(
    ', ',
  );
}

/** The fingerprints of each seed's first trial, and the strategies whose own differ from them. */
function fingerprintLine(rows: readonly Row[]): string {
  const seeds = [...new Set(rows.map(({ seed }) => seed))];
  const first = new Map(
    seeds.map((seed) => [seed, rows.find((row) => row.seed === seed && row.fingerprint)?.fingerprint]),
  );
  if ([...first.values()].includes(undefined)) {
    return 'workloads not known to be identical: a seed has no trial that ran';
  }
  const differing = (part: keyof Fingerprint) => {
    const others = rows.filter(
      ({ fingerprint, seed }) => fingerprint && fingerprint[part] !== first.get(seed)?.[part],
    );
    return [...new Set(others.map(({ pruner }) => pruner))].join(', ');
  };
  const prints = [...first].map(
    ([seed, print]) => `seed ${seed} init ${short(print?.init)} data ${short(print?.data)}`,
  );
  const [init, data] = [differing('init'), differing('data')];
  if (!init && !data) return `identical workloads: ${prints.join('; ')}`;
  return [
    'workloads NOT identical:',
    init && `other effective initial weights in ${init};`,
    data && `other data in ${data};`,
    `the rest ${prints.join('; ')}`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** The trials that were gone on with on another kind of processor, as `--mixed` allows. */
function mixedLine(rows: readonly Row[]): string[] {
  const mixed = rows.filter(({ processors }) => processors);
  if (mixed.length === 0) return [];
  const kinds = [...new Set(mixed.flatMap(({ processors }) => processors ?? []))];
  const names = mixed.map(({ pruner, seed }) => `${pruner} seed ${seed}`);
  return [
    `trained on several kinds of processor (${kinds.join(', ')}), to bits of none: ${names.join('; ')}`,
  ];
}

const short = (hash: string | undefined) => hash?.slice(0, 8) ?? NOTHING;
