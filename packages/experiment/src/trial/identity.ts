/** What makes a trial the same as another: a hash of all that decides its result, and a name that holds it. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { configure } from 'safe-stable-stringify';

import { prunerName, type Reference, type Trial } from './trial.js';

/** Raised when a change to the experiment makes results no longer comparable with stored ones. */
const TRIAL_VERSION = 2;

const canonicalJson = configure({ strict: true });

/** The trial's identity: a hash of its canonical configuration. */
export function trialId(trial: Trial): string {
  // Where a module or a library lies does not change what it computes; what it says does.
  const identity = (reference: Reference) => ({ name: reference.name, contentHash: reference.contentHash });
  const canonical = canonicalJson({
    version: TRIAL_VERSION,
    ...trial,
    workload: identity(trial.workload),
    accelerators: trial.accelerators.map(({ name, library }) => ({ name, build: library?.build ?? null })),
    pruner: trial.pruner && { ...identity(trial.pruner), settings: trial.pruner.settings },
  }) as string;
  return bytesToHex(sha256(utf8ToBytes(canonical))).slice(0, 12);
}

/** The name that a store keeps it under: a person can read it, and no two trials share it. */
export function trialName(trial: Trial): string {
  const { pruner, sparsity, blockShape, allocation, seed } = trial;
  const shared =
    allocation && allocation.name !== 'uniform' ? [allocation.name.replace(/[^\w.]+/g, '-')] : [];
  const target = pruner ? [sparsity, blockShape.join('x'), ...shared] : [];
  return [prunerName(trial), ...target, `seed${seed}`, trialId(trial)].join('-');
}
