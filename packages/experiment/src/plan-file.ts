/**
 * The trials of a comparison, filed in its store (`plan.json`), so that they can be run one by one, by whatever hands
 * them out: names, settings and identities, and no code.
 */
import * as z from 'zod';

import { assertCompared } from './arguments.js';
import { prepare, type CompareOptions } from './compare.js';
import { UsageError } from './errors.js';
import { trialSchema } from './store/schemas.js';
import { seal, unseal } from './store/sealed.js';
import type { Store } from './store/store.js';
import { Doubtful } from './store/trouble.js';
import { trialId, trialName, trialSlot } from './trial/identity.js';
import type { Trial } from './trial/trial.js';

const PLAN = 'plan.json';

export interface FiledPlan {
  /** In the order in which a comparison runs them. */
  readonly trials: readonly Trial[];
  /** Whether trials leave their models. */
  readonly saveModels: boolean;
  /** What a trial may take before it fails; without a limit when null. */
  readonly trialTimeoutMinutes: number | null;
}

const planSchema: z.ZodType<FiledPlan> = z.object({
  trials: z.array(trialSchema),
  saveModels: z.boolean(),
  trialTimeoutMinutes: z.number().positive().nullable(),
});

/**
 * Files what `compare` would run with these options. Nothing is trained.
 *
 * @throws what `compare` throws for what cannot be run, before anything is written
 */
export async function filePlan(options: CompareOptions): Promise<FiledPlan> {
  assertCompared(options, 'filePlan()');
  const { works, store, saveModels, trialTimeoutMinutes = null } = await prepare(options);
  const plan = { trials: works.map(({ trial }) => trial), saveModels, trialTimeoutMinutes };
  await writePlan(store, plan);
  return plan;
}

export async function writePlan(store: Store, plan: FiledPlan): Promise<void> {
  await store.write(PLAN, seal('plan', plan));
}

/** Null where none was filed. @throws UsageError where it is damaged, or of another version */
export async function readPlan(store: Store): Promise<FiledPlan | null> {
  const text = await store.read(PLAN);
  if (text === null) return null;
  try {
    return unseal('plan', planSchema, text, `${store.address}/${PLAN}`);
  } catch (error) {
    if (!(error instanceof Doubtful)) throw error;
    throw new UsageError(`${error.message}: run espalier plan again`);
  }
}

/**
 * @param asked a trial's name, the same without its identity (`acdc-0.9-16x16-seed0`), its identity, or its place in the
 *   plan, from 0
 * @throws UsageError where it is none of the plan
 */
export function plannedTrial({ trials }: FiledPlan, asked: string): Trial {
  if (/^\d{1,9}$/.test(asked)) {
    const trial = trials[Number(asked)];
    if (trial) return trial;
    throw new UsageError(`The plan has no trial ${asked}: it has ${trials.length}, counted from 0`);
  }
  const found = trials.find((trial) => [trialName(trial), trialSlot(trial), trialId(trial)].includes(asked));
  if (found) return found;
  throw new UsageError(`The plan has no trial '${asked}': espalier plan lists those that it has`);
}
