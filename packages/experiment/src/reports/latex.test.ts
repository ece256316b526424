import { describe, expect, it } from 'vitest';

import { describeMeasures, type Row, type Summary } from '../summary.js';
import { latex } from './latex.js';
import { cells } from './table.js';

const row: Row = {
  ...{
    pruner: 'my_own & 50%',
    sparsity: 0.9,
    blockShape: [16, 16],
    allocation: 'uniform',
    seed: 0,
    status: 'ok',
  },
  metrics: { loss: 0.5, accuracy: 0.9 },
  ...{ achieved: null, timing: { stepMs: 1, denseStepMs: 1, totalMs: 9 }, fingerprint: null, report: null },
};
const summary: Summary = {
  ...{ schemaVersion: 1, workload: 'w_1', task: 'classification', epochs: 1, reference: 'dense' },
  environment: {
    ...{ backend: 'wasm', device: 'd', kind: 'processor', accelerators: [], threads: 1, productCosts: null },
    ...{ tfjs: '4', node: 'v20', platform: 'p', processor: 'c', cores: 2, jobs: 2, date: '' },
  },
  measures: describeMeasures({ name: 'classification' }),
  rows: [row],
};

describe('the table in LaTeX', () => {
  const text = latex(summary);

  it('has the columns of the others, between the rules of booktabs', () => {
    const [titles = []] = cells(summary);
    expect(text).toContain(`\\begin{tabular}{l${'r'.repeat(titles.length - 1)}}`);
    const rules = ['\\toprule', '\\midrule', '\\bottomrule'].map((rule) => text.indexOf(rule));
    expect(rules).toEqual([...rules].sort((a, b) => a - b));
    expect(rules.every((at) => at > 0)).toBe(true);
    const lines = text.split('\n').filter((line) => line.endsWith('\\\\'));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line.split(/(?<!\\)&/)).toHaveLength(titles.length);
  });

  it('escapes what TeX would take for a command, and letters that it has none for', () => {
    expect(text).toContain('my\\_own \\& 50\\% & 90.00\\%');
    expect(text).toContain('w\\_1, 1 epochs');
    expect(text).toContain('step, ms ($\\times$ dense)');
    expect(text).toContain('$\\Delta$ loss from dense, 95\\% CI');
    expect(text.split('\n').slice(1).join('\n')).not.toMatch(/[×±−Δ—]|(?<!\\)%/);
  });
});
