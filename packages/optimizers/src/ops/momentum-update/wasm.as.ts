// One step of SGD with momentum over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

/**
 * SGD with momentum, as PyTorch defines it: d = g + decay · w; v' = momentum · v + d;
 * w' = w - rate · (nesterov ? d + momentum · v' : v').
 */
export function momentumUpdate(
  w: usize,
  g: usize,
  v: usize,
  newW: usize,
  newV: usize,
  size: i32,
  rate: f32,
  momentum: f32,
  decay: f32,
  nesterov: bool,
): void {
  const rate4 = f32x4.splat(rate);
  const momentum4 = f32x4.splat(momentum);
  const decay4 = f32x4.splat(decay);
  const end = (<usize>size) << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const weight = v128.load(w + at);
    const gradient = f32x4.add(v128.load(g + at), f32x4.mul(decay4, weight));
    const velocity = f32x4.add(f32x4.mul(momentum4, v128.load(v + at)), gradient);
    const step = nesterov ? f32x4.add(gradient, f32x4.mul(momentum4, velocity)) : velocity;
    v128.store(newV + at, velocity);
    v128.store(newW + at, f32x4.sub(weight, f32x4.mul(rate4, step)));
  }
  for (; at < end; at += 4) {
    const weight = load<f32>(w + at);
    const gradient = load<f32>(g + at) + decay * weight;
    const velocity = momentum * load<f32>(v + at) + gradient;
    const step = nesterov ? gradient + momentum * velocity : velocity;
    store<f32>(newV + at, velocity);
    store<f32>(newW + at, weight - rate * step);
  }
}
