/** Pictures side by side under one heading, each with its label: a drawing like any other. */
import { INK } from '../palette.js';
import { attributeText, FONT, PLOT_WIDTH, SMALLEST_TEXT } from '../vega.js';
import type { Picture } from './picture.js';

export interface Tile {
  readonly label: string;
  readonly picture: Picture;
}

export interface Key {
  readonly colour: string;
  readonly text: string;
}

const GAP = 8;
const LINE = 15;

/** The width that each of so many side by side has. */
export function tileWidth(across: number): number {
  return Math.floor((PLOT_WIDTH - GAP * (across + 1)) / across);
}

export function tiles(
  heading: string,
  list: readonly Tile[],
  across: number,
  keys: readonly Key[] = [],
): string {
  const width = tileWidth(across);
  const parts: string[] = [];
  let top = 22;
  for (let first = 0; first < list.length; first += across) {
    const row = list.slice(first, first + across);
    const labels = row.map(({ label }) => fitted(label, width));
    const lines = Math.max(...labels.map((label) => label.length));
    row.forEach(({ picture }, i) => {
      const left = GAP + i * (width + GAP);
      labels[i]!.forEach((line, j) => {
        parts.push(text(line, left, top + LINE * j + SMALLEST_TEXT, INK.muted.light));
      });
      parts.push(`<g transform="translate(${left},${top + LINE * lines + 2})">${picture.svg}</g>`);
    });
    top += LINE * lines + 2 + Math.max(...row.map(({ picture }) => picture.height)) + GAP;
  }
  let left = GAP;
  for (const { colour, text: meaning } of keys) {
    const needed = 18 + Math.ceil(6.3 * meaning.length) + GAP;
    if (left > GAP && left + needed > PLOT_WIDTH) [left, top] = [GAP, top + LINE];
    parts.push(`<rect x="${left}" y="${top + 1}" width="11" height="11" fill="${colour}"/>`);
    parts.push(text(meaning, left + 16, top + SMALLEST_TEXT, INK.muted.light));
    left += needed;
  }
  if (keys.length > 0) top += LINE + 4;
  const title = `<text x="4" y="14" font-family="${FONT}" font-size="13" font-weight="600" fill="${INK.text.light}">${attributeText(heading)}</text>`;
  return `<svg role="img" aria-label="${attributeText(heading)}" xmlns="http://www.w3.org/2000/svg" width="${PLOT_WIDTH}" height="${top}" viewBox="0 0 ${PLOT_WIDTH} ${top}">${title}${parts.join('')}</svg>`;
}

function text(content: string, x: number, y: number, colour: string): string {
  return `<text x="${x}" y="${y}" font-family="${FONT}" font-size="${SMALLEST_TEXT}" fill="${colour}">${attributeText(content)}</text>`;
}

/** In lines that a tile has room for. */
function fitted(label: string, width: number): string[] {
  const most = Math.max(6, Math.floor(width / 6));
  const lines: string[] = [];
  for (const part of label.split(/(?<=[ _/-])/)) {
    const last = lines.at(-1);
    if (last !== undefined && (last + part).trimEnd().length <= most) lines[lines.length - 1] = last + part;
    else lines.push(part);
  }
  return lines.map((line) => line.trimEnd());
}
