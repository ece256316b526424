/**
 * The reference itself against the authors' own programs, whose inputs and results lie beside the strategies: whatever
 * the reference says of a method, they say too.
 */
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { cut } from '../src/blocks.js';
import {
  kernel,
  type Layer,
  type Network,
  Optimizer,
  plainStr,
  powerpropagation,
  rigl,
  sequence,
  type Strategy,
  structuredDst,
  train,
  type Training,
} from '../src/index.js';
import { activation, matMul } from '../src/layers/dense.js';
import type { Kernel } from '../src/run.js';
import { Closest, everyBlock } from '../src/selection.js';
import { exactly } from '../src/tape.js';
import { draws } from './draws.js';

interface Weights {
  readonly weights: number[][];
  readonly masks: string[];
}

interface Batches {
  readonly batches: { x: number[]; y: number[] }[];
}

function read<Original>(file: string): Original {
  const path = new URL(`../../pruners/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Original;
}

function linear(name: string, inputs: number, outputs: number, decay = 0): Layer {
  const weight = kernel(`${name}/kernel`, [inputs, outputs], decay);
  return {
    name,
    parameters: [weight],
    kernels: [weight],
    trainable: true,
    apply: (pass, { shape: [batch], nodes }) => ({
      shape: [batch, outputs],
      nodes: matMul(pass, nodes, pass.read(weight), inputs, outputs),
    }),
  };
}

/** 12-10-4, `y = relu(x W1) W2`. */
function network(weights: readonly number[][], decay = 0): Network {
  const made = sequence([linear('one', 12, 10, decay), activation('relu'), linear('two', 10, 4, decay)]);
  made.kernels.forEach(({ values }, i) => values.set(weights[i]));
  return made;
}

/** Their loss is the sum over 8 examples and 4 outputs, divided by 16: twice the mean. */
const TWICE = 2;

function training({ batches }: Batches, steps: number, lr: number, momentum: number) {
  return {
    optimizer: { name: momentum ? 'momentum' : 'sgd', learningRate: TWICE * lr },
    batches: Array.from({ length: steps }, (_, i) => ({ shape: [8, 12], ...batches[i % batches.length] })),
    sparsity: 0,
    blockShape: [1, 1],
    draws,
  } satisfies Partial<Training>;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 2e-6): void {
  expect(actual.length).toBe(expected.length);
  const off = Array.from(expected, (value, i) => Math.abs(actual[i] - value));
  expect(Math.max(...off)).toBeLessThan(tolerance);
}

const kept = (mask: string) => [...mask].filter((bit) => bit === '1').length;

describe('RigL, trained', () => {
  interface Original extends Batches {
    readonly settings: { lr: number; every: number; end: number; alpha: number };
    readonly initial: Weights;
    readonly runs: {
      program: string;
      momentum: number;
      iterations: { loss: number }[];
      exchanges: { iteration: number; masks: string[] }[];
      final: Weights;
    }[];
  }
  const original = read<Original>('rigl/src/original/rigl-training');
  const { settings, initial } = original;
  const runs = original.runs.filter(({ program }) => program === 'torch');

  it.each(runs.map((run) => [run.momentum, run] as const))('with momentum %d', (momentum, run) => {
    const steps = run.iterations.length;
    const record = train(
      {
        network: network(initial.weights),
        ...training(original, steps, settings.lr, momentum),
        allocation: () => initial.masks.map(kept),
        // The first blocks are given.
        draws: { ...draws, lots: (i) => [...initial.masks[i]].map(Number) },
      },
      rigl({ everySteps: settings.every, until: settings.end / steps, alpha: settings.alpha }),
    );
    expect(run.exchanges.length).toBe(5);
    for (const { iteration, masks } of run.exchanges) {
      expect(record.moments[iteration + 1].masks).toEqual(masks);
    }
    expectClose(
      record.losses.map((loss) => TWICE * loss),
      run.iterations.map(({ loss }) => loss),
      2e-5,
    );
  });
});

describe('an exchange', () => {
  interface Instance {
    readonly shape: [number, number];
    readonly keep: number;
    readonly alpha: number;
    readonly step: number;
    readonly lastStep: number;
    readonly mask: string;
    readonly weights: number[];
    readonly gradient: number[];
    readonly newMask: string;
    readonly gamma: number;
    readonly remainder?: number;
  }

  /** The mask after the exchange, of a kernel with these weights and this gradient before it. */
  function exchanged(instance: Instance, strategy: Strategy): string {
    const { shape, mask, weights, gradient, step, lastStep } = instance;
    const raw = kernel('one/kernel', shape);
    const grid = cut(shape, [1, 1]);
    const own: Kernel = {
      raw,
      grid,
      mask: everyBlock(grid.blocks),
      density: 1,
      added: null,
      gradient: raw.values,
      inputSquares: new Float64Array(raw.values.length),
    };
    const rules = strategy.run({
      kernels: [own],
      steps: 2 * lastStep,
      sparsity: 0,
      allocation: () => [kept(mask)],
      optimizer: new Optimizer({ name: 'sgd', learningRate: 1 }),
      draws,
      calibrate: () => {},
      closest: new Closest(),
      round: exactly,
    });
    const values = weights.values();
    own.mask = Uint8Array.from(mask, Number);
    raw.values.set([...mask].map((bit) => (bit === '1' ? (values.next().value as number) : 0)));
    own.gradient = Float64Array.from(gradient);
    rules.before?.(step);
    return own.mask.join('');
  }

  const exchanges = (file: string) =>
    read<{ instances: Instance[] }>(file)
      .instances // At step 0 and the last there is none here.
      .filter(({ step, lastStep }) => step > 0 && step < lastStep)
      // By design: of fewer than four at least one is dropped, and where the fan-in does not divide the rest is kept.
      .filter(({ keep, remainder = 0 }) => keep >= 4 && remainder === 0);

  it.each(exchanges('rigl/src/original/rigl-exchange').map((instance, i) => [i, instance] as const))(
    'of RigL, instance %d',
    (_, instance) => {
      const { step, alpha, newMask } = instance;
      expect(exchanged(instance, rigl({ everySteps: step, until: 0.5, alpha }))).toBe(newMask);
    },
  );

  it.each(
    exchanges('structured-dst/src/original/structured-dst-exchange').map(
      (instance, i) => [i, instance.gamma, instance] as const,
    ),
  )('of structured DST, instance %d, γ = %d', (_, gamma, instance) => {
    const { step, alpha, newMask } = instance;
    const strategy = structuredDst({ everySteps: step, until: 0.5, alpha, minimumSalience: gamma });
    expect(exchanged(instance, strategy)).toBe(newMask);
  });
});

describe('Powerpropagation by weight, trained', () => {
  interface Original extends Batches {
    readonly settings: { lr: number };
    readonly initial: { u: number[][] };
    readonly runs: { alpha: number; loss: number[]; effective: number[][] }[];
  }
  const original = read<Original>('powerpropagation/src/original/powerpropagation');

  it.each(original.runs.map((run) => [run.alpha, run] as const))('α = %d', (alpha, { loss, effective }) => {
    const record = train(
      {
        network: network(original.initial.u),
        ...training(original, loss.length, original.settings.lr, 0),
      },
      // The pruning is of the last step, and prunes nothing.
      powerpropagation({ alpha, form: 'elementwise', dense: 1 - 1 / loss.length }),
    );
    expectClose(
      record.losses.map((own) => TWICE * own),
      loss,
      2e-5,
    );
    effective.forEach((weights, i) => expectClose(record.final[i], weights));
  });
});

describe('STR by weight, trained', () => {
  interface Original extends Batches {
    readonly initial: { V: number[][] };
    readonly runs: {
      sigma0: number;
      momentum: number;
      weightDecay: number;
      lr: number;
      steps: { loss: number; zeros: number[] }[];
      final: { W: number[][] };
    }[];
  }
  const original = read<Original>('str/src/original/str-training');

  it.each(original.runs.map((run) => [run.sigma0, run] as const))('σ = %d at first', (sigma, run) => {
    // Decay · w² has 2 · decay · w for a gradient, of a loss that is half of theirs.
    const decay = run.weightDecay / 2 / TWICE;
    const { raw: _, ...strategy } = plainStr({ form: 'elementwise', sigma });
    const record = train(
      {
        network: network(original.initial.V, decay),
        ...training(original, run.steps.length, run.lr, run.momentum),
      },
      // V is given, not made of the weights.
      strategy,
    );
    run.steps.forEach(({ zeros }, step) => {
      const { weights } = record.moments[step + 1];
      expect(weights.map((own) => own.filter((w) => w === 0).length)).toEqual(zeros);
    });
    run.final.W.forEach((weights, i) => expectClose(record.final[i], weights, 5e-6));
  });
});
