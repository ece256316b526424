/** `--settings`: what `espalier tune` chose, for the strategies and targets that are compared. */
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import {
  assertFits,
  chosenFor,
  parseSettings,
  strategyFor,
  UsageError,
  type CompareOptions,
  type Strategy,
  type TunedSettings,
} from '@espalier/experiment';
import type { Workload } from '@espalier/workloads';

import type { Asked } from './strategies.js';

/** What `tune` calls its file. */
export const SETTINGS_FILE = 'settings.json';

/**
 * @param path of the file, or of the folder that `tune` wrote
 * @throws UsageError where there is none, or it is damaged
 */
export async function readSettings(path: string): Promise<TunedSettings> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = resolve(isFolder ? join(path, SETTINGS_FILE) : path);
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(`${file} is missing: give the settings.json that espalier tune wrote`);
  });
  return parseSettings(text, file);
}

/** What a comparison is told of them. */
export type Tuned = Pick<CompareOptions, 'dense' | 'tuning'> & { readonly pruners: readonly Strategy[] };

/**
 * Every strategy with the settings that were chosen for it at each target.
 *
 * @throws UsageError for those of another workload, scale or target, and for seeds that they were chosen with
 */
export async function tunedFor(
  asked: Asked,
  { settings, path }: { readonly settings: TunedSettings; readonly path: string },
  workload: Workload,
  axes: Pick<CompareOptions, 'sparsities' | 'blockShapes' | 'seeds' | 'epochs' | 'overrides' | 'allocations'>,
): Promise<Tuned> {
  const { defaults, name, scale = null } = workload;
  const { seeds = defaults.seeds, epochs = defaults.epochs, overrides, allocations } = axes;
  assertFits(settings, { path, workload: name, scale, seeds, epochs, overrides, allocations });
  if (asked.isSet) {
    throw new UsageError(
      '--set beside --settings: what was tuned is not to be changed by hand, so give one of both',
    );
  }
  const targets = (axes.sparsities ?? defaults.sparsities).flatMap((sparsity) =>
    (axes.blockShapes ?? defaults.blockShapes).map((blockShape) => ({ sparsity, blockShape })),
  );
  const pruners = await Promise.all(
    asked.strategies.flatMap((strategy) =>
      targets.map(async (target) => {
        const chosen = chosenFor(settings, strategy.name, target, path);
        const unknown = Object.keys(chosen.settings).find((setting) => !strategy.names.includes(setting));
        if (unknown !== undefined) {
          throw new UsageError(
            `${path} sets ${unknown} of ${strategy.name}, which it has not: run espalier tune again`,
          );
        }
        return strategyFor(await strategy.make(chosen.settings), chosen);
      }),
    ),
  );
  const { training } = chosenFor(settings, 'dense', null, path);
  return { pruners, dense: training, tuning: settings.tuning };
}
