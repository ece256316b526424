/** For tests: the command as a program of its own, and what it is given. */
import { execFile, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Summary } from '@espalier/experiment';

/** Whether what takes long is run too: by `npm run check:long`. */
export const isLong = process.env['ESPALIER_LONG'] !== undefined;

export const bin = fileURLToPath(new URL('../bin/espalier.js', import.meta.url));
export const fixtures = fileURLToPath(new URL('fixtures.config.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param running has the process while it runs
 * @param more variables beside those that there are
 */
export function espalierIn(
  folder: string,
  args: readonly string[],
  running = new Set<ChildProcess>(),
  more: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const how = { cwd: folder, env: { ...process.env, ...more } };
    const child = execFile(process.execPath, [bin, ...args], how, (error, stdout, stderr) => {
      running.delete(child);
      resolve({ code: error ? ((error.code as number | undefined) ?? null) : 0, stdout, stderr });
    });
    running.add(child);
  });
}

/** What the rows of a summary are compared by: all but times. */
export async function qualityOf(folder: string) {
  const { rows } = JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8')) as Summary;
  return rows.map(({ pruner, seed, status, metrics, achieved, fingerprint }) => ({
    ...{ pruner, seed, status, metrics, achieved, fingerprint },
  }));
}
