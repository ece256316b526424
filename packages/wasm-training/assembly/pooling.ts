// The gradients of max and average pooling. Tensors are channels-last.

/**
 * dx = dy at the first largest element of each window (in row-major order), else 0.
 *
 * The arguments are those of the convolutions of convolution.ts; the channels stay the same.
 */
export function maxPoolGradient(
  dy: usize,
  x: usize,
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
): void {
  memory.fill(dx, 0, (<usize>batch * height * width * channels) << 2);
  const pixelBytes = <usize>channels << 2;
  for (let image = 0; image < batch; image++) {
    const base = <usize>(image * height * width) * pixelBytes;
    for (let outY = 0; outY < outHeight; outY++) {
      const top = outY * strideHeight - padTop;
      for (let outX = 0; outX < outWidth; outX++) {
        const left = outX * strideWidth - padLeft;
        let c: usize = 0;
        for (; c < pixelBytes; c += 16) {
          const whole = c + 16 <= pixelBytes;
          let largest = f32x4.splat(-Infinity);
          let position = i32x4.splat(-1);
          for (let ky = 0; ky < filterHeight; ky++) {
            const y = top + ky * dilationHeight;
            if (y < 0 || y >= height) continue;
            for (let kx = 0; kx < filterWidth; kx++) {
              const column = left + kx * dilationWidth;
              if (column < 0 || column >= width) continue;
              const pixel = y * width + column;
              const at = x + base + <usize>pixel * pixelBytes + c;
              const value = whole ? v128.load(at) : loadPart(at, pixelBytes - c);
              // The first pixel of a window is taken whatever it holds.
              const first = i32x4.lt_s(position, i32x4.splat(0));
              const larger = v128.or(f32x4.gt(value, largest), first);
              largest = v128.bitselect(value, largest, larger);
              position = v128.bitselect(i32x4.splat(pixel), position, larger);
            }
          }
          const lanes = whole ? 4 : <i32>((pixelBytes - c) >> 2);
          addLane(dx + base + c, i32x4.extract_lane(position, 0), pixelBytes, dy + c, 0);
          if (lanes > 1) addLane(dx + base + c, i32x4.extract_lane(position, 1), pixelBytes, dy + c, 4);
          if (lanes > 2) addLane(dx + base + c, i32x4.extract_lane(position, 2), pixelBytes, dy + c, 8);
          if (lanes > 3) addLane(dx + base + c, i32x4.extract_lane(position, 3), pixelBytes, dy + c, 12);
        }
        dy += pixelBytes;
      }
    }
  }
}

/** dx = dy over the number of elements in the window, padding not counted, for every element of it. */
export function avgPoolGradient(
  dy: usize,
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
): void {
  memory.fill(dx, 0, (<usize>batch * height * width * channels) << 2);
  const pixelBytes = <usize>channels << 2;
  for (let image = 0; image < batch; image++) {
    const base = dx + <usize>(image * height * width) * pixelBytes;
    for (let outY = 0; outY < outHeight; outY++) {
      const top = outY * strideHeight - padTop;
      const rows = inside(top, filterHeight, dilationHeight, height);
      for (let outX = 0; outX < outWidth; outX++) {
        const left = outX * strideWidth - padLeft;
        const share: f32 = <f32>1 / <f32>(rows * inside(left, filterWidth, dilationWidth, width));
        for (let ky = 0; ky < filterHeight; ky++) {
          const y = top + ky * dilationHeight;
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < filterWidth; kx++) {
            const column = left + kx * dilationWidth;
            if (column < 0 || column >= width) continue;
            addScaled(dy, base + <usize>(y * width + column) * pixelBytes, pixelBytes, share);
          }
        }
        dy += pixelBytes;
      }
    }
  }
}

/** How many of the positions start, start + step, … (count of them) lie in [0, length). */
// @ts-ignore: decorator
@inline
function inside(start: i32, count: i32, step: i32, length: i32): i32 {
  let found = 0;
  for (let i = 0; i < count; i++) {
    const position = start + i * step;
    if (position >= 0 && position < length) found++;
  }
  return found;
}

// @ts-ignore: decorator
@inline
function addScaled(from: usize, to: usize, bytes: usize, factor: f32): void {
  const factor4 = f32x4.splat(factor);
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) {
    v128.store(to, f32x4.add(v128.load(to), f32x4.mul(v128.load(from), factor4)));
  }
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from) * factor);
}

/** One to three floats in the low lanes; `bytes` of them are readable. */
// @ts-ignore: decorator
@inline
function loadPart(at: usize, bytes: usize): v128 {
  let part = v128.load32_zero(at);
  if (bytes > 4) part = v128.load32_lane(at + 4, part, 1);
  if (bytes > 8) part = v128.load32_lane(at + 8, part, 2);
  return part;
}

// @ts-ignore: decorator
@inline
function addLane(dx: usize, pixel: i32, pixelBytes: usize, dy: usize, offset: usize): void {
  if (pixel < 0) return;
  const at = dx + <usize>pixel * pixelBytes + offset;
  store<f32>(at, load<f32>(at) + load<f32>(dy + offset));
}
