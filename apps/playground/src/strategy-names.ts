/** The command's strategies, in its order. */
export const strategyNames = [
  'magnitude',
  'acdc',
  'powerpropagation',
  'str',
  'softmax-attention',
  'sequential-attention-plus-plus',
  'gmp',
  'iht',
  'group-lasso',
  'l1-masks',
  'sequential-attention',
  'omp',
  'rigl',
  'structured-dst',
  'wanda',
  'random',
  'ompr',
] as const;

export type StrategyName = (typeof strategyNames)[number];
