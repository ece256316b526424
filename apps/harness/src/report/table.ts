/**
 * The comparison table: one line a strategy and target, aggregated over seeds. Built once as columns of text,
 * then drawn for the terminal, as Markdown and as CSV.
 */
import Table from 'cli-table3';
import { stringify } from 'csv-stringify/sync';

import { pairedDifference, spread } from './statistics.js';
import type { Fingerprint } from '../trial/trial.js';
import type { Row, Summary } from './summary.js';

interface Column {
  readonly title: string;
  /** The cell of the rows of one strategy and target, all seeds. */
  cell(group: Group, reference: Group | null): string;
}

interface Group {
  readonly pruner: string;
  readonly sparsity: number;
  readonly blockShape: readonly [number, number];
  readonly rows: readonly Row[];
}

/** Where there is nothing to say: a run that diverged, as in the paper, or a measure that does not apply. */
const NOTHING = '—';

const percent = (share: number) => `${(100 * share).toFixed(2)}%`;
const milliseconds = (ms: number) => (ms < 10 ? ms.toFixed(2) : ms.toFixed(1));
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0);

/** Four digits after the point; what would be zeros there shows its size. */
const lossDigits = (loss: number) =>
  loss === 0 || Math.abs(loss) >= 1e-3 ? loss.toFixed(4) : loss.toExponential(1);

type Measure = (row: Row) => number | null | undefined;

/** The values of the seeds that have one. */
function valuesOf(group: Group, measure: Measure): number[] {
  return group.rows.map(measure).filter((value) => typeof value === 'number');
}

function average(title: string, measure: Measure, format: (value: number) => string): Column {
  return {
    title,
    cell(group) {
      const values = spread(valuesOf(group, measure));
      return values ? format(values.mean) : NOTHING;
    },
  };
}

/** Mean ± standard deviation, with the number of seeds where some have no value. */
function quality(title: string, measure: Measure, format: (value: number) => string): Column {
  return {
    title,
    cell(group) {
      const values = spread(valuesOf(group, measure));
      if (!values) return NOTHING;
      const deviation = values.deviation === null ? '' : ` ± ${format(values.deviation)}`;
      const some = values.count < group.rows.length ? ` (${values.count} of ${group.rows.length})` : '';
      return `${format(values.mean)}${deviation}${some}`;
    },
  };
}

const bySeed = (group: Group, measure: Measure) =>
  new Map(
    group.rows.flatMap((row) => {
      const value = measure(row);
      return typeof value === 'number' ? [[row.seed, value] as const] : [];
    }),
  );

function differenceFrom(referenceName: string, title: string, measure: Measure): Column {
  return {
    title: `Δ ${title} from ${referenceName}, 95% CI`,
    cell(group, reference) {
      if (!reference || reference === group) return NOTHING;
      const difference = pairedDifference(bySeed(group, measure), bySeed(reference, measure));
      if (!difference) return NOTHING;
      const sign = difference.mean < 0 ? '−' : '+';
      const interval = difference.halfWidth === null ? '' : ` ± ${lossDigits(difference.halfWidth)}`;
      return `${sign}${lossDigits(Math.abs(difference.mean))}${interval}`;
    },
  };
}

function columnsFor(summary: Summary): Column[] {
  const groups = summary.rows;
  const targets = new Set(
    groups.filter(isPruned).map((row) => `${row.sparsity} ${row.blockShape.join('×')}`),
  );
  const has = (measure: Measure) => groups.some((row) => typeof measure(row) === 'number');
  const accuracy: Measure = (row) => row.metrics?.accuracy;
  const loss: Measure = (row) => row.metrics?.loss;
  const recovery: Measure = (row) => row.metrics?.supportRecovery;
  const gpuMemory: Measure = (row) => row.peakGpuMemoryBytes;
  return [
    { title: 'strategy', cell: ({ pruner }) => pruner },
    ...(targets.size > 1 ? [targetColumn] : []),
    ...(has(accuracy) ? [quality('accuracy', accuracy, percent)] : []),
    quality('loss', loss, lossDigits),
    differenceFrom(summary.reference, 'loss', loss),
    ...(has(recovery) ? [quality('support recovery', recovery, percent)] : []),
    average('sparsity, pruned layers', (row) => row.achieved?.prunedLayers, percent),
    average('sparsity, model', (row) => row.achieved?.model, percent),
    stepColumn,
    average('predict, ms', (row) => row.timing.predictMs, milliseconds),
    average('block-sparse, ms', (row) => row.blockSparse?.predictMs, milliseconds),
    average('size, MB', (row) => row.size.savedBytes, megabytes),
    average('block-sparse, MB', (row) => row.blockSparse?.savedBytes, megabytes),
    average('peak memory, MB', (row) => row.peakMemoryBytes, megabytes),
    ...(summary.environment.kind === 'gpu' ? [average('peak GPU memory, MB', gpuMemory, megabytes)] : []),
  ];
}

const isPruned = (row: Row) => row.pruner !== 'dense';

const targetColumn: Column = {
  title: 'target',
  cell: ({ pruner, sparsity, blockShape }) =>
    pruner === 'dense' ? NOTHING : `${percent(sparsity)} in ${blockShape.join('×')}`,
};

