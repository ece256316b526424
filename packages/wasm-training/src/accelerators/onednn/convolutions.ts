// Convolutions and their gradients as oneDNN's primitives.

import type { ConvolutionGeometry } from '../../wasm/exports.js';
import type { ConvolutionDirection } from '../accelerator.js';
import { CACHE_LINE } from '../native/addresses.js';
import { ARGUMENT, argumentsOf, type OneDnnApi } from './api.js';
import type { Address } from './calls.js';
import type { Kept, KeptPrimitives } from './kept.js';

/** Addresses of a convolution's tensors: images [N, H, W, C], filter [FH, FW, C, K], result [N, OH, OW, K], bias [K] or 0. */
interface ConvolutionTensors {
  readonly images: Address;
  readonly filter: Address;
  readonly result: Address;
  readonly bias: Address;
}

export interface ConvolutionKind {
  readonly direction: ConvolutionDirection;
  readonly geometry: ConvolutionGeometry;
  /** Each channel has filters of its own: `outChannels` of the geometry are those of one channel. */
  readonly depthwise: boolean;
  readonly biased: boolean;
}

/** Whether the library computed it. */
export type Convolve = (kind: ConvolutionKind, tensors: ConvolutionTensors) => boolean;

/** @param workspace the address of so many bytes, until the next call */
export function convolutionsBy(
  api: OneDnnApi,
  workspace: (bytes: number) => Address,
  kept: KeptPrimitives,
): Convolve {
  return (kind, tensors) => {
    const { direction, geometry, depthwise, biased } = kind;
    const key = `${direction} ${depthwise} ${biased} ${geometry.join()}`;
    const ready = kept.find(key, () => prepare(api, kind));
    ready?.run(tensors, workspace);
    return ready !== null;
  };
}

interface ReadyConvolution extends Kept {
  run(tensors: ConvolutionTensors, workspace: (bytes: number) => Address): void;
}

/** Under which numbers a direction has its tensors. */
const ARGUMENTS = {
  forward: { images: ARGUMENT.images, filter: ARGUMENT.filter, result: ARGUMENT.result },
  inputGradient: {
    images: ARGUMENT.imagesGradient,
    filter: ARGUMENT.filter,
    result: ARGUMENT.resultGradient,
  },
  filterGradient: {
    images: ARGUMENT.images,
    filter: ARGUMENT.filterGradient,
    result: ARGUMENT.resultGradient,
  },
} as const;

