// The training-step benchmark's results as the table that the docs show.

const TITLES = {
  mnist: '784-512-512-10, batch 128',
  wide: '2048-2048-2048-10, batch 128',
  resnet20: 'ResNet-20 on 32 × 32 × 3, batch 64',
};

/** @param report what training-step.bench.mjs writes as JSON */
export function toMarkdown({ environment, rounds, rows }) {
  const { node, cpu, cores, blas, torch } = environment;
  const libraries = [blas && `BLAS: ${blas}`, torch && `PyTorch ${torch}`].filter(Boolean);
  const workloads = [...new Set(rows.map(({ workload }) => workload))];
  return [
    '<!-- Written by `node benchmarks/training-step.bench.mjs`. -->',
    '',
    [`Node ${node}`, `${cpu}, ${cores} cores`, ...libraries].join('; ') + '.',
    `Medians of ${rounds} rounds, in brackets the least and the most; PyTorch with the same number of threads.`,
    ...workloads.flatMap((workload) => [
      '',
      `**${TITLES[workload] ?? workload}**`,
      '',
      '| side | threads | step, ms | CPU, ms | examples/s | times stock | times PyTorch | peak memory, MB |',
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
      ...rows.filter((row) => row.workload === workload).map(line),
    ]),
    '',
  ].join('\n');
}

function line({ name, threads, error, stepMs, cpuMs, examplesPerSecond, peakMemoryMB, ...ratios }) {
  const cells = error
    ? [error, '', '', '', '', '']
    : [
        number(stepMs),
        number(cpuMs),
        examplesPerSecond.toFixed(0),
        spread(ratios.timesStock),
        spread(ratios.timesTorch),
        peakMemoryMB.toFixed(0),
      ];
  return `| ${[name, threads, ...cells].join(' | ')} |`;
}

function spread(ratio) {
  return ratio ? `${number(ratio.median)} (${number(ratio.min)}–${number(ratio.max)})` : '—';
}

function number(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
