/** What sets two trials apart that a person would call the same. */
import { canonicalJson } from './hashes.js';
import type { Code, Reference, Trial } from './trial.js';

/** The parts of a trial by which it differs from another of its slot, in words. */
export function differences(stored: Trial, trial: Trial): string[] {
  const parts: [string, (trial: Trial) => unknown][] = [
    ['data', ({ data }) => data],
    ['workload', ({ workload }) => workload.name],
    ['batch size', ({ training }) => training?.batchSize],
    ['optimiser', ({ training }) => training?.optimizer],
    ['learning rate', ({ training }) => training?.learningRate],
    ['minimum of blocks', ({ training }) => training?.minimumBlocks],
    ['epochs', ({ epochs }) => epochs],
    ['training settings', ({ tuned }) => tuned],
    ['split', ({ split }) => split],
    ['settings', ({ pruner }) => pruner?.settings],
    ['overrides', ({ overrides }) => overrides],
    ['allocation', ({ allocation }) => allocation],
    ['backend', ({ backend }) => backend],
    [
      'accelerators',
      ({ accelerators }) => accelerators.map(({ name, library }) => [name, library?.build ?? null]),
    ],
    ['threads', ({ threads }) => threads],
    ['sparse phases', ({ sparsePhases }) => sparsePhases],
    ['product costs', ({ productCosts }) => productCosts],
  ];
  const differing = parts.filter(([, part]) => !same(part(stored), part(trial))).map(([name]) => name);
  const modules = new Set([
    ...modulesApart(stored.code, trial.code),
    ...modulesApart(stored.workload.code, trial.workload.code),
    ...modulesApart(stored.pruner?.code, trial.pruner?.code),
    ...(same(hashOf(stored.workload), hashOf(trial.workload)) ? [] : [trial.workload.name]),
    ...(same(hashOf(stored.pruner), hashOf(trial.pruner)) ? [] : [trial.pruner?.name ?? 'its strategy']),
  ]);
  return [...differing, ...(modules.size > 0 ? [`code (${[...modules].join(', ')})`] : [])];
}

function modulesApart(before: Code | null | undefined, now: Code | null | undefined): string[] {
  const [a, b] = [before?.modules ?? {}, now?.modules ?? {}];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name]);
}

function hashOf(reference: Reference | null): string | null {
  return reference?.contentHash ?? null;
}

function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a ?? null) === canonicalJson(b ?? null);
}
