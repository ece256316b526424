// The GPU benchmark's results as Markdown.

const table = (titles, rows) =>
  [titles, titles.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

const number = (value) => (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0));
const spread = ({ median, min, max }) => `${number(median)} (${number(min)} to ${number(max)})`;
const percent = (share) => `${(100 * share).toFixed(0)}%`;

/** @returns {string} Markdown: what it ran on, the check, and a table for each kind of measurement */
export function toMarkdown({ environment, date, torch, checks, productChecks, steps, products, failures }) {
  const { device, driver, node } = environment;
  const peer = torch.version ? `PyTorch ${torch.version}` : `no PyTorch (${torch.absence})`;
  const parts = [`${device}, driver ${driver}; Node ${node}, ${peer}; ${date.slice(0, 10)}`];
  parts.push(...(checks.length > 0 ? [checkTable(checks), productCheck(productChecks)] : ['Not checked.']));
  if (steps.length > 0) parts.push(throughputTable(steps), trainingTable(steps), stepTable(steps));
  if (products.length > 0) parts.push(productTable(products));
  if (failures.length > 0) parts.push(failures.map((text) => `- not measured: ${text}`).join('\n'));
  return `${parts.join('\n\n')}\n`;
}

function checkTable(checks) {
  return table(
    ['first 20 steps against the cpu backend', 'losses differ by', 'masks', ''],
    checks.map(({ strategy, lossDifference, masksDifferAfterStep, masksSeen, passed }) => [
      strategy,
      lossDifference.toExponential(1),
      masksDifferAfterStep === null
        ? `${masksSeen} seen, equal`
        : `differ after step ${masksDifferAfterStep}`,
      passed ? 'agrees' : 'DIFFERS',
    ]),
  );
}

function productCheck(checks) {
  const largest = Math.max(...checks.map(({ difference }) => difference)).toExponential(1);
  const failed = checks.filter(({ passed }) => !passed);
  const which = failed.map(
    ({ product, blockShape, sparsity }) => `${product} in ${blockShape.join('×')} at ${percent(sparsity)}`,
  );
  return failed.length === 0
    ? `${checks.length} block-sparse products agree with the dense ones, to ${largest} of the largest result.`
    : `Block-sparse products that DIFFER from the dense ones (by up to ${largest}): ${which.join(', ')}.`;
}

/** The dense networks, ours and PyTorch's. */
function throughputTable(steps) {
  const dense = steps.filter(({ strategy }) => strategy === 'dense');
  return table(
    ['dense network', 'batch', 'step, ms', 'images/s', 'PyTorch, images/s', 'ours × PyTorch'],
    dense.map((ours) => {
      const peer = steps.find(
        ({ workload, strategy }) => workload === ours.workload && strategy.startsWith('PyTorch'),
      );
      return [
        ...[ours.workload, ours.batch, spread(ours.stepMs), number(ours.imagesPerSecond)],
        // PyTorch's ratio is its time over ours: how many times as fast we are.
        ...(peer ? [number(peer.imagesPerSecond), spread(peer.ratio)] : ['not measured', '']),
      ];
    }),
  );
}

/** Of whole trainings: the phases' ratios, each by its share of the steps. */
function trainingTable(steps) {
  const phases = steps.filter(({ share }) => share !== null);
  const trainings = [...new Set(phases.map(({ workload, strategy }) => `${workload}, ${strategy}`))];
  return table(
    ['mean step of a whole training', 'masked dense products, × dense', 'block-sparse products, × dense'],
    trainings.map((name) => {
      const own = phases.filter(({ workload, strategy }) => `${workload}, ${strategy}` === name);
      const mean = (execution) => {
        const rows = own.filter((row) => row.execution === execution || row.phase === 'dense');
        const measured = rows.reduce((sum, { share }) => sum + share, 0);
        if (measured < 0.999) return 'not measured';
        return number(rows.reduce((sum, { share, ratio }) => sum + share * ratio.median, 0));
      };
      return [name, mean('masked'), mean('block-sparse')];
    }),
  );
}

function stepTable(steps) {
  return table(
    ['step under a strategy', 'phase', 'share of training', 'products', 'step, ms', '× dense'],
    steps
      .filter(({ share }) => share !== null)
      .map(({ workload, strategy, phase, share, execution, stepMs, ratio }) => [
        ...[`${workload}, ${strategy}`, phase, percent(share), execution, spread(stepMs), spread(ratio)],
      ]),
  );
}

function productTable(products) {
  const [{ batch, matrixShape }] = products;
  return table(
    [
      `product, batch ${batch}, kernel ${matrixShape.join('×')}`,
      'blocks',
      'sparsity',
      'ms',
      'dense, ms',
      'times as fast as dense',
      'PyTorch dense, ms',
    ],
    products.map(({ product, blockShape, sparsity, ms, denseMs, speedup, torchDenseMs }) => [
      ...[product, blockShape ? blockShape.join('×') : 'dense', blockShape ? percent(sparsity) : ''],
      ...[ms ? number(ms.median) : '', number(denseMs.median), speedup ? spread(speedup) : ''],
      torchDenseMs ? number(torchDenseMs.median) : '',
    ]),
  );
}
