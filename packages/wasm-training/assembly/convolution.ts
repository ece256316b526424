// Convolutions and their gradients as matrix products: the patches that the filter sees, one a row, gathered from the
// input (im2col) or scattered back to it (col2im), in chunks that stay in the cache. A filter of one pixel needs no
// patches: the input is the matrix. Tensors are channels-last, filters [height, width, in, out].

import { gemm } from './gemm';
import { ActivationKind } from './activation';

/** out [batch · outHeight · outWidth, outChannels] = activation(patches(x) · filter + bias); see gemm for the epilogue. */
export function convolution(
  x: usize,
  filter: usize,
  out: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  patches: usize,
  chunk: i32,
  scratch: usize,
  bias: usize,
  activation: ActivationKind,
  slopes: usize,
  slope: f32,
): void {
  const depth = filterHeight * filterWidth * channels;
  const rows = batch * outHeight * outWidth;
  if (isPointwise(filterHeight, filterWidth, strideHeight, strideWidth, height, width, outHeight, outWidth, padTop, padLeft)) {
    gemm(
      false, false, rows, outChannels, depth, x, filter, out, false, bias, activation, slopes, slope, scratch,
    ); // prettier-ignore
    return;
  }
  for (let first = 0; first < rows; first += chunk) {
    const count = min(chunk, rows - first);
    gatherPatches(
      x, batch, height, width, channels, outHeight, outWidth, outChannels, filterHeight, filterWidth, strideHeight, strideWidth,
      dilationHeight, dilationWidth, padTop, padLeft, first, count, patches,
    ); // prettier-ignore
    gemm(
      false, false, count, outChannels, depth, patches, filter, out + ((<usize>first * outChannels) << 2), false,
      bias, activation, slopes, slope, scratch,
    ); // prettier-ignore
  }
}

/** dFilter [filterHeight · filterWidth · channels, outChannels] = patches(x)ᵀ · dy, patches in chunks of `chunk` rows. */
export function convFilterGradient(
  x: usize,
  dy: usize,
  dFilter: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  patches: usize,
  chunk: i32,
  scratch: usize,
): void {
  const depth = filterHeight * filterWidth * channels;
  const rows = batch * outHeight * outWidth;
  if (rows == 0) memory.fill(dFilter, 0, <usize>(depth * outChannels) << 2);
  if (isPointwise(filterHeight, filterWidth, strideHeight, strideWidth, height, width, outHeight, outWidth, padTop, padLeft)) {
    gemm(true, false, depth, outChannels, rows, x, dy, dFilter, false, 0, ActivationKind.Linear, 0, 0, scratch);
    return;
  }
  for (let first = 0; first < rows; first += chunk) {
    const count = min(chunk, rows - first);
    gatherPatches(
      x, batch, height, width, channels, outHeight, outWidth, outChannels, filterHeight, filterWidth, strideHeight, strideWidth,
      dilationHeight, dilationWidth, padTop, padLeft, first, count, patches,
    ); // prettier-ignore
    gemm(
      true, false, depth, outChannels, count, patches, dy + ((<usize>first * outChannels) << 2), dFilter, first > 0,
      0, ActivationKind.Linear, 0, 0, scratch,
    ); // prettier-ignore
  }
}

/** dx = the patches dy · filterᵀ, added up where they overlap. */
export function convInputGradient(
  dy: usize,
  filter: usize,
  dx: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  patches: usize,
  chunk: i32,
  scratch: usize,
): void {
  const depth = filterHeight * filterWidth * channels;
  const rows = batch * outHeight * outWidth;
  if (isPointwise(filterHeight, filterWidth, strideHeight, strideWidth, height, width, outHeight, outWidth, padTop, padLeft)) {
    gemm(false, true, rows, depth, outChannels, dy, filter, dx, false, 0, ActivationKind.Linear, 0, 0, scratch);
    return;
  }
  memory.fill(dx, 0, (<usize>batch * height * width * channels) << 2);
  for (let first = 0; first < rows; first += chunk) {
    const count = min(chunk, rows - first);
    gemm(
      false, true, count, depth, outChannels, dy + ((<usize>first * outChannels) << 2), filter, patches, false,
      0, ActivationKind.Linear, 0, 0, scratch,
    ); // prettier-ignore
    scatterPatches(
      dx, batch, height, width, channels, outHeight, outWidth, outChannels, filterHeight, filterWidth, strideHeight, strideWidth,
      dilationHeight, dilationWidth, padTop, padLeft, first, count, patches,
    ); // prettier-ignore
  }
}

