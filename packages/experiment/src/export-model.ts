/** The model of a trial, as files outside its store, for Node. */
import { randomUUID } from 'node:crypto';
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { aFunction, assertOptions, aText, required, trueOrFalse } from '@espalier/core';

import { aPath } from './arguments.js';
import { UsageError } from './errors.js';
import { findTrial, type FoundTrial } from './find-trial.js';
import { loadPruner, loadWorkloadOf } from './modules/references.js';
import { asStoreError } from './store/files.js';
import { folderStore } from './store/folder.js';
import { makeFolder } from './store/make-folder.js';
import type { Store } from './store/store.js';
import { Doubtful } from './store/trouble.js';
import { trialId } from './trial/identity.js';
import { FORMS, MASKS, type Files } from './trial/model-files.js';
import { rebuild } from './trial/rebuild.js';

export interface ExportOptions {
  /** Of a comparison: its `--out`. */
  readonly folder: string;
  /** A trial's name, or as much of it as no other has; or a strategy that has one trial. */
  readonly trial: string;
  /** Where the model goes; nothing is to be there. */
  readonly out: string;
  /** Block-sparse, rather than dense. */
  readonly compressed?: boolean;
  /** Where the workload finds its data, which an unfinished trial's model is made with. */
  readonly dataFolder: string;
  /** Makes a backend tfjs' current one; called where a model has to be made. */
  readonly startBackend: () => Promise<unknown>;
}

export interface ExportedModel {
  /** In the store. */
  readonly trial: string;
  /** What it is made of: the model that the trial has saved, or its checkpoint. */
  readonly from: 'models' | 'checkpoint';
  /** Steps that it was trained for. */
  readonly step: number;
  /** Of the trial. */
  readonly totalSteps: number;
  /** Blocks that were cut to come to the target, after which nothing was trained. */
  readonly cutAtEnd: number;
  /** Their names, in `out`. */
  readonly files: readonly string[];
}

/**
 * Writes the model of a trial to a folder of its own, which appears whole or not at all: `model.json` and `weights.bin`,
 * as `tf.loadLayersModel` reads them, and `masks.json` of one that was pruned. It is the saved one where there is one, else
 * what the last checkpoint would be finalised to.
 *
 * @throws UsageError for a trial that there is not, or several; where it has neither; where something is in the way
 * @throws StoreError where it cannot be written
 */
export async function exportModel(options: ExportOptions): Promise<ExportedModel> {
  assertOptions('exportModel()', options, {
    folder: required(aPath),
    trial: required(aText('the name of a trial, or of a strategy')),
    out: required(aPath),
    compressed: trueOrFalse,
    dataFolder: required(aPath),
    startBackend: required(aFunction("a function that starts a backend: () => startBackend('wasm')")),
  });
  const { folder, trial: asked, compressed = false } = options;
  const out = resolve(options.out);
  await assertFree(out);
  const store = folderStore(resolve(folder));
  const found = await findTrial(store, asked, folder);
  if (compressed && !found.trial.pruner) {
    throw new UsageError('The dense baseline has no block-sparse form: leave --compressed out');
  }
  const { files, ...made } = (await savedOf(found, store)) ?? (await rebuiltOf(found, store, options));
  const written = formOf(files, compressed ? FORMS.compressed : FORMS.dense);
  await writeFolder(out, written);
  return { trial: found.name, ...made, files: Object.keys(written) };
}

type Made = Omit<ExportedModel, 'trial' | 'files'> & { readonly files: Files };

async function savedOf({ name, trial }: FoundTrial, store: Store): Promise<Made | null> {
  const place = store.trial(name);
  try {
    const models = await place.models();
    if (models?.trialId !== trialId(trial)) return null;
    const files: Record<string, Uint8Array> = {};
    for (const file of models.files) files[file.path] = await place.modelFile(file);
    const { step } = models;
    return { from: 'models', files, step, totalSteps: step, cutAtEnd: 0 };
  } catch (error) {
    if (!(error instanceof Doubtful)) throw error;
    throw new UsageError(`${error.message}: run the comparison again with --save models`);
  }
}

async function rebuiltOf(
  { name, trial }: FoundTrial,
  store: Store,
  { dataFolder, startBackend }: ExportOptions,
): Promise<Made> {
  const place = store.trial(name);
  const checkpoint = await unlessDoubtful(() => place.checkpoint());
  if (!checkpoint) {
    const result = await unlessDoubtful(() => place.result());
    throw new UsageError(`${name} ${whyNone(result?.status ?? null)}`);
  }
  const workload = await loadWorkloadOf(trial);
  const pruner = trial.pruner && (await loadPruner(trial.pruner));
  await startBackend();
  return { from: 'checkpoint', ...(await rebuild(trial, workload, pruner, { checkpoint, dataFolder })) };
}

function whyNone(status: 'ok' | 'diverged' | null): string {
  if (status === 'diverged') return 'has diverged, and left no model';
  if (status === null) return 'has no checkpoint yet: it has just begun, or failed before its first';
  return 'has ended, and its model was not saved: run the comparison again with --save models, which trains it again';
}

/** @throws UsageError for what is damaged */
async function unlessDoubtful<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Doubtful) throw new UsageError(error.message);
    throw error;
  }
}

/** The files of one form, without its folder. */
function formOf(files: Files, form: string): Files {
  const own = Object.entries(files).flatMap(([path, bytes]) =>
    path.startsWith(`${form}/`) ? [[path.slice(form.length + 1), bytes] as const] : [],
  );
  const masks = files[MASKS];
  return { ...Object.fromEntries(own), ...(masks && { [MASKS]: masks }) };
}

async function assertFree(out: string): Promise<void> {
  const there = await access(out).then(
    () => true,
    () => false,
  );
  if (there) throw new UsageError(`${out} is there already: choose another --out, or remove it`);
}

/** Under another name first, so that it appears whole. */
async function writeFolder(out: string, files: Files): Promise<void> {
  const partial = join(dirname(out), `.${basename(out)}.${randomUUID()}.partial`);
  try {
    await makeFolder(dirname(out));
    await mkdir(partial);
    for (const [name, bytes] of Object.entries(files)) {
      const file = await open(join(partial, name), 'wx');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    await assertFree(out);
    await rename(partial, out);
  } catch (error) {
    throw asStoreError(error, out, 'written');
  } finally {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
  }
}
