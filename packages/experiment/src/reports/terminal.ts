/** The table for a terminal, by Node. */
import Table from 'cli-table3';

import { heading } from './heading.js';
import type { Report } from './report.js';
import { cells } from './table.js';

/** Columns that a narrow terminal has no room for are left out from the right, which is said under the table. */
export const terminal: Report = (summary, { width = Infinity } = {}) => {
  const [titles = [], ...lines] = cells(summary);
  const draw = (columns: number) => {
    const table = new Table({
      head: titles
        .slice(0, columns)
        .map((title) => title.replace(', ', ',\n').replace(' (', '\n(').replace(' from ', '\nfrom ')),
      style: { head: [], border: [], compact: true },
      colAligns: titles.map((_, i) => (i === 0 ? 'left' : 'right')),
    });
    table.push(...lines.map((line) => line.slice(0, columns)));
    return table.toString();
  };
  const fits = (drawn: string) => (drawn.split('\n')[0] as string).length <= width;
  let columns = titles.length;
  while (columns > 2 && !fits(draw(columns))) columns -= 1;
  const left = titles.slice(columns);
  const note =
    left.length > 0 ? [`not shown for want of width (summary.md has them): ${left.join('; ')}`] : [];
  return `${[...heading(summary), draw(columns), ...note].join('\n')}\n`;
};
