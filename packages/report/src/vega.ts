/** Vega-Lite specifications drawn as SVG. */
import { compile, type TopLevelSpec } from 'vega-lite';
import * as vega from 'vega';

import { INK } from './palette.js';

/** Without its data, width and looks, which all plots have alike. */
export type Spec = Readonly<Record<string, unknown>>;

/** In pixels: a phone shows it as it is. */
export const PLOT_WIDTH = 340;

export const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';
/** In pixels; nothing is smaller. */
export const SMALLEST_TEXT = 11;

const label = { labelColor: INK.muted.light, labelFontSize: SMALLEST_TEXT, labelFont: FONT, labelLimit: 260 };
const title = { titleColor: INK.text.light, titleFontSize: 12, titleFont: FONT, titleFontWeight: 'normal' };

const CONFIG = {
  background: 'transparent',
  font: FONT,
  lineBreak: '\n',
  padding: 4,
  view: { stroke: null },
  axis: {
    ...label,
    ...title,
    domainColor: INK.axis.light,
    tickColor: INK.axis.light,
    gridColor: INK.grid.light,
    titlePadding: 8,
  },
  legend: {
    ...label,
    ...title,
    orient: 'bottom',
    columns: 2,
    symbolType: 'circle',
    // An outline would be dashed as the line is, or drawn in pieces.
    symbolStrokeWidth: 0,
    symbolSize: 70,
    symbolOpacity: 1,
    columnPadding: 12,
    rowPadding: 3,
    offset: 6,
    titleOrient: 'top',
  },
  title: {
    color: INK.text.light,
    font: FONT,
    fontSize: 13,
    fontWeight: 600,
    anchor: 'start',
    frame: 'bounds',
  },
  text: { color: INK.text.light, font: FONT, fontSize: SMALLEST_TEXT },
  rule: { color: INK.axis.light },
} as const;

/** What Vega's declarations leave out. */
interface Measuring {
  readonly textMetrics: { width: typeof widthOf };
}

/**
 * @param name of the plot: what it refers to within itself is called by it, so that several stand on one page
 * @param heading over it; long ones are broken
 */
export async function draw(
  name: string,
  heading: string,
  spec: Spec,
  height: unknown = 210,
): Promise<string> {
  (vega as unknown as Measuring).textMetrics.width = widthOf;
  const whole = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: PLOT_WIDTH,
    height,
    autosize: { type: typeof height === 'number' ? 'fit' : 'fit-x', contains: 'padding' },
    title: { text: wrapped(heading, 40), align: 'left' },
    config: CONFIG,
    ...spec,
  } as unknown as TopLevelSpec;
  const view = new vega.View(vega.parse(compile(whole, { logger: vega.logger(vega.Error) }).spec), {
    renderer: 'none',
    logLevel: vega.Error,
  });
  try {
    return tidied(await view.toSVG(), name, heading);
  } finally {
    view.finalize();
  }
}

/** With a capital to begin with, as headings have it. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Broken at spaces, and after hyphens of names, so that no line is longer than it has to be. */
export function wrapped(text: string, most: number): string {
  const lines: string[] = [''];
  for (const part of text.split(/(?<=[ -])/)) {
    const line = lines.at(-1) as string;
    if (line !== '' && (line + part).trimEnd().length > most) lines.push(part);
    else lines[lines.length - 1] = line + part;
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}

/**
 * How wide a text is, in pixels. Vega asks a canvas, which Node has not, and else takes every letter for a wide one; these
 * are the widths of common sans-serif letters, rather too wide than too narrow.
 */
function widthOf({ fontSize = 11 }: { fontSize?: number }, text: string): number {
  let ems = 0;
  for (const letter of text) {
    ems += /[iljtfrI.,:;'|!()[\] -]/.test(letter) ? 0.36 : /[mwMW@%Δ≥]/.test(letter) ? 0.9 : /[A-Z]/.test(letter) ? 0.7 : 0.58; // prettier-ignore
  }
  return Math.ceil(ems * fontSize);
}

/** Without what tells each mark to a screen reader, as the whole has a label; with coordinates to a hundredth. */
function tidied(svg: string, name: string, heading: string): string {
  return svg
    .replace(/ (?:aria-[a-z]+|role|pointer-events|xmlns:xlink|version)="[^"]*"/g, '')
    .replace(/ opacity="1"/g, '')
    .replace(/<path class="(?:background|foreground)"[^>]*?\/>/g, '')
    .replace(/ class="[^"]*"/g, '')
    .replace(/ (d|transform|x|y|x1|x2|y1|y2|dx|dy|width|height)="[^"]*"/g, (attribute) =>
      attribute.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (number) =>
        String(Math.round(100 * Number(number)) / 100),
      ),
    )
    .replace(/(id="|url\(#)(clip|gradient)/g, `$1${name}-$2`)
    .replace('<svg ', `<svg role="img" aria-label="${attributeText(heading)}" `);
}

export function attributeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('\n', ' ');
}
