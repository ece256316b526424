/** What a queue has, and what became of what it had. */
import { trialLabel } from '../trial/trial.js';
import { DIRECTORY, lotSchema, parsed, WORKERS, workerSchema, type WorkerSign } from './documents.js';
import type { QueueServer } from './server.js';

export interface QueueState {
  readonly place: string;
  readonly lots: readonly LotState[];
  /** Those that gave a sign of life in the last minute. */
  readonly workers: readonly WorkerSign[];
  /** Since the queue was made, over the lots that it has. */
  readonly done: number;
  readonly failed: number;
  readonly doneLastHour: number;
}

interface LotState {
  readonly store: string;
  /** A trial of it, as a person calls it. */
  readonly sample: string;
  readonly backend: string;
  readonly waiting: number;
  readonly running: number;
  readonly later: number;
}

const MOST = 1_000;
const ALIVE_MS = 60_000;

export async function watchQueue(server: QueueServer): Promise<QueueState> {
  const lots: LotState[] = [];
  let [done, failed, doneLastHour] = [0, 0, 0];
  for (const { data } of await server.queue(DIRECTORY).waiting(MOST)) {
    const lot = parsed(lotSchema, data);
    if (!lot) continue;
    const queue = server.queue(lot.lot);
    const { waiting, held, later } = await queue.counts();
    const ended = await queue.ended();
    const [sample] = lot.samples;
    lots.push({
      ...{ store: lot.store.address, sample: trialLabel(sample as never), backend: sample?.backend ?? '' },
      ...{ waiting, running: held, later },
    });
    done += ended.done;
    failed += ended.failed;
    doneLastHour += ended.byMinute.reduce((sum, count) => sum + count, 0);
  }
  const signs = await server.queue(WORKERS).waiting(MOST);
  const workers = signs.flatMap(({ data }) => {
    const sign = parsed(workerSchema, data);
    return sign && Date.now() - sign.seenAt < ALIVE_MS ? [sign] : [];
  });
  return { place: server.place, lots, workers, done, failed, doneLastHour };
}
