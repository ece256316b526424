// Threads that do parts of a kernel's work in a memory that they share. The memory of the wasm backend belongs to one
// thread: what the others need of it is copied to theirs, and their results back.

import { compile } from '@espalier/wasm-module';
import { Worker } from 'node:worker_threads';
import * as binaries from '../generated/binaries.js';
import { FAILED, KERNEL, KERNELS, LEFT, ROUND, argumentsAt } from './control.js';
import type { Run } from './division.js';

/** A kernel of assembly/index.ts that threads call. */
export type ThreadedKernel = (typeof KERNELS)[number];

const PAGE = 65_536;
/** The largest memory that the binaries import. */
const MAXIMUM_PAGES = 65_536;
/** Where the memory of the threads begins: nothing lies at 0. */
const START = 1024;
/** Between two pieces of memory, so that no two threads write to one line of the cache. */
const LINE = 128;

/** How often the end of a round is looked for before the thread sleeps: some 20 µs, which waking would take. */
const LOOKS = 4096;
/** A round that takes so many milliseconds has lost a thread. */
const PATIENCE = 120_000;

export class Team {
  /** How many threads there are, with the one that asks. */
  readonly size: number;
  readonly #memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  readonly #workers: readonly Worker[];
  readonly #scratchBytes: number;

  private constructor(
    memory: WebAssembly.Memory,
    words: Int32Array,
    workers: readonly Worker[],
    scratchBytes: number,
  ) {
    this.#memory = memory;
    this.#words = words;
    this.#workers = workers;
    this.#scratchBytes = scratchBytes;
    this.size = workers.length + 1;
  }

  /**
   * Starts size - 1 threads, which do not keep the process from ending.
   *
   * @throws Error when a thread cannot be started
   */
  static async start(size: number): Promise<Team> {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES, shared: true });
    const module = compile(memory, binaries);
    const { gemmScratchBytes } = new WebAssembly.Instance(module, { env: { memory } }).exports;
    const scratchBytes = roundUp((gemmScratchBytes as () => number)(), LINE);
    const control = new SharedArrayBuffer(4 * argumentsAt(size - 1));
    const workers = Array.from(
      { length: size - 1 },
      (_, index) =>
        new Worker(new URL('./worker.js', import.meta.url), {
          workerData: { memory, module, control, index },
          execArgv: [],
        }),
    );
    const team = new Team(memory, new Int32Array(control), workers, scratchBytes);
    try {
      await Promise.all(workers.map(isReady));
    } catch (error) {
      await team.stop();
      throw new Error(`useThreads: a thread could not be started: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return team;
  }

  /**
   * Memory that all threads see, for pieces of so many floats: where each begins, in bytes, until the next call. Null when
   * so much cannot be had.
   */
  reserve(...floats: readonly number[]): number[] | null {
    let top = START + this.#workers.length * this.#scratchBytes;
    const offsets = floats.map((length) => {
      const offset = top;
      top = roundUp(top + 4 * length, LINE);
      return offset;
    });
    const missing = Math.ceil((top - this.#memory.buffer.byteLength) / PAGE);
    try {
      if (missing > 0) this.#memory.grow(missing);
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
    return offsets;
  }

  /** Scratch memory for the products of thread `i`, from 1: the other threads. */
  scratchOf(i: number): number {
    return START + (i - 1) * this.#scratchBytes;
  }

  /** Copies runs of a tensor at byte `from` of another memory to where they belong in the one at byte `to` of this. */
  take(memory: WebAssembly.Memory, from: number, to: number, runs: readonly Run[]): void {
    copyRuns(new Float32Array(memory.buffer), from, new Float32Array(this.#memory.buffer), to, runs);
  }

  /** The way back. */
  give(memory: WebAssembly.Memory, from: number, to: number, runs: readonly Run[]): void {
    copyRuns(new Float32Array(this.#memory.buffer), from, new Float32Array(memory.buffer), to, runs);
  }

  /**
   * Has the other threads call a kernel, thread i with argumentsOf(i), from 1, while this one does `own`.
   *
   * @throws Error when a thread failed
   */
  run(
    kernel: ThreadedKernel,
    argumentsOf: (i: number) => readonly (number | boolean)[],
    own: () => void,
  ): void {
    const words = this.#words;
    words[KERNEL] = KERNELS.indexOf(kernel);
    for (let i = 1; i < this.size; i++) words.set(argumentsOf(i).map(Number), argumentsAt(i - 1));
    Atomics.store(words, LEFT, this.size - 1);
    Atomics.add(words, ROUND, 1);
    Atomics.notify(words, ROUND);
    own();
    for (let i = 0; i < LOOKS && Atomics.load(words, LEFT) > 0; i++);
    for (let left = Atomics.load(words, LEFT); left > 0; left = Atomics.load(words, LEFT)) {
      if (Atomics.wait(words, LEFT, left, PATIENCE) === 'timed-out') Atomics.store(words, FAILED, 1);
      if (Atomics.load(words, FAILED) === 1) break;
    }
    if (Atomics.load(words, FAILED) === 1) {
      throw new Error('A thread of useThreads failed. useThreads(1) goes on without it.');
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** Resolves when a thread waits for work. */
function isReady(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('it ended at once')));
    worker.once('message', () => {
      worker.removeAllListeners();
      worker.unref();
      resolve();
    });
  });
}

function copyRuns(
  from: Float32Array,
  fromByte: number,
  to: Float32Array,
  toByte: number,
  runs: readonly Run[],
): void {
  for (const [first, end] of runs) {
    to.set(from.subarray(fromByte / 4 + first, fromByte / 4 + end), toByte / 4 + first);
  }
}

function roundUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}
