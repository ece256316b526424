/**
 * Runs the trials of a comparison, each under a lease: what has ended in the store is taken from there, what another
 * command trains is waited for while there is nothing else to do.
 */
import { messageOf } from './errors.js';
import type { Executor, Work } from './executors/executor.js';
import { runLimited } from './executors/limited.js';
import { sleep } from './sleep.js';
import type { Lease, LeaseKey, Store } from './store/store.js';
import { LeaseLost, StoreError } from './store/trouble.js';
import { differences } from './trial/differences.js';
import { trialId, trialName, trialSlot } from './trial/identity.js';
import { endedAs, storedModels, type Note } from './trial/stored.js';
import { trialLabel, type Trial, type TrialOutcome, type TrialProgress } from './trial/trial.js';

/** Is told how a comparison goes. */
export interface Watcher {
  planned?(trials: readonly Trial[]): void;
  started?(trial: Trial): void;
  progressed?(trial: Trial, progress: TrialProgress): void;
  /** @param ran false of a trial that had ended before, or that another command ran */
  ended?(trial: Trial, outcome: TrialOutcome, ran: boolean): void;
  /** Of a trial that had started: another command has it now. */
  stopped?(trial: Trial): void;
  /** In a line: what of the store is not believed and why, what is waited for. */
  noted?(line: string): void;
}

/** Has trials run elsewhere, in the place of an executor here. Results are told of when the store has them. */
export type Dispatch = (trials: readonly Trial[], running: Dispatched) => Promise<void>;

export interface Dispatched extends Pick<
  Running,
  'store' | 'watcher' | 'signal' | 'saveModels' | 'trialTimeoutMinutes'
> {
  /** Is told of each once it has ended. */
  ended(trial: Trial, outcome: TrialOutcome): Promise<void>;
}

export interface Running {
  readonly executor: Executor;
  readonly store: Store;
  readonly jobs: number;
  readonly dataFolder: string;
  readonly watcher: Watcher;
  readonly signal: AbortSignal;
  /** Whether trials leave their models. */
  readonly saveModels: boolean;
  /** What a trial may take before it fails; without a limit when absent. */
  readonly trialTimeoutMinutes: number | undefined;
  /** Has them run elsewhere; here when absent. */
  readonly dispatch?: Dispatch | undefined;
  /** A trial whose owners died so often is not tried any more; however often when absent. */
  readonly mostKills?: number;
  /** Whether trials may go on from checkpoints of another kind of processor; not when absent. */
  readonly mixed?: boolean;
  /** Called with what there was before, and after each trial that ran with what there is so far, in their order. */
  readonly onEnded: (outcomes: readonly (TrialOutcome | undefined)[]) => Promise<void>;
}

/** How long until it is asked again whether another command has done with a trial. */
const ASK_AGAIN_MS = 300;

/** @throws the signal's reason when it was aborted */
export async function runAll(works: readonly Work[], running: Running): Promise<TrialOutcome[]> {
  const { jobs, signal, onEnded, watcher } = running;
  const outcomes = new Array<TrialOutcome | undefined>(works.length);
  const waiting: number[] = [];
  /** Those that another command had when they were asked for. */
  const held = new Set<number>();
  const told = new Set<string>();
  const note = (line: string) => {
    if (told.has(line)) return;
    told.add(line);
    watcher.noted?.(line);
  };
  // First all that is there: a summary that is written on the way has at least what was known before.
  for (const [i, work] of works.entries()) {
    signal.throwIfAborted();
    const outcome = await takeStored(work, running, note);
    if (outcome) outcomes[i] = outcome;
    else waiting.push(i);
  }
  if (waiting.length > 0 && waiting.length < works.length) await onEnded(outcomes);
  if (running.dispatch && waiting.length > 0) {
    const trials = waiting.map((i) => (works[i] as Work).trial);
    const places = new Map(waiting.map((i) => [(works[i] as Work).trial, i]));
    await running.dispatch(trials, {
      ...running,
      async ended(trial, outcome) {
        outcomes[places.get(trial) as number] = outcome;
        watcher.ended?.(trial, outcome, true);
        await onEnded(outcomes);
      },
    });
    signal.throwIfAborted();
    return outcomes as TrialOutcome[];
  }
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      signal.throwIfAborted();
      const outcome = await runOne(works[next] as Work, running, note);
      if (outcome === null) {
        waiting.push(next);
        held.add(next);
        if (waiting.every((i) => held.has(i))) await sleep(ASK_AGAIN_MS, signal);
        continue;
      }
      outcomes[next] = outcome;
      await onEnded(outcomes);
    }
  };
  await allOf(Array.from({ length: jobs }, worker));
  return outcomes as TrialOutcome[];
}

/** Waits for all before it throws what one of them threw: none goes on behind the caller's back. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}

/**
 * Null where the trial has not ended, or what there is cannot be believed.
 *
 * @param lease where we own it
 */
async function takeStored(
  work: Work,
  running: Pick<Running, 'store' | 'watcher' | 'saveModels'>,
  note: Note,
  lease?: LeaseKey,
): Promise<TrialOutcome | null> {
  const { store, watcher } = running;
  const { trial } = work;
  try {
    const label = trialLabel(trial);
    const stored = await endedAs(store, trial, running, (why) => note(`${label} is trained anew: ${why}`));
    if (!stored) return null;
    await store.trial(trialName(trial), lease).tidy();
    watcher.ended?.(trial, stored, false);
    return stored;
  } catch (error) {
    return failed(error, trial, watcher);
  }
}

