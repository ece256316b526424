/** The convex losses L(β) on which the theory is checked: least squares and multinomial logistic regression. */
import { consecutiveGroups, groupNorms, type Group } from './groups.js';
import { minimise, type Evaluation, type Minimum } from './lbfgs.js';
import type { Random } from './random.js';
import { symmetricEigenvalues } from './symmetric-eigenvalues.js';

export interface Problem {
  readonly name: string;
  readonly groups: readonly Group[];
  /** The number of weights, all groups together. */
  readonly dimension: number;
  /** L and ∇L at β. */
  evaluate(beta: Float64Array): Evaluation;
  /** For every group a bound on the largest eigenvalue of its block of ∇²L, anywhere. */
  readonly curvature: readonly number[];
}

export interface LeastSquares extends Problem {
  /** `∇²L = XᵀX / n`, row-major. */
  readonly hessian: Float64Array;
}

/**
 * `L(β) = ‖Xβ − y‖² / 2n`.
 *
 * @param rows X, n rows of d features; `sizes` say how the features, in order, form groups.
 */
export function leastSquares(
  name: string,
  rows: readonly Float64Array[],
  targets: readonly number[],
  sizes: readonly number[],
): LeastSquares {
  const groups = consecutiveGroups(sizes);
  const dimension = featureCount(rows, sizes);
  const hessian = secondMoments(rows);
  const correlation = new Float64Array(dimension);
  rows.forEach((row, r) => row.forEach((x, j) => (correlation[j]! += (x * targets[r]!) / rows.length)));
  const constant = targets.reduce((sum, y) => sum + y * y, 0) / (2 * rows.length);
  return {
    name,
    groups,
    dimension,
    hessian,
    curvature: groups.map((group) => principalEigenvalues(hessian, dimension, [group]).at(-1)!),
    evaluate(beta) {
      const gradient = new Float64Array(dimension);
      let value = constant;
      for (let j = 0; j < dimension; j++) {
        let product = 0;
        for (let k = 0; k < dimension; k++) product += hessian[j * dimension + k]! * beta[k]!;
        gradient[j] = product - correlation[j]!;
        value += beta[j]! * (product / 2 - correlation[j]!);
      }
      return { value, gradient };
    },
  };
}

/**
 * `L(B) = mean over rows of −log softmax(xᵀB)[label]`, B of shape [features, classes], row-major. A group is a
 * run of features, all their classes included.
 *
 * A row's Hessian in the logits is `diag(p) − ppᵀ`, whose eigenvalues are at most 1/2: hence the curvature.
 */
export function multinomialLogistic(
  name: string,
  rows: readonly Float64Array[],
  labels: readonly number[],
  classes: number,
  featuresPerGroup: readonly number[],
): Problem {
  const features = featureCount(rows, featuresPerGroup);
  const moments = secondMoments(rows);
  const dimension = features * classes;
  return {
    name,
    groups: consecutiveGroups(featuresPerGroup.map((count) => count * classes)),
    dimension,
    curvature: consecutiveGroups(featuresPerGroup).map(
      (group) => principalEigenvalues(moments, features, [group]).at(-1)! / 2,
    ),
    evaluate(beta) {
      const gradient = new Float64Array(dimension);
      const errors = new Float64Array(classes);
      let value = 0;
      for (let r = 0; r < rows.length; r++) {
        const row = rows[r]!;
        const label = labels[r]!;
        value += softmaxErrors(rowLogits(row, beta, classes), label, errors) / rows.length;
        for (let j = 0; j < features; j++) {
          const x = row[j]! / rows.length;
          for (let c = 0; c < classes; c++) gradient[j * classes + c]! += x * errors[c]!;
        }
      }
      return { value, gradient };
    },
  };
}

/** Returns `−log softmax(logits)[label]` and writes its gradient, `softmax(logits) − one-hot(label)`, to `errors`. */
function softmaxErrors(logits: Float64Array, label: number, errors: Float64Array): number {
  let top = -Infinity;
  for (const logit of logits) top = Math.max(top, logit);
  let total = 0;
  for (let c = 0; c < logits.length; c++) total += errors[c] = Math.exp(logits[c]! - top);
  for (let c = 0; c < logits.length; c++) errors[c]! /= total;
  errors[label]! -= 1;
  return Math.log(total) + top - logits[label]!;
}

/**
 * Gaussian features, a signal in two of the groups, and noise.
 *
 * @param common The weight of a factor that all features share, from 0 (independent) to below 1.
 */
