/** `espalier list`: the strategies and workloads that `compare` knows and the recipes of `reproduce`, a line each. */
import { loadPruner, loadWorkload } from '@espalier/experiment/node';
import { recipes } from '@espalier/recipes';
import { scaleNames, type ScaleName, type Workload } from '@espalier/workloads';
import Table from 'cli-table3';

import { findConfig } from '../config.js';
import { openRegistry } from '../registry.js';
import type { Command } from './command.js';

export const list: Command = {
  usage: 'list',
  description: 'the strategies, workloads and recipes, a line each',
  arguments: (command) =>
    command
      .option('--config <file>', "espalier.config.ts (default: found upwards, to the package's root)")
      .option('--json', 'as JSON'),
  run,
};

async function run(options: { config?: string; json?: boolean }): Promise<void> {
  const registry = await openRegistry(findConfig(options.config));
  const pruners = await Promise.all(registry.pruners.map(loadPruner));
  const workloads = await Promise.all(registry.workloads.map(loadWorkload));
  const content = {
    pruners: pruners.map(({ name, description, source, settings }) => ({
      name,
      description,
      source,
      settings,
    })),
    workloads: workloads.map((workload) => ({
      name: workload.name,
      description: workload.description,
      defaults: workload.defaults,
      scales: scalesOf(workload),
    })),
    recipes: recipes.map(({ name, title, source, scales }) => ({
      ...{ name, title, source },
      scales: scaleNames.filter((scale) => scales[scale]),
    })),
  };
  if (options.json) {
    process.stdout.write(`${JSON.stringify(content, null, 2)}\n`);
    return;
  }
  const strategyTable = new Table({
    head: ['strategy', 'what it does', 'source'],
    style: { head: [], border: [] },
  });
  strategyTable.push(...content.pruners.map(({ name, description, source }) => [name, description, source]));
  const workloadTable = new Table({
    head: ['workload', 'what is trained', 'scales'],
    style: { head: [], border: [] },
  });
  workloadTable.push(
    ...content.workloads.map(({ name, description, scales }) => [name, description, scales.join(', ')]),
  );
  const recipeTable = new Table({
    head: ['recipe', 'what is asked', 'scales'],
    style: { head: [], border: [] },
  });
  recipeTable.push(...content.recipes.map(({ name, title, scales }) => [name, title, scales.join(', ')]));
  const tables = [strategyTable, workloadTable, recipeTable].map((table) => table.toString());
  process.stdout.write(`${tables.join('\n')}\n`);
}

/** What is not said of a scale is the workload's own, which is the small one. */
function scalesOf({ scales = {} }: Workload): ScaleName[] {
  return scaleNames.filter((name) => name === 'small' || scales[name]);
}
