/**
 * The binary release (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): in a row the labels,
 * then a plane each of red, green and blue.
 */
import { basename } from 'node:path';

import { DataError } from '../data-error.js';
import { CHANNELS, PIXELS, ROW_BYTES, type CifarForm } from './form.js';
import type { Rows } from './rows.js';
import type { Source, SourceFile } from './source.js';

interface ReleaseFile {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Null where none of its files is there. */
export async function releaseRows(
  source: Source,
  files: readonly SourceFile[],
  form: CifarForm,
): Promise<Rows | null> {
  const { train, test, labelBytes } = form.release;
  const rowBytes = labelBytes + PIXELS * CHANNELS;
  const named = (wanted: string) => files.filter(({ path }) => basename(path) === wanted);
  if (![...train, ...test].some((wanted) => named(wanted).length > 0)) return null;

  const read = async (wanted: string): Promise<ReleaseFile> => {
    const [file, another] = named(wanted);
    const name = `${source.name}: ${wanted}`;
    if (!file) throw new DataError(`${name} is missing beside the others: fetch it again`);
    if (another)
      throw new DataError(`${name} is there twice, as ${file.path} and ${another.path}: leave one`);
    const bytes = await file.bytes();
    if (bytes.length === 0 || bytes.length % rowBytes !== 0) {
      const whole = `no whole number of rows of ${rowBytes}`;
      throw new DataError(`${name} has ${bytes.length} bytes, ${whole}: fetch it again`);
    }
    return { name, bytes };
  };
  const splits = {
    train: await Promise.all(train.map(read)),
    test: await Promise.all(test.map(read)),
  };
  const count = [...splits.train, ...splits.test].reduce(
    (sum, { bytes }) => sum + bytes.length / rowBytes,
    0,
  );
  return {
    classes: form.classes,
    count,
    splits: { train: rowsIn(splits.train, form), test: rowsIn(splits.test, form) },
  };
}

async function* rowsIn(files: readonly ReleaseFile[], form: CifarForm): AsyncGenerator<Uint8Array> {
  const { labelBytes } = form.release;
  const rowBytes = labelBytes + PIXELS * CHANNELS;
  const row = new Uint8Array(ROW_BYTES);
  for (const { name, bytes } of files) {
    for (let i = 0; i * rowBytes < bytes.length; i++) {
      const label = bytes[i * rowBytes + labelBytes - 1] as number;
      if (label >= form.classes.length) {
        throw new DataError(
          `${name}: row ${i} has the label ${label}, where those of ${form.title} are from 0 to ${form.classes.length - 1}: fetch it again`,
        );
      }
      row[0] = label;
      interleave(bytes.subarray(i * rowBytes + labelBytes, (i + 1) * rowBytes), row.subarray(1));
      yield row;
    }
  }
}

/** Planes `[channels, pixels]` to `[pixels, channels]`. */
function interleave(planes: Uint8Array, pixels: Uint8Array): void {
  for (let channel = 0; channel < CHANNELS; channel++) {
    for (let i = 0; i < PIXELS; i++) {
      pixels[i * CHANNELS + channel] = planes[channel * PIXELS + i] as number;
    }
  }
}
