/** The first row the titles; the first column on the left, the others on the right. */
export function markdownTable([titles = [], ...lines]: readonly (readonly string[])[]): string {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  const rule = line(titles.map((_, i) => (i === 0 ? '---' : '---:')));
  return [line(titles), rule, ...lines.map(line)].join('\n');
}
