// The large products and convolutions of the wasm backend on several threads, in Node:
//
//   import { useThreads } from '@espalier/wasm-training/threads';
//   await tf.setBackend('wasm');
//   await useThreads();
//
// Each element of a result is the same sum as on one thread: the results are the same bits.

import type { WasmBackend } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { availableParallelism } from 'node:os';
import { kernelsOf } from '../kernels.js';
import '../register.js';
import { attachThreads, type Threads } from './attachment.js';
import { filterGradientOn, mapImagesOn } from './convolutions.js';
import { multiplyOn } from './products.js';
import { Team } from './team.js';

const teams = new WeakMap<WasmBackend, Team>();
/** The last change of a team: they take place one after another, in the order of the calls. */
let lastChange: Promise<unknown> = Promise.resolve();

/** Far more than pay; each has memory of its own. */
const MOST_THREADS = 256;

/**
 * Divides the large products and convolutions of the started wasm backend among so many threads, this one among them;
 * 1 ends the others. They do not keep the process from ending.
 *
 * @param threads from 1 to 256; by default as many as the processor runs at once
 * @returns how many there are
 * @throws RangeError when `threads` is not such a number
 * @throws Error when the wasm backend has not been started, or a thread cannot be
 */
export async function useThreads(threads = availableParallelism()): Promise<number> {
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new RangeError(
      `useThreads: threads must be a whole number from 1 to ${MOST_THREADS}, got ${JSON.stringify(threads)}.`,
    );
  }
  const backend = tf.findBackend('wasm') as unknown as WasmBackend | null;
  if (!backend) throw new Error("useThreads: start the wasm backend first: await tf.setBackend('wasm').");
  const change = lastChange.then(() => changeTeam(backend, threads));
  lastChange = change.catch(() => {});
  await change;
  return threads;
}

async function changeTeam(backend: WasmBackend, threads: number): Promise<void> {
  const previous = teams.get(backend);
  teams.delete(backend);
  attachThreads(backend, null);
  await previous?.stop();
  if (threads === 1) return;
  const team = await Team.start(threads, kernelsOf(backend).moduleFor);
  teams.set(backend, team);
  attachThreads(backend, threadsOn(team, backend));
}

function threadsOn(team: Team, backend: WasmBackend): Threads {
  return {
    multiply: (product) => multiplyOn(team, backend, product),
    convolve: (product, operands) => mapImagesOn(team, backend, 'convolution', product, operands),
    inputGradient: (product, operands) => mapImagesOn(team, backend, 'convInputGradient', product, operands),
    filterGradient: (product, operands) => filterGradientOn(team, backend, product, operands),
  };
}
