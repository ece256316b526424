/** A trial's place in a folder, for Node. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { trialId } from '../trial/identity.js';
import type { MaskRecord } from '../trial/masks.js';
import type { Trial, TrialResult } from '../trial/trial.js';
import { pack, unpack } from './checkpoint-file.js';
import { asStoreError, assertNoFolder, createOnce, putInPlace, readOr, removePartials } from './files.js';
import { assertLease, claimIn, holderIn, removeLeases, type LeaseTimes } from './lease.js';
import { makeFolder } from './make-folder.js';
import { modelFolder } from './model-folder.js';
import { failureSchema, maskSchema, resultSchema, trialSchema } from './schemas.js';
import { seal, unseal } from './sealed.js';
import { stepLogFile } from './step-log-file.js';
import { NOBODY, type LeaseKey, type TrialStore } from './store.js';
import { Doubtful, StoreError } from './trouble.js';

export function trialFolder(folder: string, key: LeaseKey, times: LeaseTimes): TrialStore {
  const file = (name: string) => join(folder, name);
  const [config, result, checkpoint, metrics, masks, failure] = [
    file('config.json'),
    file('result.json'),
    file('checkpoint.bin'),
    file('metrics.jsonl'),
    file('choices.json'),
    file('failure.json'),
  ];
  const allowed = () => assertLease(folder, key);
  const models = modelFolder(folder, allowed);

  const readTrial = async (): Promise<Trial | null> => {
    const text = await readOr(config);
    return text && unseal('trial', trialSchema, text.toString(), config);
  };
  const readResult = async (): Promise<TrialResult | null> => {
    const text = await readOr(result);
    return text && unseal('result', resultSchema, text.toString(), result);
  };

  return {
    async claim() {
      await make(folder);
      return claimIn(folder, times);
    },
    holder: () => holderIn(folder, times),
    trial: readTrial,
    async begin(trial) {
      await make(folder);
      await allowed();
      await Promise.all([config, result, checkpoint, metrics, masks].map(assertNoFolder));
      await removePartials(folder, 'all');
      // What cannot be believed makes room for what will be.
      await removeUnless(result, async () => {
        const lying = await readResult();
        return lying === null || lying.id === trialId(trial);
      });
      await models.removeUnless(() => trialId(trial));
      await putInPlace(config, seal('trial', trial), allowed);
      await rm(failure, { force: true });
    },
    result: readResult,
    async publish(ended) {
      const first = await createOnce(result, seal('result', ended), allowed);
      const published = first ? ended : ((await readResult()) ?? ended);
      await tidy();
      return published;
    },
    async failure() {
      const text = await readOr(failure);
      return text && unseal('failure', failureSchema, text.toString(), failure);
    },
    saveFailure: (failed) => putInPlace(failure, seal('failure', failed), allowed),
    tidy,
    async checkpoint() {
      const bytes = await readOr(checkpoint);
      return bytes && unpack(bytes, checkpoint);
    },
    saveCheckpoint: (standing) => putInPlace(checkpoint, pack(standing), allowed),
    saveModels: models.save,
    models: models.read,
    modelFile: models.file,
    async masks(): Promise<MaskRecord | null> {
      const text = await readOr(masks);
      return text && unseal('choices', maskSchema, text.toString(), masks);
    },
    saveMasks: (chosen) => putInPlace(masks, seal('choices', chosen), allowed),
    metrics: stepLogFile(metrics, allowed),
  };

  /** A checkpoint; files that were being written when their process was killed; leases. What cannot be removed stays. */
  async function tidy(): Promise<void> {
    // A trial that has ended may be trained again, for the model that it has not left.
    if (key.number === NOBODY.number && (await holderIn(folder, times)) !== null) return;
    for (const path of [checkpoint, failure]) {
      await rm(path, { force: true, recursive: true }).catch(() => {});
    }
    await removePartials(folder, 'all');
    await models.tidy();
    await removeLeases(folder).catch(() => {});
  }
}

async function make(folder: string): Promise<void> {
  await makeFolder(folder).catch((error: unknown) => {
    const named = asStoreError(error, folder, 'made');
    if (named instanceof StoreError) throw named;
    throw new StoreError(
      `${folder} cannot be made (${(error as Error).message}): remove what is in its place`,
    );
  });
}

/** @param believed throws `Doubtful` where it is not */
async function removeUnless(path: string, believed: () => Promise<boolean>): Promise<void> {
  const keep = await believed().catch((error: unknown) => {
    if (error instanceof Doubtful) return false;
    throw error;
  });
  if (keep) return;
  await rm(path, { force: true }).catch((error: unknown) => {
    throw asStoreError(error, path, 'removed');
  });
}
