/** A handwritten nought as the pages of these examples are shown it: 8 × 8 pixels, from 0 to 1. */
const PIXELS = `
  . . 3 8 7 2 . .
  . 2 9 6 7 9 1 .
  . 6 8 . . 7 5 .
  . 8 4 . . 3 8 .
  . 8 3 . . 3 8 .
  . 6 6 . . 7 5 .
  . 2 9 5 6 9 1 .
  . . 4 9 8 2 . .`;

export const digit = Float32Array.from(
  PIXELS.trim().split(/\s+/),
  (pixel) => Number(pixel.replace('.', '0')) / 9,
);
