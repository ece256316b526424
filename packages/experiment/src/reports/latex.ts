/** The table for a paper: LaTeX, with the rules of booktabs. */
import { heading } from './heading.js';
import type { Report } from './report.js';
import { cells } from './table.js';

export const latex: Report = (summary) => {
  const [titles = [], ...lines] = cells(summary);
  const line = (texts: readonly string[]) => `    ${texts.map(escaped).join(' & ')} \\\\`;
  return [
    '% \\usepackage{booktabs}',
    '\\begin{table}',
    '  \\centering',
    `  \\caption{${heading(summary).map(escaped).join('; ')}.}`,
    `  \\begin{tabular}{l${'r'.repeat(titles.length - 1)}}`,
    '    \\toprule',
    line(titles),
    '    \\midrule',
    ...lines.map(line),
    '    \\bottomrule',
    '  \\end{tabular}',
    '\\end{table}',
    '',
  ].join('\n');
};

/** What TeX takes for a command, or has no letter for. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': '\\textquotedbl{}',
  '×': '$\\times$',
  '±': '$\\pm$',
  '−': '$-$',
  Δ: '$\\Delta$',
  '∞': '$\\infty$',
  '—': '---',
  '–': '--',
  '…': '\\dots{}',
  ...Object.fromEntries([...'&%$#_{}'].map((letter) => [letter, `\\${letter}`])),
};

function escaped(text: string): string {
  return [...text.replaceAll(/\s+/g, ' ')].map((letter) => ESCAPES[letter] ?? letter).join('');
}
