/**
 * Leases in a trial's folder, for Node: `lease-<number>.json`, made with what is in it and only where it is not there,
 * so that of several that try one has it. The largest number is in force. Its file's time is the owner's sign of life.
 */
import { existsSync } from 'node:fs';
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { createOnce, putInPlace, readOr } from './files.js';
import { isAlive, newOwner, ownerSchema } from './owner.js';
import { seal, unseal } from './sealed.js';
import { NOBODY, type Lease, type LeaseKey } from './store.js';
import { Doubtful, LeaseLost, StoreError } from './trouble.js';

const leaseSchema = ownerSchema.extend({
  number: z.int().positive(),
  released: z.boolean(),
  kills: z.int().nonnegative().default(0),
});
type LeaseFile = z.infer<typeof leaseSchema>;

const NAME = /^lease-(\d{1,9})\.json$/;

export interface LeaseTimes {
  /** An owner gives a sign of life this often. */
  readonly signMs: number;
  /** One on another machine that has given none for so long is dead; one on this machine is asked itself. */
  readonly deadAfterMs: number;
}

export const LEASE_TIMES: LeaseTimes = { signMs: 5_000, deadAfterMs: 60_000 };

/** When this process first saw a lease's latest sign of life, by its own clock. */
const seen = new Map<string, { readonly sign: number; readonly atMs: number }>();

/** @returns the lease, or who has it, in words */
export async function claimIn(folder: string, times: LeaseTimes): Promise<Lease | string> {
  const current = await largestIn(folder);
  const holder = await holderIn(folder, times);
  if (holder !== null) return holder;
  const number = current + 1;
  const before = current === 0 ? null : await leaseAt(folder, current).catch(() => null);
  const kills = before === null ? 0 : before.kills + (before.released ? 0 : 1);
  const file: LeaseFile = { ...newOwner(), number, released: false, kills };
  const path = pathOf(folder, number);
  if (!(await createOnce(path, seal('lease', file)))) return 'another command';
  const { owner } = file;
  await removeLeases(folder, (other) => other < number);
  const signs = setInterval(() => {
    const now = new Date();
    // Where it is gone, the next write says so.
    utimes(path, now, now).catch(() => {});
  }, times.signMs);
  signs.unref();
  return {
    ...{ owner, number, kills },
    async release(forgiven = false) {
      clearInterval(signs);
      // The number stays, for the next owner's to be larger; what has ended has no lease any more.
      const mine = await isMine(folder, { owner, number });
      const released = { ...file, released: true, kills: forgiven ? 0 : kills };
      if (mine) await putInPlace(path, seal('lease', released)).catch(() => {});
    },
  };
}

/** @throws LeaseLost unless this lease is in force */
export async function assertLease(folder: string, key: LeaseKey): Promise<void> {
  if (await isMine(folder, key)) return;
  if (!existsSync(folder)) {
    throw new StoreError(`${folder} was removed while it was written to: run the same command again`);
  }
  throw new LeaseLost(`the lease in ${folder} was taken over by another command, or removed`);
}

export async function removeLeases(
  folder: string,
  which: (number: number) => boolean = () => true,
): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => {
    const number = NAME.exec(name)?.[1];
    return number !== undefined && which(Number(number));
  });
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true, recursive: true })));
}

async function isMine(folder: string, { owner, number }: LeaseKey): Promise<boolean> {
  const largest = await largestIn(folder);
  if (largest !== number) return false;
  if (number === NOBODY.number) return true;
  const file = await leaseAt(folder, number).catch(() => null);
  return file?.owner === owner && !file.released;
}

/** Who has the trial, in words; null where nobody has. */
export async function holderIn(folder: string, times: LeaseTimes): Promise<string | null> {
  const current = await largestIn(folder);
  return current === 0 ? null : holderOf(folder, current, times);
}

/** Null where it may be taken over. */
async function holderOf(folder: string, number: number, { deadAfterMs }: LeaseTimes): Promise<string | null> {
  const path = pathOf(folder, number);
  const file = await leaseAt(folder, number).catch((error: unknown) => {
    if (error instanceof Doubtful) return null;
    throw error;
  });
  if (!file || file.released) return null;
  const who = `process ${file.pid} on ${file.hostname}`;
  const alive = isAlive(file);
  if (alive !== null) return alive ? who : null;
  const sign = (await stat(path).catch(() => null))?.mtimeMs;
  if (sign === undefined) return null;
  const known = seen.get(path);
  if (known?.sign === sign) return Date.now() - known.atMs > deadAfterMs ? null : who;
  seen.set(path, { sign, atMs: Date.now() });
  return who;
}

async function leaseAt(folder: string, number: number): Promise<LeaseFile | null> {
  const path = pathOf(folder, number);
  const text = await readOr(path);
  return text && unseal('lease', leaseSchema, text.toString(), path);
}

/** 0 where there is none. */
async function largestIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  return Math.max(0, ...names.map((name) => Number(NAME.exec(name)?.[1] ?? 0)));
}

function pathOf(folder: string, number: number): string {
  return join(folder, `lease-${number}.json`);
}
