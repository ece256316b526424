// Panels of block-sparse products: the columns of a matrix that meet the kept blocks of one block column, side by side, and
// those blocks, one below the other. What is copied is told by parts, tables of int32 in the backend's memory.

/** panel [rows, width] = the columns of x [rows, stride] that the parts (first column, length) name, side by side. */
export function gatherColumns(x: usize, stride: i32, rows: i32, parts: usize, count: i32, panel: usize): void {
  const end = parts + (<usize>count << 3);
  const step = <usize>stride << 2;
  for (let row = 0; row < rows; row++) {
    for (let part = parts; part < end; part += 8) {
      const bytes = <usize>load<i32>(part, 4) << 2;
      const from = x + (<usize>load<i32>(part) << 2);
      if (bytes == 64) {
        copy64(from, panel);
        panel += 64;
      } else if (bytes == 128) {
        copy64(from, panel);
        copy64(from + 64, panel + 64);
        panel += 128;
      } else {
        panel = copy(from, panel, bytes);
      }
    }
    x += step;
  }
}

/** The way back, of one row: the parts (first place, length) of `to` = the floats of panel, in their order. */
export function scatterParts(panel: usize, to: usize, parts: usize, count: i32): void {
  const end = parts + (<usize>count << 3);
  for (let part = parts; part < end; part += 8) {
    const bytes = <usize>load<i32>(part, 4) << 2;
    copy(panel, to + (<usize>load<i32>(part) << 2), bytes);
    panel += bytes;
  }
}

/**
 * Rows `first` to `first + count - 1` of the patch matrix, of its columns those that the parts (row of the filter, column of
 * the filter, first channel, length) name: panel [count, width]. Zeros where the filter sees the padding.
 */
export function gatherPatchColumns(
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
  parts: usize,
  partCount: i32,
  panelWidth: i32,
  panel: usize,
): void {
  const pitch = <usize>panelWidth << 2;
  const pixelStep = <usize>(strideWidth * channels) << 2;
  const firstX = first % outWidth;
  const firstY = (first / outWidth) % outHeight;
  const firstImage = first / (outWidth * outHeight);
  for (let p = 0; p < partCount; p++) {
    const down = load<i32>(parts) * dilationHeight - padTop;
    const across = load<i32>(parts, 4) * dilationWidth - padLeft;
    const channel = load<i32>(parts, 8);
    const bytes = <usize>load<i32>(parts, 12) << 2;
    // The output columns of which the filter's column lies inside the image.
    const inside = across >= 0 ? 0 : (strideWidth - 1 - across) / strideWidth;
    const outside = width > across ? (width - across + strideWidth - 1) / strideWidth : 0;
    let to = panel;
    let outX = firstX;
    let outY = firstY;
    let image = firstImage;
    for (let left = count; left > 0; ) {
      const run = min(left, outWidth - outX);
      const end = outX + run;
      const y = outY * strideHeight + down;
      const rowInside = y >= 0 && y < height;
      const from = rowInside ? min(max(outX, inside), end) : end;
      const until = rowInside ? max(min(end, outside), from) : end;
      for (let at = outX; at < from; at++, to += pitch) zero(to, bytes);
      let source = x + ((<usize>((image * height + y) * width + from * strideWidth + across) * channels + channel) << 2);
      if (bytes == 64) {
        for (let at = from; at < until; at++, to += pitch, source += pixelStep) copy64(source, to);
      } else {
        for (let at = from; at < until; at++, to += pitch, source += pixelStep) copy(source, to, bytes);
      }
      for (let at = until; at < end; at++, to += pitch) zero(to, bytes);
      left -= run;
      outX = 0;
      if (++outY == outHeight) {
        outY = 0;
        image++;
      }
    }
    parts += 16;
    panel += bytes;
  }
}

/**
 * Blocks [height, width of the part] whose values begin at the parts (start, width), transposed, one below the other:
 * panel [sum of the widths, height].
 */
export function packTransposedBlocks(values: usize, parts: usize, count: i32, height: i32, panel: usize): void {
  const down = <usize>height << 2;
  for (let p = 0; p < count; p++) {
    const block = values + (<usize>load<i32>(parts) << 2);
    const width = load<i32>(parts, 4);
    const across = <usize>width << 2;
    let i = 0;
    for (; i + 4 <= height; i += 4) {
      let from = block + <usize>i * across;
      let to = panel + (<usize>i << 2);
      let j = 0;
      for (; j + 4 <= width; j += 4) {
        const a = v128.load(from);
        const b = v128.load(from + across);
        const c = v128.load(from + 2 * across);
        const d = v128.load(from + 3 * across);
        const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
        const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
        const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
        v128.store(to + down, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
        v128.store(to + 2 * down, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
        v128.store(to + 3 * down, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
        from += 16;
        to += 4 * down;
      }
      for (; j < width; j++) {
        for (let r: usize = 0; r < 4; r++) store<f32>(to + (r << 2), load<f32>(from + r * across));
        from += 4;
        to += down;
      }
    }
    for (; i < height; i++) {
      for (let j = 0; j < width; j++) {
        store<f32>(panel + <usize>j * down + (<usize>i << 2), load<f32>(block + <usize>i * across + (<usize>j << 2)));
      }
    }
    panel += <usize>width * down;
    parts += 8;
  }
}

// @ts-ignore: decorator
@inline
function copy64(from: usize, to: usize): void {
  const a = v128.load(from);
  const b = v128.load(from, 16);
  const c = v128.load(from, 32);
  const d = v128.load(from, 48);
  v128.store(to, a);
  v128.store(to, b, 16);
  v128.store(to, c, 32);
  v128.store(to, d, 48);
}

/** Copies `bytes` (a multiple of 4) and returns the end of the target. */
// @ts-ignore: decorator
@inline
function copy(from: usize, to: usize, bytes: usize): usize {
  const end = to + bytes;
  for (; to + 64 <= end; to += 64, from += 64) copy64(from, to);
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
  return end;
}

// @ts-ignore: decorator
@inline
function zero(to: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16) v128.store(to, f32x4.splat(0));
  for (; to < end; to += 4) store<f32>(to, 0);
}