/**
 * Runs a trial under its lease, or takes what there is of it.
 *
 * @returns null where another has the trial: then it is to be asked for again
 * @throws the signal's reason when it was aborted
 */
export async function runOne(
  work: Work,
  running: Omit<Running, 'jobs' | 'onEnded'>,
  note: Note,
): Promise<TrialOutcome | null> {
  const { executor, store, dataFolder, watcher, signal, saveModels, trialTimeoutMinutes } = running;
  const { mostKills = Infinity, mixed } = running;
  const { trial } = work;
  const name = trialName(trial);
  try {
    // Claimed before it is asked, so that nobody can end it in between.
    const known = await store.trials();
    const lease = await store.trial(name).claim();
    if (typeof lease === 'string') {
      note(`${trialLabel(trial)} is waited for: ${lease} trains it`);
      return null;
    }
    let forgiven = false;
    try {
      const stored = await takeStored(work, running, note, lease);
      if (stored) return stored;
      if (lease.kills >= mostKills) {
        forgiven = true;
        return await setAside(trial, lease, store, watcher);
      }
      if (!known.includes(name)) await sayWhatDiffers(trial, known, store, note);
      watcher.started?.(trial);
      const onProgress = (progress: TrialProgress) => watcher.progressed?.(trial, progress);
      const onNote = (line: string) => note(`${trialLabel(trial)} starts anew: ${line}`);
      const options = { store, lease, dataFolder, saveModels, mixed, onProgress, onNote, signal };
      const outcome = await runLimited(executor, work, options, trialTimeoutMinutes);
      if (outcome.status === 'failed' && outcome.taken) {
        watcher.stopped?.(trial);
        note(`${trialLabel(trial)} is asked for again: ${outcome.message}`);
        return null;
      }
      if (outcome.status === 'failed') await noteFailure(trial, outcome.message, store, lease);
      if (saveModels) await sayWhereModelDiffers(trial, outcome, store, note);
      watcher.ended?.(trial, outcome, true);
      return outcome;
    } finally {
      await lease.release(forgiven);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LeaseLost) {
      watcher.stopped?.(trial);
      note(`${trialLabel(trial)} is asked for again: ${error.message}`);
      return null;
    }
    return failed(error, trial, watcher);
  }
}

/** What ends whoever trains it is left alone, so that all else can go on; asked for once more, it begins anew. */
async function setAside(trial: Trial, lease: Lease, store: Store, watcher: Watcher): Promise<TrialOutcome> {
  const message = `it was set aside: ${lease.kills} that trained it were ended without a word, as when memory runs out: see to that, and run the same command again`;
  await noteFailure(trial, message, store, lease);
  const outcome = { status: 'failed', message } as const;
  watcher.ended?.(trial, outcome, true);
  return outcome;
}

/** For whoever asks the store; that it cannot be written changes nothing. */
async function noteFailure(trial: Trial, message: string, store: Store, lease: LeaseKey): Promise<void> {
  await store
    .trial(trialName(trial), lease)
    .saveFailure({ trialId: trialId(trial), message })
    .catch(() => {});
}

/** Of a place that cannot be used, its trial alone. @throws all else */
function failed(error: unknown, trial: Trial, watcher: Watcher): TrialOutcome {
  if (!(error instanceof StoreError)) throw error;
  const outcome = { status: 'failed', message: messageOf(error) } as const;
  watcher.ended?.(trial, outcome, true);
  return outcome;
}

/** A result that was there before stays, and what was trained again for its model may not be the same to the bit. */
async function sayWhereModelDiffers(
  trial: Trial,
  outcome: TrialOutcome,
  store: Store,
  note: Note,
): Promise<void> {
  if (outcome.status !== 'ok') return;
  const saved = await storedModels(store, trial);
  const loss = outcome.measures['loss'];
  if (!saved || saved.loss === loss) return;
  note(`The saved model of ${trialLabel(trial)} has a test loss of ${saved.loss}, its result one of ${loss}`);
}

/** A trial that is the same to a person has been there: why its numbers are not this one's. */
async function sayWhatDiffers(
  trial: Trial,
  known: readonly string[],
  store: Store,
  note: Note,
): Promise<void> {
  const slot = trialSlot(trial);
  const others = known.filter((name) => name.slice(0, name.lastIndexOf('-')) === slot);
  // Their damage is none of this trial's.
  const stored = await Promise.all(
    others.map((name) =>
      store
        .trial(name)
        .trial()
        .catch(() => null),
    ),
  );
  const [nearest] = stored
    .flatMap((other) => (other ? [differences(other, trial)] : []))
    .sort((a, b) => a.length - b.length);
  if (!nearest || nearest.length === 0) return;
  const plural = nearest.length > 1 || nearest[0]?.endsWith('s');
  const verb = plural ? 'differ' : 'differs';
  note(`${trialLabel(trial)} is trained anew: its ${nearest.join(', ')} ${verb} from the stored one's`);
}
