/**
 * Fuzzing in a process of its own: what crashes it, hangs it or takes its memory is a finding as any other, told by the seed
 * of its case, and the next cases go on in a new process.
 */
import { fork } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));
/** Without a new case for so long, a process hangs. */
const SILENCE_MS = 60_000;
/** As many cases a process, so that what tfjs keeps of models that it could not finish is let go of. */
const AT_ONCE = 2_000;
/** Of a few kilobytes of model or checkpoint no case may make more than this. */
const MOST_HEAP_MB = 512;

/**
 * @param {'kernels' | 'models' | 'checkpoints'} part the file of this folder that makes and judges the cases
 * @param {{ cases: number, seed?: number, onCase?: (done: number) => void }} options
 * @returns {Promise<string[]>} what went wrong; empty where nothing did
 */
export async function fuzz(part, { cases, seed = 1, onCase = () => {} }) {
  const wrong = [];
  const end = seed + cases;
  for (let next = seed; next < end;) {
    const count = Math.min(AT_ONCE, end - next);
    const { last, found, died } = await runApart(part, count, next, (at) => onCase(at - seed + 1));
    wrong.push(...found);
    if (died !== null) wrong.push(`${part}, seed ${last}: ${died}`);
    next = died === null ? next + count : last + 1;
  }
  return wrong;
}

function runApart(part, cases, seed, onSeed) {
  return new Promise((resolve) => {
    const child = fork(CHILD, [part, String(cases), String(seed)], {
      execArgv: [`--max-old-space-size=${MOST_HEAP_MB}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let last = seed;
    let result = null;
    let hung = false;
    let said = '';
    const stop = () => {
      hung = true;
      child.kill('SIGKILL');
    };
    let watch = setTimeout(stop, SILENCE_MS);
    child.stderr.on('data', (data) => (said = (said + data).slice(-1000)));
    child.on('message', (message) => {
      clearTimeout(watch);
      watch = setTimeout(stop, SILENCE_MS);
      if (message.seed !== undefined) onSeed((last = message.seed));
      else result = message.wrong;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(watch);
      const how = hung
        ? `no end after ${SILENCE_MS / 1000} s`
        : `the process ended (${signal ?? code}): ${said}`;
      resolve({ last, found: result ?? [], died: result ? null : how });
    });
  });
}
