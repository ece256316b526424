/** Models in folders, for Node without the native backend, whose `file://` tfjs has no other handler for. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { checksum, describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { assertReadable } from './readable.js';
import { bytesOfWeights, mostBytes } from './weight-bytes.js';

const MODEL = 'model.json';
/** Of `model.json`: larger ones are no model's. */
const LARGEST_JSON = 256 * 2 ** 20;

/**
 * A handler that saves a model to a folder and loads it from there: `model.save(fileSystem('small'))`,
 * `tf.loadLayersModel(fileSystem('small'))`. It reads what other programs have written as well: a `model.json`, and the
 * files of weights that this names, beside it.
 *
 * A model in the folder is replaced at once or not at all: weights are written under a name of their own, made of what
 * they are, and belong to the model from when `model.json` takes its place.
 *
 * @param path of the folder, or of the `model.json` in it; a `file:` URL too
 * @returns a handler whose `save` throws an Error where the folder cannot be written, and whose `load` throws one where
 *   there is no model, or a RangeError for a file that is damaged
 * @throws TypeError for what is no path
 */
export function fileSystem(path: string | URL): tf.io.IOHandler {
  const place = placeOf(path);
  const folder = place.endsWith('.json') ? dirname(place) : place;
  const json = place.endsWith('.json') ? place : join(folder, MODEL);
  return { save: (artifacts) => save(artifacts, folder, json), load: () => load(folder, json) };
}

function placeOf(path: string | URL): string {
  if (path instanceof URL && path.protocol === 'file:') return resolve(fileURLToPath(path));
  if (typeof path === 'string' && path.startsWith('file:')) return placeOf(new URL(path));
  if (typeof path === 'string' && path !== '' && !/^[a-z]{2,}:/i.test(path)) return resolve(path);
  throw new TypeError(
    `fileSystem() takes the path of a folder, or of the model.json in it: it is given ${describeValue(path)}`,
  );
}

async function save(
  { weightData, weightSpecs = [], ...artifacts }: tf.io.ModelArtifacts,
  folder: string,
  json: string,
): Promise<tf.io.SaveResult> {
  const weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData ?? new ArrayBuffer(0)));
  const name = `weights.${checksum(weights)}.bin`;
  const { modelTopology } = artifacts;
  if (modelTopology instanceof ArrayBuffer) {
    throw new TypeError('fileSystem() saves layers models: this one has a topology in binary');
  }
  const text = JSON.stringify({ ...artifacts, weightsManifest: [{ paths: [name], weights: weightSpecs }] });
  try {
    await mkdir(folder, { recursive: true });
    const before = await weightsOf(json);
    await put(join(folder, name), weights);
    await put(json, new TextEncoder().encode(text));
    for (const old of before) if (old !== name) await rm(join(folder, old), { force: true });
  } catch (error) {
    throw new Error(`The model could not be saved to ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return {
    modelArtifactsInfo: {
      dateSaved: new Date(),
      modelTopologyType: 'JSON',
      modelTopologyBytes: text.length,
      weightDataBytes: weights.length,
    },
  };
}

/** The files of weights that a handler of ours has written for the model that is there. */
async function weightsOf(json: string): Promise<string[]> {
  try {
    const { weightsManifest } = JSON.parse(await readFile(json, 'utf8')) as tf.io.ModelJSON;
    return weightsManifest
      .flatMap(({ paths }) => paths)
      .filter((path) => /^weights\.[0-9a-f]{8}\.bin$/.test(path));
  } catch {
    return [];
  }
}

/** Under another name first, so that it appears whole or not at all. */
async function put(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    const file = await open(partial, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

async function load(folder: string, json: string): Promise<tf.io.ModelArtifacts> {
  const { weightsManifest, ...rest } = await modelJson(json);
  const { modelTopology } = rest;
  if (typeof modelTopology !== 'object' || modelTopology === null || !Array.isArray(weightsManifest)) {
    throw new RangeError(`${json} is no model: it lacks a modelTopology, or a weightsManifest`);
  }
  for (const group of weightsManifest as unknown[]) {
    const { paths = [], weights = [] } = (group ?? { paths: null }) as Partial<
      tf.io.WeightsManifestConfig[number]
    >;
    if (Array.isArray(paths) && Array.isArray(weights)) continue;
    throw new RangeError(
      `${json} has ${describeValue(group)} in its weightsManifest, which is no group of weights`,
    );
  }
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights ?? []);
  const places = weightsManifest
    .flatMap(({ paths }) => paths ?? [])
    .map((path) => {
      const place = resolve(folder, String(path));
      if (isWithin(folder, place)) return place;
      throw new RangeError(`${json} names weights outside its folder: ${describeValue(path)}`);
    });
  const seen = new Set<string>();
  const twice = places.find((place) => seen.has(place) || !seen.add(place));
  if (twice !== undefined) throw new RangeError(`${json} names ${twice} twice among its weights`);
  await assertSizes(places, weightSpecs, json);
  const parts: Uint8Array[] = [];
  for (const place of places) parts.push(await read(place, `${json} names it`));
  const weightData = tf.io.CompositeArrayBuffer.join(parts.map((part) => part.slice().buffer));
  const artifacts = { ...rest, weightSpecs, weightData };
  // What the shapes ask for is not allocated before it is seen to be there.
  bytesOfWeights(artifacts);
  assertReadable(artifacts);
  return artifacts;
}

/** Whether a path is one of something in the folder, which may be the root. */
export function isWithin(folder: string, place: string): boolean {
  const start = folder.endsWith(sep) ? folder : folder + sep;
  return place.startsWith(start) && place !== start;
}

/** That the files together are no larger than what is told of them, before any is read. */
async function assertSizes(
  places: readonly string[],
  weightSpecs: readonly tf.io.WeightsManifestEntry[],
  json: string,
): Promise<void> {
  const most = mostBytes(weightSpecs);
  let bytes = 0;
  for (const place of places) {
    bytes += await sizeOf(place);
    if (bytes <= most) continue;
    throw new RangeError(`${json} names ${bytes} bytes of weights or more, and tells of ${most}`);
  }
}

/**
 * In bytes; 0 of what is not there, which whoever reads it says.
 *
 * @throws RangeError for what is no file, and may have no end
 */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found === null || found.isFile()) return found?.size ?? 0;
  throw new RangeError(`${path} is no file`);
}

async function modelJson(json: string): Promise<tf.io.ModelJSON> {
  const size = await sizeOf(json);
  if (size > LARGEST_JSON) throw new RangeError(`${json} has ${size} bytes: no model.json is as large`);
  const bytes = await read(json, 'save a model there first');
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as tf.io.ModelJSON;
  } catch (error) {
    throw new RangeError(`${json} is damaged: ${(error as Error).message}`, { cause: error });
  }
}

async function read(path: string, why: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}): ${why}`, {
      cause: error,
    });
  }
}
