/** Runs a strategy twice, here and there, and says how far the two are apart. */
import type { Network } from '../src/network.js';
import type { OptimizerName, OptimizerSettings } from '../src/optimizers.js';
import type { Rounding } from '../src/tape.js';
import { train, type TrainingRecord } from '../src/train.js';
import { draws } from './draws.js';
import { type Kind, type KindName, kinds } from './kinds.js';
import { batchesFor, startWeights } from './starts.js';
import type { Pair } from './pairs/pair.js';
import { trainTfjs, type TfjsRecord } from './tfjs.js';

export interface Setting {
  readonly kind: KindName;
  readonly optimizer: OptimizerName;
  readonly blockShape: readonly [number, number];
}

export interface Agreement {
  /** The first moment and kernel where the masks differ; null where they never do. */
  readonly masks: string | null;
  /** The largest difference of any weight at any moment. */
  readonly weights: number;
  /** Of the run: see `TrainingRecord`. */
  readonly gap: number;
  readonly kink: number;
  /** Which start was taken. */
  readonly seed: number;
}

const SPARSITY = 0.7;
/** Long enough for every phase of every strategy. */
const STEPS = 48;

const learningRates: Record<OptimizerName, number> = { sgd: 0.1, momentum: 0.03, adam: 0.01, rmsprop: 0.005 };

/** Under these a rounding error could decide. */
const SMALLEST_GAP = 5e-5;
const SMALLEST_KINK = 3e-6;
/** How far coarse rounding may move a weight. */
const MOST_ROUNDING = 5e-5;
const MOST_STARTS = 100;

/** The first start, from seed 0 on, of which no choice is close, as the reference says. */
export async function agreementOf(
  pair: Pair,
  { kind: name, optimizer: own, blockShape }: Setting,
): Promise<Agreement> {
  const kind = kinds[name];
  const optimizer: OptimizerSettings = { name: own, learningRate: learningRates[own] };
  for (let seed = 0; seed < MOST_STARTS; seed++) {
    const batches = batchesFor(kind, STEPS, seed);
    const [calibration] = batchesFor(kind, 1, seed + MOST_STARTS);
    const common = { optimizer, batches, calibration, sparsity: SPARSITY, blockShape };
    const start = startOf(kind, seed);
    const reference = (round?: Rounding) =>
      train(
        {
          network: startOf(kind, seed),
          ...common,
          draws,
          allocation: pair.allocation?.reference,
          ...(round && { round }),
        },
        pair.strategy,
      );
    const record = reference();
    const { gap, kink } = record;
    if (gap < SMALLEST_GAP || kink < SMALLEST_KINK) continue;
    const rounded = compare(record, reference(coarsely));
    if (rounded.masks || rounded.weights > MOST_ROUNDING) continue;
    const other = await trainTfjs(
      { kind, start, ...common, allocation: pair.allocation?.espalier },
      pair.pruner,
    );
    return { ...compare(record, other), gap, kink, seed };
  }
  throw new Error(`Of ${MOST_STARTS} starts, each has a close choice`);
}

/** To 21 bits, eight times as coarse as single precision (the splitting of Veltkamp). */
function coarsely(value: number): number {
  const shifted = value * (2 ** 32 + 1);
  return shifted - (shifted - value);
}

function startOf(kind: Kind, seed: number): Network {
  const network = kind.network();
  startWeights(network, seed);
  return network;
}

function compare(reference: TrainingRecord, other: TfjsRecord): Pick<Agreement, 'masks' | 'weights'> {
  let masks: string | null = null;
  let weights = distance(reference.final, other.final);
  reference.moments.forEach((moment, step) => {
    const there = other.moments[step];
    const kernel = moment.masks.findIndex((mask, i) => mask !== there.masks[i]);
    if (kernel >= 0) {
      masks ??= `kernel ${kernel} after ${step} steps: ${moment.masks[kernel]}, not ${there.masks[kernel]}`;
    }
    weights = Math.max(weights, distance(moment.weights, there.weights));
  });
  return { masks, weights };
}

function distance(one: readonly ArrayLike<number>[], other: readonly ArrayLike<number>[]): number {
  let largest = 0;
  one.forEach((values, i) => {
    if (values.length !== other[i].length)
      throw new RangeError(`${values.length} and ${other[i].length} weights`);
    Array.from(values, (value, j) => {
      const difference = Math.abs(value - other[i][j]);
      largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
    });
  });
  return largest;
}
