/** Trials and summaries in small, for the tests of what is shown. */
import type { Row, Summary, Trial, TrialOutcome } from '@espalier/experiment';

/** What is called in lines, and counted; no more. */
export function trialOf(pruner: string, seed: number, epochs = 4): Trial {
  return {
    workload: { name: 'planted-blocks', module: null, section: 'default', contentHash: null },
    pruner: pruner === 'dense' ? null : { name: pruner },
    sparsity: pruner === 'dense' ? 0 : 0.9,
    blockShape: [8, 8],
    allocation: null,
    ...{ seed, epochs },
  } as unknown as Trial;
}

export function outcomeOf(measures: Record<string, number> = { loss: 0.5, totalMs: 1000 }): TrialOutcome {
  return { status: 'ok', measures } as unknown as TrialOutcome;
}

/** A summary of as many strategies, that measures the accuracy alone. */
export function summaryOf(...pruners: string[]): Summary {
  const rows = pruners.map((pruner, i) => ({
    ...{ pruner, seed: 0, status: 'ok', sparsity: 0.9, blockShape: [8, 8], allocation: null },
    metrics: { loss: 1, accuracy: i / 100 },
  }));
  const accuracy = { key: 'accuracy', title: 'accuracy', format: { digits: 2 }, better: 'higher', place: 1 };
  return {
    ...{ schemaVersion: 1, workload: 'w', task: 'classification', epochs: 1, reference: 'dense' },
    measures: [accuracy],
    rows: rows as unknown as Row[],
  } as unknown as Summary;
}
