/** The table as Markdown. */
import { heading } from './heading.js';
import { markdownTable } from './markdown-table.js';
import type { Report } from './report.js';
import { cells } from './table.js';

export const markdown: Report = (summary) =>
  `${heading(summary).join('\n\n')}\n\n${markdownTable(cells(summary))}\n`;
