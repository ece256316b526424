/** Text in lines of so many characters. */

/** Broken at spaces and after hyphens; a piece that is longer stays whole. */
export function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of text.match(/[^\s-]*-+|[^\s-]+|\s+/g) ?? []) {
    if (line !== '' && lengthOf((line + piece).trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += line === '' ? piece.trimStart() : piece;
  }
  return line.trimEnd() === '' ? lines : [...lines, line.trimEnd()];
}

/** In characters, as a terminal counts them. */
export function lengthOf(text: string): number {
  return [...text].length;
}
