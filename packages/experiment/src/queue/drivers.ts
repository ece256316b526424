/** How a server of queues is reached: by Redis' protocol over one connection, or PostgreSQL over a small pool. */
import type * as bullmq from 'bullmq';

import { UsageError } from '../errors.js';
import { isFull, lineOf } from './faults.js';
import type { QueueUrl } from './url.js';

const CONNECT_MS = 5_000;
/** Between two tries, while it is away. */
export const AGAIN_MS = 1_000;

export interface Driver {
  readonly connection: unknown;
  readonly factory: unknown;
  /** Makes what it keeps its queues in, where that is not there. */
  prepare(): Promise<void>;
  close(): Promise<void>;
  disconnect(): void;
}

export async function redis({ address, place }: QueueUrl, isAway: (error: unknown) => void): Promise<Driver> {
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

export async function postgres({ address, place }: QueueUrl, mq: typeof bullmq): Promise<Driver> {
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

/** Loaded when it is wanted. */
export async function needed<T>(load: () => Promise<T>, name: string): Promise<T> {
  try {
    return await load();
  } catch {
    throw new UsageError(`A queue needs the package ${name}: npm install ${name}`);
  }
}

function unreachable(place: string, error: unknown): UsageError {
  const [trouble, wayOut] = isFull(error as Error)
    ? ['has no room', 'make some, and nothing is lost']
    : ['cannot be used', 'see that its server runs, and that user and password are right'];
  return new UsageError(`The queue at ${place} ${trouble} (${lineOf(error)}): ${wayOut}`);
}
