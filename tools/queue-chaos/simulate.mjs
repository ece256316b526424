/**
 * Many trials on many workers, simulated by events: throughput against the ideal, what the queue and the store are asked,
 * and what breaks first. Rates of failure and lengths of trials are stated below, with where they are from; what the
 * queue is asked is counted from `packages/experiment/src/queue`.
 *
 *   node tools/queue-chaos/simulate.mjs [--write]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Where no source is named, chosen for this program. */
const ASSUMED = {
  /**
   * Of a machine, in hours. Llama 3's training (arXiv 2407.21783, section 3.3.4) had 419 unexpected interruptions in 54
   * days on 16,384 GPUs, eight a machine: one in 264 days of a machine. Here three times as often, for machines that are
   * also taken away.
   */
  machineHoursBetweenFailures: (264 * 24) / 3,
  machineHoursAway: 0.5,
  serverHoursBetweenFailures: 30 * 24,
  serverHoursAway: 0.1,
  /** From a worker's death until another has its trial: the hold on the queue, the look, the store's lease. */
  takeoverSeconds: 90,
  checkpointSeconds: 10,
  /** A trial's process, beside its steps: starting, loading, measuring. */
  overheadSeconds: 4,
};

/** Seconds of training of our committed recipes, drawn from at random; longer trials are taken to be spread alike. */
const OURS = await Promise.all(
  ['six-on-mnist', 'figure-2a'].map(async (recipe) => {
    const file = new URL(`../../benchmarks/results/recipes/${recipe}/summary.json`, import.meta.url);
    const { rows } = JSON.parse(await readFile(file, 'utf8'));
    return rows.map(({ timing }) => timing.totalMs / 1000);
  }),
).then((all) => all.flat());
const LENGTHS = [
  { name: 'ours at scale small', times: 1 },
  { name: '60 times as long', times: 60 },
  { name: '1,000 times as long', times: 1000 },
];

const SIZES = [
  { trials: 1_000, workers: 100 },
  { trials: 10_000, workers: 1_000 },
  { trials: 100_000, workers: 10_000 },
];

/** By reading `queue/`: taking, renewing every 5 s, progress every 2, signs of life every 10, ending; asking while idle. */
const ASKED = { aTrial: 6, aSecondBusy: 1 / 5 + 1 / 2 + 1 / 10, aSecondIdle: 4 / 5 };
/** By reading `store/`: a trial's documents; checkpoint and piece of the log every 10 s, a sign of life every 5. */
const STORED = { aTrial: 14, aSecondBusy: 2 / 10 + 1 / 5 + 1 / 10 };
/** A checkpoint in MB: MNIST's perceptron, 2.7 MB of weights, with Adam's two moments. */
const CHECKPOINT_MB = 8;

/** Of makers' pages and defaults: Redis' `maxclients`, PostgreSQL's `max_connections`, S3's requests a prefix; the others are assumed. */
const LIMITS = {
  redisAskedASecond: 50_000,
  redisConnections: 10_000,
  postgresConnections: 100,
  s3PutsASecondAPrefix: 3_500,
  folderMBASecond: 1_000,
};

function simulate({ trials, workers, times }, seed) {
  const random = generator(seed);
  const exponential = (mean) => -Math.log(1 - random()) * mean;
  const left = Array.from(
    { length: trials },
    () => ASSUMED.overheadSeconds + times * OURS[Math.floor(random() * OURS.length)],
  );
  const ideal = left.reduce((a, b) => a + b, 0) / workers;
  const longest = Math.max(...left);
  const queue = left.map((_, i) => i);
  const mtbf = ASSUMED.machineHoursBetweenFailures * 3600;
  const heap = new Heap();
  let serverFails = exponential(ASSUMED.serverHoursBetweenFailures * 3600);
  let serverBack = 0;
  for (let worker = 0; worker < workers; worker++) heap.push(0, { worker, fails: exponential(mtbf) });
  let [busy, lost, kills, end, next] = [0, 0, 0, 0, 0];
  const returned = [];
  for (let event = heap.pop(); event; event = heap.pop()) {
    const { at, what } = event;
    while (at > serverFails) {
      serverBack = serverFails + ASSUMED.serverHoursAway * 3600;
      serverFails = serverBack + exponential(ASSUMED.serverHoursBetweenFailures * 3600);
    }
    // Nobody is handed anything while it is away.
    if (at < serverBack) {
      heap.push(serverBack, what);
      continue;
    }
    const ready = returned.findIndex(({ from }) => from <= at);
    const trial = ready >= 0 ? returned.splice(ready, 1)[0].trial : queue[next++];
    if (trial === undefined) {
      const later = Math.min(...returned.map(({ from }) => from));
      if (Number.isFinite(later)) heap.push(later, what);
      continue;
    }
    const takes = left[trial];
    if (at + takes <= what.fails) {
      busy += takes;
      end = Math.max(end, at + takes);
      heap.push(at + takes, what);
      continue;
    }
    // It dies in the middle: what is lost is since the last checkpoint, and the start.
    const done = Math.max(0, what.fails - at);
    const kept = Math.max(
      0,
      Math.floor((done - ASSUMED.overheadSeconds) / ASSUMED.checkpointSeconds) * ASSUMED.checkpointSeconds,
    );
    kills += 1;
    busy += done;
    lost += done - kept;
    left[trial] = takes - kept;
    returned.push({ trial, from: what.fails + ASSUMED.takeoverSeconds });
    const back = what.fails + ASSUMED.machineHoursAway * 3600;
    heap.push(back, { worker: what.worker, fails: back + exponential(mtbf) });
  }
  return {
    hours: end / 3600,
    throughput: ideal / end,
    bound: Math.max(ideal, longest) / end,
    kills,
    lostHours: lost / 3600,
    busy,
    ideal,
  };
}

