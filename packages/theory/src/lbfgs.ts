/**
 * L-BFGS: minimises a smooth function, not necessarily convex, from a start (Liu & Nocedal 1989; the two loops
 * are Nocedal & Wright, "Numerical Optimization", Algorithm 7.4). The line search is the bracketing search for
 * the weak Wolfe conditions of Lewis & Overton (2013), which also gets over points where only the first
 * derivative exists, as group Powerpropagation has at zero.
 */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Float64Array;
}

export type SmoothFunction = (point: Float64Array) => Evaluation;

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
}

export interface LbfgsOptions {
  /** Stop when no entry of the gradient is larger. */
  readonly gradientTolerance?: number;
  readonly maxIterations?: number;
}

/** The first of the lowest. */
export function lowest(minima: readonly Minimum[]): Minimum {
  return minima.reduce((best, each) => (each.value < best.value ? each : best));
}

const MEMORY = 10;

export function minimise(
  f: SmoothFunction,
  start: Float64Array,
  { gradientTolerance = 1e-11, maxIterations = 3000 }: LbfgsOptions = {},
): Minimum {
  let point: Float64Array = Float64Array.from(start);
  let { value, gradient } = f(point);
  let pairs: Pair[] = [];
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (gradient.every((entry) => Math.abs(entry) <= gradientTolerance)) break;
    let direction = descentDirection(gradient, pairs);
    let next = lineSearch(f, point, value, gradient, direction, pairs.length > 0 ? 1 : firstStep(gradient));
    if (!next && pairs.length > 0) {
      // The memory may be at fault: once more, along the gradient itself.
      pairs = [];
      direction = descentDirection(gradient, pairs);
      next = lineSearch(f, point, value, gradient, direction, firstStep(gradient));
    }
    if (!next) break;
    const step = difference(next.point, point);
    const change = difference(next.gradient, gradient);
    const curvature = dot(step, change);
    if (curvature > 0) pairs = [...pairs.slice(1 - MEMORY), { step, change, curvature }];
    ({ point, value, gradient } = next);
  }
  return { point, value };
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly curvature: number;
}

function descentDirection(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((entry) => -entry);
  const weights: number[] = [];
  for (const { step, change, curvature } of pairs.toReversed()) {
    const weight = dot(step, direction) / curvature;
    weights.push(weight);
    add(direction, change, -weight);
  }
  const last = pairs.at(-1);
  if (last) scale(direction, last.curvature / dot(last.change, last.change));
  for (const { step, change, curvature } of pairs) {
    add(direction, step, weights.pop()! - dot(change, direction) / curvature);
  }
  return direction;
}

function firstStep(gradient: Float64Array): number {
  return Math.min(1, 1 / Math.sqrt(dot(gradient, gradient)));
}

/** A step that decreases enough and goes far enough, or undefined where float64 can tell no decrease. */
function lineSearch(
  f: SmoothFunction,
  point: Float64Array,
  value: number,
  gradient: Float64Array,
  direction: Float64Array,
  firstTrial: number,
): { point: Float64Array; value: number; gradient: Float64Array } | undefined {
  const slope = dot(gradient, direction);
  if (!(slope < 0)) return undefined;
  const rounding = 2e-16 * Math.max(1, Math.abs(value));
  let tooShort = 0;
  let tooLong = Infinity;
  let trial = firstTrial;
  for (let attempt = 0; attempt < 60; attempt++) {
    const next = point.map((entry, j) => entry + trial * direction[j]!);
    const there = f(next);
    if (!(there.value <= value + 1e-4 * trial * slope + rounding)) tooLong = trial;
    else if (dot(there.gradient, direction) < 0.9 * slope) tooShort = trial;
    else return { point: next, ...there };
    trial = tooLong < Infinity ? (tooShort + tooLong) / 2 : 2 * trial;
  }
  return undefined;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((entry, j) => entry - b[j]!);
}

function add(target: Float64Array, other: Float64Array, factor: number): void {
  for (let j = 0; j < target.length; j++) target[j]! += factor * other[j]!;
}

function scale(target: Float64Array, factor: number): void {
  for (let j = 0; j < target.length; j++) target[j]! *= factor;
}
