/** That what is loaded is what a trial is named after. */
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';

import { assertArgument } from '@espalier/core';

import { aReference } from '../arguments.js';
import { UsageError } from '../errors.js';
import { differences } from '../trial/differences.js';
import type { Code, Reference, Trial } from '../trial/trial.js';
import { codeOf } from './code.js';

/** What trains and measures in a process of its own: training, and what starts a backend and makes it faster. */
export function computingCode(): Promise<Code> {
  const entries = ['@espalier/backend', '@espalier/wasm-training/accelerators'];
  const training = fileURLToPath(new URL('../trial/train.js', import.meta.url));
  return codeOf(training, ...entries.map((entry) => fileURLToPath(import.meta.resolve(entry))));
}

/** A reference with the contents of what it names; as it is where those are not files. */
export async function withCode<T extends Reference>(reference: T): Promise<T> {
  assertArgument('withCode()', 'reference', reference, aReference);
  const { module } = reference;
  if (module === null || !isAbsolute(module) || !existsSync(module)) return reference;
  return { ...reference, code: await codeOf(module) };
}

/**
 * To be called once everything is loaded.
 *
 * @throws UsageError where a module has been edited since the trial was planned
 */
export async function assertCode(trial: Trial): Promise<void> {
  const again = async (reference: Reference) => (reference.code ? withCode(reference) : reference);
  const now: Trial = {
    ...trial,
    ...(trial.code && { code: await computingCode() }),
    workload: await again(trial.workload),
    pruner: trial.pruner && ((await again(trial.pruner)) as Trial['pruner']),
  };
  const edited = differences(trial, now);
  if (edited.length === 0) return;
  throw new UsageError(
    `Its ${edited.join(', ')} was edited since the comparison started: run the same command again`,
  );
}
