import { describe, expect, it } from 'vitest';

import { describeMeasures, type Row, type Summary } from '../summary.js';
import { csv } from './csv.js';
import { heading } from './heading.js';
import { markdown } from './markdown.js';
import { cells } from './table.js';
import { drawTable, terminal } from './terminal.js';

function row(pruner: string, seed: number, loss: number | null, init = 'aaaaaaaa'): Row {
  const ok = loss !== null;
  return {
    pruner,
    sparsity: pruner === 'dense' ? 0 : 0.9,
    blockShape: pruner === 'dense' ? [1, 1] : [16, 16],
    allocation: pruner === 'dense' ? null : 'uniform',
    seed,
    status: ok ? 'ok' : 'diverged',
    metrics: ok ? { loss, accuracy: 0.5 } : null,
    achieved: ok ? { prunedLayers: pruner === 'dense' ? 0 : 0.9, model: 0.8 } : null,
    timing: { stepMs: pruner === 'dense' ? 10 : 15, denseStepMs: 10, totalMs: 100, predictMs: 1 },
    size: { savedBytes: 2.1e6, weightBytes: 2e6, gzipBytes: 1e6 },
    blockSparse: pruner === 'dense' ? null : { savedBytes: 3e5, predictMs: 0.5 },
    peakMemoryBytes: 3e8,
    peakGpuMemoryBytes: null,
    fingerprint: { init, data: 'bbbbbbbb' },
    report: null,
  };
}

function summaryOf(rows: Row[]): Summary {
  const environment = {
    backend: 'wasm',
    device: 'd',
    kind: 'processor' as const,
    accelerators: [],
    threads: 1,
    productCosts: null,
    tfjs: '4',
    node: 'v20',
    platform: 'p',
    processor: 'c',
    cores: 2,
    jobs: 2,
    date: '',
  };
  return {
    schemaVersion: 1,
    workload: 'w',
    task: 'classification',
    epochs: 1,
    reference: 'dense',
    environment,
    measures: describeMeasures({ name: 'classification' }),
    rows,
  };
}

