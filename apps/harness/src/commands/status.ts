/** `espalier status <folder or url>`: how the trials stand, for whoever did not start them. */
import { once } from 'node:events';
import { createServer } from 'node:http';

import { standings, UsageError, type Standing, type TrialState } from '@espalier/experiment';
import { isQueueUrl, storeAt } from '@espalier/experiment/node';
import type { QueueState } from '@espalier/experiment/queue';

import { assertStore } from '../asserted-store.js';
import { interruptibly } from '../interruptible.js';
import * as options from '../options.js';
import type { Command } from './command.js';

interface StatusOptions {
  readonly json?: boolean;
  readonly metrics?: boolean;
  readonly serve?: number;
}

export const status: Command = {
  usage: 'status <folder-or-url>',
  description: 'show how the trials of a folder stand, whoever runs them, or what a queue has',
  arguments: (command) =>
    command
      .option('--json', 'as JSON')
      .option('--metrics', 'of a queue: as text that Prometheus reads')
      .option(
        '--serve <port>',
        'of a queue: answer with that text at http://localhost:<port>/metrics until told to stop',
        options.port,
      ),
  run,
};

async function run(asked: string, { json, metrics, serve }: StatusOptions): Promise<void> {
  if (isQueueUrl(asked)) {
    if (serve !== undefined) return serveMetrics(asked, serve);
    const state = await stateOf(asked);
    if (metrics) return void process.stdout.write((await loaded()).metricsText(state));
    process.stdout.write(json ? `${JSON.stringify(state, null, 2)}\n` : describeQueue(state));
    return;
  }
  if (metrics || serve !== undefined) {
    throw new UsageError('--metrics and --serve are of a queue: give its URL in the place of a folder');
  }
  const store = await assertStore(await storeAt(asked), asked);
  const all = await standings(store);
  process.stdout.write(json ? `${JSON.stringify(all, null, 2)}\n` : describe(all));
}

async function stateOf(url: string): Promise<QueueState> {
  const { connect, watchQueue } = await loaded();
  const server = await connect(url);
  try {
    return await watchQueue(server);
  } finally {
    await server.close();
  }
}

const loaded = () => import('@espalier/experiment/queue');

/** To this machine alone: who is to read it from elsewhere puts something in front. */
async function serveMetrics(url: string, port: number): Promise<void> {
  const { connect, metricsText, watchQueue } = await loaded();
  await interruptibly('no metrics are served any more', async (signal) => {
    const queue = await connect(url, { signal });
    const server = createServer((request, response) => {
      if (request.url !== '/metrics') return void response.writeHead(404).end();
      watchQueue(queue).then(
        (state) =>
          response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metricsText(state)),
        () => response.writeHead(503).end(),
      );
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening').catch((error: Error) => {
      throw new UsageError(`Port ${port} cannot be used (${error.message}): choose another with --serve`);
    });
    process.stderr.write(`Metrics at http://127.0.0.1:${port}/metrics\n`);
    try {
      await once(signal, 'abort');
    } finally {
      server.close();
      await queue.close();
    }
    signal.throwIfAborted();
  });
}

const STATES = ['ok', 'diverged', 'failed', 'running', 'begun', 'to do'] as const satisfies TrialState[];

/** So many are told of each kind. */
const TOLD = 20;

function describe(all: readonly Standing[]): string {
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

function describeQueue({ place, lots, workers, ...ended }: QueueState): string {
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
