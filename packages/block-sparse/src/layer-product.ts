/** How a layer computes its output once its kernel is block-sparse: the product, then bias and activation. */
import { type Activation, type BlockPattern, blockSparseConv2d, blockSparseMatMul } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

export interface LayerProduct {
  /** Rows of the matrix that is multiplied by the kernel's. */
  rows(inputs: tf.Tensor): number;
  /** The layer's output, differentiable by the inputs, the values and the layer's bias. */
  apply(inputs: tf.Tensor, values: tf.Tensor1D, pattern: BlockPattern): tf.Tensor;
}

/** What is used of tfjs' dense and convolution layers, most of which their typings keep to themselves. */
interface OpenLayer {
  readonly bias?: tf.LayerVariable | null;
  readonly activation?: LayerActivation | null;
  readonly dataFormat?: 'channelsFirst' | 'channelsLast';
  readonly padding?: string;
  readonly strides?: number[];
  readonly dilationRate?: number[] | number;
}

type LayerClass = tf.serialization.SerializableConstructor<tf.layers.Layer>;

interface LayerActivation extends tf.serialization.Serializable {
  apply(x: tf.Tensor): tf.Tensor;
}

/**
 * The product of a layer whose kernel has this shape; null for a layer that has none.
 *
 * @param className the plain layer's, where the layer is of a class derived from it that computes the same
 */
export function productOf(
  layer: tf.layers.Layer,
  kernelShape: readonly number[],
  className = ownClassName(layer),
): LayerProduct | null {
  const open = layer as unknown as OpenLayer;
  switch (className) {
    case 'Dense':
      return dense(open, kernelShape[1]!);
    case 'Conv1D':
    case 'Conv2D':
      return serves(open) ? convolution(open, kernelShape) : null;
    default:
      return null;
  }
}

/** Null where a derived class has inherited its name: it may compute something else. */
function ownClassName({ constructor }: tf.layers.Layer): string | null {
  return Object.hasOwn(constructor, 'className') ? (constructor as LayerClass).className : null;
}

/** Causal padding and channels first are left to the dense layer. */
function serves({ dataFormat, padding }: OpenLayer): boolean {
  return dataFormat === 'channelsLast' && (padding === 'same' || padding === 'valid');
}

function dense(layer: OpenLayer, units: number): LayerProduct {
  const rows = ({ shape }: tf.Tensor) => shape.slice(0, -1).reduce((a, b) => a * b, 1);
  return {
    rows,
    apply: (inputs, values, pattern) => {
      // As `tf.matMul` takes whole numbers times float32.
      const floats = inputs.dtype === 'float32' ? inputs : inputs.toFloat();
      const x = floats.reshape<tf.Tensor2D>([rows(inputs), pattern.matrixShape[0]]);
      const y = finish(layer, (fused) => blockSparseMatMul(x, values, pattern, fused));
      return y.reshape([...inputs.shape.slice(0, -1), units]);
    },
  };
}

/** A convolution over one axis is one over two, the first of length 1. */
function convolution(layer: OpenLayer, kernelShape: readonly number[]): LayerProduct {
  const oneAxis = kernelShape.length === 3;
  const pair = (sizes: number[] | number | undefined): [number, number] => {
    const [first = 1, second = first] = [sizes ?? 1].flat();
    return oneAxis ? [1, first] : [first, second];
  };
  const filterShape = (oneAxis ? [1, ...kernelShape] : kernelShape) as [number, number, number, number];
  const geometry = {
    filterShape,
    strides: pair(layer.strides),
    dilations: pair(layer.dilationRate),
    pad: layer.padding as 'same' | 'valid',
  };
  const asImages = (inputs: tf.Tensor) =>
    oneAxis ? inputs.expandDims<tf.Tensor4D>(1) : (inputs as tf.Tensor4D);
  return {
    rows: (inputs) => {
      const shape = oneAxis ? [inputs.shape[0]!, 1, ...inputs.shape.slice(1)] : inputs.shape;
      const { strides, dilations, pad } = geometry;
      const info = tf.backend_util.computeConv2DInfo(
        shape as [number, number, number, number],
        filterShape,
        strides,
        dilations,
        pad,
      );
      return info.batchSize * info.outHeight * info.outWidth;
    },
    apply: (inputs, values, pattern) => {
      const x = asImages(inputs);
      const y = finish(layer, (fused) => blockSparseConv2d(x, values, pattern, { ...geometry, ...fused }));
      return oneAxis ? y.squeeze([1]) : y;
    },
  };
}

interface Fused {
  readonly bias?: tf.Tensor1D;
  readonly activation?: Activation;
}

/** The product with the layer's bias and activation; what the kernel can do of them, in the same pass. */
function finish({ bias, activation }: OpenLayer, product: (fused: Fused) => tf.Tensor): tf.Tensor {
  const added = bias ? { bias: bias.read() as tf.Tensor1D } : {};
  switch (activation?.getClassName() ?? 'linear') {
    case 'linear':
      return product(added);
    case 'relu':
      return product({ ...added, activation: 'relu' });
    default:
      return activation!.apply(product(added));
  }
}
