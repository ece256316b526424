/** CIFAR-10 and CIFAR-100: colour images of 32 × 32 (Krizhevsky 2009), prepared once, then read batch by batch. */
import { assertArgument, assertFields, assertFolder } from '../arguments.js';
import type { DataSet, Examples } from '../examples.js';
import { normalisation, type Normalisation } from '../images/normalisation.js';
import type { PreparationProgress } from '../preparation.js';
import type { RowFile } from '../prepared/rows.js';
import { CHANNELS, PIXELS, ROW_BYTES, SIDE, type CifarForm } from './form.js';
import { cifar10, cifar100 } from './forms.js';
import { prepareCifar } from './prepare.js';

export interface CifarOptions {
  /** Is told how far the preparation is, when the data is loaded for the first time. */
  readonly onProgress?: (progress: PreparationProgress) => void;
}

export interface Cifar extends DataSet {
  readonly classes: readonly string[];
  digest(): string;
  close(): void;
}

/**
 * CIFAR-10: images `[32, 32, 3]`, normalised by the training images' mean and deviation, in 10 classes.
 *
 * In `<folder>/cifar10/` lies, and is looked for in this order: the binary release (`data_batch_1.bin` to
 * `test_batch.bin`, or in `cifar-10-batches-bin/`), folders of images (`train/<class>/*.png`, `test/<class>/*.png`, or
 * `.jpg`), or a tar archive of either, gzipped or not. It is read once, into the user's cache. Examples are in the
 * release's order, or in that of the images' paths.
 *
 * @param folder the data folder
 * @throws DataError when it is missing or damaged, or cannot be prepared: the message names the file, and the image
 *   or the row
 */
export function loadCifar10(folder: string, options: CifarOptions = {}): Promise<Cifar> {
  return loadCifar(folder, options, cifar10, 'loadCifar10()');
}

/**
 * CIFAR-100 by its 100 fine classes: images `[32, 32, 3]`, normalised. As CIFAR-10, from `<folder>/cifar100/`: the
 * binary release is `train.bin` and `test.bin`, or in `cifar-100-binary/`.
 *
 * @param folder the data folder
 * @throws DataError as `loadCifar10()`
 */
export function loadCifar100(folder: string, options: CifarOptions = {}): Promise<Cifar> {
  return loadCifar(folder, options, cifar100, 'loadCifar100()');
}

async function loadCifar(folder: string, options: CifarOptions, form: CifarForm, of: string): Promise<Cifar> {
  assertFolder(folder, of);
  assertFields(options, ['onProgress'], `${of}: options`);
  const { onProgress = () => {} } = options;
  assertArgument(typeof onProgress === 'function', `${of}: onProgress`, onProgress, 'a function of progress');
  const { rows, classes, digest } = await prepareCifar(folder, form, onProgress);
  const normalised = normalisation(form.statistics);
  return {
    train: images(rows.train, normalised),
    test: images(rows.test, normalised),
    classes,
    digest: () => digest,
    close() {
      rows.train.close();
      rows.test.close();
    },
  };
}

function images(rows: RowFile, { write }: Normalisation): Examples {
  const size = PIXELS * CHANNELS;
  return {
    count: rows.count,
    inputs: [{ shape: [SIDE, SIDE, CHANNELS], type: 'float32' }],
    target: { shape: [], type: 'int32' },
    async gather(indices) {
      const bytes = rows.read(indices);
      const inputs = new Float32Array(indices.length * size);
      const targets = new Int32Array(indices.length);
      for (let i = 0; i < indices.length; i++) {
        const row = bytes.subarray(i * ROW_BYTES, (i + 1) * ROW_BYTES);
        targets[i] = row[0] as number;
        write(row.subarray(1), inputs.subarray(i * size, (i + 1) * size));
      }
      return { inputs: [inputs], targets };
    },
  };
}
