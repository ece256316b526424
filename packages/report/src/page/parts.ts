/** Parts of the page, for pages of one's own too. */
import { cells, type Summary } from '@espalier/experiment';
import { anObject, assertArgument } from '@espalier/core';

import { assertSummary } from '../report.js';
import type { Plot } from '../plots/plot.js';
import { Html, markup } from './html.js';

/** The table of a comparison as HTML; its look is `pageStyle`'s. @throws TypeError for what is no summary */
export function tableHtml(summary: Summary): string {
  assertSummary('tableHtml()', summary);
  return tablePart(summary).text;
}

/** A plot as a figure of HTML, its note below; its look is `pageStyle`'s. @throws TypeError for what is no plot */
export function figureHtml(plot: Plot): string {
  assertArgument(
    'figureHtml()',
    'plot',
    plot,
    anObject('a plot, as plotsOf() makes them', { svg: 'string' }),
  );
  return figurePart(plot).text;
}

export function tablePart(summary: Summary): Html {
  const [titles = [], ...lines] = cells(summary);
  const head = titles.map((title) => markup`<th scope="col">${title}</th>`);
  const body = lines.map(
    (line) =>
      markup`<tr>
        ${line.map((cell) => markup`<td>${cell}</td>`)}
      </tr> `,
  );
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Table">
    <table class="results">
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

export function figurePart({ svg, note }: Plot): Html {
  return markup`<figure>
    ${new Html(svg)}${note === null ? null : markup`<figcaption>${note}</figcaption>`}
  </figure> `;
}
