/** Files trials on a queue, and waits until workers have ended them: what they came to is read from the store. */
import { writePlan } from '../plan-file.js';
import type { Dispatch, Dispatched } from '../run-all.js';
import { sleep } from '../sleep.js';
import { storeId } from '../store/store-id.js';
import type { Store } from '../store/store.js';
import { Doubtful } from '../store/trouble.js';
import { trialId, trialName } from '../trial/identity.js';
import { endedAs } from '../trial/stored.js';
import type { Trial, TrialOutcome } from '../trial/trial.js';
import { UsageError } from '../errors.js';
import {
  DIRECTORY,
  lotOf,
  parsed,
  progressSchema,
  QUEUE_FORMAT,
  type Lot,
  type TrialJob,
} from './documents.js';
import type { QueueServer } from './server.js';

export interface HandOutOptions {
  /** What a trial takes, for workers that have less; null where nobody says. */
  readonly memoryBytes?: number | null;
  /** Whether a trial may go on from the checkpoint of another kind of processor. */
  readonly mixed?: boolean;
  /** Whether it only files them, and does not wait. */
  readonly detach?: boolean;
}

/** Results are asked for this often, and less often where there are many. */
const ASK_MS = 500;
const ASK_MS_A_TRIAL = 5;
const MOST_ASK_MS = 60_000;
/** What was filed and is not there any more is filed again. */
const FILE_AGAIN_MS = 10_000;
/** So many are filed in one go. */
const AT_ONCE = 500;
/** Of so many that run in a lot it is told how far they are. */
const TOLD = 32;

export function handOut(server: QueueServer, options: HandOutOptions = {}): Dispatch {
  return async (trials, running) => {
    const { store, signal, saveModels, trialTimeoutMinutes = null } = running;
    if (store.address === null)
      throw new UsageError('A queue needs a store that workers can open: openStore()');
    const of = { id: await storeId(store), address: store.address };
    await writePlan(store, { trials, saveModels, trialTimeoutMinutes });
    for (const trial of trials) await forgive(store, trial);
    const job = (trial: Trial): TrialJob => ({
      ...{ format: QUEUE_FORMAT, trial, saveModels, trialTimeoutMinutes },
      mixed: options.mixed ?? false,
    });
    const left = new Map(trials.map((trial) => [trialName(trial), trial]));
    const lots = lotsOf(trials, of, options.memoryBytes ?? null);
    const file = async () => {
      for (const lot of lots) {
        const queue = server.queue(lot.lot);
        const mine = [...left].filter(([, trial]) => lotOf(trial, of.id) === lot.lot);
        for (let i = 0; i < mine.length; i += AT_ONCE) {
          await queue.file(mine.slice(i, i + AT_ONCE).map(([id, trial]) => ({ id, data: job(trial) })));
        }
        if (mine.length > 0) await server.queue(DIRECTORY).put(lot.lot, lot);
      }
    };
    await file();
    if (options.detach) return;
    const started = new Set<string>();
    let filedAt = Date.now();
    while (left.size > 0) {
      signal.throwIfAborted();
      await tell(server, lots, left, started, running);
      for (const [name, trial] of left) {
        signal.throwIfAborted();
        const outcome = await outcomeIn(store, trial, saveModels);
        if (!outcome) continue;
        left.delete(name);
        await running.ended(trial, outcome);
      }
      if (left.size === 0) break;
      if (Date.now() - filedAt > FILE_AGAIN_MS) {
        if ((await queued(server, lots)) < left.size) await file();
        filedAt = Date.now();
      }
      await sleep(Math.min(ASK_MS + ASK_MS_A_TRIAL * left.size, MOST_ASK_MS), signal);
    }
    for (const { lot } of lots) {
      const { waiting, held, later } = await server.queue(lot).counts();
      if (waiting + held + later === 0) await server.queue(DIRECTORY).remove(lot);
    }
  };
}

/** What failed before begins anew, and is not taken for what it comes to now. */
async function forgive(store: Store, trial: Trial): Promise<void> {
  const name = trialName(trial);
  const failure = await store.trial(name).failure().catch(orDoubtful);
  if (!failure) return;
  const lease = await store.trial(name).claim();
  if (typeof lease === 'string') return;
  await store.trial(name, lease).begin(trial);
  await lease.release(true);
}

function orDoubtful(error: unknown): null {
  if (error instanceof Doubtful) return null;
  throw error;
}

/** Null where it has not ended. */
async function outcomeIn(store: Store, trial: Trial, saveModels: boolean): Promise<TrialOutcome | null> {
  const result = await endedAs(store, trial, { saveModels });
  if (result) return result;
  const failure = await store.trial(trialName(trial)).failure().catch(orDoubtful);
  return failure?.trialId === trialId(trial) ? { status: 'failed', message: failure.message } : null;
}

function lotsOf(trials: readonly Trial[], store: Lot['store'], memoryBytes: number | null): readonly Lot[] {
  const byLot = new Map<string, Map<string, Trial>>();
  for (const trial of trials) {
    const lot = lotOf(trial, store.id);
    const samples = byLot.get(lot) ?? new Map<string, Trial>();
    byLot.set(lot, samples.set(trial.data ?? '', samples.get(trial.data ?? '') ?? trial));
  }
  return [...byLot].map(([lot, samples]) => ({
    ...{ format: QUEUE_FORMAT, lot, store, memoryBytes },
    samples: [...samples.values()] as Lot['samples'],
  }));
}

async function queued(server: QueueServer, lots: readonly Lot[]): Promise<number> {
  let sum = 0;
  for (const { lot } of lots) {
    const { waiting, held, later } = await server.queue(lot).counts();
    sum += waiting + held + later;
  }
  return sum;
}

/** Which trials workers have begun, and how far they are. */
async function tell(
  server: QueueServer,
  lots: readonly Lot[],
  left: ReadonlyMap<string, Trial>,
  started: Set<string>,
  { watcher }: Dispatched,
): Promise<void> {
  const held = new Set<string>();
  for (const { lot } of lots) {
    for (const { id, progress } of await server.queue(lot).held(TOLD)) {
      const trial = left.get(id);
      if (!trial) continue;
      held.add(id);
      if (!started.has(id)) watcher.started?.(trial);
      started.add(id);
      const done = parsed(progressSchema, progress);
      if (done) watcher.progressed?.(trial, done);
    }
  }
  for (const id of started) {
    const trial = left.get(id);
    if (held.has(id) || !trial) continue;
    started.delete(id);
    watcher.stopped?.(trial);
  }
}
