/** Who writes to a store, for Node: a process of a machine, which can be asked whether it still lives. */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

import { z } from 'zod';

export const ownerSchema = z.object({
  /** One claim's own. */
  owner: z.string(),
  pid: z.int().positive(),
  /** When the process started, by which a number that was given again is known; null where it cannot be asked. */
  started: z.string().nullable(),
  /** Within which the number of a process means something. */
  host: z.string(),
  hostname: z.string(),
});

export type Owner = z.infer<typeof ownerSchema>;

export function newOwner(): Owner {
  const { pid } = process;
  return { owner: randomUUID(), pid, started: startOf(pid), host: thisHost(), hostname: hostname() };
}

/** True or false of a process of this machine; null of another's, which cannot be asked, and of one that is stopped. */
export function isAlive({ pid, started, host }: Pick<Owner, 'pid' | 'started' | 'host'>): boolean | null {
  if (host !== thisHost()) return null;
  if (!processLives(pid)) return false;
  if (started !== null && startOf(pid) !== started) return false;
  return isStopped(pid) ? null : true;
}

export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // One of another user's cannot be signalled, and is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let host: string | undefined;

/** The machine, and where there are several, the space of process numbers on it: containers have their own. */
export function thisHost(): string {
  host ??= createHash('sha256').update(`${hostname()} ${processSpace()}`).digest('hex').slice(0, 12);
  return host;
}

function processSpace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

function startOf(pid: number): string | null {
  const fields = standingOf(pid);
  // A zombie has ended.
  return fields[0] === 'Z' ? 'ended' : (fields[19] ?? null);
}

/** By SIGSTOP, or by a terminal: it may never go on. */
function isStopped(pid: number): boolean {
  return standingOf(pid)[0]?.toUpperCase() === 'T';
}

/** State first; empty where it cannot be asked. */
function standingOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields are counted from after the name, which may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
