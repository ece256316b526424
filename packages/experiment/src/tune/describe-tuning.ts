/** What a tuning came to, as Markdown. */
import { formatNumber, type MeasureDescription } from '@espalier/workloads';

import { markdownTable } from '../reports/markdown-table.js';
import { settingsText } from '../trial/trial.js';
import type { ChosenSettings, TunedSettings, TuningNote } from './settings-file.js';

const NOTHING = '—';

/** One line: the budget, which is the same for all. */
export function describeBudget({ by, search, seeds, epochs, rounds, spent }: TuningNote): string {
  const text = rounds
    .map((round) => `${round.configurations} at ${epochsText(round.epochs)}`)
    .join(', then ');
  return `${spent} trials of ${epochsText(epochs)} for each strategy at each target, the dense baseline too: ${text}; points ${search === 'grid' ? 'of a grid' : 'drawn at random'}, judged by the ${by} on the validation split (${seeds.length > 1 ? 'seeds' : 'seed'} ${seeds.join(', ')})`;
}

/**
 * @param measures of the workload, for how numbers are written
 */
export function describeTuning(tuned: TunedSettings, measures: readonly MeasureDescription[]): string {
  const { workload, scale, tuning, chosen } = tuned;
  const measure = measures.find(({ key }) => key === tuning.by);
  const number = (value: number | null) =>
    value === null ? NOTHING : measure ? formatNumber(value, measure.format) : String(value);
  const rows = chosen.map((one) => [
    one.strategy,
    targetText(one),
    settingsText({ ...one.settings, ...one.training }) || 'its own',
    `${number(one.value)}${one.epochs < tuning.epochs ? ` (at ${epochsText(one.epochs)})` : ''}`,
    `${number(one.own.value)}${one.own.epochs < tuning.epochs ? ` (at ${epochsText(one.own.epochs)})` : ''}`,
  ]);
  const head = ['strategy', 'target', 'chosen', `${tuning.by}, validation`, 'its own settings'];
  return [
    `Settings for ${workload}${scale ? ` at scale ${scale}` : ''}: ${describeBudget(tuning)}.`,
    '',
    markdownTable([head, ...rows]),
    '',
  ].join('\n');
}

function targetText({ target }: ChosenSettings): string {
  return target ? `${target.sparsity} ${target.blockShape.join('×')}` : NOTHING;
}

function epochsText(epochs: number): string {
  return epochs === 1 ? '1 epoch' : `${epochs} epochs`;
}
