// What makes the large products and convolutions of the wasm backend faster, in Node:
//
//   import { useAccelerators } from '@espalier/wasm-training/accelerators';
//   await tf.setBackend('wasm');
//   await useAccelerators('auto', { threads: 2 });
//
// Never required: where there is none, products stay where they are.

import {
  anObject,
  assertArgument,
  assertOptions,
  describeValue,
  wholeNumber,
  type WasmBackend,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { register } from '../kernel-set.js';
import { blockSparse } from '../kernels/block-sparse.js';
import '../register.js';
import { simdSupported } from '../wasm/link.js';
import {
  acceleratorsOf,
  AcceleratorError,
  attachAccelerators,
  type Absence,
  type Accelerator,
  type AcceleratorLibrary,
  type FoundAccelerator,
} from './accelerator.js';
import {
  acceleratorNames,
  KINDS,
  parseList,
  type AcceleratorChoice,
  type AcceleratorName,
  type AskedAccelerator,
} from './choice.js';

export { AcceleratorError, type AcceleratorLibrary } from './accelerator.js';
export { acceleratorNames, type AcceleratorChoice, type AcceleratorName } from './choice.js';

// Of the kernels that know accelerators, those that compute nothing themselves: a page has no use for them.
if (simdSupported()) register(blockSparse);

/** One accelerator that is used, or that was looked for and not found. */
export interface AcceleratorReport {
  readonly name: AcceleratorName;
  /** Null where it is absent, and for one that needs none. */
  readonly library: AcceleratorLibrary | null;
  /** Why it is absent; null where it is not. */
  readonly absence: string | null;
  /** The command that mends that, where one does. */
  readonly remedy: string | null;
}

export interface AcceleratorOptions {
  /** How many threads a product may take, the one that asks among them: from 1 to 256. Default 1, as trials run side by side. */
  readonly threads?: number;
}

/**
 * Says what `useAccelerators` would use, and uses it not.
 *
 * @throws AcceleratorError for what is no choice, or when one that was asked for by its name cannot be had
 * @throws RangeError or TypeError for a number of threads that is none, or an option that there is not
 */
export async function findAccelerators(
  choice: AcceleratorChoice,
  options: AcceleratorOptions = {},
): Promise<AcceleratorReport[]> {
  const threads = threadsOf(options, 'findAccelerators()');
  return (await find(choice, threads, null)).map(reportOf);
}

/**
 * Every kind of accelerator that there is, in the order of `acceleratorNames`: what each would use, or why it is absent.
 *
 * @throws RangeError or TypeError for a number of threads that is none, or an option that there is not
 */
export async function inspectAccelerators(options: AcceleratorOptions = {}): Promise<AcceleratorReport[]> {
  const threads = threadsOf(options, 'inspectAccelerators()');
  const asked = { threads, library: null, backend: null };
  return Promise.all(
    acceleratorNames.map(async (name) => reportOf({ name, found: await KINDS[name].find(asked) })),
  );
}

/**
 * Gives the large products, convolutions and passes over tensors of the started wasm backend to accelerators, in the place of
 * those that it had; 'off' takes them back. Calls take effect one after another, in their order; one that fails changes nothing.
 *
 * 'auto' takes oneDNN and a BLAS library, and where neither is found and `threads` is above 1, worker threads.
 *
 * @returns what is used, and, for 'auto', what was not found
 * @throws AcceleratorError for what is no choice, or when one that was asked for by its name cannot be had
 * @throws RangeError or TypeError for a number of threads that is none, or an option that there is not
 * @throws Error when the wasm backend has not been started
 */
export async function useAccelerators(
  choice: AcceleratorChoice,
  options: AcceleratorOptions = {},
): Promise<AcceleratorReport[]> {
  const threads = threadsOf(options, 'useAccelerators()');
  assertChoice(choice);
  const backend = tf.findBackend('wasm') as unknown as WasmBackend | null;
  if (!backend)
    throw new Error("useAccelerators: start the wasm backend first: await tf.setBackend('wasm').");
  const change = lastChange.then(() => exchange(backend, choice, threads));
  lastChange = change.catch(() => {});
  return change;
}

/** One line for people: what it is, or why there is none and what mends it. */
export function describeAccelerator(report: AcceleratorReport): string {
  assertArgument('describeAccelerator()', 'report', report, aReport);
  const { name, library, absence, remedy } = report;
  if (absence !== null) return remedy ? `none: ${absence}; ${remedy}` : `none: ${absence}`;
  if (!library) return name;
  return `${[library.kind, library.version].filter(Boolean).join(' ')} (${library.path})`;
}

const aReport = anObject('an entry of what findAccelerators() or useAccelerators() found', {
  name: 'string',
});

let lastChange: Promise<unknown> = Promise.resolve();

async function exchange(
  backend: WasmBackend,
  choice: AcceleratorChoice,
  threads: number,
): Promise<AcceleratorReport[]> {
  const answers = await find(choice, threads, backend);
  const present = answers.flatMap(({ found }) => ('absence' in found ? [] : [found]));
  const started = new Map<FoundAccelerator, Accelerator>();
  try {
    // Libraries last: how many threads they may have is told them, which is to stay where another one does not start.
    for (const found of [...present].sort((a, b) => Number(!!a.library) - Number(!!b.library))) {
      started.set(found, await found.start(backend));
    }
  } catch (error) {
    await stopAll([...started.values()]);
    throw error;
  }
  const previous = acceleratorsOf(backend);
  attachAccelerators(
    backend,
    present.map((found) => started.get(found)!),
  );
  await stopAll(previous);
  return answers.map(reportOf);
}

async function stopAll(accelerators: readonly Accelerator[]): Promise<void> {
  await Promise.all(accelerators.map((each) => each.stop?.()));
}

interface Answer {
  readonly name: AcceleratorName;
  readonly found: FoundAccelerator | Absence;
}

async function find(
  choice: AcceleratorChoice,
  threads: number,
  backend: WasmBackend | null,
): Promise<Answer[]> {
  assertChoice(choice);
  const ask = async ({ name, library }: AskedAccelerator): Promise<Answer> => ({
    name,
    found: await KINDS[name].find({ threads, library, backend }),
  });
  if (choice === 'off') return [];
  if (choice === 'auto') {
    const libraries = [
      await ask({ name: 'onednn', library: null }),
      await ask({ name: 'blas', library: null }),
    ];
    const none = libraries.every(({ found }) => 'absence' in found);
    return none && threads > 1 ? [...libraries, await ask({ name: 'threads', library: null })] : libraries;
  }
  const answers: Answer[] = [];
  for (const asked of parseList(choice)) answers.push(present(await ask(asked)));
  return answers;
}

/** @throws AcceleratorError when it is absent */
function present(answer: Answer): Answer {
  const { name, found } = answer;
  if (!('absence' in found)) return answer;
  const remedy = found.remedy ? `: ${found.remedy}` : '';
  throw new AcceleratorError(`The accelerator ${name} cannot be had, as ${found.absence}${remedy}`);
}

function reportOf({ name, found }: Answer): AcceleratorReport {
  if ('absence' in found) return { name, library: null, absence: found.absence, remedy: found.remedy };
  return { name, library: found.library, absence: null, remedy: null };
}

/** Far more than pay; each has memory of its own. */
const MOST_THREADS = 256;

function threadsOf(options: AcceleratorOptions, of: string): number {
  assertOptions(of, options, { threads: wholeNumber(1, MOST_THREADS) });
  return options.threads ?? 1;
}

function assertChoice(choice: AcceleratorChoice): void {
  if (choice === 'auto' || choice === 'off') return;
  if (Array.isArray(choice) && choice.every((entry) => typeof entry === 'string')) return;
  throw new AcceleratorError(
    `Accelerators are 'auto', 'off' or a list of names, not ${describeValue(choice)}`,
  );
}
