/** Which constants of a graph are kernels that can be stored block-sparse, and what becomes of the nodes that read them. */
import { type BlockPattern, describeValue } from '@espalier/blocks';
import type { Shape2D } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { bestPattern } from '../best-pattern.js';
import { ACTIVATIONS, CONV2D, GATHER, MATMUL } from './ops.js';
import {
  nodeOf,
  numbersAttribute,
  numbersOf,
  readersOf,
  textOf,
  textsOf,
  type Attribute,
  type GraphNode,
  type Reader,
  type Topology,
} from './topology.js';

export interface PlannedConstant {
  readonly name: string;
  readonly shape: readonly number[];
  /** What it is stored by, or the reason to leave it as it is. */
  readonly plan: StoredConstant | string;
}

export interface StoredConstant {
  readonly pattern: BlockPattern;
  /** Whether the constant is the transposed matrix. */
  readonly isTransposed: boolean;
  /** The nodes that read it, each with the op and the attributes that it gets. */
  readonly readers: readonly { readonly node: GraphNode; readonly use: Use }[];
}

/** How a node reads a kernel. */
interface Use {
  readonly op: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly matrix: Shape2D;
  readonly isTransposed: boolean;
}

/**
 * Every constant of two axes or more that anything reads.
 *
 * @param weights of the model, by node
 * @throws RangeError for a constant without its weight
 */
export async function plannedConstants(
  { node: nodes }: Topology,
  weights: tf.GraphModel['weights'],
  outputs: ReadonlySet<string>,
  blockShape: Shape2D | undefined,
): Promise<PlannedConstant[]> {
  const readers = readersOf(nodes);
  const planned: PlannedConstant[] = [];
  for (const { name } of nodes.filter(({ op }) => op === 'Const')) {
    const tensor = weights[name]?.[0];
    if (!tensor) {
      if (!readers.has(name)) continue;
      throw new RangeError(`The graph model has no weight for its constant ${describeValue(name)}`);
    }
    if (tensor.rank < 2) continue;
    const plan = await planFor(name, tensor, readers, weights, outputs, blockShape);
    planned.push({ name, shape: tensor.shape, plan });
  }
  return planned;
}

async function planFor(
  name: string,
  tensor: tf.Tensor,
  readers: ReadonlyMap<string, readonly Reader[]>,
  weights: tf.GraphModel['weights'],
  outputs: ReadonlySet<string>,
  blockShape: Shape2D | undefined,
): Promise<StoredConstant | string> {
  if (tensor.dtype !== 'float32') return `is ${tensor.dtype}`;
  const found = readersThrough(name, readers, outputs);
  if (typeof found === 'string') return found;
  const uses: { node: GraphNode; use: Use }[] = [];
  for (const { node, places } of found) {
    const use =
      places.length > 1 ? `is read twice by ${node.name}` : await useOf(node, places[0]!, tensor, weights);
    if (typeof use === 'string') return use;
    uses.push({ node, use });
  }
  const [first, ...others] = uses;
  if (!first) return 'is read by nothing';
  const { matrix, isTransposed } = first.use;
  if (others.some(({ use }) => use.isTransposed !== isTransposed))
    return 'is multiplied by as it is, and transposed';
  const read = (await tensor.data()) as Float32Array;
  const pattern = bestPattern(isTransposed ? transposed(read, matrix) : read, matrix, blockShape);
  return typeof pattern === 'string' ? pattern : { pattern, isTransposed, readers: uses };
}

/** The matrix `[n, m]` of a constant `[m, n]`, row by row. */
function transposed(weights: Float32Array, [n, m]: Shape2D): Float32Array {
  return weights.map((_, at) => weights[(at % m) * n + Math.floor(at / m)]!);
}

/** Who reads a constant, by way of nodes that only pass it on too; or why that is not known. */
function readersThrough(
  name: string,
  readers: ReadonlyMap<string, readonly Reader[]>,
  outputs: ReadonlySet<string>,
): readonly Reader[] | string {
  const found: Reader[] = [];
  // Grows while it is gone through: each node once, however many ways lead to it.
  const passed = new Set([name]);
  for (const each of passed) {
    if (outputs.has(each)) return 'is an output of the model';
    for (const { node, places } of readers.get(each) ?? []) {
      const inputs = places.filter((place) => !node.input![place]!.startsWith('^'));
      if (inputs.length === 0) continue;
      if (node.op === 'Identity') passed.add(node.name);
      else found.push({ node, places: inputs });
    }
  }
  return found;
}

