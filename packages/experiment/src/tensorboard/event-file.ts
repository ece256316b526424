/** A file of events, for Node, which is made to have what it lacks: nothing stands in it twice, or half. */
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { asStoreError, putInPlace, readOr, removePartials } from '../store/files.js';
import { makeFolder } from '../store/make-folder.js';
import { decodeEvent, encodeEvent, versionEvent, type Event } from './events.js';
import { record, wholeRecords } from './records.js';

/** What is to be in the file. */
export type Wanted = Omit<Event, 'wallTime'>;

export interface EventFile {
  /** Adds those that the file has not, of each tag those of later steps than it has. */
  bring(events: readonly Wanted[]): Promise<void>;
}

interface Known {
  /** Which file it was, and how long, when it was read or written. */
  readonly inode: number;
  readonly bytes: number;
  /** The latest step of each tag. */
  readonly steps: Map<string, number>;
}

export function eventFile(path: string, now: () => number = Date.now): EventFile {
  let known: Known | null = null;

  /** What is whole in it is kept; what is not is cut off. */
  async function read(): Promise<Known> {
    await makeFolder(dirname(path)).catch((error: unknown) => {
      throw asStoreError(error, dirname(path), 'made');
    });
    await removePartials(dirname(path), 'of the dead');
    const bytes = (await readOr(path)) ?? new Uint8Array();
    const { records, length } = wholeRecords(bytes);
    const steps = new Map<string, number>();
    for (const { step, scalars } of records.map(decodeEvent)) noteSteps(steps, step, scalars);
    const kept = length > 0 ? bytes.subarray(0, length) : record(versionEvent(now() / 1000));
    if (length === 0 || length < bytes.length) await putInPlace(path, kept);
    return { inode: (await stat(path)).ino, bytes: kept.length, steps };
  }

  async function asKnown(): Promise<Known> {
    const there = known && (await stat(path).catch(() => null));
    const same = known && there?.ino === known.inode && there.size === known.bytes;
    return same ? known! : read();
  }

  return {
    async bring(events) {
      const before = await asKnown();
      const steps = new Map(before.steps);
      const missing = events.flatMap(({ step, scalars }) => {
        const lacking = Object.entries(scalars).filter(([tag]) => step > (steps.get(tag) ?? -1));
        if (lacking.length === 0) return [];
        const added = Object.fromEntries(lacking);
        noteSteps(steps, step, added);
        return [record(encodeEvent({ wallTime: now() / 1000, step, scalars: added }))];
      });
      if (missing.length > 0) await append(path, before, Buffer.concat(missing));
      const bytes = missing.reduce((sum, { length }) => sum + length, before.bytes);
      known = { inode: before.inode, bytes, steps };
    },
  };
}

async function append(path: string, { bytes: at }: Known, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(path, 'r+');
    try {
      await file.write(bytes, 0, bytes.length, at);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw asStoreError(error, path, 'written');
  }
}

function noteSteps(steps: Map<string, number>, step: number, scalars: Event['scalars']): void {
  for (const tag of Object.keys(scalars)) steps.set(tag, Math.max(step, steps.get(tag) ?? -1));
}
