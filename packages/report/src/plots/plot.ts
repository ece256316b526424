/** A drawing of a report. */
export interface Plot {
  /** Of its file, in kebab case; no two plots of a report have one. */
  readonly name: string;
  readonly title: string;
  /** What is to be known to read it; null where the axes say all. */
  readonly note: string | null;
  readonly svg: string;
}

export function kebab(...parts: readonly string[]): string {
  return parts
    .join(' ')
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll('×', 'x')
    .replaceAll('.00%', '')
    .replaceAll('%', '')
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
