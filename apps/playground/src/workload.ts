/** What is chosen as a workload, as a config of one's own would define it. */
import { DataError, fromPixels, type DataSet } from '@espalier/datasets';
import { csvColumns, fromCsvText } from '@espalier/datasets/csv-text';
import { multilayerPerceptron } from '@espalier/models';
import { atScale, classification, defineWorkload, regression, type Workload } from '@espalier/workloads';
import digits from '@espalier/workloads/digits-mlp';
import plantedBlocks from '@espalier/workloads/planted-blocks';
import * as tf from '@tensorflow/tfjs';

import type { Choice, Data, Network } from './choice.js';

/** @throws DataError, in a line, for data that nothing can be learned from */
export function workloadOf({ data, network }: Pick<Choice, 'data' | 'network'>): Workload {
  if (data.kind === 'planted-blocks') return atScale(plantedBlocks, 'small');
  if (data.kind === 'digits-mlp') return withNetwork(atScale(digits, 'small'), network);
  const set = data.kind === 'table' ? tableSet(data) : imageSet(data);
  const learnsClasses = data.kind === 'images' || data.learned === 'classes';
  return defineWorkload({
    name: data.kind === 'table' ? 'your-table' : 'your-images',
    task: learnsClasses ? classification : regression,
    data: set,
    model: (seed) => modelOf(network, set, seed),
  });
}

function withNetwork(workload: Workload, network: Network): Workload {
  if (network.kind === 'own') return workload;
  return { ...workload, model: (seed, data) => modelOf(network, data, seed) };
}

function tableSet({ name, text, delimiter, column, learned }: Extract<Data, { kind: 'table' }>): DataSet {
  if (csvColumns(text, delimiter, name).join() === column)
    throw new DataError(`${name} has the column '${column}' alone: give it columns to tell that from`);
  const columns = learned === 'classes' ? { label: column } : { target: column };
  const set = fromCsvText(text, { ...columns, delimiter }, name);
  if (set.classes) assertClasses(set.classes, set.train.count, `${name}: '${column}'`);
  return set;
}

function imageSet({ pixels, side, labels }: Extract<Data, { kind: 'images' }>): DataSet {
  assertClasses([...new Set(labels)], labels.length, 'The set of images');
  return fromPixels({ pixels, labels, shape: [side, side, 3] });
}

function assertClasses(classes: readonly string[], examples: number, what: string): void {
  if (classes.length < 2) {
    throw new DataError(`${what} has one class alone, '${classes[0]}': give examples of two at least`);
  }
  if (classes.length > examples / 2) {
    throw new DataError(
      `${what} has ${classes.length} classes in ${examples} examples to train on: choose another column, or learn numbers`,
    );
  }
}

function modelOf(network: Network, { train, classes }: DataSet, seed: number): tf.LayersModel {
  const { shape } = train.inputs[0]!;
  const outputs = classes?.length ?? 1;
  if (network.kind === 'convolutions')
    return imageNetwork('convolutions', shape, [16, 32], [64, outputs], seed);
  const hidden = network.kind === 'perceptron' ? network.hidden : [128, 128];
  if (shape.length > 1) return imageNetwork('perceptron', shape, [], [...hidden, outputs], seed);
  return multilayerPerceptron({ inputs: shape[0]!, hidden, outputs, seed });
}

/**
 * Convolutions that halve an image each, then dense layers; ReLU between them. Kernels start normal with variance
 * 2/inputs (He et al., arXiv 1502.01852).
 */
function imageNetwork(
  name: string,
  shape: readonly number[],
  filters: readonly number[],
  units: readonly number[],
  seed: number,
): tf.LayersModel {
  const layers = filters.length + units.length;
  const kernelInitializer = (place: number) => tf.initializers.heNormal({ seed: layers * seed + place + 1 });
  const first = { inputShape: [...shape] };
  return tf.sequential({
    name,
    layers: [
      ...filters.map((count, i) =>
        tf.layers.conv2d({
          ...{ name: `conv_${i + 1}`, filters: count, kernelSize: 3, strides: 2, padding: 'same' },
          ...{ activation: 'relu', kernelInitializer: kernelInitializer(i), ...(i === 0 && first) },
        }),
      ),
      tf.layers.flatten({ name: 'flat', ...(filters.length === 0 && first) }),
      ...units.map((count, i) =>
        tf.layers.dense({
          ...{ name: `dense_${i + 1}`, units: count },
          ...(i < units.length - 1 && { activation: 'relu' as const }),
          kernelInitializer: kernelInitializer(filters.length + i),
        }),
      ),
    ],
  });
}
