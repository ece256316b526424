/** What a recipe claims, and what came of it. */
import type { Summary } from '@espalier/experiment';

import { markup, type Html } from './html.js';

/** As a summary has them. */
export interface Claim {
  readonly id: string;
  readonly statement: string;
  readonly verdict: 'holds' | 'does not hold' | 'undecided';
  readonly difference?: number | null;
  /** Half its width, or its ends. */
  readonly interval?: number | readonly [number, number] | null;
  /** What the paper has. */
  readonly paper?: unknown;
}

/** Null where a summary has none. */
export function claimsPart(summary: Summary): Html | null {
  const { claims = [] } = summary as { claims?: readonly Claim[] };
  if (claims.length === 0) return null;
  const hasPaper = claims.some(({ paper }) => paper != null);
  return markup`<section id="claims">
    <h2>Claims</h2>
    <p class="muted">
      A claim is decided by the interval of its paired difference, corrected for how many claims there are.
      One that does not hold is a result as well.
    </p>
    <div class="scroll">
      <table class="words">
        <thead>
          <tr>
            <th>claim</th>
            <th>verdict</th>
            <th>difference</th>
            ${hasPaper ? markup`<th>the paper's</th>` : null}
          </tr>
        </thead>
        <tbody>
          ${claims.map(
            (claim) =>
              markup`<tr>
                <td>${claim.statement} <small>${claim.id}</small></td>
                <td>${verdictOf(claim)}</td>
                <td>${differenceOf(claim)}</td>
                ${hasPaper ? markup`<td>${paperOf(claim)}</td>` : null}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function verdictOf({ verdict }: Claim): Html {
  const kind = verdict === 'holds' ? 'holds' : verdict === 'does not hold' ? 'fails' : 'muted';
  return markup`<span class="${kind}">${verdict}</span>`;
}

function differenceOf({ difference, interval }: Claim): string {
  if (difference == null) return '—';
  const mean = signed(difference);
  if (interval == null) return mean;
  return typeof interval === 'number'
    ? `${mean} ± ${digits(interval)}`
    : `${mean} (${signed(interval[0])} to ${signed(interval[1])})`;
}

function paperOf({ paper }: Claim): string {
  if (paper == null) return '—';
  if (typeof paper === 'object') {
    return Object.entries(paper)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ');
  }
  return String(paper);
}

const digits = (value: number) => String(Number(value.toPrecision(3)));
const signed = (value: number) => `${value < 0 ? '−' : '+'}${digits(Math.abs(value))}`;
