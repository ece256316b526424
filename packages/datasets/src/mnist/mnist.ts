/** MNIST, from the four gzipped IDX files under their usual names (LeCun, Cortes, Burges 1998). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import { assertFolder } from '../arguments.js';
import { DataError } from '../data-error.js';
import type { Download } from '../download.js';
import type { DataSet, MemoryExamples } from '../examples.js';
import { contentHashes, digestOf } from '../manifest.js';
import { parseIdx, type IdxArray } from './idx.js';

const gunzipAsync = promisify(gunzip);

/** Mean and standard deviation of the training pixels on the scale 0 to 1. */
const PIXEL_MEAN = 0.1307;
const PIXEL_DEVIATION = 0.3081;

/** The files, with the SHA-256 of the bytes inside: archives differ from mirror to mirror, contents do not. */
export const mnistDownload: Download = {
  name: 'mnist',
  from: 'https://storage.googleapis.com/cvdf-datasets/mnist',
  files: [
    ['train-images-idx3-ubyte.gz', 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db'],
    ['train-labels-idx1-ubyte.gz', '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5'],
    ['t10k-images-idx3-ubyte.gz', '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7'],
    ['t10k-labels-idx1-ubyte.gz', 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2'],
  ].map(([name, sha256]) => ({
    ...{ name: name as string, sha256: sha256 as string },
    ...{ hashed: 'content' as const, mostBytes: 20_000_000 },
  })),
};

export interface Mnist extends DataSet {
  readonly train: MemoryExamples;
  readonly test: MemoryExamples;
}

/**
 * @param folder the data folder; the files lie in its `mnist/`
 * @throws DataError when a file is missing, damaged or truncated
 */
export async function loadMnist(folder: string): Promise<Mnist> {
  assertFolder(folder, 'loadMnist()');
  const read = async (name: string) =>
    parseIdx(await readGzip(join(folder, 'mnist', name)), join('mnist', name));
  const names = mnistDownload.files.map(({ name }) => name);
  const [trainImages, trainLabels, testImages, testLabels] = await Promise.all(names.map(read));
  return {
    train: images(trainImages as IdxArray, trainLabels as IdxArray),
    test: images(testImages as IdxArray, testLabels as IdxArray),
    classes: [...'0123456789'],
    digest: async () => digestOf(await contentHashes(join(folder, 'mnist'), names)),
  };
}

async function readGzip(path: string): Promise<Uint8Array> {
  const archive = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new DataError(`${path} cannot be read: ${error.message}`);
    throw new DataError(
      `${path} is missing: run \`espalier data get mnist\`, or point --data or $ESPALIER_DATA to the folder that holds mnist/`,
    );
  });
  return gunzipAsync(archive).catch((error: Error) => {
    throw new DataError(
      `${path} is damaged (${error.message}): run \`espalier data get mnist\` to fetch it again`,
    );
  });
}

/** Images of `[28, 28]` flattened to `[784]` and standardised; a label is a class from 0 to 9. */
function images(pixels: IdxArray, labels: IdxArray): MemoryExamples {
  const [count = 0, height, width] = pixels.shape;
  if (count === 0 || height !== 28 || width !== 28 || labels.shape.join() !== `${count}`) {
    throw new DataError(
      `MNIST's images [${pixels.shape.join(', ')}] and labels [${labels.shape.join(', ')}] are not [n, 28, 28] and [n]`,
    );
  }
  const wrong = labels.values.find((label) => label > 9);
  if (wrong !== undefined) throw new DataError(`MNIST's labels are from 0 to 9, not ${wrong}`);
  const length = height * width;
  const standardised = Float32Array.from(
    { length: 256 },
    (_, byte) => (byte / 255 - PIXEL_MEAN) / PIXEL_DEVIATION,
  );
  return {
    count,
    inputs: [{ shape: [length], type: 'float32' }],
    target: { shape: [], type: 'int32' },
    gather(indices) {
      const inputs = new Float32Array(indices.length * length);
      const targets = new Int32Array(indices.length);
      for (let i = 0; i < indices.length; i++) {
        const from = (indices[i] as number) * length;
        for (let j = 0; j < length; j++) {
          inputs[i * length + j] = standardised[pixels.values[from + j] as number] as number;
        }
        targets[i] = labels.values[indices[i] as number] as number;
      }
      return { inputs: [inputs], targets };
    },
  };
}
