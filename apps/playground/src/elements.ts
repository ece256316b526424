/** Elements of the page: those that are there, and new ones. */

/** @throws TypeError where the page has none */
export function find<Found extends HTMLElement>(id: string): Found {
  const found = document.getElementById(id);
  if (!found) throw new TypeError(`The page has no element '${id}'`);
  return found as Found;
}

/** @param parts text, or elements, that it holds */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...parts: readonly (string | Node)[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...parts);
  return made;
}

/** A table of text; a cell may be an element. The first cell of each row names it. */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
): HTMLTableElement {
  const titles = head.map((title) => element('th', { scope: 'col' }, title));
  const body = rows.map((row) =>
    element(
      'tr',
      {},
      ...row.map((cell, i) => (i === 0 ? element('th', { scope: 'row' }, cell) : element('td', {}, cell))),
    ),
  );
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...titles)),
    element('tbody', {}, ...body),
  );
}

/** Hands a file to the reader. */
export function download(name: string, content: Uint8Array<ArrayBuffer> | string, type: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  element('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
