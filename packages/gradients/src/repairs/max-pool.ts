/**
 * Max pools. On cpu and webgpu the gradient of `maxPool3d` goes to wrong elements of windows that are not as high as wide; on
 * wasm no gradient flows to a maximum that is not positive, and `maxPool3d` itself gives none that is negative. On webgpu such
 * windows are refused, and on tensorflow those with gaps between them, which its kernel looks for in other places.
 */
import { arrayKernel, assertShape, type Values } from '../arrays.js';
import { largestGradients, largestValues, LOWEST } from '../largest.js';
import { gradientOverLonger } from '../longer-images.js';
import { GradientError, type Kernel, type Repair } from '../repair.js';
import { imagePoolOf, volumePool, windowsOfVolumes } from '../windows.js';

const values3d = arrayKernel((inputs, attrs) => {
  const { x } = inputs as { x: Values };
  assertShape('x of maxPool3d', x, [null, null, null, null, null]);
  const info = volumePool(x.shape, attrs);
  return largestValues(x, null, windowsOfVolumes(info), info.outShape);
});

const gradient3d = arrayKernel((inputs, attrs) => {
  const { dy, input } = inputs as { dy: Values; input: Values };
  assertShape('the input of maxPool3d', input, [null, null, null, null, null]);
  const info = volumePool(input.shape, attrs);
  assertShape('what flows into maxPool3d', dy, info.outShape);
  const windows = windowsOfVolumes(info);
  return { shape: input.shape, values: largestGradients(input, null, windows, dy.values).byInput };
});

const gradient2d = arrayKernel((inputs, attrs) => {
  const { dy, input } = inputs as { dy: Values; input: Values };
  assertShape('the input of maxPool', input, [null, null, null, null]);
  assertShape('what flows into maxPool', dy, [null, null, null, null]);
  const windows = imagePoolOf(input.shape, attrs, dy.shape);
  return { shape: input.shape, values: largestGradients(input, null, windows, dy.values).byInput };
});

const overLonger = (stock: Kernel): Kernel => gradientOverLonger(stock, LOWEST);

const refusedOnWebgpu =
  (stock: Kernel): Kernel =>
  (call) => {
    const { filterDepth, filterHeight, filterWidth } = volumePool(call.inputs['input']!.shape, call.attrs);
    if (filterDepth === 1 || filterHeight === filterWidth) return stock(call);
    throw new GradientError(
      'The gradient of maxPool3d',
      `tfjs has it wrong for windows of ${filterDepth} × ${filterHeight} × ${filterWidth}`,
      'make them as high as wide, or train on cpu or wasm',
    );
  };

const refusedOnTensorflow =
  (stock: Kernel): Kernel =>
  (call) => {
    const info = volumePool(call.inputs['input']!.shape, call.attrs);
    const { counts, sizes, window, strides } = windowsOfVolumes(info);
    const left = sizes.map((size, axis) => size - (counts[axis]! - 1) * strides[axis]! - window[axis]!);
    // It moves the first window by half of what the windows leave out.
    if (info.padInfo.type !== 'SAME' || left.every((elements) => elements < 2)) return stock(call);
    throw new GradientError(
      'The gradient of maxPool3d',
      `its kernel has it wrong for windows of ${window.join(' × ')} with strides ${strides.join(', ')} and padding 'same'`,
      "use padding 'valid', or train on cpu or wasm",
    );
  };

export const maxPool: Repair = {
  kernels: {
    cpu: { MaxPoolGrad: overLonger, MaxPool3DGrad: () => gradient3d },
    wasm: {
      MaxPoolGrad: () => gradient2d,
      MaxPool3D: () => values3d,
      MaxPool3DGrad: () => gradient3d,
    },
    webgpu: { MaxPoolGrad: overLonger, MaxPool3DGrad: refusedOnWebgpu },
    tensorflow: { MaxPool3DGrad: refusedOnTensorflow },
  },
};
