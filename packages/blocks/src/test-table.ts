/**
 * The table: every op, on a backend, by the backend's kernels and by the op's composition, against its definition in
 * double precision and against one another, values and gradients.
 */
import { existsSync, readdirSync } from 'node:fs';

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { kernels as cpu } from './generated/cpu-kernels.js';
import { kernels as tensorflow } from './generated/tensorflow-kernels.js';
import { kernels as wasm } from './generated/wasm-kernels.js';
import { kernels as webgpu } from './generated/webgpu-kernels.js';
import type { Arrays, Measured, OpCase } from './test-cases.js';
import { randomValues } from './test-support.js';

/** The folders of ops. */
export const folders = readdirSync(new URL('ops', import.meta.url));

export const hasCases = (folder: string) => existsSync(new URL(`ops/${folder}/cases.ts`, import.meta.url));

/** What is in the file `cases.ts` of each folder. */
const table: readonly OpCase[] = (
  await Promise.all(
    folders.filter(hasCases).map(async (folder) => {
      const { cases } = (await import(`./ops/${folder}/cases.ts`)) as { cases: OpCase[] };
      return cases;
    }),
  )
).flat();

/** The names of the kernels that are registered for each backend. */
export const kernelNames: Readonly<Record<string, readonly string[]>> = {
  cpu: Object.keys(cpu),
  wasm: Object.keys(wasm),
  webgpu: Object.keys(webgpu),
  tensorflow: Object.keys(tensorflow),
};
const everyName = [...new Set(Object.values(kernelNames).flat())];

const OFTEN = process.env['ESPALIER_LONG'] ? 10 : 1;

/**
 * Tests of every op on a backend that has been started.
 *
 * @param numRuns how many settings each case is computed with; with ESPALIER_LONG ten times as many
 */
export function itComputesEveryOp(backend: string, numRuns: number): void {
  const called = new Set<string>();
  const uncounted: tf.KernelConfig[] = [];

  beforeAll(async () => {
    await tf.setBackend(backend);
    for (const name of kernelNames[backend] ?? []) {
      const kernel = takeKernel(name, backend);
      if (!kernel) throw new Error(`${name} is not registered for ${backend}`);
      uncounted.push(kernel);
      const kernelFunc: tf.KernelFunc = (call) => {
        called.add(name);
        return kernel.kernelFunc(call);
      };
      tf.registerKernel({ ...kernel, kernelFunc });
    }
  });
  afterAll(() => {
    for (const kernel of uncounted) {
      takeKernel(kernel.kernelName, backend);
      tf.registerKernel(kernel);
    }
  });

  it.each(table.map((row) => [row.name, row] as const))(
    '%s',
    async (_, row) => {
      await runs(row, OFTEN * numRuns);
      // SwiftShader computes on the processor, which others may use too.
    },
    300_000,
  );

  it('has run every kernel of the backend', { timeout: 300_000 }, async () => {
    const all = kernelNames[backend] ?? [];
    // A case may have had only settings that go another way, as those of narrow blocks do.
    for (let more = 0; called.size < all.length && more < 20; more++) {
      for (const row of table) await runs(row, 1);
    }
    expect([...called].sort()).toEqual([...all].sort());
  });
}

function runs(row: (typeof table)[number], numRuns: number): Promise<void> {
  const property = fc.asyncProperty(row.settings, fc.nat(1e6), (settings, seed) =>
    expectAsDefined(row, settings, seed),
  );
  return fc.assert(property, { numRuns, endOnFailure: true });
}

/** One row of the table with one choice of settings, on the backend of the moment: by the kernels, and composed. */
export async function expectAsDefined<Settings>(
  row: OpCase<Settings>,
  settings: Settings,
  seed: number,
): Promise<void> {
  const task = taskOf(row, settings, seed);
  const byKernels = await expectDone(task, 'the kernels');
  const composed = await withoutKernels(tf.getBackend(), () => expectDone(task, 'the composition'));
  task.wanted.forEach(({ name, magnitudes }, i) => {
    const values = Float64Array.from(composed[i]!);
    expectNear(byKernels[i]!, { values, magnitudes }, `${name} by the kernels, as composed,`);
  });
}

