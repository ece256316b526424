/** The strategies of a recipe, to be tuned or run as they are. */
import { fileURLToPath } from 'node:url';

import { UsageError, type Reference } from '@espalier/experiment';
import { withCode } from '@espalier/experiment/node';
import { recipes, type Entrant, type Recipe } from '@espalier/recipes';
import type { Workload } from '@espalier/workloads';
import { closest } from 'fastest-levenshtein';

import { openRegistry, resolveReference } from './registry.js';
import { toTune, type AskedStrategy } from './strategies.js';

/** @throws UsageError with the nearest name where there is none of that name */
export function recipeOf(name: string): Recipe {
  const found = recipes.find((recipe) => recipe.name === name);
  if (found) return found;
  const names = recipes.map((recipe) => recipe.name);
  throw new UsageError(
    `Unknown recipe '${name}': did you mean '${closest(name, names)}'? (\`espalier list\` shows all)`,
  );
}

/** The built-in one, whatever a config calls by its name: a recipe is about that. */
export async function strategyOf(entrant: Entrant, workload: Workload): Promise<AskedStrategy> {
  const { name, strategy, settings, settingsOf = strategy } = entrant;
  const reference = await withCode(await referenceOf(entrant));
  return toTune({ name, reference, given: { ...workload.settings?.[settingsOf], ...settings } });
}

/** The strategies of the recipes' package are found from here, wherever the command runs. */
async function referenceOf({ strategy }: Entrant): Promise<Reference> {
  if (!strategy.startsWith('@espalier/recipes/')) {
    const { pruners } = await openRegistry(null);
    return resolveReference(strategy, pruners, 'strategy');
  }
  const module = fileURLToPath(import.meta.resolve(strategy));
  return { ...{ name: strategy, asked: strategy, module }, section: 'default', contentHash: null };
}

/** The strategies that recipes add to the built-in ones. */
export async function recipeStrategies(): Promise<Reference[]> {
  const entrants = recipes.flatMap(({ entrants }) => entrants);
  const own = entrants.filter(({ strategy }) => strategy.startsWith('@espalier/recipes/'));
  return Promise.all(own.map(referenceOf));
}
