/** The form: what of it is shown, and the choice that it holds. */
import { csvColumns } from '@espalier/datasets/csv-text';

import type { BackendChoice, Choice, Data, Network } from './choice.js';
import { delimiterOf } from './delimiter.js';
import { element, find } from './elements.js';
import { imagesOf } from './images.js';
import { strategyNames, type StrategyName } from './strategy-names.js';

/** In bytes. */
const LARGEST_TABLE = 32e6;

const select = (id: string) => find<HTMLSelectElement>(id);
const input = (id: string) => find<HTMLInputElement>(id);

/** Epochs that take a minute or less. */
const EPOCHS: Readonly<Record<string, number>> = {
  'planted-blocks': 40,
  'digits-mlp': 20,
  table: 20,
  images: 20,
};

/** @param onError is told, in a line, what is wrong with a table as soon as it is chosen; null where nothing is */
export function prepareForm(onError: (message: string | null) => void): void {
  const option = (name: string) => element('option', { value: name }, name);
  select('first').append(...strategyNames.map(option));
  select('second').append(element('option', { value: '' }, 'nothing'), ...strategyNames.map(option));
  select('first').value = 'magnitude';
  select('second').value = 'sequential-attention-plus-plus';
  select('data').addEventListener('change', () => {
    input('epochs').value = String(EPOCHS[select('data').value]);
    showWhatMatters();
  });
  select('network').addEventListener('change', showWhatMatters);
  input('table').addEventListener('change', () => {
    offerColumns().then(
      () => onError(null),
      (error: Error) => onError(error.message),
    );
  });
  // What a browser kept of the form before it was loaded again.
  showWhatMatters();
}

/** Networks by what they can be given. */
function networksFor(data: string): readonly Network['kind'][] {
  if (data === 'planted-blocks') return ['own'];
  if (data === 'digits-mlp') return ['own', 'perceptron'];
  return data === 'images' ? ['convolutions', 'perceptron'] : ['perceptron'];
}

function showWhatMatters(): void {
  const data = select('data').value;
  const networks = networksFor(data);
  for (const option of Array.from(select('network').options)) {
    option.hidden = option.disabled = !networks.includes(option.value as Network['kind']);
  }
  if (!networks.includes(select('network').value as Network['kind'])) select('network').value = networks[0]!;
  const shown = [data, select('network').value];
  document.querySelectorAll<HTMLElement>('[data-for]').forEach((row) => {
    const isLeftOut = !shown.includes(row.dataset['for']!);
    row.hidden = isLeftOut;
    // What is not shown is not asked to be right.
    row.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input, select').forEach((field) => {
      field.disabled = isLeftOut;
    });
  });
}

async function offerColumns(): Promise<void> {
  select('column').replaceChildren();
  const chosen = input('table').files?.[0];
  const { name, text, delimiter } = await tableOf();
  // Another may have been chosen while this one was read.
  if (input('table').files?.[0] !== chosen) return;
  const columns = csvColumns(text, delimiter, name);
  select('column').replaceChildren(...columns.map((column) => element('option', { value: column }, column)));
  select('column').value = columns.at(-1) ?? '';
}

async function tableOf(): Promise<{ name: string; text: string; delimiter: string }> {
  const file = input('table').files?.[0];
  if (!file) throw new Error('No table is chosen: choose a CSV file');
  if (file.size > LARGEST_TABLE) {
    throw new Error(
      `${file.name} has ${Math.round(file.size / 1e6)} MB, too many for a page: choose one of ${LARGEST_TABLE / 1e6} MB at most`,
    );
  }
  const text = await file.text();
  return { name: file.name, text, delimiter: delimiterOf(text) };
}

/**
 * @param onProgress is told, in a line, what is being done where it takes a while
 * @param signal ends it: what it was to read is not read to its end
 * @throws Error, in a line, for what nothing can be trained on
 */
export async function choiceOf(onProgress: (line: string) => void, signal: AbortSignal): Promise<Choice> {
  const number = (id: string) => Number(input(id).value);
  const [first, second] = [
    select('first').value as StrategyName,
    select('second').value as StrategyName | '',
  ];
  return {
    data: await dataOf(onProgress, signal),
    network: networkOf(),
    strategies: second === '' || second === first ? [first] : [first, second],
    sparsity: number('sparsity') / 100,
    blockShape: [number('rows'), number('columns')],
    epochs: number('epochs'),
    seed: number('seed'),
    backend: select('backend').value as BackendChoice,
  };
}

function networkOf(): Network {
  const kind = select('network').value as Network['kind'];
  return kind === 'perceptron' ? { kind, hidden: input('hidden').value.split(',').map(Number) } : { kind };
}

async function dataOf(onProgress: (line: string) => void, signal: AbortSignal): Promise<Data> {
  const kind = select('data').value;
  if (kind === 'table') {
    const table = await tableOf();
    const learned = select('learned').value as 'classes' | 'numbers';
    return { kind, ...table, column: select('column').value, learned };
  }
  if (kind === 'images') {
    const files = ['folder', 'files'].flatMap((id) => Array.from(input(id).files ?? []));
    const tell = (done: number, of: number) => onProgress(`Reading images: ${done} of ${of}`);
    return imagesOf(files, Number(select('side').value), tell, signal);
  }
  return kind === 'digits-mlp' ? { kind } : { kind: 'planted-blocks' };
}