export function randomLeastSquares(
  name: string,
  sizes: readonly number[],
  rows: number,
  random: Random,
  common = 0.4,
): LeastSquares {
  const design = randomDesign(rows, total(sizes), common, random);
  const signal = plantedWeights(consecutiveGroups(sizes), 2, random);
  const targets = design.map((row) => row.reduce((sum, x, j) => sum + x * signal[j]!, 0.5 * random.normal()));
  return leastSquares(`${name}, groups of ${sizes.join(', ')}`, design, targets, sizes);
}

/** As above; the labels are drawn from the softmax of the signal, so no plane separates the classes. */
export function randomMultinomial(
  name: string,
  featuresPerGroup: readonly number[],
  classes: number,
  rows: number,
  random: Random,
): Problem {
  const design = randomDesign(rows, total(featuresPerGroup), 0.4, random);
  const sizes = featuresPerGroup.map((count) => count * classes);
  const signal = plantedWeights(consecutiveGroups(sizes), 2, random);
  const labels = design.map((row) => {
    const weights = rowLogits(row, signal, classes).map(Math.exp);
    let left = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
    return Math.max(
      0,
      weights.findIndex((weight) => (left -= weight) < 0),
    );
  });
  return multinomialLogistic(
    `${name}, ${classes} classes, groups of ${sizes.join(', ')}`,
    design,
    labels,
    classes,
    featuresPerGroup,
  );
}

/** `τ = max_i ‖∇L(0)_i‖₂`. */
export function tau(problem: Problem): number {
  return Math.max(
    ...groupNorms(problem.evaluate(new Float64Array(problem.dimension)).gradient, problem.groups),
  );
}

/** The minimiser of L with all groups but these held at zero. */
export function minimiseOver(problem: Problem, members: readonly number[], start?: Float64Array): Minimum {
  const free = new Uint8Array(problem.dimension);
  for (const i of members) free.fill(1, problem.groups[i]!.start, problem.groups[i]!.end);
  const inside = (vector: Float64Array) => vector.map((entry, j) => (free[j] ? entry : 0));
  const restricted = (beta: Float64Array) => {
    const { value, gradient } = problem.evaluate(beta);
    return { value, gradient: inside(gradient) };
  };
  return minimise(restricted, inside(start ?? new Float64Array(problem.dimension)));
}

/** The eigenvalues, rising, of a symmetric matrix's rows and columns that belong to these groups. */
export function principalEigenvalues(
  matrix: Float64Array,
  dimension: number,
  groups: readonly Group[],
): number[] {
  const indices = groups.flatMap(({ start, end }) =>
    Array.from({ length: end - start }, (_, j) => start + j),
  );
  const part = indices.flatMap((row) => indices.map((column) => matrix[row * dimension + column]!));
  return symmetricEigenvalues(part, indices.length);
}

/** Features of variance 1, any two with correlation `common²`. */
function randomDesign(rows: number, features: number, common: number, random: Random): Float64Array[] {
  const own = Math.sqrt(1 - common ** 2);
  return Array.from({ length: rows }, () => {
    const factor = common * random.normal();
    return Float64Array.from({ length: features }, () => own * random.normal() + factor);
  });
}

function plantedWeights(groups: readonly Group[], planted: number, random: Random): Float64Array {
  const weights = new Float64Array(groups.at(-1)!.end);
  const first = random.integer(0, groups.length - 1);
  for (let count = 0; count < planted; count++) {
    const { start, end } = groups[(first + count) % groups.length]!;
    for (let j = start; j < end; j++) weights[j] = random.normal();
  }
  return weights;
}

function rowLogits(row: Float64Array, beta: Float64Array, classes: number): Float64Array {
  const logits = new Float64Array(classes);
  for (let j = 0; j < row.length; j++) {
    for (let c = 0; c < classes; c++) logits[c]! += row[j]! * beta[j * classes + c]!;
  }
  return logits;
}

/** `XᵀX / n`. */
function secondMoments(rows: readonly Float64Array[]): Float64Array {
  const features = rows[0]!.length;
  const moments = new Float64Array(features * features);
  for (const row of rows) {
    for (let j = 0; j < features; j++) {
      for (let k = 0; k < features; k++) moments[j * features + k]! += (row[j]! * row[k]!) / rows.length;
    }
  }
  return moments;
}

function featureCount(rows: readonly Float64Array[], sizes: readonly number[]): number {
  const features = total(sizes);
  const other = rows.find((row) => row.length !== features);
  if (rows.length === 0) throw new RangeError('A problem needs at least one row');
  if (other) throw new RangeError(`A row has ${other.length} features; the groups hold ${features}`);
  return features;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
