/** The native backend on a real TensorFlow, where an addon for one is installed: `npm test` with `$ESPALIER_PYTHON` does so. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { BackendError, startBackend, type StartedBackend } from '@espalier/backend';
import { compress } from '@espalier/block-sparse';
import { sparsify } from '@espalier/core';
import { compare, inPlace, type Summary } from '@espalier/experiment';
import { loadWorkload } from '@espalier/experiment/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Diagnosis } from './commands/doctor.js';
import { openRegistry } from './registry.js';
import { shortStrategies } from './test-strategies.js';

const tensorflow: StartedBackend | BackendError = await startBackend('tensorflow', { threads: 1 }).catch(
  (error: unknown) => {
    if (error instanceof BackendError) return error;
    throw error;
  },
);
const absent = tensorflow instanceof BackendError;
const where = absent ? `skipped: ${tensorflow.message}` : tensorflow.device;

const bin = fileURLToPath(new URL('../bin/espalier.js', import.meta.url));
const config = fileURLToPath(new URL('../test/webgpu.config.ts', import.meta.url));
const strategies = await shortStrategies();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-tensorflow-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const compareArguments = (out: string, ...more: string[]) => [
  ...[
    bin,
    'compare',
    '--config',
    config,
    '--workload',
    'tiny',
    '--backend',
    'tensorflow',
    '--pruners',
    'acdc',
  ],
  // Products are timed anew in every folder, and what is chosen by times is part of what a trial is.
  ...['--sparse-phases', 'off', '--out', join(folder, out), ...more],
];

function espalier(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const summaryIn = async (out: string) =>
  JSON.parse(await readFile(join(folder, out, 'summary.json'), 'utf8')) as Summary;

describe.skipIf(absent)(`on ${where}`, () => {
  it('all strategies train to the losses of the cpu backend', async () => {
    const { workloads } = await openRegistry(config);
    const reference = workloads.find(({ name }) => name === 'tiny')!;
    const workload = await loadWorkload(reference);
    const pruners = strategies.map(({ reference, make }) => ({ reference, pruner: make() }));
    const rowsOn = async (name: 'cpu' | 'tensorflow') => {
      const backend = await startBackend(name);
      const { rows } = await compare({
        workload: { reference, workload },
        pruners,
        seeds: [0],
        epochs: 12,
        executor: inPlace({ backend }),
      });
      return rows;
    };
    const expected = await rowsOn('cpu');
    const actual = await rowsOn('tensorflow');
    expect(actual.map(({ status }) => status)).toEqual(Array(pruners.length + 1).fill('ok'));
    const apart = actual.map(({ metrics }, i) =>
      Math.abs(metrics!['loss']! - expected[i]!.metrics!['loss']!),
    );
    expect(Math.max(...apart)).toBeLessThan(1e-4);
  });

  it('a pruned model and its compressed form are saved and loaded by file://', async () => {
    await tf.setBackend('tensorflow');
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 32, inputShape: [64], useBias: true })],
    });
    const magnitude = strategies.find(({ reference }) => reference.name === 'magnitude')!;
    const target = { sparsity: 0.75, blockShape: [8, 8], minimumBlocks: 1, totalSteps: 2 } as const;
    const pruning = await sparsify(model, magnitude.make(), target);
    const report = await pruning.finalize();
    const small = await compress(model, report);
    const x = tf.ones([2, 64]);
    const valuesOf = async (of: tf.LayersModel) => {
      const y = of.predict(x) as tf.Tensor;
      const values = [...(await y.data())];
      y.dispose();
      return values;
    };
    const expected = await valuesOf(model);
    for (const [name, each] of Object.entries({ model, small })) {
      await each.save(`file://${join(folder, name)}`);
      const loaded = await tf.loadLayersModel(`file://${join(folder, name)}/model.json`);
      const values = await valuesOf(loaded);
      values.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
      loaded.dispose();
    }
    x.dispose();
  });

  it('a comparison is computed by the command, on as many threads as are asked for, and says by which TensorFlow', async () => {
    const { code, stdout, stderr } = await espalier(...compareArguments('command', '--threads', '1'));
    expect({ code, noise: stderr.match(/tensorflow\/|cuda|====/g) }).toEqual({ code: 0, noise: null });
    expect(stdout).toContain('tensorflow (TensorFlow 2.');
    const { environment, rows } = await summaryIn('command');
    expect(environment).toMatchObject({ backend: 'tensorflow', kind: 'processor', threads: 1 });
    expect(rows.map(({ status }) => status)).toEqual(['ok', 'ok']);
    const trials = join(folder, 'command/trials');
    for (const name of await readdir(trials)) {
      const { content } = JSON.parse(await readFile(join(trials, name, 'config.json'), 'utf8'));
      expect(content.backend).toMatch(/^tensorflow:2\.\d+\.\d+/);
    }
  });

  it('a comparison that was killed goes on to the bits of one that was let alone', async () => {
    const child = spawn(process.execPath, compareArguments('killed', '--jobs', '1'), { stdio: 'ignore' });
    const ended = once(child, 'exit');
    // Until the first trial has ended: the second is killed while it starts or trains.
    const trials = join(folder, 'killed/trials');
    const results = async () => {
      const names = await readdir(trials).catch(() => []);
      const each = await Promise.all(names.map((name) => readdir(join(trials, name)).catch(() => [])));
      return each.flat().filter((file) => file === 'result.json').length;
    };
    while ((await results()) === 0 && child.exitCode === null) await setTimeout(20);
    child.kill('SIGKILL');
    await ended;
    expect((await espalier(...compareArguments('killed', '--jobs', '1'))).code).toBe(0);
    const metricsIn = async (out: string) => (await summaryIn(out)).rows.map(({ metrics }) => metrics);
    expect(await metricsIn('killed')).toEqual(await metricsIn('command'));
  }, 300_000);

  it('doctor says which TensorFlow it is, and that auto takes another', async () => {
    const { stdout } = await espalier(bin, 'doctor', '--json');
    const { backends, auto } = JSON.parse(stdout) as Diagnosis;
    expect(backends[0]).toMatchObject({ name: 'tensorflow', present: { kind: 'processor' } });
    expect(backends[0]!.facts[0]).toMatch(/^TensorFlow 2\.\d+\.\d+ \(tensorflow/);
    expect(auto.backend?.name).not.toBe('tensorflow');
  });
});
