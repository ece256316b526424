/**
 * What another machine planned, with what this one has: strategies and workloads are found here by name, never taken
 * from what the trial says, and are to be the same by their contents, as are the data and what computes.
 */
import { atScale, withTraining, type ScaleName, type Workload } from '@espalier/workloads';

import { isUsageError, UsageError } from '../errors.js';
import type { Executor, Work } from '../executors/executor.js';
import { differences } from '../trial/differences.js';
import { dataDigest } from '../trial/fingerprint.js';
import { canonicalJson } from '../trial/hashes.js';
import { trialId } from '../trial/identity.js';
import { loadData } from '../trial/load.js';
import { trialLabel, type Reference, type Trial } from '../trial/trial.js';
import { assertName, loadPruner, loadWorkload } from './references.js';

/** A trial that this machine cannot run as it was planned; another may. The message says what differs. */
export class Refused extends UsageError {}

export interface Own {
  /** This machine's own of that name, with its code; null where it has none. */
  workload(asked: Reference): Promise<Reference | null>;
  strategy(asked: Reference): Promise<Reference | null>;
  /** What runs trials on such a backend, with such accelerators and threads. @throws UsageError where there is none */
  executor(trial: Trial): Promise<Executor>;
  readonly dataFolder: string;
}

export interface OwnWork extends Work {
  readonly executor: Executor;
}

/** @returns a function that finds a planned trial here; it remembers the digests of data that it has looked at */
export function ownWorks(own: Own): (planned: Trial) => Promise<OwnWork> {
  const digests = new Map<string, Promise<string>>();
  return (planned) => ownWork(planned, own, digests);
}

/**
 * @returns the planned trial, with this machine's places in it, and what runs it
 * @throws Refused where its code, its data or what computes are others than the plan's
 */
async function ownWork(planned: Trial, own: Own, digests: Map<string, Promise<string>>): Promise<OwnWork> {
  const refuse = (why: string) => new Refused(`${trialLabel(planned)} is refused here: ${why}`);
  const refused = (error: unknown): never => {
    throw isUsageError(error) ? refuse(error.message) : error;
  };
  // They become the name of a place in the store.
  try {
    if (planned.pruner) assertName(planned.pruner.name, 'its plan');
  } catch (error) {
    refused(error);
  }
  if (planned.split !== undefined && planned.split !== 'validation') throw refuse('there is no such split');
  const ofWorkload = await own.workload(planned.workload);
  if (!ofWorkload) throw refuse(`there is no workload '${nameIn(planned.workload)}'`);
  const ofPruner = planned.pruner && (await own.strategy(planned.pruner));
  if (planned.pruner && !ofPruner) throw refuse(`there is no strategy '${nameIn(planned.pruner)}'`);
  const executor = await own.executor(planned).catch(refused);
  const { backend, accelerators, threads, code } = executor;
  const trial: Trial = {
    ...planned,
    ...{ backend: backend.choice, accelerators, threads },
    ...(code && { code }),
    workload: { ...ofWorkload, name: planned.workload.name },
    pruner: planned.pruner && {
      ...(ofPruner as Reference),
      name: planned.pruner.name,
      settings: planned.pruner.settings,
      ...(planned.pruner.given && { given: planned.pruner.given }),
    },
  };
  const loaded = await loadWorkload(trial.workload).catch(refused);
  const scaled = trial.scale ? scaledTo(loaded, trial.scale, refuse) : loaded;
  const workload = trial.tuned ? withTraining(scaled, trial.tuned) : scaled;
  const pruner = trial.pruner && (await loadPruner(trial.pruner).catch(refused));
  const { seed, split } = trial;
  const here = { ...trial, ...(trial.data !== undefined && { data: await knownDigest() }) };
  const differing = differences(planned, here);
  if (differing.length > 0) {
    const verb = differing.length > 1 || differing[0]?.endsWith('s') ? 'differ' : 'differs';
    throw refuse(`its ${differing.join(', ')} ${verb} from the plan's`);
  }
  if (trialId(here) !== trialId(planned)) {
    throw refuse('it is planned by another version of espalier: use the same one here');
  }
  return { trial: here, workload, pruner, executor };

  async function knownDigest(): Promise<string> {
    const of = canonicalJson([ofWorkload, trial.scale, seed, split]);
    const known = digests.get(of) ?? digestOf();
    digests.set(of, known);
    // What is missing may come.
    known.catch(() => digests.delete(of));
    return known;
  }

  async function digestOf(): Promise<string> {
    const options = { dataFolder: own.dataFolder, seed, ...(split && { split }) };
    const data = await loadData(workload, trial.workload, options).catch(refused);
    try {
      return await dataDigest(data);
    } finally {
      await data.close?.();
    }
  }
}

function scaledTo(workload: Workload, scale: ScaleName, refuse: (why: string) => Refused): Workload {
  try {
    return atScale(workload, scale);
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

function nameIn({ asked, name }: Reference): string {
  return asked ?? name;
}
