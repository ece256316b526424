import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { describeValue } from './describe-value.js';
import { assertKnownOptions, nearest } from './known-options.js';

describe('describeValue', () => {
  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [0.9, '0.9'],
    [NaN, 'NaN'],
    [-0, '-0'],
    [true, 'true'],
    [3n, '3n (a bigint)'],
    ['0.9', "'0.9' (a string)"],
    ['', "'' (a string)"],
    [`a\nb ${'c'.repeat(50)}`, `'a b ${'c'.repeat(36)}…' (a string)`],
    [[16], '[16] (an array)'],
    [['16', [1], null], "['16', an array, null] (an array)"],
    [[1, 2, 3, 4, 5, 6], '[1, 2, 3, 4, … 6 in all] (an array)'],
    [new Float32Array(3), 'a Float32Array of 3'],
    [new Uint8Array(3), 'a Uint8Array of 3'],
    [Promise.resolve(1), 'a promise'],
    [function magnitude() {}, 'a function (magnitude)'],
    [(() => () => {})(), 'a function'],
    [class Mine {}, 'a class (Mine)'],
    [{}, 'an empty object'],
    [{ sparsity: 0.9, blockShape: [1, 1] }, 'an object of sparsity, blockShape'],
    [Object.create(null), 'an empty object'],
    [new Map(), 'a Map'],
    [new RangeError('too long'), "a RangeError ('too long')"],
    [Symbol('s'), 'Symbol(s) (a symbol)'],
  ])('%o is %s', (value, expected) => {
    expect(describeValue(value)).toBe(expected);
  });

  it('knows what tfjs makes', async () => {
    await tf.setBackend('cpu');
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'last' })] });
    const graph = new tf.GraphModel(tf.io.fromMemory({}));
    const [x, variable] = [tf.zeros([2, 3], 'int32'), tf.variable(tf.zeros([2]))];
    expect(describeValue(model)).toBe('a tf.LayersModel');
    expect(describeValue(graph)).toBe('a GraphModel');
    expect(describeValue(model.layers[0])).toBe('a layer (Dense last)');
    expect(describeValue(model.inputs[0])).toBe('a symbolic tensor of shape [null, 3]');
    expect(describeValue(x)).toBe('an int32 tensor of shape [2, 3]');
    expect(describeValue(variable)).toBe('a float32 variable of shape [2]');
    tf.dispose([x, variable]);
    model.dispose();
  });
});

describe('assertKnownOptions', () => {
  const known = ['sparsity', 'blockShape', 'totalSteps', 'minimumBlocks'];

  it('takes known options, each or none', () => {
    assertKnownOptions({}, known, 'sparsify()');
    assertKnownOptions({ sparsity: 1, minimumBlocks: undefined }, known, 'sparsify()');
  });

  it.each([
    [{ minBlocks: 4 }, "sparsify() has no option 'minBlocks': did you mean minimumBlocks?"],
    [{ BlockSize: 4 }, "sparsify() has no option 'BlockSize': did you mean blockShape?"],
    [{ x: 1 }, "sparsify() has no option 'x': it has sparsity, blockShape, totalSteps, minimumBlocks"],
    [[4, 4], 'it is given [4, 4] (an array)'],
    [null, 'it is given null'],
    [Promise.resolve(), 'it is given a promise'],
    [() => {}, 'it is given a function'],
  ])('refuses %o', (given, message) => {
    expect(() => assertKnownOptions(given as object, known, 'sparsify()')).toThrow(TypeError);
    expect(() => assertKnownOptions(given as object, known, 'sparsify()')).toThrow(message);
  });

  it('names the nearest of several, and none where all are far', () => {
    expect(nearest('sparsty', known)).toBe('sparsity');
    expect(nearest('totalstep', known)).toBe('totalSteps');
    expect(nearest('momentum', known)).toBe(null);
  });
});
