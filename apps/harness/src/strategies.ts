/** The strategies that a command is to run, with their settings: the workload's, those of `--set`, those of a tuning. */
import {
  UsageError,
  type Configuration,
  type Reference,
  type Strategy,
  type TunedStrategy,
} from '@espalier/experiment';
import { loadPruner, loadSpace, withCode } from '@espalier/experiment/node';
import { ownTraining, type TrainingSettings, type Workload } from '@espalier/workloads';
import { closest } from 'fastest-levenshtein';

import type { SetOptions } from './options.js';
import { resolveReference, type Registry } from './registry.js';

type Settings = Readonly<Record<string, unknown>>;

/** Settings of training, which belong to no strategy. */
const TRAINING = ['learningRateFactor', 'weightDecay'] satisfies (keyof TrainingSettings)[];

/** A strategy as it was asked for, to be made with settings of a tuning or without. */
export interface AskedStrategy extends TunedStrategy {
  /** Of training, by `--set`. */
  readonly training: TrainingSettings;
  /** What its settings are called. */
  readonly names: readonly string[];
}

/** A strategy as it is to be called, with settings that are not to be chosen. */
export interface NamedStrategy {
  /** Its own name when absent. */
  readonly name?: string;
  readonly reference: Reference;
  /** Of the workload's recipe, or a recipe's. */
  readonly given: Settings;
  /** By `--set`: kept with what is chosen. */
  readonly fixed?: Configuration;
  readonly training?: TrainingSettings;
}

/**
 * @throws UsageError where its module has no such strategy
 */
export async function toTune(given: NamedStrategy): Promise<AskedStrategy> {
  const { reference, fixed = {}, training = {} } = given;
  const pruner = await loadPruner(reference);
  const { name = pruner.name } = given;
  const space = await loadSpace(reference);
  const own = { ...given.given, ...fixed };
  return {
    ...{ name, reference, training, fixed },
    names: [...new Set([...Object.keys(pruner.settings), ...Object.keys(space)])],
    space: Object.fromEntries(Object.entries(space).filter(([setting]) => !(setting in own))),
    async make(chosen) {
      const settings = { ...own, ...chosen };
      const named = Object.keys(settings).length > 0 ? { ...reference, given: settings } : reference;
      return { reference: named, pruner: { ...(await loadPruner(named)), name } };
    },
  };
}

export interface Asked {
  readonly strategies: readonly AskedStrategy[];
  /** Of the dense baseline's training, by `--set`. */
  readonly dense: TrainingSettings;
  /** Whether something was set by hand. */
  readonly isSet: boolean;
}

/**
 * @param names of strategies, or their modules
 * @throws UsageError for a strategy or a setting that there is not, with the nearest name
 */
export async function askedStrategies(
  names: readonly string[],
  registry: Registry,
  workload: Workload,
  set: SetOptions = {},
): Promise<Asked> {
  const found = await Promise.all(
    names.map(async (name) => withCode(await resolveReference(name, registry.pruners, 'strategy'))),
  );
  const loaded = await Promise.all(
    found.map(async (reference) => ({
      reference,
      space: await loadSpace(reference),
      pruner: await loadPruner(reference),
    })),
  );
  const known = ['dense', ...loaded.map(({ pruner }) => pruner.name)];
  const unknown = Object.keys(set).find((strategy) => !known.includes(strategy));
  if (unknown !== undefined) {
    throw new UsageError(
      `--set ${unknown}.…: no '${unknown}' is compared; did you mean '${closest(unknown, known)}'?`,
    );
  }
  const strategies = await Promise.all(
    loaded.map(({ reference, space, pruner: { name, settings } }) => {
      const names = [...new Set([...Object.keys(settings), ...Object.keys(space)])];
      const { training, own } = apart(name, set[name] ?? {}, names);
      return toTune({ name, reference, training, given: workload.settings?.[name] ?? {}, fixed: own });
    }),
  );
  const dense = apart('dense', set['dense'] ?? {}, []).training;
  return { strategies, dense, isSet: Object.keys(set).length > 0 };
}

/** As they are by themselves, but for `--set`. */
export function untuned({ strategies }: Asked): Promise<Strategy[]> {
  return Promise.all(
    strategies.map(async ({ make, training }) => ({
      ...(await make({})),
      ...(Object.keys(training).length > 0 && { training }),
    })),
  );
}

/** What of the settings is training's, and what the strategy's own. */
function apart(
  strategy: string,
  given: SetOptions[string],
  settings: readonly string[],
): { readonly training: TrainingSettings; readonly own: Configuration } {
  const known = [...settings, ...TRAINING];
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `${strategy} has no setting '${unknown}': did you mean '${closest(unknown, known)}'? (it has ${known.join(', ')})`,
    );
  }
  const isTraining = ([name]: [string, unknown]) => (TRAINING as readonly string[]).includes(name);
  const entries = Object.entries(given);
  return {
    training: checkedTraining(strategy, Object.fromEntries(entries.filter(isTraining))),
    own: Object.fromEntries(entries.filter((entry) => !isTraining(entry))),
  };
}

/** @throws UsageError for what is no number, or out of its range */
function checkedTraining(strategy: string, given: Settings): TrainingSettings {
  for (const [name, value] of Object.entries(given)) {
    const least = name === 'weightDecay' ? value === 0 : false;
    if (typeof value === 'number' && Number.isFinite(value) && (value > 0 || least)) continue;
    throw new UsageError(
      `${strategy}.${name} = ${String(value)}: it is to be a number ${name === 'weightDecay' ? 'of at least 0' : 'above 0'}`,
    );
  }
  return given;
}

/** @throws UsageError where the workload's optimiser has no weight decay and one is set */
export function assertTrainable(workload: Workload, trainings: readonly TrainingSettings[]): void {
  const has = ownTraining(workload).weightDecay !== undefined;
  if (has || trainings.every(({ weightDecay }) => weightDecay === undefined)) return;
  throw new UsageError(
    `The optimiser of '${workload.name}' has no weight decay to set: leave it out, or take one of @espalier/optimizers`,
  );
}