/** to [height, width, out, in] = filter [height, width, in, out] turned by half a turn, its matrices transposed. */
export function turnFilter(
  filter: usize,
  to: usize,
  filterHeight: i32,
  filterWidth: i32,
  channels: i32,
  outChannels: i32,
): void {
  const matrix = <usize>(channels * outChannels) << 2;
  for (let pixel = filterHeight * filterWidth - 1; pixel >= 0; pixel--) {
    for (let j = 0; j < outChannels; j++) {
      let source = filter + <usize>pixel * matrix + (<usize>j << 2);
      for (let i = 0; i < channels; i++) {
        store<f32>(to, load<f32>(source));
        source += <usize>outChannels << 2;
        to += 4;
      }
    }
  }
}

/** Fills memory with zeros. */
export function clear(offset: usize, bytes: usize): void {
  memory.fill(offset, 0, bytes);
}

/** Whether every output pixel is made of the one input pixel at its place. */
// @ts-ignore: decorator
@inline
function isPointwise(
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
  padTop: i32,
  padLeft: i32,
): bool {
  const onePixel = filterHeight == 1 && filterWidth == 1 && strideHeight == 1 && strideWidth == 1;
  return onePixel && outHeight == height && outWidth == width && padTop == 0 && padLeft == 0;
}

/** Rows `first` to `first + count - 1` of the patch matrix [batch · outHeight · outWidth, filter · channels]. */
export function gatherPatches(
  x: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  first: i32,
  count: i32,
  patches: usize,
): void {
  const pixelBytes = <usize>channels << 2;
  let outX = first % outWidth;
  let outY = (first / outWidth) % outHeight;
  let image = first / (outWidth * outHeight);
  for (let p = 0; p < count; p++) {
    const left = outX * strideWidth - padLeft;
    for (let ky = 0; ky < filterHeight; ky++) {
      const y = outY * strideHeight - padTop + ky * dilationHeight;
      const row = x + <usize>(image * height + y) * <usize>width * pixelBytes;
      const rowInside = y >= 0 && y < height;
      if (rowInside && dilationWidth == 1 && left >= 0 && left + filterWidth <= width) {
        patches = copyFloats(row + <usize>left * pixelBytes, patches, <usize>filterWidth * pixelBytes);
        continue;
      }
      for (let kx = 0; kx < filterWidth; kx++) {
        const column = left + kx * dilationWidth;
        if (rowInside && column >= 0 && column < width) {
          patches = copyFloats(row + <usize>column * pixelBytes, patches, pixelBytes);
        } else {
          patches = zeroFloats(patches, pixelBytes);
        }
      }
    }
    if (++outX == outWidth) {
      outX = 0;
      if (++outY == outHeight) {
        outY = 0;
        image++;
      }
    }
  }
}

/** The transpose of gatherPatches: adds rows of the patch matrix to the pixels they came from. */
export function scatterPatches(
  x: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  first: i32,
  count: i32,
  patches: usize,
): void {
  const pixelBytes = <usize>channels << 2;
  let outX = first % outWidth;
  let outY = (first / outWidth) % outHeight;
  let image = first / (outWidth * outHeight);
  for (let p = 0; p < count; p++) {
    const left = outX * strideWidth - padLeft;
    for (let ky = 0; ky < filterHeight; ky++) {
      const y = outY * strideHeight - padTop + ky * dilationHeight;
      const row = x + <usize>(image * height + y) * <usize>width * pixelBytes;
      if (y < 0 || y >= height) {
        patches += <usize>filterWidth * pixelBytes;
        continue;
      }
      if (dilationWidth == 1 && left >= 0 && left + filterWidth <= width) {
        addFloats(patches, row + <usize>left * pixelBytes, <usize>filterWidth * pixelBytes);
        patches += <usize>filterWidth * pixelBytes;
        continue;
      }
      for (let kx = 0; kx < filterWidth; kx++) {
        const column = left + kx * dilationWidth;
        if (column >= 0 && column < width) addFloats(patches, row + <usize>column * pixelBytes, pixelBytes);
        patches += pixelBytes;
      }
    }
    if (++outX == outWidth) {
      outX = 0;
      if (++outY == outHeight) {
        outY = 0;
        image++;
      }
    }
  }
}

/** Copies `bytes` (a multiple of 4) and returns the end of the target. */
// @ts-ignore: decorator
@inline
function copyFloats(from: usize, to: usize, bytes: usize): usize {
  const end = to + bytes;
  for (; to + 64 <= end; to += 64, from += 64) {
    const x0 = v128.load(from);
    const x1 = v128.load(from, 16);
    const x2 = v128.load(from, 32);
    const x3 = v128.load(from, 48);
    v128.store(to, x0);
    v128.store(to, x1, 16);
    v128.store(to, x2, 32);
    v128.store(to, x3, 48);
  }
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
  return end;
}

// @ts-ignore: decorator
@inline
function zeroFloats(to: usize, bytes: usize): usize {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16) v128.store(to, f32x4.splat(0));
  for (; to < end; to += 4) store<f32>(to, 0);
  return end;
}

// @ts-ignore: decorator
@inline
function addFloats(from: usize, to: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
}
