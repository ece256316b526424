/** `espalier status <folder or url>`: how the trials stand, for whoever did not start them. */
import { standings, type Standing, type TrialState } from '@espalier/experiment';
import { isQueueUrl, storeAt } from '@espalier/experiment/node';
import type { QueueState } from '@espalier/experiment/queue';

import { assertStore } from '../asserted-store.js';
import type { Command } from './command.js';

interface StatusOptions {
  readonly json?: boolean;
}

export const status: Command = {
  usage: 'status <folder-or-url>',
  description: 'show how the trials of a folder stand, whoever runs them, or what a queue has',
  arguments: (command) => command.option('--json', 'as JSON'),
  run,
};

async function run(asked: string, { json }: StatusOptions): Promise<void> {
  if (isQueueUrl(asked)) {
    const state = await stateOf(asked);
    process.stdout.write(json ? `${JSON.stringify(state, null, 2)}\n` : describeQueue(state));
    return;
  }
  const store = await assertStore(await storeAt(asked), asked);
  const all = await standings(store);
  process.stdout.write(json ? `${JSON.stringify(all, null, 2)}\n` : describe(all));
}

async function stateOf(url: string): Promise<QueueState> {
  const { connect, watchQueue } = await import('@espalier/experiment/queue');
  const server = await connect(url);
  try {
    return await watchQueue(server);
  } finally {
    await server.close();
  }
}

const STATES = ['ok', 'diverged', 'failed', 'running', 'begun', 'to do'] as const satisfies TrialState[];

/** So many are told of each kind. */
const TOLD = 20;

export function describe(all: readonly Standing[]): string {
  const counts = STATES.map((state) => [state, all.filter((one) => one.state === state).length] as const);
  const told = (state: TrialState) => {
    const these = all.filter((one) => one.state === state);
    const more = these.length > TOLD ? [`  and ${these.length - TOLD} more`] : [];
    return [...these.slice(0, TOLD).map(({ name, note }) => `  ${name}: ${note}`), ...more];
  };
  const lines = [
    `${all.length} trials: ${counts.flatMap(([state, n]) => (n > 0 ? [`${n} ${state}`] : [])).join(', ')}`,
    ...(['running', 'failed'] as const).flatMap((state) => {
      const these = told(state);
      return these.length > 0 ? [`${state}:`, ...these] : [];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

export function describeQueue({ place, lots, workers, ...ended }: QueueState): string {
  const sum = (of: 'waiting' | 'running' | 'later') => lots.reduce((all, lot) => all + lot[of], 0);
  const stores = [...new Set(lots.map(({ store }) => store))];
  const side = workers.reduce((all, { jobs }) => all + jobs, 0);
  const hosts = new Set(workers.map(({ host }) => host)).size;
  const lines = [
    `${place}: ${sum('waiting')} waiting, ${sum('running')} running, ${sum('later')} to be tried again; ` +
      `${ended.done} done and ${ended.failed} failed of what it has; ${ended.doneLastHour} in the last hour`,
    `${workers.length} workers on ${hosts} machines, ${side} side by side`,
    ...stores.map((store) => `of ${store}`),
  ];
  return `${lines.join('\n')}\n`;
}
