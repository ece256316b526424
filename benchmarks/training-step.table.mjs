// The training-step benchmark's results as the table that the docs show.

import { WORKLOADS } from './training-step.workloads.mjs';

const REFERENCES = {
  stock: '× stock',
  torch: '× PyTorch',
  tensorflow: '× TensorFlow',
  jax: '× JAX',
  best: '× the best peer',
};

/** @param report what training-step.bench.mjs writes as JSON */
export function toMarkdown({ environment, rounds, seconds, rows, absent }) {
  const { node, cpu, cores, pinned, versions, loadBefore } = environment;
  const libraries = [...new Set(Object.values(versions))];
  const busy =
    loadBefore > 1
      ? ` Others used the machine: ${loadBefore.toFixed(1)} processes wanted to run when it began. Look at the CPU time: a side on so many threads whose CPU time is far from that many times its step waited for the others.`
      : '';
  const kept = pinned ? 'kept to as many processors as it has threads' : 'kept to no processors';
  return [
    '<!-- Written by `node benchmarks/training-step.bench.mjs`. -->',
    '',
    `${cpu}, ${cores} cores; ${[`Node ${node}`, ...libraries].join('; ')}.`,
    '',
    `Medians of ${rounds} rounds of ${seconds} s a side, each in a process of its own, ${kept}; CPU time is that of all its threads. Times as fast as others in the same round, in brackets the least and the most; the best peer is the fastest of all PyTorch's, TensorFlow's and JAX's sides.${busy}`,
    ...Object.entries(WORKLOADS).flatMap(([workload, { title }]) => {
      const its = rows.filter((row) => row.workload === workload);
      return its.length > 0 ? ['', `**${title}**`, '', ...tableOf(its)] : [];
    }),
    ...(absent.length > 0 ? ['', 'Left out:', '', ...new Set(absent.map(absence))] : []),
    '',
  ].join('\n');
}

function tableOf(rows) {
  const references = Object.keys(REFERENCES).filter((name) => rows.some((row) => row.timesFaster[name]));
  const byCpu = references.includes('best');
  const titles = [
    ...['step, ms', 'CPU, ms', 'examples/s'],
    ...references.map((name) => REFERENCES[name]),
    ...(byCpu ? [`${REFERENCES.best}, CPU time`] : []),
  ];
  return [
    line(['side', 'threads', ...titles, 'peak memory, MB']),
    line(['---', ...Array.from({ length: titles.length + 2 }, () => '---:')]),
    ...rows.map(({ title, threads, batch, stepMs, cpuMs, peakMemoryMB, timesFaster, timesFasterByCpu }) =>
      line([
        title,
        threads,
        number(stepMs),
        number(cpuMs),
        ((1000 * batch) / stepMs).toFixed(0),
        ...references.map((name) => spread(timesFaster[name])),
        ...(byCpu ? [spread(timesFasterByCpu.best)] : []),
        peakMemoryMB.toFixed(0),
      ]),
    ),
  ];
}

const absence = ({ workload, side, reason }) =>
  `- ${side}${/Kernel/.test(reason) ? ` (${WORKLOADS[workload].title})` : ''}: ${reason}`;

const line = (cells) => `| ${cells.join(' | ')} |`;

function spread(ratio) {
  return ratio ? `${number(ratio.median)} (${number(ratio.min)}–${number(ratio.max)})` : '—';
}

function number(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
