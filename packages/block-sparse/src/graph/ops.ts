/**
 * What a compressed graph model computes with: ops that tfjs-converter is told of by `tf.registerOp`. Each takes the kept values
 * in the place of a kernel, and has the pattern among its node's attributes, as `patternText` writes it.
 */
import {
  assertCanBeMade,
  type BlockPattern,
  blockSparseConv2d,
  blockSparseMatMul,
  lookUpRows,
  patternOfText,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

type Node = tf.GraphNode;

export const MATMUL = 'BlockSparseMatMul';
export const CONV2D = 'BlockSparseConv2D';
export const GATHER = 'BlockSparseGather';

/** The activations of fused nodes that are computed, in small letters; '' for none. */
export const ACTIVATIONS: Readonly<
  Record<string, (y: tf.Tensor, node: Node, alpha?: tf.Tensor) => tf.Tensor>
> = {
  '': (y) => y,
  relu: (y) => tf.relu(y),
  relu6: (y) => tf.relu6(y),
  elu: (y) => tf.elu(y),
  sigmoid: (y) => tf.sigmoid(y),
  leakyrelu: (y, { attrs }) => tf.leakyRelu(y, (attrs['leakyrelu_alpha'] as number | undefined) ?? 0.2),
  prelu: (y, _, alpha) => tf.prelu(y, alpha!),
};

/** Makes the ops known to `tf.loadGraphModel`. */
export function registerGraphOps(): void {
  tf.registerOp(MATMUL, (node) => tf.tidy(() => matMul(node)));
  tf.registerOp(CONV2D, (node) => tf.tidy(() => conv2d(node)));
  tf.registerOp(GATHER, (node) => tf.tidy(() => gather(node)));
}

/** x·W, x `[…, n]`, over all but the last axis. */
function matMul(node: Node): tf.Tensor {
  const [given, values] = node.inputs as [tf.Tensor, tf.Tensor1D];
  const pattern = patternOfNode(node, values);
  const axes = given.shape.map((_, axis) => axis);
  const x = node.attrs['transpose_a']
    ? given.transpose([...axes.slice(0, -2), ...axes.slice(-2).reverse()])
    : given;
  const [n, m] = pattern.matrixShape;
  if (x.shape.at(-1) !== n) {
    throw new RangeError(
      `${nameOf(node)} multiplies rows of ${n} numbers, it is given [${x.shape.join(', ')}]`,
    );
  }
  const rows = x.size / n;
  assertCanBeMade([rows, m], nameOf(node));
  const matrix = floats(x).reshape<tf.Tensor2D>([rows, n]);
  return finished(node, (fused) =>
    blockSparseMatMul(matrix, values, pattern, fused).reshape([...x.shape.slice(0, -1), m]),
  );
}

function conv2d(node: Node): tf.Tensor {
  const [given, values] = node.inputs as [tf.Tensor4D, tf.Tensor1D];
  const pattern = patternOfNode(node, values);
  const { attrs } = node;
  const pairOf = (field: string): [number, number] => {
    const [, first = 1, second = 1] = (attrs[field] ?? []) as number[];
    return [first, second];
  };
  const padding = attrs['padding'];
  const x =
    padding === 'explicit' ? padded(floats(given), (attrs['explicit_paddings'] ?? []) as number[]) : given;
  const geometry = {
    filterShape: attrs['filter_shape'] as [number, number, number, number],
    strides: pairOf('strides'),
    dilations: pairOf('dilations'),
    pad: padding === 'same' ? ('same' as const) : ('valid' as const),
  };
  return finished(node, (fused) =>
    blockSparseConv2d(floats(x) as tf.Tensor4D, values, pattern, { ...geometry, ...fused }),
  );
}

function padded(x: tf.Tensor, sizes: readonly number[]): tf.Tensor4D {
  return x.pad(x.shape.map((_, axis) => [sizes[2 * axis] ?? 0, sizes[2 * axis + 1] ?? 0])) as tf.Tensor4D;
}

/** The rows that the indices name. */
function gather(node: Node): tf.Tensor {
  const [values, indices] = node.inputs as [tf.Tensor1D, tf.Tensor];
  const pattern = patternOfNode(node, values);
  const [, m] = pattern.matrixShape;
  assertCanBeMade([indices.size, m], nameOf(node));
  const rows = lookUpRows(values, indices.toInt().flatten(), pattern);
  return rows.reshape([...indices.shape, m]);
}

function floats(x: tf.Tensor): tf.Tensor {
  return x.dtype === 'float32' ? x : x.toFloat();
}

interface Fused {
  readonly bias?: tf.Tensor1D;
  readonly activation?: 'relu';
}

/** The product, then bias and activation of a fused node: in one pass what the product can do of them. */
function finished(node: Node, product: (fused: Fused) => tf.Tensor): tf.Tensor {
  const [extra, activation = ''] = (node.attrs['fused_ops'] ?? []) as string[];
  const [bias, alpha] = extra === 'biasadd' ? node.inputs.slice(2) : [];
  const own = bias?.rank === 1 && bias.dtype === 'float32' ? { bias: bias as tf.Tensor1D } : {};
  const isAdded = !bias || 'bias' in own;
  if (isAdded && activation === 'relu') return product({ ...own, activation });
  const y = product(own);
  const activate = ACTIVATIONS[activation];
  if (!activate) throw new RangeError(`${nameOf(node)} has the activation ${activation}, which is not known`);
  return activate(isAdded ? y : y.add(bias), node, alpha);
}

const patterns = new WeakMap<object, { readonly text: string; readonly pattern: BlockPattern }>();

/** Of a node: read once while the values stay where they are. */
function patternOfNode(node: Node, values: tf.Tensor): BlockPattern {
  const { matrix_shape: matrixShape, block_shape: blockShape, pointers, indices } = node.attrs;
  const text = JSON.stringify([matrixShape, blockShape, pointers, indices]);
  const { dataId } = values;
  const known = patterns.get(dataId);
  if (known?.text === text) return known.pattern;
  const pattern = patternOfText({ matrixShape, blockShape, pointers, indices }, nameOf(node));
  patterns.set(dataId, { text, pattern });
  return pattern;
}

/** What the converter keeps of a node beside what it declares. */
function nameOf(node: Node): string {
  return (node as unknown as { node?: { name?: string } }).node?.name ?? 'a node';
}
