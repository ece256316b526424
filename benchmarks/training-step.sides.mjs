// The sides of the training-step benchmark: which there are, and processes of them that take turns. Each is kept to as many
// processors as it has threads, and told the number as its library wants to be told.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

import { commandFor, pythonOf, PYTHON_PEERS } from './peers/peers.mjs';

const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Node 20 hides relaxed SIMD behind a flag, which `startBackend` turns on; later versions always have it. */
const HIDDEN = Number(process.versions.node.split('.')[0]) < 22;
const RELAXED = HIDDEN ? ['--experimental-wasm-relaxed-simd'] : [];

/** By name. `accelerators` are looked for; a side whose accelerators are not all here is left out. */
export const SIDES = {
  stock: { title: 'stock tfjs wasm', threads: [1], node: [] },
  ...(HIDDEN && {
    wasm: { title: 'Espalier, wasm without relaxed SIMD', threads: [1], node: [], accelerators: [] },
  }),
  relaxed: { title: 'Espalier, wasm', threads: [1], node: RELAXED, accelerators: [] },
  threads: { title: 'Espalier, wasm with threads', threads: [2], node: RELAXED, accelerators: ['threads'] },
  blas: { title: 'Espalier, BLAS', threads: [1, 2], node: RELAXED, accelerators: ['blas'] },
  onednn: {
    title: 'Espalier, oneDNN and BLAS',
    threads: [1, 2],
    node: RELAXED,
    accelerators: ['onednn', 'blas'],
  },
  torch: { title: 'PyTorch', threads: [1, 2], peer: 'torch' },
  'torch-channels-last': {
    title: 'PyTorch, channels last',
    threads: [1, 2],
    peer: 'torch',
    layout: 'channels-last',
    workloads: ['resnet20'],
  },
  tensorflow: { title: 'TensorFlow, graph', threads: [1, 2], peer: 'tensorflow' },
  jax: { title: 'JAX, jit', threads: [1, 2], peer: 'jax' },
};

/**
 * A process of a side, which has read its start from `file` and taken its first steps.
 *
 * @param libraries paths, by the accelerator's name; of those that are not there the usual ones are looked for
 * @returns `{ hello, burst, stop }`: what it says of itself, a burst of so many seconds, its end
 * @throws Error, in one line, when it cannot take part
 */
export async function start(name, workload, threads, file, libraries) {
  const [command, args] = await commandOf(SIDES[name], workload, threads, file, libraries);
  const processors = allowedProcessors().slice(0, threads);
  const pinned = processors.length === threads && hasTaskset();
  const child = pinned
    ? spawn('taskset', ['-c', processors.join(), command, ...args], { env: environment(threads) })
    : spawn(command, args, { env: environment(threads) });
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint = `${complaint}${chunk}`.slice(-8000)));
  child.stdin.on('error', () => {}); // it has ended: the next answer says so
  const gone = new Promise((_, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => reject(new Error(said(complaint, signal ?? code))));
  });
  gone.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { done, value } = await Promise.race([lines.next(), gone]);
    return done ? gone : JSON.parse(value);
  };
  const hello = await answer().catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    hello: { ...hello, pinned },
    burst(seconds) {
      child.stdin.write(`${seconds}\n`);
      return answer();
    },
    stop: () => child.kill('SIGKILL'),
  };
}

async function commandOf({ peer, node, accelerators, layout }, workload, threads, file, libraries) {
  if (peer) {
    const python = pythonOf(peer);
    if (!python) throw new Error(`${PYTHON_PEERS[peer].title} is not set up: ${commandFor(peer)}`);
    const script = fileOf(`training_step_${peer}.py`);
    return [python, [script, workload, `${threads}`, file, ...(layout ? [layout] : [])]];
  }
  const worker = [...node, fileOf('training-step.worker.mjs'), workload, `${threads}`, file];
  if (!accelerators) return [process.execPath, worker];
  const asked = accelerators.map((one) => (libraries[one] ? `${one}:${libraries[one]}` : one));
  const { findAccelerators } = await import('@espalier/wasm-training/accelerators');
  await findAccelerators(asked, { threads });
  return [process.execPath, [...worker, asked.join() || 'off']];
}

/** Where a library takes its number of threads from, besides what it is told by calls. */
function environment(threads) {
  const xla = threads === 1 ? { XLA_FLAGS: '--xla_cpu_multi_thread_eigen=false' } : {};
  return {
    ...process.env,
    OMP_NUM_THREADS: `${threads}`,
    OPENBLAS_NUM_THREADS: `${threads}`,
    MKL_NUM_THREADS: `${threads}`,
    TF_CPP_MIN_LOG_LEVEL: '2',
    JAX_PLATFORMS: 'cpu',
    CUDA_VISIBLE_DEVICES: '',
    ...xla,
  };
}

/** The processors that this process may run on: of every core the first, as two of one core are not two. */
function allowedProcessors() {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const allowed = numbersIn(status.match(/^Cpus_allowed_list:\s*(\S+)/m)?.[1] ?? '');
  const firsts = allowed.filter((cpu) => {
    const file = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
    const siblings = existsSync(file) ? numbersIn(readFileSync(file, 'utf8').trim()) : [cpu];
    return siblings.find((one) => allowed.includes(one)) === cpu;
  });
  const others = allowed.filter((cpu) => !firsts.includes(cpu));
  return [...firsts, ...others];
}

/** Of a list such as 0-3,8. */
function numbersIn(list) {
  return list
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

function hasTaskset() {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Why a process ended, in a line. */
function said(complaint, end) {
  const lines = stripVTControlCharacters(complaint)
    .split('\n')
    .map((line) => line.trim());
  const error = lines.findLast((line) => /^\w*(Error|Exception)\b.*:/.test(line));
  return error?.replace(/^Error: /, '') ?? `its process ended with ${end}`;
}
