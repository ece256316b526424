/** What makes a trial the same as another: a hash of all that decides its result, and a name that holds it. */
import { assertArgument } from '@espalier/core';

import { aTrial } from '../arguments.js';
import { canonicalJson, textHash } from './hashes.js';
import { prunerName, type Reference, type Trial } from './trial.js';

/** Raised when a change to the experiment makes results no longer comparable with stored ones. */
const TRIAL_VERSION = 3;

/** The trial's identity: a hash of its canonical configuration. */
export function trialId(trial: Trial): string {
  assertArgument('trialId()', 'trial', trial, aTrial);
  // Where a module or a library lies does not change what it computes; what it says does.
  const identity = ({ name, contentHash, code }: Reference) => ({
    ...{ name, contentHash },
    code: code?.modules ?? null,
  });
  const canonical = canonicalJson({
    version: TRIAL_VERSION,
    ...trial,
    // Versions stand beside: what is in the modules counts.
    code: trial.code?.modules ?? null,
    workload: identity(trial.workload),
    accelerators: trial.accelerators.map(({ name, library }) => ({ name, build: library?.build ?? null })),
    pruner: trial.pruner && { ...identity(trial.pruner), settings: trial.pruner.settings },
  });
  return textHash(canonical, 12);
}

/** What a trial is to a person, whatever it was computed with: trials of one slot are rows in each other's place. */
export function trialSlot(trial: Trial): string {
  const { pruner, sparsity, blockShape, allocation, seed, split, tuned, epochs } = trial;
  const shared =
    allocation && allocation.name !== 'uniform' ? [allocation.name.replace(/[^\w.]+/g, '-')] : [];
  const target = pruner ? [sparsity, blockShape.join('x'), ...shared] : [];
  // Those that settings are chosen by stand beside each other.
  const variant = split ? [split, textHash(canonicalJson([pruner?.settings, tuned, epochs]), 6)] : [];
  return [prunerName(trial), ...target, ...variant, `seed${seed}`].join('-');
}

/** The name that a store keeps it under: a person can read it, and no two trials share it. */
export function trialName(trial: Trial): string {
  assertArgument('trialName()', 'trial', trial, aTrial);
  return `${trialSlot(trial)}-${trialId(trial)}`;
}
