/**
 * A store in a folder, for Node: `summary.json` and its like in it, and under `trials/` a folder for each trial, with
 * `config.json`, `metrics.jsonl`, `checkpoint.bin` while it runs, and `result.json` once it has ended.
 */
import {
  access,
  appendFile,
  constants,
  mkdir,
  readFile,
  readdir,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { deserialize, serialize } from 'node:v8';

import writeFileAtomic from 'write-file-atomic';

import { UsageError } from '../errors.js';
import type { TrialResult } from '../trial/trial.js';
import type { Checkpoint, StepLog, StepMetrics, Store, TrialStore } from './store.js';

export interface FolderStore extends Store {
  /** The folder's absolute path. */
  readonly address: string;
}

/** @throws UsageError when the folder cannot be made or written to */
export async function openFolder(folder: string): Promise<FolderStore> {
  const path = resolve(folder);
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (error) {
    throw new UsageError(
      `The output folder ${path} cannot be written to (${(error as Error).message}): choose another with --out`,
    );
  }
  return folderStore(path);
}

/** @param folder that exists */
export function folderStore(folder: string): FolderStore {
  return {
    address: folder,
    read: (name) => readFile(join(folder, name), 'utf8').catch(() => null),
    write: (name, text) => writeFileAtomic(join(folder, name), text),
    trial: (name) => trialFolder(join(folder, 'trials', name)),
  };
}

function trialFolder(folder: string): TrialStore {
  const [config, result, checkpoint] = ['config.json', 'result.json', 'checkpoint.bin'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  return {
    async begin(trial) {
      await mkdir(folder, { recursive: true });
      await writeFileAtomic(config, toText(trial));
    },
    result: () => unlessUnreadable(async () => JSON.parse(await readFile(result, 'utf8')) as TrialResult),
    async publish(ended) {
      await writeFileAtomic(result, toText(ended));
      await tidy(folder);
    },
    tidy: () => tidy(folder),
    checkpoint: () => unlessUnreadable(async () => deserialize(await readFile(checkpoint)) as Checkpoint),
    saveCheckpoint: (standing) => writeFileAtomic(checkpoint, serialize(standing)),
    metrics: stepLog(join(folder, 'metrics.jsonl')),
  };
}

/** A checkpoint, and files that were being written when their process was killed. */
const NO_LONGER_NEEDED = /^checkpoint\.bin$|\.(bin|json)\.\d+$/;

async function tidy(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => NO_LONGER_NEEDED.test(name));
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
}

/** JSON lines; its length is in bytes. */
function stepLog(file: string): StepLog {
  return {
    start: () => writeFile(file, ''),
    append: (steps) => appendFile(file, steps.map((step) => `${JSON.stringify(step)}\n`).join('')),
    length: async () => (await stat(file)).size,
    rewind: (length) => truncate(file, length),
    async read() {
      const lines = (await readFile(file, 'utf8')).trim().split('\n').filter(Boolean);
      return lines.map((line) => JSON.parse(line) as StepMetrics);
    },
  };
}

/** Null where a file is missing or damaged. */
async function unlessUnreadable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}

function toText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
