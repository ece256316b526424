/** What a recipe came to, in tables. */
import type { MeasureDescription, Summary, SummaryClaim } from '@espalier/experiment';
import { besidePaper, type PaperFigure } from '@espalier/recipes';
import { formatNumber } from '@espalier/workloads';
import Table from 'cli-table3';

const NOTHING = '—';

/** The same for a file: a list. */
export function listClaims(claims: readonly SummaryClaim[], measure: MeasureDescription): string {
  const { signed } = numbersOf(measure);
  const lines = claims.map((claim) => {
    const { statement, verdict, difference, interval, paper } = claim;
    const seen = difference === null ? '' : ` ${signed(difference)}`;
    const within = interval ? ` (${interval.map(signed).join(' to ')})` : '';
    return `- **${verdict}**${missing(claim)}: ${statement}${seen}${within}${paper ? ` The paper: ${paper}.` : ''}`;
  });
  return [...lines, '', reading(claims, measure)].join('\n');
}

/** A line a claim: its verdict, the difference with its interval, what the paper saw. */
export function describeClaims(claims: readonly SummaryClaim[], measure: MeasureDescription): string {
  const { signed } = numbersOf(measure);
  const table = new Table({
    head: ['claim', 'verdict', `Δ ${measure.title ?? measure.key}`, 'interval', 'the paper'],
    style: { head: [], border: [] },
    colWidths: [31, 14, 10, 18, 21],
    wordWrap: true,
  });
  for (const claim of claims) {
    const { statement, verdict, difference, interval, paper } = claim;
    table.push([
      statement,
      `${verdict}${missing(claim)}`,
      difference === null ? NOTHING : signed(difference),
      interval ? interval.map(signed).join(' to ') : NOTHING,
      paper ?? NOTHING,
    ]);
  }
  return [table.toString(), reading(claims, measure)].join('\n');
}

/** Where a side diverged for some seed. */
function missing({ count, asked }: SummaryClaim): string {
  return count < asked ? ` (${count} of ${asked} seeds)` : '';
}

function numbersOf({ format }: MeasureDescription): { signed(value: number): string } {
  return { signed: (value) => `${value < 0 ? '−' : '+'}${formatNumber(Math.abs(value), format)}` };
}

/** How the differences are read, and what the seeds could have decided. */
function reading(claims: readonly SummaryClaim[], { format }: MeasureDescription): string {
  const smallest = claims.flatMap((claim) => claim.smallest ?? []);
  const least = smallest.length === 0 ? null : Math.max(...smallest);
  const pairs = Math.max(0, ...claims.map(({ count }) => count));
  return [
    'A difference is above zero where the claim is right; intervals are at the levels of Holm’s method, 5% over all claims.',
    least === null
      ? `${pairs} ${pairs === 1 ? 'seed decides' : 'seeds decide'} nothing.`
      : `With ${pairs} seeds that lie as far apart, the smallest difference that is decided for every claim is ${formatNumber(least, format)}.`,
  ].join('\n');
}

/** The paper's figures beside ours; empty where it has none. */
export function describeFigures(
  paper: readonly PaperFigure[],
  { rows }: Pick<Summary, 'rows'>,
  measure: MeasureDescription,
): string {
  if (paper.length === 0) return '';
  const table = new Table({
    head: ['strategy', 'target', `${measure.title ?? measure.key}, the paper`, 'here'],
    style: { head: [], border: [] },
    colAligns: ['left', 'left', 'right', 'right'],
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const text = (value: number | null) => (value === null ? NOTHING : formatNumber(value, measure.format));
  for (const { entrant, sparsity, blockShape, value, ours } of besidePaper(paper, rows, measure)) {
    table.push([entrant, `${sparsity} ${blockShape.join('×')}`, text(value), text(ours)]);
  }
  return table.toString();
}
