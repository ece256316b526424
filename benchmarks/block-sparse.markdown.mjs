// What the suites share to turn measurements into Markdown.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Rows by key, in the order in which they come. */
export function grouped(rows, keyOfRow) {
  const groups = new Map();
  for (const row of rows) {
    const key = keyOfRow(row);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  return groups;
}

/** A table; the first row is its head, the first column and those headed `side` are text. */
export function lines([head, ...body]) {
  const rule = head.map((_, i) => (i === 0 || head[i] === 'side' ? '---' : '---:'));
  return [head, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function number(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The median ratio, and between brackets the least and the most. */
export function spread(ratio) {
  return ratio ? `${number(ratio.median)} (${number(ratio.min)} to ${number(ratio.max)})` : '';
}

/** The sides that could not take part. */
export function absentees(absent) {
  return absent.length === 0
    ? []
    : [`Not present: ${absent.map(({ name, reason }) => `${name} (${reason})`).join('; ')}.`];
}

/** Median, least and most of the ratios of two series of times, round by round. */
export function ratioOf(theirs, mine) {
  const ratios = mine.map((ms, round) => theirs[round] / ms);
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
