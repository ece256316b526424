/**
 * What handing out costs: trials an hour with two workers on a queue, and with `--jobs 2`, from the first result to the
 * last.
 *
 *   node tools/queue-chaos/overhead.mjs queue|jobs [--epochs 100] [--trials 16]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { createJiti } from 'jiti';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { epochs: { type: 'string', default: '100' }, trials: { type: 'string', default: '16' } },
});
const [how] = positionals;
const folder = await mkdtemp(join(tmpdir(), 'espalier-overhead-'));
const config = here('./counted.config.mjs');
const start = (...args) =>
  spawn(process.execPath, [here('../../apps/harness/bin/espalier.js'), ...args, '--config', config], {
    cwd: folder,
    stdio: 'ignore',
  });
const seeds = Array.from({ length: Number(values.trials) / 2 }, (_, i) => i).join();
const compared = [
  'compare',
  '--workload',
  'counted',
  '--pruners',
  'magnitude',
  '--seeds',
  seeds,
  '--out',
  'out',
];
const on = ['--backend', 'wasm', '--accelerators', 'off', '--epochs', values.epochs];
let server;
const workers = [];
try {
  if (how === 'queue') {
    const { redisServer } = await createJiti(import.meta.url).import(
      here('../../apps/harness/test/servers.ts'),
    );
    server = await redisServer(folder);
    for (let i = 0; i < 2; i++) workers.push(start('worker', '--queue', server.url, '--jobs', '1'));
  }
  const table = start(...compared, ...on, ...(server ? ['--queue', server.url] : ['--jobs', '2']));
  await once(table, 'exit');
  const trials = join(folder, 'out/trials');
  const names = await readdir(trials);
  const ended = await Promise.all(
    names.map(async (name) => (await stat(join(trials, name, 'result.json'))).mtimeMs),
  );
  const seconds = (Math.max(...ended) - Math.min(...ended)) / 1000;
  console.log(
    JSON.stringify({
      how,
      trials: names.length,
      secondsATrial: (2 * seconds) / (names.length - 1),
      trialsAnHour: ((names.length - 1) / seconds) * 3600,
    }),
  );
} finally {
  for (const worker of workers) worker.kill('SIGKILL');
  await server?.kill();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
