/** `espalier reproduce <recipe>`: a table or a question of the paper, and what came out of its claims. */
import { join } from 'node:path';

import {
  compare,
  describeBudget,
  measuresIn,
  strategyFor,
  TrialsFailed,
  tune,
  UsageError,
  type CompareOptions,
  type MeasureDescription,
  type Strategy,
  type Summary,
  type TunedSettings,
} from '@espalier/experiment';
import {
  loadWorkload,
  nodeReports,
  storeAddress,
  withCode,
  type AddressedStore,
} from '@espalier/experiment/node';
import { judgeClaims, type Claim, type Entrant, type Recipe, type RecipeScale } from '@espalier/recipes';
import { scaleNames, type ScaleName } from '@espalier/workloads';

import { findConfig } from '../config.js';
import { recipeOf, strategyOf } from '../entrants.js';
import { goesOnIn, interruptibly } from '../interruptible.js';
import { openedOnce } from '../opened-once.js';
import * as options from '../options.js';
import { showProgress } from '../live/progress.js';
import { openRegistry, resolveReference } from '../registry.js';
import { describeClaims, describeFigures, listClaims } from '../reproduced.js';
import { SETTINGS_FILE } from '../settings.js';
import type { AskedStrategy } from '../strategies.js';
import { dataFolderOf, executorOf, scaled, timestamp } from '../subject.js';
import { SummaryFile } from '../summary-file.js';
import { withQueue } from '../with-queue.js';
import { writeTuned } from '../tuned-file.js';
import type { Command } from './command.js';
import { computing, queued, type ComputingOptions, type QueueOptions } from './shared-options.js';
import { progressByRound, reportFailed } from './tune.js';

interface ReproduceOptions extends ComputingOptions, QueueOptions {
  readonly scale: ScaleName;
}

export const reproduce: Command = {
  usage: 'reproduce <recipe>',
  description: 'run a table or a question of the paper, and say which of its claims hold',
  arguments: (command) =>
    queued(
      computing(
        command.option(
          '--scale <smoke,small,paper>',
          'how much of it: seconds, some hours on two cores, or as published',
          options.scale,
          'small',
        ),
      ),
    ),
  run,
};

/** A claim that does not hold is a result. @returns 0, or 1 when a trial failed */
async function run(name: string, given: ReproduceOptions): Promise<number> {
  try {
    return await reproduceRecipe(name, given);
  } catch (error) {
    if (!(error instanceof TrialsFailed)) throw error;
    return reportFailed(error);
  }
}

async function reproduceRecipe(name: string, given: ReproduceOptions): Promise<number> {
  const recipe = recipeOf(name);
  const scale = scaleOf(recipe, given.scale);
  const registry = await openRegistry(findConfig(given.config));
  const reference = await withCode(await resolveReference(scale.workload, registry.workloads, 'workload'));
  const workload = scaled(await loadWorkload(reference), given.scale);
  const entrants = await Promise.all(
    recipe.entrants.map(async (entrant) => ({
      entrant,
      strategy: await strategyOf(entrant, workload),
    })),
  );
  const out = storeAddress(given.out ?? join('runs', `${timestamp()}-${recipe.name}`));
  const open = openedOnce(out);
  const epochs = scale.epochs ?? workload.defaults.epochs;
  const lengths = byLength(entrants, epochs);
  const axes = { sparsities: scale.sparsities, blockShapes: scale.blockShapes };
  const summaries = await interruptibly(goesOnIn(out), (signal) =>
    withQueue(given, signal, async (dispatch) => {
      const common = {
        dispatch,
        ...{ workload: { reference, workload }, ...axes, sparsePhases: given.sparsePhases },
        ...{ dataFolder: dataFolderOf(given), executor: await executorOf(given), store: open, signal },
        trialTimeoutMinutes: given.trialTimeout,
      };
      const done: { readonly summary: Summary; readonly tuned: TunedSettings | null }[] = [];
      for (const [i, part] of lengths.entries()) {
        const ofPart = { ...common, epochs: part.epochs };
        const tuned = scale.tuningTrials === null ? null : await tunePart(part, scale, ofPart);
        const store = partOf(await open(), i);
        if (tuned) await writeTuned(store, SETTINGS_FILE, tuned);
        done.push({ tuned, summary: await comparePart(part, scale, ofPart, tuned, store) });
      }
      return done;
    }),
  );
  const parts = summaries.map(({ summary }) => summary);
  const [first] = parts as [Summary];
  const measure = measuresIn(first).find(({ key }) => key === scale.measure) as MeasureDescription;
  // Of those that train longer there are tables of their own.
  const rows = parts.flatMap(({ rows }, i) => rows.filter(({ pruner }) => i === 0 || pruner !== 'dense'));
  const summary = { ...first, claims: claimsOf(recipe.claims(scale), rows, measure) };
  const store = await open();
  const written = new SummaryFile(() => store);
  await written.write(summary);
  const notes = [
    `${recipe.title} (${recipe.source}), at scale ${given.scale}.`,
    ...(scale.standsFor ? [`${capital(scale.standsFor)}.`] : []),
    budgetOf(summaries.map(({ tuned }) => tuned)),
  ];
  const figures = describeFigures(recipe.paper, { rows }, measure);
  const claims = describeClaims(summary.claims, measure);
  await store.write('claims.md', `${[...notes, '', listClaims(summary.claims, measure)].join('\n')}\n`);
  process.stdout.write(`${notes.join('\n')}\n\n`);
  for (const part of parts) process.stdout.write(nodeReports.table(part, { width: process.stdout.columns }));
  if (figures !== '') process.stdout.write(`\n${figures}\n`);
  process.stdout.write(`\n${claims}\n\nWritten to ${out}\n`);
  const failed = rows.filter(({ status }) => status === 'failed');
  for (const row of failed) process.stderr.write(`${row.pruner} seed ${row.seed} failed: ${row.message}\n`);
  if (written.trouble) process.stderr.write(`error: ${written.trouble}\n`);
  return failed.length > 0 || written.trouble ? 1 : 0;
}

