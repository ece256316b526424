/**
 * Planted blocks: a regression whose true block support is known.
 *
 *     y = W*ᵀx + noise,   W* zero but for some blocks
 *
 * Two things make the support hard to see from the size of trained weights, as in real networks. Groups of
 * inputs have different scales, so that an important block can have small weights; and each group has a
 * correlated partner, so that dense training spreads a block's weight over a block that is not in the
 * support. All of it is made from the seed.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

import { assertArgument, assertFields, isWhole } from '../arguments.js';
import type { DataSet, MemoryExamples } from '../examples.js';
import { permutation, random, type Random } from '../random.js';

export interface PlantedBlocksSettings {
  readonly inputs: number;
  readonly outputs: number;
  /** Rows × columns of a planted block; they divide inputs and outputs, and inputs into an even number of groups. */
  readonly blockShape: readonly [number, number];
  /** Share of blocks that are planted, above 0. */
  readonly density: number;
  readonly trainExamples: number;
  readonly testExamples: number;
  /** Correlation of an input with its partner in the partner group, from 0 and under 1. */
  readonly correlation: number;
  /** Input groups have scales from `1 / scaleRange` to `scaleRange`, at least 1. */
  readonly scaleRange: number;
  /** Standard deviation of the noise on an output; the signal's is about 1. */
  readonly noise: number;
}

export interface PlantedBlocks extends DataSet {
  readonly train: MemoryExamples;
  readonly test: MemoryExamples;
  /** The true weights `W*`, `[inputs, outputs]`, row by row. */
  readonly weights: Float32Array;
}