/** The primitive for a kind of convolution, or null where the library has none but its slow code of the last resort. */
function prepare(api: OneDnnApi, kind: ConvolutionKind): ReadyConvolution | null {
  const { direction, biased } = kind;
  const { lengths, steps } = layoutsOf(kind);
  const plain = {
    images: api.layout(lengths.images, steps.images),
    filter: api.layout(lengths.filter, steps.filter),
    result: api.layout(lengths.result, steps.result),
    bias: biased ? api.layout(lengths.bias, [1]) : 0,
  };
  const anyFilter = api.anyLayout(lengths.filter);
  const layouts = [plain.images, plain.filter, plain.result, anyFilter, ...(biased ? [plain.bias] : [])];
  const description = api.convolution(direction, { ...plain, filter: anyFilter }, stepsOf(kind));
  if (description === null || api.codeOf(description).startsWith('ref')) {
    api.release({ layouts, descriptions: description === null ? [] : [description] });
    return null;
  }
  const numbers = ARGUMENTS[direction];
  const filterLayout = api.layoutOf(description, numbers.filter);
  const scratchLayout = api.layoutOf(description, ARGUMENT.scratchpad);
  const filterBytes = api.areEqual(filterLayout, plain.filter) ? 0 : roundUp(api.bytesOf(filterLayout));
  const scratchBytes = scratchLayout === 0 ? 0 : api.bytesOf(scratchLayout);
  const memories = {
    images: api.memory(plain.images),
    plainFilter: api.memory(plain.filter),
    filter: api.memory(filterLayout),
    result: api.memory(plain.result),
    bias: biased ? api.memory(plain.bias) : 0,
    scratch: scratchBytes > 0 ? api.memory(scratchLayout) : 0,
  };
  const primitive = api.primitive(description);
  const given = [
    [numbers.images, memories.images],
    [numbers.filter, filterBytes > 0 ? memories.filter : memories.plainFilter],
    [numbers.result, memories.result],
    ...(biased ? [[ARGUMENT.bias, memories.bias] as const] : []),
    ...(scratchBytes > 0 ? [[ARGUMENT.scratchpad, memories.scratch] as const] : []),
  ] as const;
  const args = argumentsOf(given);
  const makesFilter = direction === 'filterGradient';
  const copying = filterBytes > 0 ? copyOf() : null;

  /** The copy of the filter to the library's layout, or of its gradient back. */
  function copyOf() {
    const [from, to] = makesFilter ? [filterLayout, plain.filter] : [plain.filter, filterLayout];
    const copyDescription = api.copy(from, to);
    const [source, target] = makesFilter
      ? [memories.filter, memories.plainFilter]
      : [memories.plainFilter, memories.filter];
    const copyPrimitive = api.primitive(copyDescription);
    api.release({ descriptions: [copyDescription] });
    const args = argumentsOf([
      [ARGUMENT.images, source],
      [ARGUMENT.result, target],
    ]);
    return { primitive: copyPrimitive, args };
  }
  api.release({ layouts, descriptions: [description] });

  return {
    run({ images, filter, result, bias }, workspace) {
      api.place(memories.images, images);
      api.place(memories.plainFilter, filter);
      api.place(memories.result, result);
      if (biased) api.place(memories.bias, bias);
      if (filterBytes + scratchBytes > 0) {
        const start = workspace(filterBytes + scratchBytes);
        if (filterBytes > 0) api.place(memories.filter, start);
        if (scratchBytes > 0) api.place(memories.scratch, start + filterBytes);
      }
      if (copying && !makesFilter) api.execute(copying.primitive, 2, copying.args);
      api.execute(primitive, given.length, args);
      if (copying && makesFilter) api.execute(copying.primitive, 2, copying.args);
    },
    release() {
      api.release({
        primitives: [primitive, ...(copying ? [copying.primitive] : [])],
        memories: Object.values(memories).filter((memory) => memory !== 0),
      });
    },
  };
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / CACHE_LINE) * CACHE_LINE;
}

/** Lengths in the library's order of axes, N C H W and K C FH FW, and the steps of tfjs' tensors along them, in elements. */
function layoutsOf({ geometry, depthwise }: ConvolutionKind) {
  const [batch, height, width, channels, outHeight, outWidth, outChannels, filterHeight, filterWidth] =
    geometry;
  const made = depthwise ? channels * outChannels : outChannels;
  const filterRow = filterWidth * channels * outChannels;
  const filterColumn = channels * outChannels;
  return {
    lengths: {
      images: [batch, channels, height, width],
      // A group for each channel, which has one channel of input.
      filter: depthwise
        ? [channels, outChannels, 1, filterHeight, filterWidth]
        : [outChannels, channels, filterHeight, filterWidth],
      result: [batch, made, outHeight, outWidth],
      bias: [made],
    },
    steps: {
      images: [height * width * channels, 1, width * channels, channels],
      filter: depthwise
        ? [outChannels, 1, outChannels, filterRow, filterColumn]
        : [1, outChannels, filterRow, filterColumn],
      result: [outHeight * outWidth * made, 1, outWidth * made, made],
    },
  };
}

function stepsOf({ geometry }: ConvolutionKind) {
  const [, height, width, , outHeight, outWidth, , filterHeight, filterWidth] = geometry;
  const [strideHeight, strideWidth, dilationHeight, dilationWidth, padTop, padLeft] = geometry.slice(9) as [
    ...[number, number, number, number, number, number],
  ];
  /** Zeros after the images, as the last window needs them. */
  const after = (
    out: number,
    stride: number,
    filter: number,
    dilation: number,
    length: number,
    before: number,
  ) => Math.max(0, (out - 1) * stride + (filter - 1) * dilation + 1 - length - before);
  return {
    strides: [strideHeight, strideWidth],
    gaps: [dilationHeight - 1, dilationWidth - 1],
    before: [padTop, padLeft],
    after: [
      after(outHeight, strideHeight, filterHeight, dilationHeight, height, padTop),
      after(outWidth, strideWidth, filterWidth, dilationWidth, width, padLeft),
    ],
  };
}
