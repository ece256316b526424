/**
 * The log of steps in a file of JSON lines, for Node. Whoever starts or rewinds it puts a new file in its place and
 * writes to that one alone, so that what an owner still writes who has lost the trial ends nowhere.
 */
import { createHash, type Hash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';

import { asStoreError, putInPlace } from './files.js';
import type { StepLog, StepMetrics } from './store.js';
import { LeaseLost } from './trouble.js';

interface Written {
  readonly inode: number;
  bytes: number;
  readonly hash: Hash;
}

/** @param allowed throws where this owner may not write */
export function stepLogFile(file: string, allowed: () => Promise<void>): StepLog {
  let written: Written | null = null;

  async function replace(content: Uint8Array): Promise<void> {
    await putInPlace(file, content, allowed);
    const { ino } = await stat(file).catch((error: unknown) => {
      throw asStoreError(error, file, 'read');
    });
    written = { inode: ino, bytes: content.length, hash: createHash('sha256').update(content) };
  }

  async function append(steps: readonly StepMetrics[]): Promise<void> {
    if (!written) await replace(new Uint8Array());
    const log = written as unknown as Written;
    const text = steps.map((step) => `${JSON.stringify(step)}\n`).join('');
    await allowed();
    try {
      const handle = await open(file, 'r+');
      try {
        if ((await handle.stat()).ino !== log.inode) {
          throw new LeaseLost(`${file} has been taken over by another command`);
        }
        const bytes = Buffer.from(text);
        // At its place, not at the end: what a failed write left there is written over.
        await handle.write(bytes, 0, bytes.length, log.bytes);
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw asStoreError(error, file, 'written');
    }
    log.hash.update(text);
    log.bytes += Buffer.byteLength(text);
  }

  return {
    start: () => replace(new Uint8Array()),
    append,
    async mark() {
      if (!written) await replace(new Uint8Array());
      const { bytes, hash } = written as unknown as Written;
      return { length: bytes, sha256: hash.copy().digest('hex') };
    },
    async rewind({ length, sha256 }) {
      const content = await readFile(file).catch(() => null);
      const before = content?.subarray(0, length);
      if (!before || before.length < length) return false;
      if (createHash('sha256').update(before).digest('hex') !== sha256) return false;
      await replace(before);
      return true;
    },
    async read() {
      // What follows the last line's end is being written.
      const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1).filter(Boolean);
      return lines.map((line) => JSON.parse(line) as StepMetrics);
    },
  };
}