const isIn = (holds: (value: number) => boolean) => (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && holds(value);
const aSize = [(value: unknown) => isWhole(value, 1), 'a whole number of at least 1'] as const;
const aBlockShape = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && value.every((size) => isWhole(size, 1));

/** Each setting's test, and its words. */
const SETTINGS: Record<keyof PlantedBlocksSettings, readonly [(value: unknown) => boolean, string]> = {
  inputs: aSize,
  outputs: aSize,
  blockShape: [aBlockShape, 'rows and columns, two whole numbers of at least 1'],
  density: [isIn((share) => share > 0 && share <= 1), 'a number in (0, 1]'],
  trainExamples: aSize,
  testExamples: aSize,
  correlation: [isIn((value) => value >= 0 && value < 1), 'a number in [0, 1)'],
  scaleRange: [isIn((value) => value >= 1), 'a number of at least 1'],
  noise: [isIn((value) => value >= 0), 'a number of at least 0'],
};

function assertSettings(settings: PlantedBlocksSettings): void {
  assertFields(settings, Object.keys(SETTINGS), 'plantedBlocks(): settings');
  for (const [name, [holds, expected]] of Object.entries(SETTINGS)) {
    const value = settings[name as keyof PlantedBlocksSettings];
    assertArgument(holds(value), `plantedBlocks(): ${name}`, value, expected);
  }
}

/**
 * @param seed a whole number from 0
 * @throws RangeError or TypeError for a setting that is not what it is to be, or a block shape that does not divide the
 *   sizes
 */
export function plantedBlocks(seed: number, settings: PlantedBlocksSettings): PlantedBlocks {
  assertArgument(isWhole(seed, 0), 'plantedBlocks(): seed', seed, 'a whole number of at least 0');
  assertSettings(settings);
  const { inputs, outputs, blockShape, scaleRange } = settings;
  const [blockRows, blockColumns] = blockShape;
  if (inputs % (2 * blockRows) !== 0 || outputs % blockColumns !== 0) {
    throw new RangeError(
      `Blocks of ${blockRows}×${blockColumns} do not cut ${inputs}×${outputs} into pairs of input groups`,
    );
  }
  const structure = random(seed, 'planted-blocks/structure');
  const scales = Array.from(
    { length: inputs / blockRows },
    () => scaleRange ** (2 * structure.uniform() - 1),
  );
  const weights = plantWeights(settings, scales, structure);
  const split = (count: number, purpose: string) =>
    examples(count, settings, scales, weights, random(seed, `planted-blocks/${purpose}`));
  return {
    train: split(settings.trainExamples, 'train'),
    test: split(settings.testExamples, 'test'),
    weights,
    // What makes it of these is code, which is known by its own digest.
    digest: () =>
      bytesToHex(sha256(utf8ToBytes(JSON.stringify(['planted-blocks', seed, inOrder(settings)])))).slice(
        0,
        16,
      ),
  };
}

/** Whoever wrote the settings down, in whatever order. */
function inOrder(settings: PlantedBlocksSettings): unknown {
  return Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Each planted block adds about the same variance to its outputs, whatever the scale of its inputs. */
function plantWeights(
  { inputs, outputs, blockShape: [blockRows, blockColumns], density }: PlantedBlocksSettings,
  scales: readonly number[],
  structure: Random,
): Float32Array {
  const gridColumns = outputs / blockColumns;
  const blocks = (inputs / blockRows) * gridColumns;
  const planted = permutation(blocks, structure).subarray(0, Math.max(1, Math.round(blocks * density)));
  const inOneColumn = planted.length / gridColumns;
  const weights = new Float32Array(inputs * outputs);
  for (const block of planted) {
    const group = Math.floor(block / gridColumns);
    const firstColumn = (block % gridColumns) * blockColumns;
    const deviation = 1 / ((scales[group] as number) * Math.sqrt(inOneColumn * blockRows));
    for (let i = group * blockRows; i < (group + 1) * blockRows; i++) {
      for (let j = firstColumn; j < firstColumn + blockColumns; j++) {
        weights[i * outputs + j] = deviation * structure.normal();
      }
    }
  }
  return weights;
}

/** Drawn when the first of them is asked for: who wants to know how many there are does not wait. */
function examples(
  count: number,
  settings: PlantedBlocksSettings,
  scales: readonly number[],
  weights: Float32Array,
  draws: Random,
): MemoryExamples {
  const { inputs, outputs } = settings;
  let drawn: { x: Float32Array; y: Float32Array } | undefined;
  const all = () => (drawn ??= draw(count, settings, scales, weights, draws));
  return {
    count,
    inputs: [{ shape: [inputs], type: 'float32' }],
    target: { shape: [outputs], type: 'float32' },
    gather(indices) {
      const { x, y } = all();
      const ofBatch = new Float32Array(indices.length * inputs);
      const targets = new Float32Array(indices.length * outputs);
      for (let i = 0; i < indices.length; i++) {
        const index = indices[i] as number;
        ofBatch.set(x.subarray(index * inputs, (index + 1) * inputs), i * inputs);
        targets.set(y.subarray(index * outputs, (index + 1) * outputs), i * outputs);
      }
      return { inputs: [ofBatch], targets };
    },
  };
}

/** Where they are: few of the weights are planted. */
function nonZeros(values: Float32Array): Int32Array {
  return Int32Array.from([...values.keys()].filter((i) => values[i] !== 0));
}

function draw(
  count: number,
  { inputs, outputs, blockShape: [blockRows], correlation, noise }: PlantedBlocksSettings,
  scales: readonly number[],
  weights: Float32Array,
  draws: Random,
): { x: Float32Array; y: Float32Array } {
  const x = new Float32Array(count * inputs);
  const y = new Float32Array(count * outputs);
  const independent = Math.sqrt(1 - correlation ** 2);
  const planted = Array.from({ length: inputs }, (_, i) =>
    nonZeros(weights.subarray(i * outputs, (i + 1) * outputs)),
  );
  for (let example = 0; example < count; example++) {
    const own = x.subarray(example * inputs, (example + 1) * inputs);
    for (let i = 0; i < inputs; i++) {
      const group = Math.floor(i / blockRows);
      const partner = own[i - blockRows] as number; // read for odd groups only
      own[i] = group % 2 === 0 ? draws.normal() : correlation * partner + independent * draws.normal();
    }
    for (let i = 0; i < inputs; i++)
      own[i] = (own[i] as number) * (scales[Math.floor(i / blockRows)] as number);
    const target = y.subarray(example * outputs, (example + 1) * outputs);
    for (let j = 0; j < outputs; j++) target[j] = noise * draws.normal();
    for (let i = 0; i < inputs; i++) {
      const value = own[i] as number;
      for (const j of planted[i] as Int32Array)
        target[j] = (target[j] as number) + value * (weights[i * outputs + j] as number);
    }
  }
  return { x, y };
}
