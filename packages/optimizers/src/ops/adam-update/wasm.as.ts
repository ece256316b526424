// One step of Adam over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

/**
 * Adam (Kingma and Ba, 2015, algorithm 1) with L2 weight decay, as PyTorch's Adam defines it:
 * d = g + decay · w; m' = beta1 · m + (1 - beta1) · d; v' = beta2 · v + (1 - beta2) · d²;
 * w' = w - rate · m' / (root · sqrt(v') + epsilon).
 *
 * @param rate the learning rate over 1 - beta1^t
 * @param root 1 / sqrt(1 - beta2^t)
 */
export function adamUpdate(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  newW: usize,
  newM: usize,
  newV: usize,
  size: i32,
  rate: f32,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  epsilon: f32,
  root: f32,
  decay: f32,
): void {
  const end = (<usize>size) << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const weight = v128.load(w + at);
    const d = f32x4.add(v128.load(g + at), f32x4.mul(f32x4.splat(decay), weight));
    const first = f32x4.add(
      f32x4.mul(f32x4.splat(beta1), v128.load(m + at)),
      f32x4.mul(f32x4.splat(oneMinusBeta1), d),
    );
    const second = f32x4.add(
      f32x4.mul(f32x4.splat(beta2), v128.load(v + at)),
      f32x4.mul(f32x4.splat(oneMinusBeta2), f32x4.mul(d, d)),
    );
    const spread = f32x4.add(f32x4.mul(f32x4.splat(root), f32x4.sqrt(second)), f32x4.splat(epsilon));
    v128.store(newM + at, first);
    v128.store(newV + at, second);
    v128.store(newW + at, f32x4.sub(weight, f32x4.div(f32x4.mul(f32x4.splat(rate), first), spread)));
  }
  for (; at < end; at += 4) {
    const weight = load<f32>(w + at);
    const d = load<f32>(g + at) + decay * weight;
    const first = beta1 * load<f32>(m + at) + oneMinusBeta1 * d;
    const second = beta2 * load<f32>(v + at) + oneMinusBeta2 * (d * d);
    store<f32>(newM + at, first);
    store<f32>(newV + at, second);
    store<f32>(newW + at, weight - (rate * first) / (root * sqrt<f32>(second) + epsilon));
  }
}