const stepColumn: Column = {
  title: 'step, ms (× dense)',
  cell(group) {
    const step = spread(valuesOf(group, (row) => row.timing.stepMs));
    if (!step) return NOTHING;
    const ratios = valuesOf(group, ({ timing: { stepMs, denseStepMs } }) =>
      stepMs !== null && denseStepMs !== null ? stepMs / denseStepMs : null,
    );
    const ratio = spread(ratios);
    return `${milliseconds(step.mean)}${ratio ? ` (${ratio.mean.toFixed(2)})` : ''}`;
  },
};

function groupRows(rows: readonly Row[]): Group[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = [row.pruner, row.sparsity, ...row.blockShape].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((members) => {
    const [{ pruner, sparsity, blockShape }] = members as [Row];
    return { pruner, sparsity, blockShape, rows: members };
  });
}

/** The reference strategy at the group's own target; the dense baseline has only one. */
function referenceFor(group: Group, groups: readonly Group[], name: string): Group | null {
  const sameTarget = (other: Group) =>
    other.sparsity === group.sparsity && other.blockShape.join() === group.blockShape.join();
  const found = groups.find((other) => other.pruner === name && (name === 'dense' || sameTarget(other)));
  return found ?? null;
}

/** The table as text, its first row the titles. */
export function cells(summary: Summary): string[][] {
  const columns = columnsFor(summary);
  const groups = groupRows(summary.rows);
  return [
    columns.map(({ title }) => title),
    ...groups.map((group) => {
      const reference = referenceFor(group, groups, summary.reference);
      return columns.map((column) => column.cell(group, reference));
    }),
  ];
}

/** What was compared, and whether it was the same for all: the lines over the table. */
export function heading(summary: Summary): string[] {
  const { workload, epochs, environment, rows } = summary;
  const seeds = [...new Set(rows.map(({ seed }) => seed))];
  const targets = new Set(
    rows
      .filter(isPruned)
      .map(({ sparsity, blockShape }) => `${percent(sparsity)} of ${blockShape.join('×')} blocks`),
  );
  const { backend, device, blas, processor, cores, jobs, node, platform } = environment;
  const library = [blas?.kind, blas?.version].filter(Boolean).join(' ');
  const computing = [device, library].filter(Boolean).join('; ');
  return [
    `${workload}, ${epochs} epochs, seeds ${seeds.join(', ')}; target ${[...targets].join(', ') || 'none'}`,
    `${backend} (${computing}), ${processor}, ${cores} cores, ${jobs} side by side, Node ${node}, ${platform}`,
    fingerprintLine(rows),
  ];
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

const short = (hash: string | undefined) => hash?.slice(0, 8) ?? NOTHING;

/**
 * @param width of the terminal, in characters; columns that do not fit are left out from the right, which is
 *   said under the table
 */
export function toTerminal(summary: Summary, width = Infinity): string {
  const [titles = [], ...lines] = cells(summary);
  const draw = (columns: number) => {
    const table = new Table({
      head: titles
        .slice(0, columns)
        .map((title) => title.replace(', ', ',\n').replace(' (', '\n(').replace(' from ', '\nfrom ')),
      style: { head: [], border: [], compact: true },
      colAligns: titles.map((_, i) => (i === 0 ? 'left' : 'right')),
    });
    table.push(...lines.map((line) => line.slice(0, columns)));
    return table.toString();
  };
  const fits = (drawn: string) => (drawn.split('\n')[0] as string).length <= width;
  let columns = titles.length;
  while (columns > 2 && !fits(draw(columns))) columns -= 1;
  const left = titles.slice(columns);
  const note =
    left.length > 0 ? [`not shown for want of width (summary.md has them): ${left.join('; ')}`] : [];
  return [...heading(summary), draw(columns), ...note].join('\n');
}

export function toMarkdown(summary: Summary): string {
  const [titles = [], ...lines] = cells(summary);
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  const table = [line(titles), line(titles.map((_, i) => (i === 0 ? '---' : '---:'))), ...lines.map(line)];
  return `${heading(summary).join('\n\n')}\n\n${table.join('\n')}\n`;
}

/** One line a trial, every number in full: for spreadsheets and statistics programs. */
export function toCsv(summary: Summary): string {
  const records = summary.rows.map((row) => ({
    workload: summary.workload,
    pruner: row.pruner,
    sparsity: row.sparsity,
    block_rows: row.blockShape[0],
    block_columns: row.blockShape[1],
    seed: row.seed,
    status: row.status,
    loss: row.metrics?.loss,
    accuracy: row.metrics?.accuracy,
    support_recovery: row.metrics?.supportRecovery,
    achieved_pruned_layers: row.achieved?.prunedLayers,
    achieved_model: row.achieved?.model,
    step_ms: row.timing.stepMs,
    dense_step_ms: row.timing.denseStepMs,
    total_ms: row.timing.totalMs,
    predict_ms: row.timing.predictMs,
    block_sparse_predict_ms: row.blockSparse?.predictMs,
    saved_bytes: row.size.savedBytes,
    block_sparse_saved_bytes: row.blockSparse?.savedBytes,
    weight_bytes: row.size.weightBytes,
    gzip_bytes: row.size.gzipBytes,
    peak_memory_bytes: row.peakMemoryBytes,
    peak_gpu_memory_bytes: row.peakGpuMemoryBytes,
    init_fingerprint: row.fingerprint?.init,
    data_fingerprint: row.fingerprint?.data,
  }));
  return stringify(records, { header: true });
}
