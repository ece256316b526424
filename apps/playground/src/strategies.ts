/** The strategies, each loaded when it is chosen. */
import type { Pruner } from '@espalier/core';

import type { StrategyName } from './strategy-names.js';

type Module = { readonly default: () => Pruner };

const MODULES = {
  magnitude: () => import('@espalier/magnitude'),
  acdc: () => import('@espalier/acdc'),
  powerpropagation: () => import('@espalier/powerpropagation'),
  str: () => import('@espalier/str'),
  'softmax-attention': () => import('@espalier/softmax-attention'),
  'sequential-attention-plus-plus': () => import('@espalier/sequential-attention-plus-plus'),
  gmp: () => import('@espalier/gmp'),
  iht: () => import('@espalier/iht'),
  'group-lasso': () => import('@espalier/group-lasso'),
  'l1-masks': () => import('@espalier/l1-masks'),
  'sequential-attention': () => import('@espalier/sequential-attention'),
  omp: () => import('@espalier/omp'),
  rigl: () => import('@espalier/rigl'),
  'structured-dst': () => import('@espalier/structured-dst'),
  wanda: () => import('@espalier/wanda'),
  random: () => import('@espalier/random'),
  ompr: () => import('@espalier/omp/ompr'),
} satisfies Record<StrategyName, () => Promise<Module>>;

export async function loadStrategy(name: StrategyName): Promise<Pruner> {
  const { default: strategy } = await MODULES[name]();
  return strategy();
}