function scaleOf(recipe: Recipe, scale: ScaleName): RecipeScale {
  const found = recipe.scales[scale];
  if (found) return found;
  const others = scaleNames.filter((name) => recipe.scales[name]);
  throw new UsageError(`The recipe '${recipe.name}' has no scale '${scale}': choose ${others.join(' or ')}`);
}

interface Entered {
  readonly entrant: Entrant;
  readonly strategy: AskedStrategy;
}

/** Entrants that train as long. */
interface Part {
  readonly epochs: number;
  readonly entered: readonly Entered[];
}

function byLength(entrants: readonly Entered[], epochs: number): Part[] {
  const factors = [...new Set(entrants.map(({ entrant: { epochsFactor = 1 } }) => epochsFactor))];
  return factors.map((factor) => ({
    epochs: Math.round(epochs * factor),
    entered: entrants.filter(({ entrant: { epochsFactor = 1 } }) => epochsFactor === factor),
  }));
}

type PartOptions = Omit<CompareOptions, 'pruners'>;

async function tunePart(
  { entered }: Part,
  scale: RecipeScale,
  compared: PartOptions,
): Promise<TunedSettings> {
  const watched = progressByRound();
  try {
    return await tune({
      ...compared,
      strategies: entered.map(({ strategy: { training: _, ...strategy } }) => strategy),
      trials: scale.tuningTrials as number,
      by: scale.measure,
      watcher: watched.watcher,
      onRound: watched.onRound,
    });
  } finally {
    watched.stop();
  }
}

async function comparePart(
  { entered }: Part,
  scale: RecipeScale,
  compared: PartOptions,
  tuned: TunedSettings | null,
  store: AddressedStore,
): Promise<Summary> {
  const pruners = tuned
    ? await tunedStrategies(entered, tuned)
    : await Promise.all(entered.map(async ({ strategy }) => strategy.make({})));
  const dense = tuned?.chosen.find(({ strategy }) => strategy === 'dense')?.training;
  const watcher = showProgress();
  const written = new SummaryFile(() => store);
  try {
    return await compare({
      ...compared,
      ...{ pruners, dense, tuning: tuned?.tuning, seeds: scale.seeds, watcher },
      onSummary(summary) {
        watcher.summed(summary);
        return written.write(summary);
      },
    });
  } finally {
    watcher.stop();
  }
}

async function tunedStrategies(entered: readonly Entered[], { chosen }: TunedSettings): Promise<Strategy[]> {
  return Promise.all(
    entered.flatMap(({ strategy }) =>
      chosen
        .filter((one) => one.strategy === strategy.name)
        .map(async (one) => strategyFor(await strategy.make(one.settings), one)),
    ),
  );
}

/** The same folder; documents of the second part are called `summary-2.json`, and so on. */
function partOf(store: AddressedStore, index: number): AddressedStore {
  if (index === 0) return store;
  const named = (name: string) => name.replace('.', `-${index + 1}.`);
  return {
    ...store,
    read: (name) => store.read(named(name)),
    write: (name, text) => store.write(named(name), text),
  };
}

function claimsOf(
  claims: readonly Claim[],
  rows: Summary['rows'],
  measure: MeasureDescription,
): NonNullable<Summary['claims']> {
  return judgeClaims(claims, rows, measure).map(({ differences: _, mean, ...claim }) => ({
    ...claim,
    difference: mean,
  }));
}

function budgetOf(tuned: readonly (TunedSettings | null)[]): string {
  const texts = tuned.flatMap((settings) => (settings ? [describeBudget(settings.tuning)] : []));
  return texts.length === 0 ? 'Settings are given, not tuned.' : `Tuned with ${texts.join('; and ')}.`;
}

const capital = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}`;
