/** What this machine has of what another planned: strategies and workloads of its own command and config. */
import type { BackendChoice } from '@espalier/backend';
import type { Executor, Reference, Trial } from '@espalier/experiment';
import { processes, Refused, withCode, type Own } from '@espalier/experiment/node';

import { findConfig } from './config.js';
import { recipeStrategies } from './entrants.js';
import { openRegistry, resolveReference } from './registry.js';
import { dataFolderOf } from './subject.js';

export interface OwnOptions {
  readonly config?: string;
  readonly data?: string;
  /** Modules of strategies and workloads beside those that are known by name. */
  readonly modules?: readonly string[];
  /** Trials for another are refused; those of any are taken when absent. */
  readonly backend?: BackendChoice;
  readonly jobs?: number;
  /** In seconds, that a trial which is told to stop may take for its checkpoint. */
  readonly grace?: number;
}

export async function ownOf(given: OwnOptions): Promise<Own> {
  const registry = await openRegistry(findConfig(given.config));
  const modules = given.modules ?? [];
  const named = (what: 'strategy' | 'workload') =>
    Promise.all(modules.map((module) => resolveReference(module, [], what)));
  const strategies = [...registry.pruners, ...(await recipeStrategies()), ...(await named('strategy'))];
  const workloads = [...registry.workloads, ...(await named('workload'))];
  const executors = new Map<string, Promise<Executor>>();
  return {
    strategy: (asked) => ownIn(strategies, asked),
    workload: (asked) => ownIn(workloads, asked),
    executor(trial) {
      const key = JSON.stringify([trial.backend, trial.accelerators.map(({ name }) => name), trial.threads]);
      const executor = executors.get(key) ?? executorFor(trial, given);
      executors.set(key, executor);
      return executor;
    },
    dataFolder: dataFolderOf(given),
  };
}

async function ownIn(known: readonly Reference[], { asked, section }: Reference): Promise<Reference | null> {
  const found = known.find((own) => own.asked === asked && own.section === section);
  return found ? withCode(found) : null;
}

async function executorFor(trial: Trial, { backend, jobs, grace }: OwnOptions): Promise<Executor> {
  const { backend: planned, accelerators, threads } = trial;
  if (backend !== undefined && backend !== 'auto' && backend !== planned) {
    throw new Refused(`it computes on ${planned}, and this machine was asked for ${backend}`);
  }
  const names = accelerators.map(({ name }) => name);
  return processes({
    ...{ backend: planned as BackendChoice, accelerators: names.length > 0 ? names : 'off', threads },
    ...(jobs !== undefined && { jobs }),
    ...(grace !== undefined && { graceMs: 1000 * grace }),
    onNote: (line) => process.stderr.write(`${line}\n`),
  });
}
