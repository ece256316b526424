/** A model that was trained already, from its files on disk; for Node, whatever the backend. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { assertArgument, assertOptions, aText, trueOrFalse } from '@espalier/core';
import { DataError } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs';

import { endingInLogits } from './ending-in-logits.js';

export interface PretrainedOptions {
  /** Whether it is to end in logits, without the softmax or sigmoid that it was saved with: `endingInLogits`. */
  readonly logits?: boolean;
}

export interface Pretrained {
  /** The model with the weights of its files, whatever the seed. */
  (): Promise<tf.LayersModel>;
  /** Of its files. */
  digest(): Promise<string>;
}

interface ModelFile {
  readonly modelTopology: object;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: tf.io.WeightsManifestEntry[];
  }[];
}

interface Files {
  readonly model: ModelFile;
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly digest: string;
}

/**
 * @param path of `model.json`, as `model.save` or the converter wrote it; its weights lie beside it
 * @returns what `defineWorkload` takes as its `model`; its files are a part of what a trial is
 */
export function pretrained(path: string, options: PretrainedOptions = {}): Pretrained {
  assertArgument('pretrained()', 'path', path, aText('the path of a model.json'));
  assertOptions('pretrained()', options, { logits: trueOrFalse });
  let files: Promise<Files> | undefined;
  const read = () => (files ??= readFiles(path));
  return Object.assign(
    async () => {
      const { model, weights } = await read();
      const weightSpecs = model.weightsManifest.flatMap((group) => group.weights);
      const artifacts = { modelTopology: model.modelTopology, weightSpecs, weightData: weights.buffer };
      const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts)).catch((error: Error) => {
        throw new DataError(
          `${path} cannot be loaded (${error.message.split('\n')[0]}): check that it is a layers model`,
        );
      });
      return options.logits ? endingInLogits(loaded) : loaded;
    },
    { digest: async () => (await read()).digest },
  );
}

/** @throws DataError, by the file */
async function readFiles(path: string): Promise<Files> {
  const read = async (file: string) =>
    readFile(file).catch((error: Error) => {
      throw new DataError(`${file} cannot be read (${error.message}): check the path`);
    });
  const bytes = await read(path);
  const model = parsed(bytes.toString('utf8'), path);
  const names = model.weightsManifest.flatMap(({ paths }) => paths);
  const parts = await Promise.all(names.map((name) => read(join(dirname(path), name))));
  const whole = Buffer.concat(parts);
  const expected = model.weightsManifest.reduce(
    (sum, { weights }) => weights.reduce((inGroup, entry) => inGroup + bytesOf(entry), sum),
    0,
  );
  if (whole.length !== expected) {
    throw new DataError(
      `${names.join(', ')} beside ${path} have ${whole.length} bytes, where its weights take ${expected}: save the model again`,
    );
  }
  return {
    model,
    weights: Uint8Array.from(whole),
    digest: createHash('sha256').update(bytes).update(whole).digest('hex').slice(0, 16),
  };
}

function parsed(text: string, path: string): ModelFile {
  const found = json(text, path) as Partial<ModelFile> | null;
  if (found?.modelTopology && Array.isArray(found.weightsManifest)) return found as ModelFile;
  throw new DataError(
    `${path} has no modelTopology and weightsManifest: give the model.json that model.save wrote, of a layers model`,
  );
}

function json(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(`${path} is no JSON (${(error as Error).message}): save the model again`);
  }
}

const BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

function bytesOf({ shape, dtype, quantization }: tf.io.WeightsManifestEntry): number {
  return shape.reduce((size, length) => size * length, 1) * (BYTES[quantization?.dtype ?? dtype] ?? 4);
}
