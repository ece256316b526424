/** What results, trials and checkpoints are, for what reads them back. */
import { z } from 'zod';

import type { Checkpoint, Failure, SavedModels } from './store.js';
import type { MaskRecord } from '../trial/masks.js';
import type { Trial, TrialResult } from '../trial/trial.js';

const count = z.int().nonnegative();

const CHOICE = z.strictObject({ step: count, kept: count, entered: count, left: count });

const bits = z.base64();

const CHOSEN = z.strictObject({ choice: count, step: count, kept: z.array(bits) });

const shape = z.tuple([count, count]);

export const maskSchema = z
  .looseObject({
    kernels: z.array(
      z.looseObject({ name: z.string(), blockShape: shape, gridShape: shape, truth: bits.optional() }),
    ),
    made: count,
    choices: z.array(CHOSEN),
    final: z.array(bits).nullable(),
  })
  .refine(({ kernels, choices, final }) => {
    const sizes = kernels.map(({ gridShape: [rows, columns] }) => Math.ceil((rows * columns) / 8));
    const fits = (kept: readonly string[]) =>
      kept.length === sizes.length && kept.every((text, i) => bytesOf(text) === sizes[i]);
    const truths = kernels.every(({ truth }, i) => truth === undefined || bytesOf(truth) === sizes[i]);
    return truths && choices.every(({ kept }) => fits(kept)) && (final === null || fits(final));
  }, 'masks of other sizes than their grids') as unknown as z.ZodType<MaskRecord>;

/** That base64 stands for. */
function bytesOf(text: string): number {
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}

export const resultSchema = z.looseObject({
  id: z.string(),
  status: z.enum(['ok', 'diverged']),
  measures: z.record(z.string(), z.number().nullable()),
  report: z.looseObject({ pruned: z.array(z.unknown()) }).nullable(),
  fingerprint: z.looseObject({ init: z.string(), data: z.string() }),
  device: z.string(),
  search: z.looseObject({ choices: z.array(CHOICE) }).nullable(),
  processors: z.array(z.string()).optional(),
}) as unknown as z.ZodType<TrialResult>;

export const failureSchema: z.ZodType<Failure> = z.object({ trialId: z.string(), message: z.string() });

/** Of a model; a path that is none of these would lead elsewhere. */
const MODEL_FILE = /^(?:(?:dense|block-sparse)\/(?:model\.json|weights\.bin)|masks\.json)$/;

export const modelsSchema = z.looseObject({
  trialId: z.string(),
  step: count,
  loss: z.number(),
  files: z
    .array(z.object({ path: z.string().regex(MODEL_FILE), bytes: count, sha256: z.string() }))
    .nonempty(),
}) as unknown as z.ZodType<SavedModels>;

const referenceSchema = z.looseObject({ name: z.string() });

/** As much as tells one trial from another. */
export const trialSchema = z.looseObject({
  workload: referenceSchema,
  pruner: referenceSchema.nullable(),
  sparsity: z.number(),
  blockShape: z.tuple([count, count]),
  allocation: z.looseObject({ name: z.string() }).nullable(),
  seed: count,
  epochs: count,
  backend: z.string(),
  accelerators: z.array(z.looseObject({ name: z.string(), library: z.looseObject({}).nullable() })),
  threads: count,
  sparsePhases: z.boolean(),
}) as unknown as z.ZodType<Trial>;

const KINDS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

const tensorSchema = z
  .looseObject({
    name: z.string(),
    shape: z.array(count),
    dtype: z.enum(['float32', 'int32', 'bool']),
    values: z.unknown(),
  })
  .refine(
    ({ shape, dtype, values }) =>
      values instanceof KINDS[dtype] && values.length === shape.reduce((a, b) => a * b, 1),
    'values of another shape or type',
  );

export const checkpointSchema = z.looseObject({
  trialId: z.string(),
  step: count,
  elapsedMs: z.number().nonnegative(),
  metrics: z.object({ length: count, sha256: z.string() }),
  weights: z.array(tensorSchema),
  optimizer: z.array(tensorSchema),
  pruning: z
    .looseObject({
      step: count,
      masks: z.record(z.string(), z.array(count)),
      densities: z.record(z.string(), z.number()).optional(),
    })
    .nullable(),
  search: z
    .looseObject({
      choices: z.array(CHOICE),
      choosingMs: z.number().nonnegative(),
      masks: z.array(CHOSEN),
      support: z.array(z.array(count)).nullable(),
      reopened: z.boolean(),
    })
    .nullable(),
  processors: z.array(z.string()).optional(),
}) as unknown as z.ZodType<Checkpoint>;
