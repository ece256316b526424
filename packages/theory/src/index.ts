/** The theory of arXiv 2402.17902, run: `checkTheory` and the parts it is made of. */
export { checkTheory, type TheoryOptions } from './check-theory.js';
export type { ClaimResult } from './claim.js';
export { absoluteValue, logarithm, power, unnormalisedSoftmax, type Curve } from './curves.js';
export type { Group } from './groups.js';
export { checkIdentity, identities, type Identity } from './identities.js';
export { lambertW } from './lambert-w.js';
export { minimise, type Evaluation, type LbfgsOptions, type Minimum, type SmoothFunction } from './lbfgs.js';
export * from './matching-pursuit.js';
export { checkSameMinimiser, checkSubadditive, subadditiveCurves } from './one-group.js';
export {
  exponentialMasks,
  groupPowerpropagation,
  l1Masks,
  minimiseTrained,
  products,
  trainingObjective,
  type Parameterisation,
} from './parameterisations.js';
export { minimisePenalised } from './penalised-minimum.js';
export { inverseOfSum, sparing, sumOf, type GroupPenalty } from './penalties.js';
export {
  leastSquares,
  minimiseOver,
  multinomialLogistic,
  randomLeastSquares,
  randomMultinomial,
  tau,
  type LeastSquares,
  type Problem,
} from './problems.js';
export { seededRandom, type Random } from './random.js';
export { checkOmp, checkOmpr } from './selection.js';
export { startsOnEverySupport } from './starts.js';
export { checkSupportUnderTau, checkZeroFromTauOn, lambdaOfOneGroup } from './threshold.js';
