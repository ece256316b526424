/** What a command was asked to train, and where: read from its options, loaded, checked. */
import { resolve } from 'node:path';

import { dataFolder } from '@espalier/datasets/data-folder';
import { UsageError, type ComparedWorkload, type Executor } from '@espalier/experiment';
import { loadWorkload, processes, withCode } from '@espalier/experiment/node';
import { atScale, type ScaleName, type Workload } from '@espalier/workloads';

import type { ComputingOptions, SubjectOptions } from './commands/shared-options.js';
import { findConfig } from './config.js';
import { defaultPruners, openRegistry, resolveReference, type Registry } from './registry.js';
import { askedStrategies, type Asked } from './strategies.js';

export interface Subject {
  readonly registry: Registry;
  readonly compared: ComparedWorkload;
  readonly asked: Asked;
}

/** @throws UsageError for what there is not */
export async function loadSubject(
  given: SubjectOptions & Pick<ComputingOptions, 'config'>,
): Promise<Subject> {
  const registry = await openRegistry(findConfig(given.config));
  const reference = await withCode(await resolveReference(given.workload, registry.workloads, 'workload'));
  const workload = scaled(await loadWorkload(reference), given.scale);
  const asked = await askedStrategies(given.pruners ?? defaultPruners, registry, workload, given.set);
  return { registry, compared: { reference, workload }, asked };
}

/** @throws UsageError where the workload has no such scale */
export function scaled(workload: Workload, scale: ScaleName): Workload {
  try {
    return atScale(workload, scale);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** What runs the trials, as the options ask. */
export function executorOf(given: ComputingOptions): Promise<Executor> {
  return processes({
    ...{ backend: given.backend, accelerators: given.accelerators },
    ...(given.jobs !== undefined && { jobs: given.jobs }),
    ...(given.threads !== undefined && { threads: given.threads }),
    onNote: (line) => process.stderr.write(`${line}\n`),
  });
}

export function dataFolderOf({ data }: Pick<ComputingOptions, 'data'>): string {
  return resolve(dataFolder(data));
}

/** For the names of folders. */
export function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(':', '-');
}
