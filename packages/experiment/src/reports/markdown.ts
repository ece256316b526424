/** The table as Markdown. */
import { heading } from './heading.js';
import type { Report } from './report.js';
import { cells } from './table.js';

export const markdown: Report = (summary) => {
  const [titles = [], ...lines] = cells(summary);
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  const table = [line(titles), line(titles.map((_, i) => (i === 0 ? '---' : '---:'))), ...lines.map(line)];
  return `${heading(summary).join('\n\n')}\n\n${table.join('\n')}\n`;
};
