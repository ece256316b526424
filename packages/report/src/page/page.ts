/** The report as one page that asks for nothing: its styles, its plots and its few lines of script are in it. */
import { heading, isPruned, targetText, type Row, type Summary } from '@espalier/experiment';

import { assertCompared, unended, type Compared } from '../report.js';
import type { Plot } from '../plots/plot.js';
import { sectionsOf, type Section } from '../plots/plots.js';
import { claimsPart } from './claims.js';
import { environmentPart, modelsPart } from './environment.js';
import { Html, markup } from './html.js';
import { figurePart, tablePart } from './parts.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

/**
 * @returns the whole document. The same comparison gives the same text
 * @throws TypeError for what is no comparison
 */
export async function htmlReport(compared: Compared): Promise<string> {
  assertCompared('htmlReport()', compared);
  const { summary } = compared;
  const sections = await sectionsOf(compared);
  const title = `${summary.workload}${summary.scale ? ` at scale ${summary.scale}` : ''}`;
  const claims = claimsPart(summary);
  const links = [
    ['table', 'Table'],
    ...(claims ? [['claims', 'Claims']] : []),
    ...sections.map(({ id, title }) => [id, title]),
    ['environment', 'Environment'],
  ] as [string, string][];
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
        />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p class="muted">${dayOf(summary)}</p>
          ${heading(summary).map((line) => markup`<p>${line.replace(`${title}, `, '')}</p> `)}
          ${summary.command ? markup`<pre>${summary.command}</pre>` : null} ${notices(compared)}
          <nav>${links.map(([id, name]) => markup`<a href="#${id}">${name}</a> `)}</nav>
        </header>
        <main>
          <section id="table">
            <h2>Table</h2>
            ${tablePart(summary)}
          </section>
          ${claims} ${sections.map(sectionPart)} ${modelsPart(compared)} ${environmentPart(compared)}
        </main>
        <script>
          ${new Html(SCRIPT)}
        </script>
      </body>
    </html> `;
  return page.text;
}

function dayOf({ environment, others = [] }: Summary): string {
  const days = new Set([environment, ...others].map(({ date }) => date.slice(0, 10)));
  return [...days].filter(Boolean).sort().join(', ');
}

function sectionPart({ id, title, note, plots, folded }: Section): Html {
  const grid = (list: readonly Plot[]) => markup`<div class="plots">${list.map(figurePart)}</div>`;
  const more =
    folded.length > 0
      ? markup`<details>
          <summary>${plots.length > 0 ? `${folded.length} more` : `${folded.length} plots`}</summary>
          ${grid(folded)}
        </details>`
      : null;
  return markup`<section id="${id}">
    <h2>${title}</h2>
    ${note === null ? null : markup`<p class="muted">${note}</p>`}
    ${plots.length > 0 ? grid(plots) : null}${more}
  </section> `;
}

/** What keeps a reader from taking the report for more than it is. */
function notices(compared: Compared): Html | null {
  const { rows, planned = rows.length } = compared.summary;
  const begun = unended(compared).length;
  const rest = Math.max(planned - rows.length, begun);
  const seeds = new Set(rows.map(({ seed }) => seed));
  const lines = [
    ...(rest > 0
      ? [
          `Unfinished: ${rows.length} of ${rows.length + rest} trials have ended${begun > 0 ? `, ${begun} have begun` : ''}. This shows what there is.`,
        ]
      : []),
    ...(seeds.size === 1 ? ['One seed: there are no intervals, and differences may be chance.'] : []),
    ...rows.filter(({ status }) => status !== 'ok').map(troubleOf),
  ];
  if (lines.length === 0) return null;
  const shown = lines.slice(0, 6);
  const more = lines.length > shown.length ? [`… and ${lines.length - shown.length} more`] : [];
  return markup`<div class="notice">${[...shown, ...more].map((line) => markup`<p>${line}</p>`)}</div>`;
}

function troubleOf(row: Row): string {
  const target = isPruned(row) ? ` ${targetText(row)}` : '';
  const how =
    row.status === 'diverged' ? 'diverged' : `failed: ${row.message?.split('\n')[0] ?? 'no reason is known'}`;
  return `${row.pruner}${target} seed ${row.seed} ${how}`;
}
