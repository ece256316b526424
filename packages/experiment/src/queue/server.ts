/**
 * A server of queues, by BullMQ: on Redis and what speaks its protocol, or on PostgreSQL. All that is known of BullMQ and
 * of drivers is here. One connection of Redis for all queues of a process, or a small pool of PostgreSQL's: nothing waits
 * on a connection of its own.
 */
import type * as bullmq from 'bullmq';

import { UsageError } from '../errors.js';
import { sleep } from '../sleep.js';
import { parseQueueUrl, type QueueUrl } from './url.js';

/** A job is taken for a while, and kept by renewing: after that, whoever asks next has it. */
interface HoldTimes {
  readonly holdMs: number;
  readonly renewMs: number;
  /** How often it is looked for jobs that were held too long ago. */
  readonly lookMs: number;
}

const HOLD_TIMES: HoldTimes = { holdMs: 15_000, renewMs: 5_000, lookMs: 5_000 };

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

interface JobQueue {
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

export interface QueueServer {
  /** Its URL without what is secret. */
  readonly place: string;
  queue(name: string): JobQueue;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly times?: HoldTimes;
  /** Is told, in a line, that the server is away, and that it is back. */
  readonly onNote?: (line: string) => void;
  /** Ends waiting for a server that is away. */
  readonly signal?: AbortSignal;
}

/** Before all keys of Redis. */
const SPACE = 'espalier';

const CONNECT_MS = 5_000;
const AGAIN_MS = 1_000;
/** What closing may take where the server does not answer. */
const CLOSE_MS = 2_000;
const MINUTES = 60;
/** After so many looks for jobs that were held too long ago, looking is begun anew. */
const LOOKS = 4;
/** For a column of 32 bits. */
const MANY = 1_000_000;

/** @throws UsageError, in a line and without secrets, where it cannot be reached or used */
export async function connect(url: string, options: ConnectOptions = {}): Promise<QueueServer> {
  const parsed = parseQueueUrl(url, process.env['ESPALIER_QUEUE_PASSWORD']);
  const { place } = parsed;
  const { times = HOLD_TIMES, onNote = () => {}, signal = new AbortController().signal } = options;
  const mq = await needed(() => import('bullmq'), 'bullmq');
  let away = false;
  const patiently = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        const answer = await ask();
        if (away) onNote(`The queue at ${place} is back`);
        away = false;
        return answer;
      } catch (error) {
        if (signal.aborted) throw error;
        if (isEmptied(error as { code?: string })) await driver.prepare().catch(isAway);
        else if (mayPass(error)) isAway(error);
        else throw error;
        await sleep(AGAIN_MS, signal);
      }
    }
  };
  const isAway = (error: unknown) => {
    if (!away)
      onNote(
        `The queue at ${place} is away (${lineOf(error)}): trials train on, and are reported when it is back`,
      );
    away = true;
  };
  const driver = await (parsed.kind === 'redis' ? redis(parsed, isAway) : postgres(parsed, mq));
  const opened = new Map<string, JobQueue & { close(): Promise<void> }>();
  return {
    place,
    queue(name) {
      const queue = opened.get(name) ?? jobQueue(name, mq, driver, times, patiently);
      opened.set(name, queue);
      return queue;
    },
    async close() {
      const all = Promise.all([...opened.values()].map((queue) => queue.close())).then(() => driver.close());
      await Promise.race([all.catch(() => {}), sleep(CLOSE_MS, new AbortController().signal)]);
      driver.disconnect();
    },
  };
}

interface Driver {
  readonly connection: unknown;
  readonly factory: unknown;
  /** Makes what it keeps its queues in, where that is not there. */
  prepare(): Promise<void>;
  close(): Promise<void>;
  disconnect(): void;
}

async function redis({ address, place }: QueueUrl, isAway: (error: unknown) => void): Promise<Driver> {
  const { Redis } = await needed(() => import('ioredis'), 'ioredis');
  const probe = new Redis(address, {
    ...{ lazyConnect: true, connectTimeout: CONNECT_MS, retryStrategy: () => null, maxRetriesPerRequest: 0 },
  });
  let reason: unknown;
  probe.on('error', (error) => (reason = error));
  try {
    await probe.connect();
    await probe.ping();
  } catch (error) {
    throw unreachable(place, reason ?? error);
  } finally {
    probe.disconnect();
  }
  const client = new Redis(address, {
    // What is asked while it is away is asked when it is back.
    ...{ maxRetriesPerRequest: null, retryStrategy: () => AGAIN_MS },
  });
  client.on('error', isAway);
  return {
    ...{ connection: client, factory: undefined },
    prepare: async () => {},
    close: async () => void (await client.quit()),
    disconnect: () => client.disconnect(),
  };
}

async function postgres({ address, place }: QueueUrl, mq: typeof bullmq): Promise<Driver> {
  const { default: pg } = await needed(() => import('pg'), 'pg');
  const pool = new pg.Pool({
    ...{ connectionString: address, connectionTimeoutMillis: CONNECT_MS, max: 2 },
    // Of a pool that it is handed BullMQ takes this schema.
    options: `-c search_path=${mq.DEFAULT_SCHEMA}`,
  });
  // Of a connection that nothing is asked on: the next question says it.
  pool.on('error', () => {});
  const prepare = async () => {
    const client = await pool.connect();
    try {
      await mq.runMigrations(client as never, mq.DEFAULT_SCHEMA);
    } finally {
      client.release();
    }
  };
  try {
    await prepare();
  } catch (error) {
    await pool.end().catch(() => {});
    throw unreachable(place, error);
  }
  return {
    ...{ connection: pool, factory: mq.createPostgresBackend, prepare },
    close: () => pool.end(),
    disconnect: () => {},
  };
}

function jobQueue(
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

/** Loaded when it is wanted. */
async function needed<T>(load: () => Promise<T>, name: string): Promise<T> {
  try {
    return await load();
  } catch {
    throw new UsageError(`A queue needs the package ${name}: npm install ${name}`);
  }
}

/** Of the system; of PostgreSQL: it shuts down, starts, has no room for connections, no room on its disk. */
const PASSING = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'],
  ...['57P01', '57P02', '57P03', '08006', '08001', '53300', '53100', '53200'],
]);

/** Of PostgreSQL, where its data were lost: no such table, schema, function. */
function isEmptied({ code }: { code?: string }): boolean {
  return code === '42P01' || code === '3F000' || code === '42883';
}

/** Whether the same may be answered later. */
function mayPass(error: unknown): boolean {
  const { code, message = '' } = error as { code?: string; message?: string };
  if (code !== undefined && PASSING.has(code)) return true;
  return /^(MISCONF|OOM|LOADING|BUSY|READONLY|MASTERDOWN)\b|Connection (is closed|terminated)|timeout exceeded when trying to connect|Connection ended/.test(
    message,
  );
}

function unreachable(place: string, error: unknown): UsageError {
  return new UsageError(
    `The queue at ${place} cannot be used (${lineOf(error)}): see that its server runs, and that user and password are right`,
  );
}

function lineOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  const text = message || errors?.[0]?.message || code || String(error);
  return text.split('\n')[0] as string;
}
