/** A queue's state in the text format that Prometheus reads. */
import type { QueueState } from './watch.js';

/** Version 0.0.4 of the format: a line of help and one of type before each metric. */
export function metricsText({ lots, workers, done, failed, doneLastHour }: QueueState): string {
  const sum = (of: 'waiting' | 'running' | 'later') => lots.reduce((all, lot) => all + lot[of], 0);
  const states = (['waiting', 'running', 'later'] as const).map((state): [string, number] => [
    `{state="${state}"}`,
    sum(state),
  ]);
  const jobs = workers.reduce((all, worker) => all + worker.jobs, 0);
  return [
    metric('espalier_trials', 'gauge', 'Trials that have not ended', states),
    metric(
      'espalier_trials_done_total',
      'counter',
      'Trials that have ended, of the lots that the queue has',
      [['', done]],
    ),
    metric('espalier_trials_failed_total', 'counter', 'Trials that failed, of the lots that the queue has', [
      ['', failed],
    ]),
    metric('espalier_trials_last_hour', 'gauge', 'Trials that ended in the last hour', [['', doneLastHour]]),
    metric('espalier_workers', 'gauge', 'Workers that gave a sign of life in the last minute', [
      ['', workers.length],
    ]),
    metric('espalier_worker_jobs', 'gauge', 'Trials that they run side by side at most', [['', jobs]]),
  ].join('');
}

function metric(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  values: readonly (readonly [labels: string, value: number])[],
): string {
  const lines = values.map(([labels, value]) => `${name}${labels} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
