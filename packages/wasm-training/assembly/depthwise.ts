// The gradients of depthwise convolutions: every channel has a filter of its own, so that there is no matrix product
// to make of them. Tensors are channels-last. The arguments are those of the convolutions of convolution.ts.

/**
 * The gradient of a depthwise convolution by its filter [filterHeight, filterWidth, channels, multiplier];
 * dy has channels · multiplier channels.
 */
export function depthwiseFilterGradient(
  x: usize,
  dy: usize,
  dFilter: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  multiplier: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const outChannels = channels * multiplier;
  memory.fill(dFilter, 0, <usize>(filterHeight * filterWidth * outChannels) << 2);
  for (let rowIndex = 0; rowIndex < batch * outHeight; rowIndex++) {
    const image = rowIndex / outHeight;
    const outY = rowIndex % outHeight;
    const dyRow = dy + ((<usize>rowIndex * outWidth * outChannels) << 2);
    for (let ky = 0; ky < filterHeight; ky++) {
      const y = outY * strideHeight - padTop + ky * dilationHeight;
      if (y < 0 || y >= height) continue;
      const row = x + ((<usize>(image * height + y) * width * channels) << 2);
      for (let kx = 0; kx < filterWidth; kx++) {
        const shift = kx * dilationWidth - padLeft;
        const firstX = firstInside(shift, strideWidth);
        const endX = endInside(shift, strideWidth, width, outWidth);
        const target = dFilter + (<usize>((ky * filterWidth + kx) * outChannels) << 2);
        let c = 0;
        if (multiplier == 1) {
          for (; c + 4 <= channels; c += 4) {
            let sum = f32x4.splat(0);
            for (let outX = firstX; outX < endX; outX++) {
              const pixel = v128.load(row + (<usize>((outX * strideWidth + shift) * channels + c) << 2));
              sum = f32x4.add(sum, f32x4.mul(pixel, v128.load(dyRow + (<usize>(outX * channels + c) << 2))));
            }
            const at = target + (<usize>c << 2);
            v128.store(at, f32x4.add(v128.load(at), sum));
          }
        }
        for (; c < channels; c++) {
          for (let q = 0; q < multiplier; q++) {
            const channel = c * multiplier + q;
            let sum: f32 = 0;
            for (let outX = firstX; outX < endX; outX++) {
              sum +=
                load<f32>(row + (<usize>((outX * strideWidth + shift) * channels + c) << 2)) *
                load<f32>(dyRow + (<usize>(outX * outChannels + channel) << 2));
            }
            const at = target + (<usize>channel << 2);
            store<f32>(at, load<f32>(at) + sum);
          }
        }
      }
    }
  }
}

/** The gradient of a depthwise convolution by its input. */
export function depthwiseInputGradient(
  dy: usize,
  filter: usize,
  dx: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  multiplier: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const outChannels = channels * multiplier;
  memory.fill(dx, 0, (<usize>batch * height * width * channels) << 2);
  for (let rowIndex = 0; rowIndex < batch * outHeight; rowIndex++) {
    const image = rowIndex / outHeight;
    const outY = rowIndex % outHeight;
    const dyRow = dy + ((<usize>rowIndex * outWidth * outChannels) << 2);
    for (let ky = 0; ky < filterHeight; ky++) {
      const y = outY * strideHeight - padTop + ky * dilationHeight;
      if (y < 0 || y >= height) continue;
      const row = dx + ((<usize>(image * height + y) * width * channels) << 2);
      for (let kx = 0; kx < filterWidth; kx++) {
        const shift = kx * dilationWidth - padLeft;
        const firstX = firstInside(shift, strideWidth);
        const endX = endInside(shift, strideWidth, width, outWidth);
        const weights = filter + (<usize>((ky * filterWidth + kx) * outChannels) << 2);
        for (let outX = firstX; outX < endX; outX++) {
          const pixel = row + (<usize>((outX * strideWidth + shift) * channels) << 2);
          const gradient = dyRow + (<usize>(outX * outChannels) << 2);
          let c = 0;
          if (multiplier == 1) {
            for (; c + 4 <= channels; c += 4) {
              const offset = <usize>c << 2;
              const term = f32x4.mul(v128.load(gradient + offset), v128.load(weights + offset));
              v128.store(pixel + offset, f32x4.add(v128.load(pixel + offset), term));
            }
          }
          for (; c < channels; c++) {
            let sum: f32 = 0;
            for (let q = 0; q < multiplier; q++) {
              const offset = <usize>(c * multiplier + q) << 2;
              sum += load<f32>(gradient + offset) * load<f32>(weights + offset);
            }
            const at = pixel + (<usize>c << 2);
            store<f32>(at, load<f32>(at) + sum);
          }
        }
      }
    }
  }
}

/** The first output column whose input column, outX · stride + shift, is not left of the image. */
// @ts-ignore: decorator
@inline
function firstInside(shift: i32, stride: i32): i32 {
  return shift >= 0 ? 0 : (stride - 1 - shift) / stride;
}

/** One past the last output column whose input column is not right of the image. */
// @ts-ignore: decorator
@inline
function endInside(shift: i32, stride: i32, width: i32, outWidth: i32): i32 {
  return shift >= width ? 0 : min(outWidth, (width - 1 - shift) / stride + 1);
}
