// A thread of the team: waits for its part of a kernel's work, does it in the shared memory, and says when it is done.
// Plain JavaScript, so that it runs as it is from the source and from the build.

import { parentPort, workerData } from 'node:worker_threads';
import { ARGUMENTS, FAILURE, KERNEL, KERNELS, ROUND, TRAPPED, UNFINISHED, argumentsAt } from './control.js';

/** @type {{ memory: WebAssembly.Memory, module: WebAssembly.Module, control: SharedArrayBuffer, index: number }} */
const { memory, module, control, index } = workerData;
const words = new Int32Array(control);
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const kernels = KERNELS.map((name) => /** @type {(...args: number[]) => void} */ (exports[name]));
const at = argumentsAt(index);

let round = Atomics.load(words, ROUND);
parentPort?.postMessage('ready');
for (;;) {
  Atomics.wait(words, ROUND, round);
  const next = Atomics.load(words, ROUND);
  if (next === round) continue;
  round = next;
  try {
    const kernel = /** @type {(...args: number[]) => void} */ (
      kernels[/** @type {number} */ (words[KERNEL])]
    );
    // A kernel overlooks the arguments that it does not have.
    kernel(...words.subarray(at, at + ARGUMENTS));
  } catch {
    Atomics.store(words, FAILURE, TRAPPED);
  }
  if (Atomics.sub(words, UNFINISHED, 1) === 1) Atomics.notify(words, UNFINISHED);
}