describe('the table', () => {
  const summary = summaryOf([
    row('dense', 0, 1),
    row('dense', 1, 3),
    row('acdc', 0, 2),
    row('acdc', 1, null),
    row('lost', 0, null),
    row('lost', 1, null),
  ]);
  const [titles = [], ...lines] = cells(summary);
  const cell = (line: number, title: RegExp) => lines[line]?.[titles.findIndex((text) => title.test(text))];

  it('has a heading that names the BLAS where there is one', () => {
    expect(heading(summary)[1]).toContain('wasm (d), ');
    const library = { kind: 'OpenBLAS', path: 'l.so', version: '0.3.21', build: 'OpenBLAS 0.3.21 Zen' };
    const accelerators = [{ name: 'blas', library }];
    const withBlas = { ...summary, environment: { ...summary.environment, accelerators } };
    expect(heading(withBlas)[1]).toContain('wasm (d; OpenBLAS 0.3.21), ');
  });

  it('has a heading that names the trials of several kinds of processor', () => {
    expect(heading(summary).join()).not.toContain('processor (');
    const rows = summary.rows.map((row) =>
      row.pruner === 'acdc' && row.seed === 1 ? { ...row, processors: ['avx2', 'avx512'] } : row,
    );
    expect(heading({ ...summary, rows })).toContain(
      'trained on several kinds of processor (avx2, avx512), to bits of none: acdc seed 1',
    );
  });

  it("has a column for a GPU's memory where there is one", () => {
    expect(titles).not.toContain('peak GPU memory, MB');
    const environment = { ...summary.environment, kind: 'gpu' as const };
    const rows = summary.rows.map((row) => ({ ...row, peakGpuMemoryBytes: 5.4e9 }));
    const onGpu = { ...summary, environment, rows };
    const [gpuTitles = [], first = []] = cells(onGpu);
    expect(first[gpuTitles.indexOf('peak GPU memory, MB')]).toBe('5400');
  });

  it('has a line for each strategy, aggregated over seeds', () => {
    expect(lines.map(([name]) => name)).toEqual(['dense', 'acdc', 'lost']);
    // Of 1 and 3: mean 2, sample deviation √2.
    expect(cell(0, /^loss/)).toBe('2.0000 ± 1.4142');
  });

  it('does not take a small loss for none', () => {
    const [, [, , loss] = []] = cells(summaryOf([row('dense', 0, 2.345e-5)]));
    expect(loss).toBe('2.3e-5');
  });

  it('shows a dash for runs that diverged, and how many did not', () => {
    expect(cell(1, /^loss/)).toBe('2.0000 (1 of 2)');
    expect(cell(2, /^loss/)).toBe('—');
    expect(cell(2, /^accuracy/)).toBe('—');
  });

  it('takes differences in pairs of one seed', () => {
    expect(cell(1, /^Δ/)).toBe('+1.0000');
    expect(cell(0, /^Δ/)).toBe('—');
  });

  it("gives the step's time relative to the dense one", () => {
    expect(cell(1, /^step/)).toBe('15.0 (1.50)');
  });

  it('states that the workloads were identical, and says so when they were not', () => {
    expect(heading(summary).join()).toContain('identical workloads: seed 0 init aaaaaaaa');
    const differing = summaryOf([row('dense', 0, 1), row('acdc', 0, 1, 'cccccccc')]);
    expect(heading(differing).join()).toContain(
      'workloads NOT identical: other effective initial weights in acdc; the rest seed 0 init aaaaaaaa',
    );
    const unknown = summaryOf([{ ...row('dense', 0, 1), fingerprint: null }]);
    expect(heading(unknown).join()).toContain('not known to be identical');
  });

  /** With all that makes a table wide: long names, several targets and allocations, an area under a curve. */
  const wide = (() => {
    const rows = ['dense', 'powerpropagation', 'sequential-attention-plus-plus'].flatMap((pruner) =>
      (pruner === 'dense' ? [null] : ['uniform', 'erdos-renyi-kernel']).flatMap((allocation) =>
        [0, 1].map((seed) => {
          const of = row(pruner, seed, 0.1234);
          const metrics = { loss: 0.1234 + seed, accuracy: 0.987, auc: 0.987, supportRecovery: 0.5 };
          const timing = { ...of.timing, stepMs: 1234.5, predictMs: 123.4 };
          const size = { ...of.size!, savedBytes: 123e6 };
          return { ...of, allocation, metrics, timing, size } as Row;
        }),
      ),
    );
    const overridden = rows.map((of, i) => (i < 2 ? of : { ...of, sparsity: i < 6 ? 0.9 : 0.95 }));
    return { ...summaryOf(overridden), measures: describeMeasures({ name: 'binary-classification' }) };
  })();
  const widthOf = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length));
  const hiddenAt = (width: number) => {
    const text = terminal(wide, { width }).replaceAll(/\s+/g, ' ').replaceAll('block- ', 'block-');
    return (/summary\.md has them\): (.*?) ?$/.exec(text)?.[1] ?? '').split('; ').filter(Boolean);
  };
  const titlesAt = (width: number) => {
    const { head } = drawTable(wide, width);
    return head.join(' ').replaceAll(/\s+/g, ' ');
  };

  it('shows at 100 columns all that is promised, whatever is compared', () => {
    const text = terminal(wide, { width: 100 });
    expect(widthOf(text)).toBeLessThanOrEqual(100);
    // All else may be hidden.
    expect(hiddenAt(100).toSorted()).toEqual(
      hiddenAt(100)
        .filter((title) => /^(Δ|sparsity, model|multiply|peak|support|top-5)/.test(title))
        .toSorted(),
    );
    const { head, rows } = drawTable(wide, 100);
    expect(head.join(' ').match(/block-/g)).toHaveLength(2);
    expect(rows).toHaveLength(5);
    // What a line is of stands under its strategy.
    expect(rows[2]!.map((line) => line.slice(0, 20).trimEnd())).toEqual([
      ...['powerpropagation', '  90.00% in 16×16', '  erdos-renyi-kernel'],
    ]);
  });

  it('leaves out the least important columns first, and names them', () => {
    expect(hiddenAt(1000)).toEqual([]);
    expect(terminal(wide)).toBe(terminal(wide, { width: 1000 }));
    for (const width of [40, 60, 80, 100]) {
      expect(widthOf(terminal(wide, { width }))).toBeLessThanOrEqual(width);
      // Each narrower one hides what a wider one does, and more. The first to go stand last.
      const wider = hiddenAt(width + 20);
      expect(hiddenAt(width).slice(-wider.length || Infinity)).toEqual(wider);
    }
    expect(hiddenAt(50).slice(-4)).toEqual([
      ...['support recovery', 'Δ loss from dense, 95% CI', 'sparsity, model', 'peak memory, MB'],
    ]);
    // However narrow, what a line is of and one measure.
    expect(titlesAt(1)).toMatch(/^strategy accuracy ─+$/);
  });

  it('tells several allocations apart, each compared with the reference under its own', () => {
    const under = (allocation: string, pruner: string, loss: number) => ({
      ...row(pruner, 0, loss),
      allocation,
    });
    const rows = [
      row('dense', 0, 1),
      ...[under('uniform', 'acdc', 2), under('global', 'acdc', 5)],
      ...[under('uniform', 'lost', 3), under('global', 'lost', 7)],
    ];
    const [titles = [], ...lines] = cells({ ...summaryOf(rows), reference: 'acdc' });
    const column = (title: RegExp) => lines.map((line) => line[titles.findIndex((text) => title.test(text))]);
    expect(column(/^allocation/)).toEqual(['—', 'uniform', 'global', 'uniform', 'global']);
    expect(column(/^Δ/)).toEqual(['—', '—', '—', '+1.0000', '+2.0000']);
  });

  it('shows beside the target what single kernels have of their own', () => {
    const overrides = {
      'dense_1/kernel': { sparsity: 0.5 },
      'dense_2/kernel': { blockShape: [8, 8] as const },
    };
    const rows = [row('dense', 0, 1), { ...row('acdc', 0, 2), overrides }];
    const own = 'dense_1/kernel 50.00%, dense_2/kernel in 8×8';
    expect(heading(summaryOf(rows))[0]).toContain(`90.00% of 16×16 blocks (${own})`);
    expect(csv(summaryOf(rows))).toContain(own);
  });

  it('of a summary that does not say what was measured has what its task has', () => {
    const { measures: _, ...old } = summary;
    expect(cells(old as Summary)).toEqual(cells(summary));
  });

  it('is written as Markdown and as CSV', () => {
    expect(markdown(summary)).toContain('| acdc | 50.00% (1 of 2) |');
    const [header, ...records] = csv(summary).trim().split('\n');
    expect(header).toMatch(/^workload,pruner,sparsity,block_rows/);
    expect(records).toHaveLength(6);
    expect(records[3]).toContain('acdc,0.9,16,16,uniform,,1,diverged,,');
  });
});
