/** A worker: takes trials that this machine can run from a queue, until it is told to stop. */
import { hostname, totalmem } from 'node:os';

import { messageOf } from '../errors.js';
import { ownWorks, Refused, type Own } from '../modules/own.js';
import { formatBytes } from '../quantities.js';
import { runOne, type Watcher } from '../run-all.js';
import { sleep } from '../sleep.js';
import { storeAt, type AddressedStore } from '../store/open.js';
import { knownId } from '../store/store-id.js';
import { trialLabel, type Trial, type TrialProgress } from '../trial/trial.js';
import {
  DIRECTORY,
  jobSchema,
  lotSchema,
  parsed,
  QUEUE_FORMAT,
  WORKERS,
  type Lot,
  type WorkerSign,
} from './documents.js';
import type { HeldJob } from './job-queue.js';
import type { QueueServer } from './server.js';

export interface WorkOptions {
  readonly own: Own;
  /** Trials side by side. */
  readonly jobs: number;
  /** The only store that trials are taken of, where it lies here; those that the queue names, when absent. */
  readonly store?: AddressedStore | undefined;
  /** A trial whose owners died so often is set aside. */
  readonly mostKills: number;
  readonly watcher: Watcher;
  /** Ends it: trials that run leave a checkpoint and are handed back. */
  readonly signal: AbortSignal;
  /** Ends it where there was nothing to do for so long; never when absent. */
  readonly idleMs?: number | undefined;
  /** How a worker is called in its signs of life: what it computes on. */
  readonly backend: string;
}

export interface Worked {
  readonly ended: number;
  readonly failed: number;
  readonly handedBack: number;
}

/** How often it is asked for trials while there are none. */
const ASK_MS = 500;
const MOST_ASK_MS = 5_000;
/** What could not be run here is looked at again: data may have come. */
const LOOK_AGAIN_MS = 60_000;
/** What another has is asked for again. */
const HELD_MS = 5_000;
const SIGN_MS = 10_000;
const PROGRESS_MS = 2_000;
/** A lot is listed before its first trial is there. */
const YOUNG_MS = 60_000;
const MOST_LOTS = 1_000;

/** @returns once it was told to stop, or had nothing to do for so long */
export async function work(server: QueueServer, options: WorkOptions): Promise<Worked> {
  const { own, jobs, signal, watcher, idleMs = Infinity } = options;
  const find = ownWorks(own);
  const told = new Set<string>();
  const note = (line: string) => {
    if (told.has(line)) return;
    told.add(line);
    watcher.noted?.(line);
  };
  const fits = lotsThatFit(options, find, note);
  const worked = { ended: 0, failed: 0, handedBack: 0 };
  const id = crypto.randomUUID();
  let running = 0;
  let busyAt = Date.now();
  const sign = () => {
    const now: WorkerSign = {
      ...{ format: QUEUE_FORMAT, host: hostname(), seenAt: Date.now(), jobs, running },
      backend: options.backend,
    };
    return server
      .queue(WORKERS)
      .put(id, now)
      .catch(() => {});
  };
  await sign();
  const signs = setInterval(() => void sign(), SIGN_MS);

  const slot = async () => {
    let wait = ASK_MS;
    while (!signal.aborted) {
      const taken = await next(server, fits, signal);
      if (taken) {
        wait = ASK_MS;
        running += 1;
        try {
          await one(taken);
        } finally {
          running -= 1;
          busyAt = Date.now();
        }
        continue;
      }
      if (running === 0 && Date.now() - busyAt > idleMs) return;
      await sleep(wait, signal);
      wait = Math.min(wait * 1.5, MOST_ASK_MS);
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, slot));
  } finally {
    clearInterval(signs);
    await Promise.race([
      server
        .queue(WORKERS)
        .remove(id)
        .catch(() => {}),
      sleep(1_000, new AbortController().signal),
    ]);
  }
  return worked;

  async function one({ job, store }: Taken): Promise<void> {
    const order = parsed(jobSchema, job.data);
    if (!order) {
      note(
        `A trial of another version of espalier is left in the queue: use the same version here (${job.id})`,
      );
      return job.back(LOOK_AGAIN_MS);
    }
    const { saveModels, trialTimeoutMinutes, mixed } = order;
    try {
      const { executor, ...work } = await find(order.trial);
      const outcome = await runOne(
        work,
        {
          ...{ executor, store, dataFolder: own.dataFolder, signal, saveModels, mixed },
          ...{ mostKills: options.mostKills, watcher: telling(watcher, job) },
          trialTimeoutMinutes: trialTimeoutMinutes ?? undefined,
        },
        note,
      );
      if (outcome === null) return await job.back(HELD_MS);
      worked[outcome.status === 'failed' ? 'failed' : 'ended'] += 1;
      await (outcome.status === 'failed' ? job.failed(outcome.message) : job.done());
    } catch (error) {
      if (signal.aborted) {
        worked.handedBack += 1;
        return await job.back();
      }
      const refused = error instanceof Refused;
      note(refused ? error.message : `${trialLabel(order.trial)} is handed back: ${messageOf(error)}`);
      await job.back(LOOK_AGAIN_MS);
    }
  }
}

