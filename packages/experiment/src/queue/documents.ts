/**
 * What lies in a queue, by schema: names, settings and identities, no code. A lot is what a machine can run as a whole or
 * not at all: trials of one store that need the same code, backend and data. Each lot has a queue of its own, so that a
 * trial never comes to a machine that would refuse it; the directory lists the lots.
 */
import * as z from 'zod';

import { trialSchema } from '../store/schemas.js';
import { canonicalJson, textHash } from '../trial/hashes.js';
import type { Reference, Trial } from '../trial/trial.js';

/** The queue of lots, from which nothing is taken. */
export const DIRECTORY = 'lots';
/** The queue of workers' signs of life, from which nothing is taken either. */
export const WORKERS = 'workers';

/** Raised when what is queued changes so that what was queued before cannot be read. */
export const QUEUE_FORMAT = 1;

const format = z.literal(QUEUE_FORMAT);

export const jobSchema = z.object({
  format,
  trial: trialSchema,
  saveModels: z.boolean(),
  trialTimeoutMinutes: z.number().positive().nullable(),
  mixed: z.boolean(),
});
export type TrialJob = z.infer<typeof jobSchema>;

export const lotSchema = z.object({
  format,
  /** The name of its queue. */
  lot: z.string().regex(/^lot-[0-9a-f]{12}$/),
  store: z.object({ id: z.string(), address: z.string() }),
  /** What a trial takes; null where nobody said. */
  memoryBytes: z.number().positive().nullable(),
  /** One for each data set that its trials train on: by these a machine knows whether it can run them. */
  samples: z.array(trialSchema).nonempty(),
});
export type Lot = z.infer<typeof lotSchema>;

export const workerSchema = z.object({
  format,
  host: z.string(),
  seenAt: z.number(),
  jobs: z.number(),
  running: z.number(),
  backend: z.string(),
});
export type WorkerSign = z.infer<typeof workerSchema>;

export const progressSchema = z.object({
  step: z.number(),
  totalSteps: z.number(),
  loss: z.number(),
  phase: z.string(),
});

/** What trials of one lot have in common; of one store, with its id. */
export function lotOf(trial: Trial, storeId: string): string {
  const identity = ({ name, contentHash, code, asked, section }: Reference) => ({
    ...{ name, contentHash, asked, section },
    code: code?.modules ?? null,
  });
  const { scale, split, backend, threads, accelerators, code, workload, pruner } = trial;
  const needs = {
    ...{ storeId, scale, split, backend, threads, code: code?.modules ?? null },
    accelerators: accelerators.map(({ name, library }) => ({ name, build: library?.build ?? null })),
    workload: identity(workload),
    // Several strategies may be made of one by their settings.
    pruner: pruner && { ...identity(pruner), name: null },
  };
  return `lot-${textHash(canonicalJson(needs), 12)}`;
}

/** Null of what is of another version, or is none. */
export function parsed<T>(schema: z.ZodType<T>, data: unknown): T | null {
  const result = schema.safeParse(data);
  return result.success ? result.data : null;
}
