/** One queue of jobs, by BullMQ: filing, taking, and holding what is taken by renewing it. */
import type * as bullmq from 'bullmq';

import type { Driver } from './drivers.js';
import { mayPass } from './faults.js';

/** A job is taken for a while, and kept by renewing: after that, whoever asks next has it. */
export interface HoldTimes {
  readonly holdMs: number;
  readonly renewMs: number;
  /** How often it is looked for jobs that were held too long ago. */
  readonly lookMs: number;
}

/** A document that waits in a queue, or is held. */
interface QueuedJob {
  readonly id: string;
  /** As it lies there: to be parsed by schema. */
  readonly data: unknown;
  /** What its holder said last. */
  readonly progress: unknown;
  /** In milliseconds since 1970, by the clock of whoever filed it. */
  readonly filedAt: number;
}

/** One that is held here. */
export interface HeldJob extends QueuedJob {
  say(progress: object): Promise<void>;
  done(): Promise<void>;
  failed(message: string): Promise<void>;
  /** Gives it back, at once or to be taken after so long. */
  back(afterMs?: number): Promise<void>;
}

interface Counts {
  readonly waiting: number;
  readonly held: number;
  /** To be taken later. */
  readonly later: number;
}

interface Ended {
  readonly done: number;
  readonly failed: number;
  /** Done in each of the last sixty minutes, the latest first; fewer where there were fewer. */
  readonly byMinute: readonly number[];
}

export interface JobQueue {
  /** Those whose id is there already are left as they are. */
  file(jobs: readonly { readonly id: string; readonly data: object }[]): Promise<void>;
  /** Puts a document in the place of another, or where there is none. */
  put(id: string, data: object): Promise<void>;
  counts(): Promise<Counts>;
  ended(): Promise<Ended>;
  /** At most so many. */
  waiting(most: number): Promise<QueuedJob[]>;
  held(most: number): Promise<QueuedJob[]>;
  remove(id: string): Promise<void>;
  /** Takes the next, and holds it until it is done, failed or given back; null where none waits. */
  take(): Promise<HeldJob | null>;
}

/** Before all keys of Redis. */
const SPACE = 'espalier';
const MINUTES = 60;
/** After so many looks for jobs that were held too long ago, looking is begun anew. */
const LOOKS = 4;
/** For a column of 32 bits. */
const MANY = 1_000_000;

export function jobQueue(
  name: string,
  mq: typeof bullmq,
  { connection, factory }: Driver,
  { holdMs, renewMs, lookMs }: HoldTimes,
  patiently: <T>(ask: () => Promise<T>) => Promise<T>,
): JobQueue & { close(): Promise<void> } {
  const common = { connection: connection as bullmq.ConnectionOptions, prefix: SPACE };
  const ofJobs = { removeOnComplete: true, removeOnFail: true };
  const queue = new mq.Queue(name, { ...common, defaultJobOptions: ofJobs }, factory as undefined);
  queue.on('error', () => {});
  let worker: Promise<bullmq.Worker> | undefined;
  let lookedAt = 0;
  /** Looks for jobs that were held too long ago, from when it is first asked for one. */
  const taker = async () => {
    const made = new (takerOf(mq))(
      name,
      null,
      {
        ...{ ...common, lockDuration: holdMs, stalledInterval: lookMs, autorun: false },
        // Who kills whom is known of the store: a server that was away has killed nobody.
        maxStalledCount: MANY,
        metrics: { maxDataPoints: 24 * MINUTES },
      },
      factory as undefined,
    );
    made.on('error', () => {});
    return made;
  };
  return {
    file: (jobs) =>
      patiently(async () => {
        await queue.addBulk(jobs.map(({ id, data }) => ({ name: 'trial', data, opts: { jobId: id } })));
      }),
    put: (id, data) =>
      patiently(async () => {
        const job = await queue.getJob(id);
        if (job) await job.updateData(data);
        else await queue.add('document', data, { jobId: id });
      }),
    counts: () =>
      patiently(async () => {
        const counts = await queue.getJobCounts('wait', 'prioritized', 'active', 'delayed');
        const { wait = 0, prioritized = 0, active = 0, delayed = 0 } = counts;
        return { waiting: wait + prioritized, held: active, later: delayed };
      }),
    ended: () =>
      patiently(async () => {
        const [done, failed] = await Promise.all([
          queue.getMetrics('completed', 0, MINUTES - 1),
          queue.getMetrics('failed', 0, 0),
        ]);
        return { done: done.meta.count, failed: failed.meta.count, byMinute: done.data };
      }),
    waiting: (most) => patiently(async () => listed(await queue.getJobs(['wait'], 0, most - 1, true))),
    held: (most) => patiently(async () => listed(await queue.getJobs(['active'], 0, most - 1, true))),
    remove: (id) => patiently(async () => void (await queue.remove(id))),
    take: () =>
      patiently(async () => {
        worker ??= taker();
        const token = crypto.randomUUID();
        const asking = await worker;
        // Again and again: it ends where the server answers with an error, as one does that has lost its tables.
        if (Date.now() - lookedAt > LOOKS * lookMs) {
          lookedAt = Date.now();
          await asking.startStalledCheckTimer();
        }
        const job = await asking.getNextJob(token, { block: false });
        return job ? held(job, token) : null;
      }),
    async close() {
      if (worker) await (await worker).close(true);
      await queue.close();
    },
  };

  function held(job: bullmq.Job, token: string): HeldJob {
    let asking = false;
    const renewing = setInterval(() => {
      if (asking) return;
      asking = true;
      // Where it is another's by now, the store's lease says who may write.
      void job
        .extendLock(token, holdMs)
        .catch(() => {})
        .finally(() => (asking = false));
    }, renewMs);
    renewing.unref();
    const letGo = async (how: () => Promise<unknown>) => {
      await patiently(how)
        .catch((error: unknown) => {
          // It is another's by now, or is not there any more: the store knows what became of it.
          if (mayPass(error)) throw error;
        })
        .finally(() => clearInterval(renewing));
    };
    return {
      ...described(job),
      say: (progress) => job.updateProgress(progress).catch(() => {}),
      done: () => letGo(() => job.moveToCompleted(null, token, false)),
      failed: (message) => letGo(() => job.moveToFailed(new Error(message), token, false)),
      back: (afterMs = 0) =>
        letGo(() => (afterMs === 0 ? job.moveToWait(token) : job.moveToDelayed(Date.now() + afterMs, token))),
    };
  }
}

/** One that has no connection to wait on: it is asked when there is room. */
function takerOf({ Worker }: typeof bullmq): typeof bullmq.Worker {
  return class extends Worker {
    protected override createBackend(): void {
      (this as unknown as { backend: unknown }).backend = this.backendFactory(this.name, this.opts);
    }
  };
}

function listed(jobs: readonly (bullmq.Job | undefined)[]): QueuedJob[] {
  return jobs.flatMap((job) => (job ? [described(job)] : []));
}

function described({ id, data, progress, timestamp }: bullmq.Job): QueuedJob {
  return { id: id as string, data: data as unknown, progress, filedAt: timestamp };
}
