/**
 * The table: every op, on a backend, by the backend's kernels and by the op's composition, against its definition in
 * double precision and against one another, values and gradients.
 */
import { existsSync, readdirSync } from 'node:fs';

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { kernels as cpu } from './generated/cpu-kernels.js';
import { kernels as wasm } from './generated/wasm-kernels.js';
import { kernels as webgpu } from './generated/webgpu-kernels.js';
import type { Arrays, Measured, OpCase } from './test-cases.js';
import { randomValues } from './test-support.js';

/** The folders of ops. */
export const folders = readdirSync(new URL('ops', import.meta.url));

export const hasCases = (folder: string) => existsSync(new URL(`ops/${folder}/cases.ts`, import.meta.url));

/** What is in the file `cases.ts` of each folder. */
export const table: readonly OpCase[] = (
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
};
const everyName = [...new Set(Object.values(kernelNames).flat())];

/** Tests of every op on a backend that has been started. */
export function itComputesEveryOp(backend: string, numRuns: number): void {
  const called = new Set<string>();
  const uncounted: tf.KernelConfig[] = [];

  beforeAll(async () => {
    await tf.setBackend(backend);
    for (const name of kernelNames[backend]!) {
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

  it.each(table.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    await fc.assert(
      fc.asyncProperty(row.settings, fc.nat(1e6), (settings, seed) => expectAsDefined(row, settings, seed)),
      { numRuns },
    );
    // SwiftShader computes on the processor, which others may use too.
  }, 300_000);

  it('has run every kernel of the backend', () => {
    expect([...called].sort()).toEqual([...kernelNames[backend]!].sort());
  });
}

/** One row of the table with one choice of settings, on the backend of the moment. */
export async function expectAsDefined<Settings>(
  { shapes, resultShape, run, define }: OpCase<Settings>,
  settings: Settings,
  seed: number,
): Promise<void> {
  const shapeOf = Object.entries(shapes(settings));
  const outShape = [...resultShape(settings)];
  const floats = shapeOf.map(([, shape], i) => randomValues(sizeOf(shape), seed + i));
  const names = shapeOf.map(([name]) => name);
  const inputs: Arrays = Object.fromEntries(names.map((name, i) => [name, Float64Array.from(floats[i]!)]));
  const definition = define(settings);
  const isSmooth = definition.isSmooth?.(inputs) ?? (() => true);
  const dy = randomValues(sizeOf(outShape), seed + names.length).map((flow, at) => (isSmooth(at) ? flow : 0));
  const expected = [
    definition.result(inputs),
    ...Object.values(definition.gradients(inputs, Float64Array.from(dy))),
  ];
  const compute = () => {
    const tensors = floats.map((values, i) => tf.tensor(values, [...shapeOf[i]![1]]));
    const call = (...given: tf.Tensor[]) =>
      run(Object.fromEntries(names.map((name, i) => [name, given[i]!])), settings);
    return [call(...tensors), ...tf.grads(call)(tensors, tf.tensor(dy, outShape))];
  };
  const backend = tf.getBackend();
  const what = ['the result', ...names.map((name) => `the gradient by ${name}`)];
  const expectedShapes = [outShape, ...shapeOf.map(([, shape]) => [...shape])];
  const computed = [
    ['the kernels', await valuesOf(compute, expectedShapes)],
    ['the composition', await withoutKernels(backend, () => valuesOf(compute, expectedShapes))],
  ] as const;
  for (const [by, actual] of computed) {
    actual.forEach((values, i) => expectNear(values, expected[i]!, `${what[i]} by ${by} on ${backend}`));
  }
  const [[, byKernels], [, byComposition]] = computed;
  byKernels.forEach((values, i) => {
    const wanted = { values: Float64Array.from(byComposition[i]!), magnitudes: expected[i]!.magnitudes };
    expectNear(values, wanted, `${what[i]}, of kernels as of the composition, on ${backend}`);
  });
}

/** Runs in a tidy, reads what comes of it, and leaves no tensor behind. */
async function valuesOf(
  compute: () => tf.Tensor[],
  shapes: readonly number[][],
): Promise<ArrayLike<number>[]> {
  const before = tf.memory().numTensors;
  const tensors = tf.tidy(compute);
  expect(tensors.map(({ shape }) => shape)).toEqual(shapes);
  const values = await Promise.all(tensors.map((tensor) => tensor.data()));
  tf.dispose(tensors);
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

function expectNear(actual: ArrayLike<number>, { values, magnitudes }: Measured, what: string): void {
  values.forEach((value, at) => {
    // Written so that NaN fails too.
    if (!(Math.abs(actual[at]! - value) <= 1e-5 * magnitudes[at]! + 1e-30)) {
      expect.fail(`element ${at} of ${what} is ${actual[at]}, not ${value}`);
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
