// A thread of the team: waits for its part of a kernel's work, does it in the shared memory, and says when it is done.
// Plain JavaScript, so that it runs as it is from the source and from the build.

import { parentPort, workerData } from 'node:worker_threads';
import { ARGUMENTS, FAILED, KERNEL, KERNELS, LEFT, ROUND, argumentsAt } from './control.js';

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
    // A kernel overlooks the arguments that it does not have.
    kernels[words[KERNEL] ?? -1]?.(...words.subarray(at, at + ARGUMENTS));
  } catch {
    Atomics.store(words, FAILED, 1);
  }
  if (Atomics.sub(words, LEFT, 1) === 1) Atomics.notify(words, LEFT);
}
