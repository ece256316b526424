/** A trial's place in a folder, for Node. */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';

import type { Checkpoint } from '../trial/checkpoint.js';
import type { Trial, TrialResult } from '../trial/trial.js';
import { asStoreError, assertNoFolder, createOnce, putInPlace, readOr, removePartials } from './files.js';
import { assertLease, claimIn, removeLeases, type LeaseTimes } from './lease.js';
import { checkpointSchema, resultSchema, trialSchema } from './schemas.js';
import { FORMAT_VERSION, seal, unseal } from './sealed.js';
import { stepLogFile } from './step-log-file.js';
import type { LeaseKey, TrialStore } from './store.js';
import { Doubtful } from './trouble.js';

export function trialFolder(folder: string, key: LeaseKey, times: LeaseTimes): TrialStore {
  const file = (name: string) => join(folder, name);
  const [config, result, checkpoint, metrics] = [
    file('config.json'),
    file('result.json'),
    file('checkpoint.bin'),
    file('metrics.jsonl'),
  ];
  const allowed = () => assertLease(folder, key);

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
    trial: readTrial,
    async begin(trial) {
      await make(folder);
      await allowed();
      await Promise.all([config, result, checkpoint, metrics].map(assertNoFolder));
      await removePartials(folder, 'all');
      // What cannot be believed makes room for what will be.
      await readResult().catch((error: unknown) => removeDoubtful(result, error));
      await putInPlace(config, seal('trial', trial), allowed);
    },
    result: readResult,
    async publish(ended) {
      const first = await createOnce(result, seal('result', ended), allowed);
      const published = first ? ended : ((await readResult()) ?? ended);
      await tidy(folder);
      return published;
    },
    tidy: () => tidy(folder),
    async checkpoint() {
      const bytes = await readOr(checkpoint);
      return bytes && unpack(bytes, checkpoint);
    },
    saveCheckpoint: (standing) => putInPlace(checkpoint, pack(standing), allowed),
    metrics: stepLogFile(metrics, allowed),
  };
}

async function make(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw asStoreError(error, folder, 'made');
  });
}

async function removeDoubtful(path: string, error: unknown): Promise<void> {
  if (!(error instanceof Doubtful)) throw error;
  await rm(path, { force: true }).catch((error: unknown) => {
    throw asStoreError(error, path, 'removed');
  });
}

/** A checkpoint; files that were being written when their process was killed; leases. */
async function tidy(folder: string): Promise<void> {
  await rm(join(folder, 'checkpoint.bin'), { force: true, recursive: true });
  await removePartials(folder, 'all');
  await removeLeases(folder);
}

/** What it is, in which version, and a checksum over the rest: one line before the bytes. */
const HEADER = new RegExp(`^espalier checkpoint (\\d+) ([0-9a-f]{64})\n`);

function pack(standing: Checkpoint): Uint8Array {
  const bytes = serialize(standing);
  return Buffer.concat([Buffer.from(`espalier checkpoint ${FORMAT_VERSION} ${sha256(bytes)}\n`), bytes]);
}

/** @throws Doubtful */
function unpack(file: Buffer, path: string): Checkpoint {
  const header = HEADER.exec(file.subarray(0, 128).toString('latin1'));
  if (!header) throw new Doubtful(`${path} is damaged, or of an earlier version`);
  const [line, version, checksum] = header;
  if (Number(version) !== FORMAT_VERSION) {
    throw new Doubtful(`${path} is of version ${version} of its format`);
  }
  const bytes = file.subarray(line.length);
  if (sha256(bytes) !== checksum) throw new Doubtful(`${path} is not what was written there`);
  const content = checkpointSchema.safeParse(deserialize(bytes));
  if (content.success) return content.data;
  const [issue] = content.error.issues;
  throw new Doubtful(`${path} is not whole: ${issue?.path.join('.')}: ${issue?.message}`);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