/** The same by the kernels alone. */
export async function expectKernelsAsDefined<Settings>(
  row: OpCase<Settings>,
  settings: Settings,
  seed: number,
): Promise<void> {
  await expectDone(taskOf(row, settings, seed), 'the kernels');
}

/** An op's result on random inputs, and the gradients of Σ dy · result. */
interface Task {
  compute(): tf.Tensor[];
  release(): void;
  readonly wanted: readonly (Measured & { readonly name: string; readonly shape: readonly number[] })[];
}

function taskOf<Settings>(row: OpCase<Settings>, settings: Settings, seed: number): Task {
  const shapes = Object.entries(row.shapes(settings));
  const names = shapes.map(([name]) => name);
  const outShape = [...row.resultShape(settings)];
  const floats = shapes.map(([, shape], i) => randomValues(sizeOf(shape), seed + i));
  const inputs: Arrays = Object.fromEntries(names.map((name, i) => [name, Float64Array.from(floats[i]!)]));
  const { result, gradients, isSmooth } = row.define(settings);
  const smooth = isSmooth?.(inputs) ?? (() => true);
  const dy = randomValues(sizeOf(outShape), seed + names.length).map((flow, at) => (smooth(at) ? flow : 0));
  const byInput = gradients(inputs, Float64Array.from(dy));
  return {
    compute: () => {
      const tensors = floats.map((values, i) => tf.tensor(values, [...shapes[i]![1]]));
      const call = (...given: tf.Tensor[]) =>
        row.run(Object.fromEntries(names.map((name, i) => [name, given[i]!])), settings);
      return [call(...tensors), ...tf.grads(call)(tensors, tf.tensor(dy, outShape))];
    },
    release: () => row.release?.(settings),
    wanted: [
      { name: 'the result', shape: outShape, ...result(inputs) },
      ...shapes.map(([name, shape]) => ({ name: `the gradient by ${name}`, shape, ...byInput[name]! })),
    ],
  };
}

/** Computes in a tidy, compares with the definition, and leaves no tensor behind. */
async function expectDone({ compute, release, wanted }: Task, by: string): Promise<ArrayLike<number>[]> {
  const before = tf.memory().numTensors;
  // Twice: what was kept of the first time is used in the second.
  tf.dispose(tf.tidy(compute));
  const tensors = tf.tidy(compute);
  expect(tensors.map(({ shape }) => shape)).toEqual(wanted.map(({ shape }) => shape));
  const computed = await Promise.all(tensors.map((tensor) => tensor.data()));
  tf.dispose(tensors);
  release();
  expect(tf.memory().numTensors).toBe(before);
  wanted.forEach((each, i) => expectNear(computed[i]!, each, `${each.name} by ${by}`));
  return computed;
}

function expectNear(actual: ArrayLike<number>, { values, magnitudes }: Measured, what: string): void {
  values.forEach((value, at) => {
    // Written so that NaN fails too.
    if (!(Math.abs(actual[at]! - value) <= 1e-5 * magnitudes[at]! + 1e-30)) {
      expect.fail(`element ${at} of ${what} on ${tf.getBackend()} is ${actual[at]}, not ${value}`);
    }
  });
}

/** Runs with the ops composed of those of tfjs: a backend that has no kernel for an op gets its composition. */
export async function withoutKernels<T>(backend: string, run: () => Promise<T>): Promise<T> {
  const own = everyName.flatMap((name) => takeKernel(name, backend) ?? []);
  try {
    return await run();
  } finally {
    for (const name of everyName) takeKernel(name, backend);
    for (const kernel of own) tf.registerKernel(kernel);
  }
}

function takeKernel(name: string, backend: string): tf.KernelConfig | undefined {
  const kernel = tf.getKernel(name, backend);
  if (kernel) tf.unregisterKernel(name, backend);
  return kernel;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}
