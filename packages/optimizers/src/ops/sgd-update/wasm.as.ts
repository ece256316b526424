// One step of SGD over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

/** SGD without momentum: w' = w - rate · (g + decay · w). Every pointer is to `size` floats. */
export function sgdUpdate(w: usize, g: usize, newW: usize, size: i32, rate: f32, decay: f32): void {
  const rate4 = f32x4.splat(rate);
  const decay4 = f32x4.splat(decay);
  const end = (<usize>size) << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const weight = v128.load(w + at);
    const step = f32x4.add(v128.load(g + at), f32x4.mul(decay4, weight));
    v128.store(newW + at, f32x4.sub(weight, f32x4.mul(rate4, step)));
  }
  for (; at < end; at += 4) {
    const weight = load<f32>(w + at);
    const step = load<f32>(g + at) + decay * weight;
    store<f32>(newW + at, weight - rate * step);
  }
}
