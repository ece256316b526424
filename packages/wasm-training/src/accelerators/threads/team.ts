// Threads that do parts of a kernel's work in a memory that they share. The memory of the wasm backend belongs to one
// thread: what the others need of it is copied to theirs, and their results back.

import { Worker } from 'node:worker_threads';

import { AcceleratorError } from '../accelerator.js';
import {
  FAILURE,
  KERNEL,
  KERNELS,
  LOST,
  NO_FAILURE,
  ROUND,
  TRAPPED,
  UNFINISHED,
  argumentsAt,
} from './control.js';
import type { Run } from './division.js';

/** A kernel of assembly/index.ts that threads call. */
export type ThreadedKernel = (typeof KERNELS)[number];

const PAGE = 65_536;
/** The largest memory that the binaries import. */
const MAXIMUM_PAGES = 65_536;
/** Where the memory of the threads begins: nothing lies at 0. */
const START = 1024;
/** Pieces of it begin at a pair of cache lines, which processors fetch together. */
const ALIGNMENT = 128;

/** How often the end of a round is looked for before this thread sleeps: some 0.1 ms, as parts end at about one time. */
const SPINS = 2 ** 15;
/** A thread is lost after two waits of so many milliseconds: the first may have been the sleep of the whole machine. */
const WAIT_MS = 60_000;

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
   * @param moduleFor the kernels for a memory
   * @throws AcceleratorError when a thread, or the memory, cannot be had
   */
  static async start(
    size: number,
    moduleFor: (memory: WebAssembly.Memory) => WebAssembly.Module,
  ): Promise<Team> {
    const workers: Worker[] = [];
    try {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES, shared: true });
      const module = moduleFor(memory);
      const { gemmScratchBytes } = new WebAssembly.Instance(module, { env: { memory } }).exports;
      const control = new SharedArrayBuffer(4 * argumentsAt(size - 1));
      while (workers.length < size - 1) {
        const workerData = { memory, module, control, index: workers.length };
        workers.push(new Worker(new URL('./worker.js', import.meta.url), { workerData, execArgv: [] }));
      }
      const words = new Int32Array(control);
      await Promise.all(workers.map((worker) => isReady(worker, words)));
      return new Team(memory, words, workers, roundUp((gemmScratchBytes as () => number)(), ALIGNMENT));
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw new AcceleratorError(
        `${size} threads could not be started (${(error as Error).message}): ask for fewer`,
        { cause: error },
      );
    }
  }

  /**
   * Memory that all threads see, for pieces of so many floats: where each begins, in bytes, until the next call. Null when
   * so much cannot be had.
   */
  reserve(...floats: readonly number[]): number[] | null {
    let top = START + this.#workers.length * this.#scratchBytes;
    const offsets = floats.map((length) => {
      const offset = top;
      top = roundUp(top + 4 * length, ALIGNMENT);
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
  copyIn(memory: WebAssembly.Memory, from: number, to: number, runs: readonly Run[]): void {
    copyRuns(new Float32Array(memory.buffer), from, new Float32Array(this.#memory.buffer), to, runs);
  }

  /** The way back. */
  copyOut(memory: WebAssembly.Memory, from: number, to: number, runs: readonly Run[]): void {
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
    Atomics.store(words, UNFINISHED, this.size - 1);
    Atomics.add(words, ROUND, 1);
    Atomics.notify(words, ROUND);
    try {
      own();
    } finally {
      // A thread that went on would count into the next round.
      this.#wait();
    }
    const failure = Atomics.load(words, FAILURE);
    if (failure === NO_FAILURE) return;
    const why = failure === TRAPPED ? `could not do its part of ${kernel}` : 'ended, or gave no sign';
    throw new Error(`A worker thread ${why}: useAccelerators('off') goes on without them.`);
  }

  #wait(): void {
    const words = this.#words;
    for (let i = 0; i < SPINS && Atomics.load(words, UNFINISHED) > 0; i++);
    let waits = 2;
    for (;;) {
      const unfinished = Atomics.load(words, UNFINISHED);
      if (unfinished === 0 || Atomics.load(words, FAILURE) === LOST) return;
      if (Atomics.wait(words, UNFINISHED, unfinished, WAIT_MS) !== 'timed-out') continue;
      waits -= 1;
      if (waits === 0) Atomics.store(words, FAILURE, LOST);
    }
  }

  /** Ends the other threads. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** Resolves when a thread waits for work; should it end from then on, the words say so. */
function isReady(worker: Worker, words: Int32Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = () => {
      Atomics.store(words, FAILURE, LOST);
      Atomics.notify(words, UNFINISHED);
    };
    worker.once('error', (error) => {
      reject(error);
      lost();
    });
    worker.once('exit', () => {
      reject(new Error('one ended at once'));
      lost();
    });
    worker.once('message', () => {
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
