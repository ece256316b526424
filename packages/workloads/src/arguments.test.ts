import { describe, expect, it } from 'vitest';

import { cosineDecay, formatNumber, percent, stepsPerEpoch } from './index.js';
import { plantedBlocksWorkload } from './workloads/planted-blocks.js';

type Loose = (...args: unknown[]) => unknown;
const functions = { cosineDecay, formatNumber, plantedBlocksWorkload, stepsPerEpoch };

describe('a function of workloads says which of its arguments is wrong, and what it is to be', () => {
  it.each<[keyof typeof functions, unknown[], string]>([
    [
      'stepsPerEpoch',
      ['2048', 64],
      "stepsPerEpoch(): examples = '2048' (a string), and is to be a whole number of at least 0",
    ],
    ['stepsPerEpoch', [2048, 0], 'stepsPerEpoch(): batchSize = 0, and is to be a whole number of at least 1'],
    [
      'cosineDecay',
      [],
      'cosineDecay(): maximum = undefined, and is to be the learning rate of the first step, a number in [0, ∞)',
    ],
    ['cosineDecay', ['0.1'], "cosineDecay(): maximum = '0.1' (a string)"],
    ['formatNumber', ['3', percent], "formatNumber(): value = '3' (a string), and is to be a number"],
    ['formatNumber', [3], 'formatNumber(): the format takes an object of options (scale, digits, '],
    [
      'formatNumber',
      [3, { digit: 2 }],
      "formatNumber(): the format has no option 'digit': did you mean digits?",
    ],
    [
      'formatNumber',
      [3, { digits: 101 }],
      'formatNumber(): the format: digits = 101, and is to be a whole number from 0 to 100',
    ],
    [
      'formatNumber',
      [3, { ...percent, unit: 3 }],
      "formatNumber(): the format: unit = 3, and is to be a unit, such as '%'",
    ],
    ['plantedBlocksWorkload', [{}], 'plantedBlocksWorkload(): name = an empty object, and is to be a name'],
    [
      'plantedBlocksWorkload',
      ['mine', 3],
      'plantedBlocksWorkload(): description = 3, and is to be a line for lists',
    ],
    [
      'plantedBlocksWorkload',
      ['mine', '', { corelation: 0 }],
      "plantedBlocksWorkload(): changes has no option 'corelation': did you mean correlation?",
    ],
    ['plantedBlocksWorkload', ['mine', '', null], 'it is given null'],
  ])('%s(…%j)', (name, args, message) => {
    expect(() => (functions[name] as unknown as Loose)(...args)).toThrow(message);
    expect(() => (functions[name] as unknown as Loose)(...args)).toThrow(/^[^\n]+$/);
  });

  it('a setting of planted blocks is refused when they are loaded', async () => {
    const workload = plantedBlocksWorkload('mine', '', { density: '0.5' as unknown as number });
    await expect(workload.load({ dataFolder: '', seed: 0 })).rejects.toThrow("density = '0.5' (a string)");
  });

  it('numbers that are none are written', () => {
    expect(formatNumber(NaN, percent)).toBe('NaN%');
  });
});