class Heap {
  #items = [];

  push(at, what) {
    const items = this.#items;
    items.push({ at, what });
    for (let i = items.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      if (items[parent].at <= items[i].at) break;
      [items[parent], items[i]] = [items[i], items[parent]];
      i = parent;
    }
  }

  pop() {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (items.length === 0) return first;
    items[0] = last;
    for (let i = 0; ;) {
      const child = 2 * i + 1;
      if (child >= items.length) return first;
      const least = child + 1 < items.length && items[child + 1].at < items[child].at ? child + 1 : child;
      if (items[i].at <= items[least].at) return first;
      [items[i], items[least]] = [items[least], items[i]];
      i = least;
    }
  }
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

function loadOf({ trials, workers }, { busy }) {
  const perSecond = trials / (busy / workers);
  return {
    queue: perSecond * ASKED.aTrial + workers * ASKED.aSecondBusy,
    idle: workers * ASKED.aSecondIdle,
    puts: perSecond * STORED.aTrial + workers * STORED.aSecondBusy,
    checkpointMB: (workers * CHECKPOINT_MB) / ASSUMED.checkpointSeconds,
  };
}

const lines = [];
for (const size of SIZES) {
  for (const { name, ...length } of LENGTHS) {
    const scenario = { ...size, ...length };
    const run = simulate(scenario, 1);
    const load = loadOf(scenario, run);
    const breaks = [
      [load.queue / LIMITS.redisAskedASecond, 'Redis’ commands'],
      [size.workers / LIMITS.redisConnections, 'Redis’ connections'],
      [load.checkpointMB / LIMITS.folderMBASecond, 'a folder’s bandwidth'],
      [load.puts / LIMITS.s3PutsASecondAPrefix, 'S3’s writes under one prefix'],
    ].sort(([a], [b]) => b - a);
    lines.push([
      size.trials.toLocaleString('en'),
      size.workers.toLocaleString('en'),
      name,
      run.hours.toFixed(1),
      `${(100 * run.throughput).toFixed(1)}%`,
      `${(100 * run.bound).toFixed(1)}%`,
      String(run.kills),
      run.lostHours.toFixed(2),
      load.queue.toFixed(0),
      load.puts.toFixed(0),
      load.checkpointMB.toFixed(0),
      breaks[0][0] > 1
        ? `**${breaks[0][1]}, ${breaks[0][0].toFixed(1)} ×**`
        : `${breaks[0][1]}, ${(100 * breaks[0][0]).toFixed(0)}%`,
    ]);
  }
}
const head = [
  'trials',
  'workers',
  'a trial',
  'hours',
  'of the ideal',
  'of what is possible',
  'kills',
  'hours lost',
  'queue, asked/s',
  'store, asked/s',
  'checkpoints, MB/s',
  'nearest its limit',
];
const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
console.log(table);
if (process.argv.includes('--write')) {
  const assumptions = Object.entries(ASSUMED)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
  const limits = Object.entries(LIMITS)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
  const file = fileURLToPath(new URL('../../benchmarks/results/queue-simulation.md', import.meta.url));
  await writeFile(
    file,
    `# Many trials on many workers, simulated\n\n\`node tools/queue-chaos/simulate.mjs --write\`. Lengths of trials are of our committed recipes; all else is assumed, or counted by reading the code: nothing of it was measured at such a size.\n\n${table}\n\nThe ideal is the sum of all trials divided among all workers; what is possible is bounded by the longest trial besides. Assumed: ${assumptions}. Limits, of the servers' defaults and makers' figures, or assumed: ${limits}. On PostgreSQL its connections come first, in every row: a worker has two, so that the default of ${LIMITS.postgresConnections} is enough for ${LIMITS.postgresConnections / 2} workers. A checkpoint is ${CHECKPOINT_MB} MB.\n`,
  );
}
