import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import '../index.js';
import { expectClose, expectGradients, expectSameAsCpu, randomTensor } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const seed = fc.integer({ min: 0, max: 1e6 });
const size = fc.integer({ min: 1, max: 7 });

describe('unsortedSegmentSum on wasm', () => {
  it('agrees with the cpu backend, dropping ids out of range', async () => {
    const scenario = fc.record({
      ids: fc.array(fc.integer({ min: -2, max: 6 }), { maxLength: 30 }),
      tail: fc.array(size, { maxLength: 2 }),
      segments: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, seed, async ({ ids, tail, segments }, s) => {
        await expectSameAsCpu(() =>
          tf.unsortedSegmentSum(randomTensor([ids.length, ...tail], s), tf.tensor1d(ids, 'int32'), segments),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('gives an embedding its gradient', () => {
    const table = randomTensor([4, 5], 1);
    const gradient = tf.tidy(() => {
      const ids = tf.tensor2d(
        [
          [0, 2, 2],
          [3, 0, 2],
        ],
        [2, 3],
        'int32',
      );
      return tf
        .grad((t) => tf.sum(tf.gather(t, ids)))(table)
        .dataSync();
    });
    expectClose(
      gradient,
      [2, 0, 3, 1].flatMap((count) => Array(5).fill(count) as number[]),
      1e-7,
    );
    tf.dispose(table);
  });

  it('says what to do about other types', () => {
    const run = () => tf.unsortedSegmentSum(tf.ones([2], 'int32'), tf.tensor1d([0, 1], 'int32'), 2);
    expect(() => tf.tidy(run)).toThrow('needs float32 values and int32 ids, got int32 and int32');
  });
});

describe('einsum on wasm', () => {
  const sizes: Record<string, number> = { a: 2, b: 3, c: 4, d: 5, e: 1 };
  const term = fc.shuffledSubarray(Object.keys(sizes), { minLength: 1 });
  const equation = fc.oneof(
    term.chain((x) => fc.tuple(fc.constant([x]), fc.shuffledSubarray(x))),
    fc
      .tuple(term, term)
      .chain((pair) => fc.tuple(fc.constant(pair), fc.shuffledSubarray([...new Set(pair.flat())]))),
  );

  it('is the sum by the definition', () => {
    fc.assert(
      fc.property(equation, seed, ([terms, output], s) => {
        const operands = terms.map((labels, i) =>
          randomTensor(
            labels.map((l) => sizes[l]!),
            s + i,
          ),
        );
        const text = `${terms.map((labels) => labels.join('')).join(',')}->${output.join('')}`;
        const actual = tf.einsum(text, ...operands);
        expect(actual.shape).toEqual(output.map((label) => sizes[label]!));
        expectClose(
          actual.dataSync(),
          byDefinition(
            terms,
            output,
            operands.map((x) => x.dataSync()),
          ),
          1e-5,
        );
        tf.dispose([actual, operands]);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['abc,cd->abd', 'ab,ab->', 'abc->ca', 'abc,bd->da', 'ac,b->ab', 'a,b->ba'])(
    'has the gradients of finite differences for %s',
    (text) => {
      const terms = text.split('->')[0]!.split(',');
      const operands = terms.map((labels, i) =>
        randomTensor(
          [...labels].map((label) => sizes[label]!),
          i + 1,
        ),
      );
      expectGradients((...x) => tf.sum(tf.square(tf.add(tf.einsum(text, ...x), 0.5))) as tf.Scalar, operands);
      tf.dispose(operands);
    },
  );

  it('refuses an equation that does not fit', () => {
    expect(() => tf.tidy(() => tf.einsum('abc->a', tf.ones([2, 3])))).toThrow("term 'abc'");
    expect(() => tf.tidy(() => tf.einsum('ab,bc->ac', tf.ones([2, 3]), tf.ones([4, 2])))).toThrow(
      'Expected dimension',
    );
  });

  /** The sum over every assignment of indices to labels. */
  function byDefinition(
    terms: readonly string[][],
    output: string[],
    operands: ArrayLike<number>[],
  ): Float64Array {
    const labels = Object.keys(sizes).filter((label) => terms.flat().includes(label));
    const at = (of: string[], index: Record<string, number>) =>
      of.reduce((flat, l) => flat * sizes[l]! + index[l]!, 0);
    const out = new Float64Array(output.reduce((product, l) => product * sizes[l]!, 1));
    const visit = (depth: number, index: Record<string, number>): void => {
      if (depth === labels.length) {
        out[at(output, index)]! += terms.reduce(
          (product, of, i) => product * operands[i]![at(of, index)]!,
          1,
        );
        return;
      }
      for (let i = 0; i < sizes[labels[depth]!]!; i++) visit(depth + 1, { ...index, [labels[depth]!]: i });
    };
    visit(0, {});
    return out;
  }
});

it('shares data between a tensor and its clone without leaking or losing it', () => {
  const start = tf.memory();
  const x = randomTensor([10], 1);
  const values = x.dataSync();
  const clones = [tf.clone(x), tf.cast(x, 'float32'), tf.clone(x)];
  expect(tf.memory().numDataBuffers).toBe(start.numDataBuffers + 1);
  x.dispose();
  clones[0]!.dispose();
  expect(clones[1]!.dataSync()).toEqual(values);
  expect(clones[2]!.dataSync()).toEqual(values);
  tf.dispose(clones);
  expect(tf.memory().numDataBuffers).toBe(start.numDataBuffers);
  expect(tf.memory().numBytes).toBe(start.numBytes);
});
