/** What the page does where scripts run: its tables are sorted by a click, and nothing stays folded on paper. */
export const SCRIPT = `
for (const table of document.querySelectorAll('table.results')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.onclick = () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      heads.forEach((other) => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const key = (row) => {
        const text = row.cells[column].textContent;
        const number = parseFloat(text.replace('−', '-').replace('+', ''));
        return Number.isNaN(number) ? text : number;
      };
      const rank = (value) => (value === '—' ? 2 : typeof value === 'string' ? 1 : 0);
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => {
        const [one, two] = [key(a), key(b)];
        if (rank(one) !== rank(two)) return rank(one) - rank(two);
        const order = typeof one === 'number' ? one - two : one.localeCompare(two);
        return down ? -order : order;
      });
      body.append(...rows);
    };
  });
}
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((part) => { part.open = true; }));
`.trim();
