/** The metrics of a trial, step by step, as JSON lines. */
import { appendFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface StepMetrics {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly phase: string;
  /** Share of blocks that the masks prune, over the pruned layers. */
  readonly sparsity: number;
}

const pathIn = (folder: string) => join(folder, 'metrics.jsonl');

export async function startMetrics(folder: string): Promise<void> {
  await writeFile(pathIn(folder), '');
}

/** Cuts off what was written after a checkpoint. */
export async function rewindMetrics(folder: string, bytes: number): Promise<void> {
  await truncate(pathIn(folder), bytes);
}

export async function appendMetrics(folder: string, steps: readonly StepMetrics[]): Promise<void> {
  await appendFile(pathIn(folder), steps.map((step) => `${JSON.stringify(step)}\n`).join(''));
}

export async function metricsBytes(folder: string): Promise<number> {
  return (await stat(pathIn(folder))).size;
}
