/** What a recipe claims, and what came of it. */
import { measuresIn, type Summary, type SummaryClaim } from '@espalier/experiment';
import { formatNumber, lossFormat } from '@espalier/workloads';

import { markup, type Html } from './html.js';

/** Null where a summary has none. */
export function claimsPart(summary: Summary): Html | null {
  const { claims = [] } = summary;
  if (claims.length === 0) return null;
  const hasPaper = claims.some(({ paper }) => paper !== undefined);
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
            ${hasPaper ? markup`<th>the paper</th>` : null}
          </tr>
        </thead>
        <tbody>
          ${claims.map(
            (claim) =>
              markup`<tr>
                <td>${claim.statement} <small>${claim.id}</small></td>
                <td>${verdictOf(claim)}</td>
                <td>${differenceOf(claim, summary)}</td>
                ${hasPaper ? markup`<td>${claim.paper ?? '—'}</td>` : null}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function verdictOf({ verdict }: SummaryClaim): Html {
  const kind = verdict === 'holds' ? 'holds' : verdict === 'does not hold' ? 'fails' : 'muted';
  return markup`<span class="${kind}">${verdict}</span>`;
}

/** Written as the measure is that it is about. */
function differenceOf({ difference, interval, measure }: SummaryClaim, summary: Summary): string {
  if (difference === null) return '—';
  const format = measuresIn(summary).find(({ key }) => key === measure)?.format ?? lossFormat;
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${formatNumber(Math.abs(value), format)}`;
  if (!interval) return signed(difference);
  return `${signed(difference)} (${signed(interval[0])} to ${signed(interval[1])})`;
}
