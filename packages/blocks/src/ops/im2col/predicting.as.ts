// The patches of images [batch, height, width, channels] that a convolution's filter sees, one a row of a matrix
// [batch · outHeight · outWidth, filterHeight · filterWidth · channels] (im2col), and the transpose of that (col2im).

/** patches = im2col(x), or, if `scatter`, x += col2im(patches). */
export function patches(
  scatter: bool,
  x: usize,
  matrix: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const pixel = <usize>channels << 2;
  const rowBytes = <usize>width * pixel;
  for (let image = 0; image < batch; image++) {
    for (let outY = 0; outY < outHeight; outY++) {
      for (let outX = 0; outX < outWidth; outX++) {
        const left = outX * strideWidth - padLeft;
        for (let ky = 0; ky < filterHeight; ky++) {
          const y = outY * strideHeight - padTop + ky * dilationHeight;
          const row = x + <usize>y * rowBytes;
          const inside = y >= 0 && y < height;
          if (inside && dilationWidth == 1 && left >= 0 && left + filterWidth <= width) {
            // The whole row of the filter lies side by side.
            const bytes = <usize>filterWidth * pixel;
            if (scatter) add(matrix, row + <usize>left * pixel, bytes);
            else copy(row + <usize>left * pixel, matrix, bytes);
            matrix += bytes;
            continue;
          }
          for (let kx = 0; kx < filterWidth; kx++) {
            const column = left + kx * dilationWidth;
            if (inside && column >= 0 && column < width) {
              if (scatter) add(matrix, row + <usize>column * pixel, pixel);
              else copy(row + <usize>column * pixel, matrix, pixel);
            } else if (!scatter) {
              memory.fill(matrix, 0, pixel);
            }
            matrix += pixel;
          }
        }
      }
    }
    x += <usize>height * rowBytes;
  }
}

// @ts-ignore: decorator
@inline
function copy(from: usize, to: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
}

// @ts-ignore: decorator
@inline
function add(from: usize, to: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
}