/** What becomes of a node that reads a kernel, or why it has to be whole. */
async function useOf(
  node: GraphNode,
  place: number,
  { shape }: tf.Tensor,
  weights: tf.GraphModel['weights'],
): Promise<Use | string> {
  const { name, op, input = [], attr = {} } = node;
  const no = `is read by ${name}, a ${op}, `;
  switch (op) {
    case 'MatMul':
    case 'BatchMatMul':
    case 'BatchMatMulV2':
    case '_FusedMatMul': {
      if (place !== 1 || shape.length !== 2)
        return `${no}which multiplies by blocks where a matrix stands on the right`;
      const unfused = whyNotFused(attr, input);
      if (unfused) return no + unfused;
      const [first, second] = shape as [number, number];
      const isTransposed = (attr['transpose_b'] ?? attr['adj_y'])?.b === true;
      const transpose = (attr['transpose_a'] ?? attr['adj_x'])?.b === true;
      const attributes = { ...fusedAttributes(attr), transpose_a: { b: transpose } };
      return {
        op: MATMUL,
        attributes,
        matrix: isTransposed ? [second, first] : [first, second],
        isTransposed,
      };
    }
    case 'Conv2D':
    case '_FusedConv2D': {
      if (place !== 1 || shape.length !== 4)
        return `${no}which multiplies by blocks where a filter stands on the right`;
      const format = textOf(attr['data_format']) ?? 'NHWC';
      if (format !== 'NHWC') return `${no}which has channels first (${format})`;
      const padding = textOf(attr['padding']) ?? '';
      if (!['SAME', 'VALID', 'EXPLICIT'].includes(padding))
        return `${no}which pads by ${describeValue(padding)}`;
      const unfused = whyNotFused(attr, input);
      if (unfused) return no + unfused;
      const [h, w, channels, filters] = shape as [number, number, number, number];
      const { strides, dilations, explicit_paddings: paddings } = attr;
      const attributes = {
        ...fusedAttributes(attr),
        ...(attr['padding'] && { padding: attr['padding'] }),
        ...(strides && { strides: numbersAttribute(numbersOf(strides)) }),
        ...(dilations && { dilations: numbersAttribute(numbersOf(dilations)) }),
        ...(paddings &&
          padding === 'EXPLICIT' && { explicit_paddings: numbersAttribute(numbersOf(paddings)) }),
        filter_shape: numbersAttribute(shape),
      };
      return { op: CONV2D, attributes, matrix: [h * w * channels, filters], isTransposed: false };
    }
    case 'GatherV2':
    case 'Gather': {
      if (place !== 0 || shape.length !== 2) return `${no}which looks rows up of a matrix alone`;
      const axis = input[2] === undefined ? 0 : (await weights[nodeOf(input[2])]?.[0]?.data())?.[0];
      if (axis !== 0 || Number(attr['batch_dims']?.i ?? 0) !== 0)
        return `${no}along another axis than the first`;
      return { op: GATHER, attributes: {}, matrix: shape as [number, number], isTransposed: false };
    }
    default:
      return `${no}which has no block-sparse form`;
  }
}

/** What is fused and not computed here, beyond a bias and an activation. */
function whyNotFused(attr: Readonly<Record<string, Attribute>>, input: readonly string[]): string | null {
  const fused = textsOf(attr['fused_ops']).map((name) => name.toLowerCase());
  const [extra, activation = ''] = fused;
  const data = input.filter((each) => !each.startsWith('^')).length;
  const isKnown = extra === undefined || (extra === 'biasadd' && Object.hasOwn(ACTIVATIONS, activation));
  const inputs = extra === undefined ? 2 : activation === 'prelu' ? 4 : 3;
  return isKnown && fused.length < 3 && data === inputs
    ? null
    : `fused with ${fused.join(', ') || `${data} inputs`}`;
}

function fusedAttributes(attr: Readonly<Record<string, Attribute>>): Record<string, Attribute> {
  const { fused_ops: fused, leakyrelu_alpha: alpha } = attr;
  return { ...(fused && { fused_ops: fused }), ...(alpha && { leakyrelu_alpha: alpha }) };
}
