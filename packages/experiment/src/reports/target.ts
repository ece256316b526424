/** A row's target in words. */
import { formatNumber, percent } from '@espalier/workloads';

import type { Row } from '../summary.js';

type Targeted = Pick<Row, 'sparsity' | 'blockShape' | 'overrides'>;

export const isPruned = ({ pruner }: Pick<Row, 'pruner'>) => pruner !== 'dense';

/** Such as `90.00% in 16×16`, and beside it what single kernels have of their own. */
export function targetText({ sparsity, blockShape, overrides }: Targeted): string {
  const share = formatNumber(sparsity, percent);
  return `${share} in ${blockShape.join('×')}${overrides ? `, ${overridesText(overrides)}` : ''}`;
}

/** Such as `dense_1/kernel 50.00% in 8×8`. */
export function overridesText(overrides: NonNullable<Row['overrides']>): string {
  return Object.entries(overrides)
    .map(([kernel, { sparsity, blockShape }]) =>
      [
        kernel,
        ...(sparsity === undefined ? [] : [formatNumber(sparsity, percent)]),
        ...(blockShape === undefined ? [] : [`in ${blockShape.join('×')}`]),
      ].join(' '),
    )
    .join(', ');
}
