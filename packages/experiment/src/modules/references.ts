/** Loading what a reference names, for Node: a strategy or a workload, out of a user's module or a package. */
import { assertArgument, describeValue, spaceOf, type Pruner, type SettingsSpace } from '@espalier/core';
import { atScale, withTraining, type Workload } from '@espalier/workloads';

import { aReference } from '../arguments.js';
import { UsageError } from '../errors.js';
import type { Reference, Trial } from '../trial/trial.js';
import { loadModule } from './modules.js';

/** @throws UsageError when the module has no such strategy */
export async function loadPruner(reference: Reference): Promise<Pruner> {
  assertArgument('loadPruner()', 'reference', reference, aReference);
  const value = await loadReference(reference);
  const pruner = whole<Pruner>(
    make(value, reference),
    ['name', 'settings', 'parameterisation', 'importance', 'search'],
    'strategy',
    reference,
  );
  // The name it was asked by, so that two settings of one strategy are two rows of a table.
  return { ...pruner, name: nameOf(pruner, reference) };
}

/** What of a strategy's settings its factory declares to be chosen; empty where it declares nothing. */
export async function loadSpace(reference: Reference): Promise<SettingsSpace> {
  assertArgument('loadSpace()', 'reference', reference, aReference);
  return spaceOf(await loadReference(reference));
}

/** @throws UsageError when the module has no such workload */
export async function loadWorkload(reference: Reference): Promise<Workload> {
  assertArgument('loadWorkload()', 'reference', reference, aReference);
  const workload = whole<Workload>(
    await loadReference(reference),
    ['name', 'task', 'defaults', 'load', 'model', 'optimizer', 'learningRate'],
    'workload',
    reference,
  );
  if (typeof workload.task.loss !== 'function') {
    throw new UsageError(
      `The workload '${reference.name}' has a task without a loss: import { regression } or { classification } ` +
        'from @espalier/workloads, or give { name, loss }',
    );
  }
  return { ...workload, name: nameOf(workload, reference) };
}

/** The workload of a trial, as it is at the trial's scale and as the trial trains it. */
export async function loadWorkloadOf({
  workload,
  scale,
  tuned,
}: Pick<Trial, 'workload' | 'scale' | 'tuned'>): Promise<Workload> {
  const loaded = await loadWorkload(workload);
  const scaled = scale ? atScale(loaded, scale) : loaded;
  return tuned ? withTraining(scaled, tuned) : scaled;
}

async function loadReference({ module, section, name }: Reference): Promise<unknown> {
  if (module === null) {
    throw new UsageError(`'${name}' is a value, which no other process can load: give its module`);
  }
  const exported = await loadModule(module);
  return section === 'default'
    ? exported
    : (exported as { [section: string]: Record<string, unknown> })[section]?.[name];
}

function make(value: unknown, { name, module, given }: Reference): unknown {
  if (typeof value !== 'function') {
    if (!given) return value;
    throw new UsageError(
      `The strategy '${name}' of ${module} takes no settings (it is given ${Object.keys(given).join(', ')}): export a function of them that makes it`,
    );
  }
  try {
    return (value as (settings?: object) => unknown)(given);
  } catch (error) {
    throw new UsageError(`The strategy '${name}' of ${module} cannot be made: ${(error as Error).message}`);
  }
}

/** Takes what a module exports for what it should be, when all the parts are there. */
function whole<T extends object>(
  value: unknown,
  parts: readonly (keyof T & string)[],
  what: string,
  { name, module }: Reference,
): T {
  const lacking = parts.filter((part) => (value as T | null | undefined)?.[part] === undefined);
  if (lacking.length === 0) return value as T;
  throw new UsageError(`${module} has no ${what} '${name}': what it exports lacks ${lacking.join(', ')}`);
}

function nameOf(loaded: { readonly name: string }, reference: Reference): string {
  if (reference.section !== 'default') return reference.name;
  assertName(loaded.name, reference.module ?? 'a module');
  return loaded.name;
}

/**
 * Names become those of folders, and are told apart from the baseline's.
 *
 * @param owner what gives the name, for the message
 * @throws UsageError
 */
export function assertName(name: string, owner: string): void {
  if (typeof name === 'string' && /^\w[\w.=+-]*$/.test(name) && name !== 'dense') return;
  throw new UsageError(
    `${owner} calls something ${describeValue(name)}: a name is of letters, digits and . _ = + -, and not 'dense', which is the baseline's`,
  );
}
