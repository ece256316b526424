/** Prepares a CIFAR data set once: files of rows, and what is known of them. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DataError } from '../data-error.js';
import { decoderVersion } from '../images/decode.js';
import { digestOf } from '../manifest.js';
import type { PreparationProgress } from '../preparation.js';
import { prepared } from '../prepared/prepared.js';
import { openRows, RowWriter, type RowFile } from '../prepared/rows.js';
import { ROW_BYTES, type CifarForm } from './form.js';
import { imageRows } from './images.js';
import { releaseRows } from './release.js';
import { splitNames, type Rows, type Split } from './rows.js';
import { findSource, type Source } from './source.js';

/** To be counted up when what is written changes. */
const FORM = 1;

/** Progress is told after so many images. */
const TOLD_EVERY = 500;

/** What stands beside the rows. */
interface About {
  readonly classes: readonly string[];
  /** Of the rows and the classes: the same whatever they were made from. */
  readonly digest: string;
  readonly counts: Readonly<Record<Split, number>>;
}

export interface Prepared extends About {
  readonly rows: Readonly<Record<Split, RowFile>>;
}

const fileOf = (split: Split) => `${split}.rows`;

/** @throws DataError for data that is missing or damaged, and where it cannot be written */
export async function prepareCifar(
  dataFolder: string,
  form: CifarForm,
  onProgress: (progress: PreparationProgress) => void,
): Promise<Prepared> {
  const source = await findSource(dataFolder, form);
  // Whether an archive has images is not known before it is read. Where there is no decoder, its own error says so.
  const decoder = source.mayHaveImages ? await decoderVersion().catch(() => null) : null;
  const key = { form: FORM, source: source.key, decoder };
  const folder = await prepared(form.name, key, async (empty) => {
    const { classes, count, splits } = await rowsOf(source, form);
    let done = 0;
    const told = () => {
      if (done % TOLD_EVERY === 0 || done === count) {
        onProgress({ what: `preparing ${form.title}`, done, total: count });
      }
      done += 1;
    };
    const written = {} as Record<Split, { count: number; hash: string }>;
    for (const split of splitNames) {
      written[split] = await writeRows(join(empty, fileOf(split)), splits[split], told);
    }
    told();
    const about: About = {
      classes,
      digest: digestOf([...splitNames.map((split) => written[split].hash), ...classes]),
      counts: { train: written.train.count, test: written.test.count },
    };
    await writeFile(join(empty, 'about.json'), JSON.stringify(about));
  });
  return openPrepared(folder);
}

async function rowsOf(source: Source, form: CifarForm): Promise<Rows> {
  const files = await source.files();
  const rows = (await releaseRows(source, files, form)) ?? imageRows(source, files, form);
  if (rows) return rows;
  throw new DataError(
    `${source.name} has neither ${form.release.train[0]} nor images in train/<class> and test/<class>: ` +
      `put ${form.releaseArchive} there, or folders of images`,
  );
}

async function writeRows(
  path: string,
  rows: AsyncIterable<Uint8Array>,
  told: () => void,
): Promise<{ count: number; hash: string }> {
  const writer = await RowWriter.create(path, ROW_BYTES);
  const hash = createHash('sha256');
  try {
    for await (const row of rows) {
      told();
      hash.update(row);
      await writer.write(row);
    }
  } finally {
    await writer.close();
  }
  return { count: writer.count, hash: hash.digest('hex') };
}

async function openPrepared(folder: string): Promise<Prepared> {
  const about = await readFile(join(folder, 'about.json'), 'utf8')
    .then((text) => JSON.parse(text) as About)
    .catch((error: Error) => {
      throw damaged(folder, error.message);
    });
  const open = async (split: Split) => {
    const rows = await openRows(join(folder, fileOf(split)), ROW_BYTES);
    if (rows.count === about.counts[split]) return rows;
    rows.close();
    throw damaged(folder, `${fileOf(split)} has ${rows.count} rows of ${about.counts[split]}`);
  };
  const train = await open('train');
  const test = await open('test').catch((error: unknown) => {
    train.close();
    throw error;
  });
  return { ...about, rows: { train, test } };
}

const damaged = (folder: string, why: string) =>
  new DataError(`${folder} is damaged (${why}): remove it, and the data is prepared again`);
