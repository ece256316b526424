/**
 * Trials on a queue while workers are killed and its server is restarted, once without its data: every trial is to be
 * published once, with the bits of one process that was let alone.
 *
 *   node tools/queue-chaos/chaos.mjs --kind redis --trials 1000 --workers 8 --kills 20 --restarts 3 --epochs 4
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

import { createJiti } from 'jiti';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bin = here('../../apps/harness/bin/espalier.js');
const config = here('./counted.config.mjs');
/** 512 examples in batches of 32. */
const STEPS_OF_EPOCH = 16;

/**
 * @param {{ kind: 'redis' | 'postgres', trials: number, workers: number, kills: number, restarts: number, epochs?: number, seed?: number, say?: (line: string) => void }} options
 * @returns what was not as it is to be, a line each; and what was counted
 */
export async function chaos({
  kind,
  trials,
  workers,
  kills,
  restarts,
  epochs = 30,
  seed = 1,
  say = () => {},
}) {
  const { redisServer, postgresServer } = await createJiti(import.meta.url).import(
    here('../../apps/harness/test/servers.ts'),
  );
  const folder = await mkdtemp(join(tmpdir(), 'espalier-chaos-'));
  const random = generator(seed);
  const server = await (kind === 'redis' ? redisServer : postgresServer)(folder);
  const seeds = Array.from({ length: trials / 2 }, (_, i) => i).join();
  const compared = [
    'compare',
    '--config',
    config,
    '--workload',
    'counted',
    '--pruners',
    'magnitude',
    '--seeds',
    seeds,
  ];
  const how = ['--backend', 'wasm', '--accelerators', 'off', '--epochs', `${epochs}`];
  const stepsFile = join(folder, 'steps');
  const start = (args) => {
    const env = { ...process.env, ESPALIER_STEPS: stepsFile, ESPALIER_EPOCHS: `${epochs}` };
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.said = '';
    child.stderr.on('data', (chunk) => (child.said += chunk));
    return child;
  };
  const team = new Set();
  const hire = () => {
    const worker = start(['worker', '--queue', server.url, '--config', config, '--jobs', '1']);
    worker.once('exit', () => team.delete(worker));
    team.add(worker);
    return worker;
  };
  try {
    const startedAt = Date.now();
    const table = start([...compared, ...how, '--out', 'queue', '--queue', server.url]);
    const ended = once(table, 'exit');
    const done = () => (table.said.match(/^\[\d+\/\d+\]/gm) ?? []).length;
    const everyone = Array.from({ length: workers }, hire);
    // In the middle of the work: after so many trials each.
    const events = [...Array(kills).fill('kill'), ...Array(restarts).fill('restart')]
      .map((what) => ({ what, after: Math.floor(random() * trials * 0.8) }))
      .sort((a, b) => a.after - b.after);
    let restarted = 0;
    for (const { what, after } of events) {
      while (table.exitCode === null && done() < after) await setTimeout(100);
      await setTimeout(random() * 1000);
      if (table.exitCode !== null) break;
      if (what === 'kill') {
        const victim = [...team][Math.floor(random() * team.size)];
        victim.kill('SIGKILL');
        await once(victim, 'exit');
        everyone.push(hire());
      } else {
        await server.kill();
        await setTimeout(1000);
        restarted += 1;
        await server.start(restarted !== 2);
      }
      say(`${what} after ${done()} of ${trials}`);
    }
    const [code] = await ended;
    const seconds = (Date.now() - startedAt) / 1000;
    for (const worker of team) worker.kill('SIGTERM');
    const one = rowsOf(await readFile(join(folder, 'queue/summary.json'), 'utf8'));
    const other = rowsOf(await inOneProcess(trials / 2, epochs));
    const [inQueue, inOne] = [(await stat(stepsFile)).size, trials * epochs * STEPS_OF_EPOCH];
    const published = everyone.flatMap(({ said }) => said.match(/^.*: ok$/gm) ?? []);
    const wrong = [];
    if (code !== 0) wrong.push(`compare ended with ${code}: ${table.said.slice(-500)}`);
    if (one.length !== trials) wrong.push(`${one.length} rows of ${trials}`);
    other.forEach((row, i) => {
      if (row !== one[i]) wrong.push(`another row: ${one[i]} where one process came to ${row}`);
    });
    const twice = published.filter((line, i) => published.indexOf(line) !== i);
    if (twice.length > 0) wrong.push(`published twice: ${twice.join('; ')}`);
    // A trial of less than a checkpoint's interval is lost as a whole: that of each worker that was killed.
    const bound = kills * epochs * STEPS_OF_EPOCH;
    if (inQueue - inOne > bound)
      wrong.push(`${inQueue - inOne} steps were trained twice, and ${bound} at most should be`);
    return {
      wrong,
      counted: {
        kind,
        trials,
        workers,
        kills,
        restarts,
        seconds,
        steps: inOne,
        twice: inQueue - inOne,
        bound,
      },
    };
  } finally {
    for (const worker of team) worker.kill('SIGKILL');
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function inOneProcess(seeds, epochs) {
  const env = { ...process.env, ESPALIER_EPOCHS: `${epochs}` };
  const args = [here('./one-process.mjs'), `${seeds}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 2 ** 30 });
  return stdout;
}

function rowsOf(text) {
  return JSON.parse(text).rows.map(({ pruner, seed, status, metrics, achieved, fingerprint }) =>
    JSON.stringify({ pruner, seed, status, metrics, achieved, fingerprint }),
  );
}

/** Mulberry32. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const number = { type: 'string' };
  const { values } = parseArgs({
    options: {
      kind: { type: 'string', default: 'redis' },
      trials: number,
      workers: number,
      kills: number,
      restarts: number,
      epochs: number,
      seed: number,
    },
  });
  const { kind, ...given } = values;
  const numbers = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, Number(text)]));
  const all = { trials: 1000, workers: 8, kills: 20, restarts: 3, ...numbers };
  const { wrong, counted } = await chaos({ kind, ...all, say: (line) => console.error(line) });
  console.log(JSON.stringify(counted));
  for (const line of wrong) console.log(line);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