interface Taken {
  readonly job: HeldJob;
  readonly store: AddressedStore;
}

/** Of the lots that fit, the first that has one. */
async function next(
  server: QueueServer,
  fits: (lot: Lot) => Promise<AddressedStore | null>,
  signal: AbortSignal,
): Promise<Taken | null> {
  for (const { data, filedAt } of await server.queue(DIRECTORY).waiting(MOST_LOTS)) {
    if (signal.aborted) return null;
    const lot = parsed(lotSchema, data);
    const store = lot && (await fits(lot));
    if (!store) continue;
    const queue = server.queue(lot.lot);
    const job = await queue.take();
    if (job) return { job, store };
    const { waiting, held, later } = await queue.counts();
    if (waiting + held + later === 0 && Date.now() - filedAt > YOUNG_MS) {
      await server.queue(DIRECTORY).remove(lot.lot);
    }
  }
  return null;
}

/** Whether this machine can run a lot: its store, where it can. It says once why not, and looks again later. */
function lotsThatFit(
  options: WorkOptions,
  find: (trial: Trial) => Promise<unknown>,
  note: (line: string) => void,
): (lot: Lot) => Promise<AddressedStore | null> {
  const known = new Map<string, { readonly store: Promise<AddressedStore | null>; readonly atMs: number }>();
  return async (lot) => {
    const before = known.get(lot.lot);
    if (before && ((await before.store) || Date.now() - before.atMs < LOOK_AGAIN_MS)) return before.store;
    const store = look(lot);
    known.set(lot.lot, { store, atMs: Date.now() });
    return store;
  };

  async function look({ store, memoryBytes, samples }: Lot): Promise<AddressedStore | null> {
    const [first] = samples;
    const room = totalmem() / options.jobs;
    if (memoryBytes !== null && memoryBytes > room) {
      note(
        `${trialLabel(first as Trial)} is refused here: it takes ${formatBytes(memoryBytes)}, and there are ${formatBytes(room)} for each of ${options.jobs} side by side`,
      );
      return null;
    }
    try {
      const found = await placeOf(store);
      if (!found) return null;
      for (const sample of samples) await find(sample);
      return found;
    } catch (error) {
      note(messageOf(error));
      return null;
    }
  }

  /** Nothing is made where the queue says: what is no store of that id is none. */
  async function placeOf({ id, address }: Lot['store']): Promise<AddressedStore | null> {
    const store = options.store ?? (await storeAt(address));
    if ((await knownId(store)) === id) return store;
    note(
      options.store
        ? `Trials of another store than ${options.store.address} are left in the queue`
        : `Trials of the store ${address} are left in the queue, which is not there on this machine: mount it, or give its place with --out`,
    );
    return null;
  }
}

/** What the watcher is told, the queue is too, from time to time. */
function telling(watcher: Watcher, job: HeldJob): Watcher {
  let toldAt = 0;
  return {
    ...watcher,
    progressed(trial: Trial, progress: TrialProgress) {
      watcher.progressed?.(trial, progress);
      if (Date.now() - toldAt < PROGRESS_MS) return;
      toldAt = Date.now();
      void job.say(progress);
    },
  };
}
