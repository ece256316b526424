import { describe, expect, it } from 'vitest';

import { dataFolder } from './data-folder.js';
import { download } from './download.js';
import { permutation, plantedBlocks, random } from './index.js';
import { loadMnist, mnistDownload, parseIdx } from './mnist/index.js';
import { verify } from './verify.js';

type Loose = (...args: unknown[]) => unknown;
const functions = { dataFolder, download, loadMnist, parseIdx, permutation, plantedBlocks, random, verify };

const settings = {
  ...{ inputs: 16, outputs: 4, blockShape: [2, 2], density: 0.5 },
  ...{ trainExamples: 4, testExamples: 4, correlation: 0.5, scaleRange: 2, noise: 1 },
};

describe('a function of data says which of its arguments is wrong, and what it is to be', () => {
  it.each<[keyof typeof functions, unknown[], string]>([
    [
      'random',
      ['0', 'batches'],
      "random(): seed = '0' (a string), and is to be a whole number of at least 0",
    ],
    ['random', [0.5, 'batches'], 'random(): seed = 0.5, and is to be a whole number of at least 0'],
    ['random', [0], "random(): purpose = undefined, and is to be a word, such as 'batches'"],
    [
      'permutation',
      [-1, random(0, 'a')],
      'permutation(): count = -1, and is to be a whole number of at least 0',
    ],
    ['permutation', [3, 0], 'permutation(): random = 0, and is to be what random(seed, purpose) makes'],
    ['permutation', [3, random], 'permutation(): random = of type function, and is to be'],
    ['plantedBlocks', [settings], 'plantedBlocks(): seed = of type object, and is to be a whole number'],
    [
      'plantedBlocks',
      [0],
      'plantedBlocks(): settings = undefined, and is to be an object of inputs, outputs, ',
    ],
    ['plantedBlocks', [0, Promise.resolve(settings)], 'plantedBlocks(): settings = a promise'],
    [
      'plantedBlocks',
      [0, { ...settings, scaleRanges: 3 }],
      "plantedBlocks(): settings has no 'scaleRanges': it is an object of inputs",
    ],
    [
      'plantedBlocks',
      [0, { ...settings, inputs: '16' }],
      "plantedBlocks(): inputs = '16' (a string), and is to be a whole number of at least 1",
    ],
    [
      'plantedBlocks',
      [0, { ...settings, blockShape: 2 }],
      'plantedBlocks(): blockShape = 2, and is to be rows and columns',
    ],
    [
      'plantedBlocks',
      [0, { ...settings, blockShape: [2] }],
      'plantedBlocks(): blockShape = an array of 1, and is to be rows and columns',
    ],
    [
      'plantedBlocks',
      [0, { ...settings, density: '0.5' }],
      "plantedBlocks(): density = '0.5' (a string), and is to be a number in (0, 1]",
    ],
    [
      'plantedBlocks',
      [0, { ...settings, noise: NaN }],
      'plantedBlocks(): noise = NaN, and is to be a number of at least 0',
    ],
    ['plantedBlocks', [0, { ...settings, scaleRange: Infinity }], 'plantedBlocks(): scaleRange = Infinity'],
    [
      'plantedBlocks',
      [0, { ...settings, testExamples: undefined }],
      'plantedBlocks(): testExamples = undefined',
    ],
    ['dataFolder', [3], "dataFolder(): folder = 3, and is to be a folder's path"],
    ['loadMnist', [], "loadMnist(): folder = undefined, and is to be a folder's path"],
    ['parseIdx', [[0, 0, 8, 1], 'a file'], 'parseIdx(): bytes = an array of 4, and is to be a Uint8Array'],
    [
      'verify',
      ['mnist', '/'],
      "verify(): set = 'mnist' (a string), and is to be a data set to fetch, such as mnistDownload",
    ],
    ['verify', [mnistDownload], 'verify(): folder = undefined'],
    ['download', [undefined, '/'], 'download(): set = undefined, and is to be a data set to fetch'],
    ['download', [mnistDownload, 3], 'download(): folder = 3'],
    [
      'download',
      [mnistDownload, '/', { onprogress: () => {} }],
      "download(): options has no 'onprogress': it is an object of from, onProgress",
    ],
    ['download', [mnistDownload, '/', { from: 3 }], 'download(): from = 3, and is to be an address'],
    [
      'download',
      [mnistDownload, '/', { onProgress: 'bar' }],
      "download(): onProgress = 'bar' (a string), and is to be a function",
    ],
  ])('%s(…%j)', async (name, args, message) => {
    const called = async () => (functions[name] as unknown as Loose)(...args);
    await expect(called()).rejects.toThrow(message);
    await expect(called()).rejects.toThrow(/^[^\n]+$/);
  });
});
