/** One model in a file, for the commands that inspect, compress and prune it. */
import { fileSystem } from '@espalier/block-sparse/node';
import { randomNumbers } from '@espalier/core';
import { UsageError } from '@espalier/experiment';
import * as tf from '@tensorflow/tfjs';

/** Of layers, or a graph, as tfjs-converter makes it of TensorFlow's. */
export type AnyModel = tf.LayersModel | tf.GraphModel;

/** @throws UsageError for what is no model */
export async function openAnyModel(path: string): Promise<AnyModel> {
  return read<AnyModel>(path, async (source, isGraph) =>
    isGraph ? tf.loadGraphModel(source) : tf.loadLayersModel(source),
  );
}

/** @throws UsageError for what is no layers model */
export async function openModel(path: string): Promise<tf.LayersModel> {
  return read(path, (source, isGraph) => {
    if (!isGraph) return tf.loadLayersModel(source);
    throw new UsageError(
      `${path} is a graph model, which has no layers to prune: convert the Keras model to the format tfjs_layers_model, ` +
        'or, if it was pruned already, give it to espalier compress',
    );
  });
}

async function read<Model>(
  path: string,
  load: (source: tf.io.IOHandler, isGraph: boolean) => Promise<Model>,
): Promise<Model> {
  try {
    const artifacts = await fileSystem(path).load!();
    const isGraph = artifacts.format === 'graph-model' || 'node' in (artifacts.modelTopology as object);
    return await load(tf.io.fromMemory(artifacts), isGraph);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const [why] = (error as Error).message.split('\n');
    throw new UsageError(`${path} is no model that can be read: ${why}`);
  }
}

/** What `model.save` would write, in bytes. */
export async function bytesOfFile(
  model: AnyModel,
  save = (handler: tf.io.IOHandler) => model.save(handler),
): Promise<number> {
  let bytes = 0;
  await save(
    tf.io.withSaveHandler(async ({ weightData, weightSpecs, ...rest }) => {
      bytes = tf.io.CompositeArrayBuffer.join(weightData).byteLength;
      bytes += new TextEncoder().encode(JSON.stringify({ ...rest, weightSpecs })).length;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  return bytes;
}

/**
 * Random inputs of a model, the same each time: for layers that look rows up, numbers of rows.
 *
 * @returns null where an input has an axis of any length beside the batch, or where a graph's are no plain numbers
 */
function sampleInputs(model: AnyModel, batch: number): tf.Tensor[] | null {
  const shapes = model.inputs.map(({ shape }) => shape?.slice(1) ?? [null]);
  // A graph writes −1 for any length.
  const isKnown = (shape: readonly (number | null)[]) =>
    shape.every((length) => length !== null && length > 0);
  if (!shapes.every((shape): shape is number[] => isKnown(shape))) return null;
  if (model instanceof tf.GraphModel && !model.inputs.every(({ dtype }) => dtype === 'float32')) return null;
  return shapes.map((shape, i) => {
    const whole = [batch, ...shape];
    const uniform = randomNumbers(tf.util.sizeFromShape(whole), 1 + i);
    const rows = rowsLookedUp(model, i);
    const numbers = rows === null ? uniform.map((u) => 2 * u - 1) : uniform.map((u) => Math.floor(u * rows));
    return tf.tensor(Float32Array.from(numbers), whole);
  });
}

/** How many rows the layer that takes this input has to look up; null for one that computes with the numbers. */
function rowsLookedUp(model: AnyModel, input: number): number | null {
  if (model instanceof tf.GraphModel) return null;
  const { name } = model.inputs[input]!.sourceLayer;
  const reader = model.layers.find((layer) =>
    layer.inboundNodes.some(({ inboundLayers }) => inboundLayers.some((from) => from.name === name)),
  );
  const first = reader ?? model.layers[0];
  return /Embedding$/.test(first?.getClassName() ?? '')
    ? (first as unknown as { inputDim: number }).inputDim
    : null;
}

/** Of all inputs at once. */
function outputsOf(model: AnyModel, inputs: tf.Tensor[]): tf.Tensor[] {
  const outputs = model.predict(inputs, { batchSize: inputs[0]!.shape[0]! });
  return outputs instanceof tf.Tensor || Array.isArray(outputs) ? [outputs].flat() : Object.values(outputs);
}

const ROUNDS = 15;

/** The median of some predictions, after some that are not counted, in milliseconds; null as `sampleInputs` is. */
async function predictMs(model: AnyModel, batch: number): Promise<number | null> {
  const inputs = sampleInputs(model, batch);
  if (!inputs) return null;
  const times: number[] = [];
  for (let round = -5; round < ROUNDS; round++) {
    const start = performance.now();
    const outputs = tf.tidy(() => outputsOf(model, inputs));
    await Promise.all(outputs.map((output) => output.data()));
    tf.dispose(outputs);
    if (round >= 0) times.push(performance.now() - start);
  }
  tf.dispose(inputs);
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

/** What two models' outputs differ by, as a line; none where there are no inputs to compare them by. */
export async function differenceLines(before: AnyModel, after: AnyModel): Promise<string[]> {
  const difference = await worstDifference(before, after);
  if (!difference) return [];
  const { change, largest } = difference;
  return [
    `Outputs of 32 random inputs differ by ${change.toPrecision(2)} at most; the largest is ${largest.toPrecision(2)}.`,
  ];
}

/** The largest difference of two models' outputs over random inputs, by the largest output; null as `sampleInputs` is. */
async function worstDifference(
  before: AnyModel,
  after: AnyModel,
): Promise<{ readonly change: number; readonly largest: number } | null> {
  const inputs = sampleInputs(before, 32);
  if (!inputs) return null;
  const pairs = tf.tidy(() => {
    const [own, others] = [before, after].map((model) => outputsOf(model, inputs));
    return own!.map((output, i) => [output.sub(others![i]!).abs().max(), output.abs().max()] as const);
  });
  tf.dispose(inputs);
  const numbers = await Promise.all(pairs.flat().map(async (scalar) => (await scalar.data())[0]!));
  tf.dispose(pairs as unknown as tf.TensorContainer);
  const changes = numbers.filter((_, i) => i % 2 === 0);
  return { change: Math.max(...changes), largest: Math.max(...numbers.filter((_, i) => i % 2 === 1)) };
}

/** Rows as text, each column as wide as it must be; the first to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, j) => Math.max(...rows.map((row) => (row[j] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, j) => (j === 0 ? cell.padEnd(widths[j]!) : cell.padStart(widths[j]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const megabytes = (bytes: number) => (bytes / 1e6).toPrecision(3);
export const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
const milliseconds = (ms: number | null) => (ms === null ? '—' : ms.toPrecision(3));

/** Size and speed, before and after, a line each. */
export async function beforeAndAfter(
  models: Readonly<Record<string, { readonly model: AnyModel; readonly bytes: number }>>,
): Promise<string> {
  const all = Object.values(models);
  const timesOf = async (batch: number) => {
    const times: (number | null)[] = [];
    for (const { model } of all) times.push(await predictMs(model, batch));
    return times.map(milliseconds);
  };
  return columns([
    ['', ...Object.keys(models)],
    ['file, MB', ...all.map(({ bytes }) => megabytes(bytes))],
    ['prediction of 1, ms', ...(await timesOf(1))],
    ['prediction of 64, ms', ...(await timesOf(64))],
  ]);
}
