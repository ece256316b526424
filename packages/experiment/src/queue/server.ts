/**
 * A server of queues, by BullMQ: on Redis and what speaks its protocol, or on PostgreSQL. One connection of Redis for all
 * queues of a process, or a small pool of PostgreSQL's: nothing waits on a connection of its own. While the server is away
 * what is asked of it waits. What is known of drivers is in `drivers.ts`, of BullMQ's jobs in `job-queue.ts`.
 */
import { sleep } from '../sleep.js';
import { AGAIN_MS, needed, postgres, redis } from './drivers.js';
import { isEmptied, isFull, lineOf, mayPass } from './faults.js';
import { jobQueue, type HoldTimes, type JobQueue } from './job-queue.js';
import { parseQueueUrl } from './url.js';

const HOLD_TIMES: HoldTimes = { holdMs: 15_000, renewMs: 5_000, lookMs: 5_000 };

export interface QueueServer {
  /** Its URL without what is secret. */
  readonly place: string;
  queue(name: string): JobQueue;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly times?: HoldTimes;
  /** Is told, in a line, that the server is away or full, and that it is back. */
  readonly onNote?: (line: string) => void;
  /** Ends waiting for a server that is away. */
  readonly signal?: AbortSignal;
}

/** What closing may take where the server does not answer. */
const CLOSE_MS = 2_000;

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
        if (signal.aborted) throw signal.reason as Error;
        if (isEmptied(error as Error)) await driver.prepare().catch(isAway);
        else if (mayPass(error)) isAway(error);
        else throw error;
        await sleep(AGAIN_MS, signal);
      }
    }
  };
  const isAway = (error: unknown) => {
    if (!away) {
      const trouble = isFull(error as Error) ? 'has no room' : 'is away';
      onNote(
        `The queue at ${place} ${trouble} (${lineOf(error)}): trials train on, and are reported when it is back`,
      );
    }
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
