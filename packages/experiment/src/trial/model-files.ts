/** A trained model as files: plain ones of tfjs, dense and block-sparse, and its masks. */
import { checked, compress } from '@espalier/block-sparse';
import { blockGrid, layerKernels, nonZeroBlocks, type PruningReport } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

/** Bytes by the file's path. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** Where the forms of a model lie, beside each other. */
export const FORMS = { dense: 'dense', compressed: 'block-sparse' } as const;
export const MASKS = 'masks.json';
/** Of a model in either form. */
const MODEL = 'model.json';
const WEIGHTS = 'weights.bin';

/**
 * @param model final: its pruned weights are zeros
 * @param report null of one that was not pruned, which has no other form and no masks
 */
export async function modelFiles(model: tf.LayersModel, report: PruningReport | null): Promise<Files> {
  const files = under(FORMS.dense, await filesOf(model));
  if (!report) return files;
  const compressed = await compress(model, report);
  try {
    return {
      ...files,
      ...under(FORMS.compressed, await filesOf(compressed)),
      [MASKS]: text(await masksOf(model, report)),
    };
  } finally {
    compressed.dispose();
  }
}

/** What `tf.loadLayersModel` reads, with the checksums that `checked` compares. */
async function filesOf(model: tf.LayersModel): Promise<Files> {
  let files: Files = {};
  const handler = tf.io.withSaveHandler(async ({ weightData, weightSpecs = [], ...artifacts }) => {
    const weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData));
    const weightsManifest = [{ paths: [WEIGHTS], weights: weightSpecs }];
    files = { [MODEL]: text({ ...artifacts, weightsManifest }), [WEIGHTS]: weights };
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await model.save(checked(handler));
  return files;
}

/** By kernel: its matrix, its blocks, and which of them have a weight that is not zero, row by row. */
async function masksOf(model: tf.LayersModel, { pruned }: PruningReport): Promise<object> {
  const kernels = new Map(layerKernels(model).map(({ name, variable }) => [name, variable]));
  const masks: Record<string, object> = {};
  for (const { name, matrixShape, blockShape, gridShape } of pruned) {
    const weights = await kernels.get(name)!.data();
    const kept = [...nonZeroBlocks(weights, blockGrid(matrixShape, blockShape))];
    masks[name] = { matrixShape, blockShape, gridShape, kept: kept.flatMap((bit, i) => (bit ? [i] : [])) };
  }
  return masks;
}

function under(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${folder}/${name}`, bytes]));
}

function text(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}
