/** What goes wrong with a server of queues: what may pass, what tells that its data were lost, and how it is said. */

/** Of the system; of PostgreSQL: it shuts down, starts, has no room for connections, no room on its disk. */
const PASSING = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'],
  ...['57P01', '57P02', '57P03', '08006', '08001', '53300', '53100', '53200'],
]);

/** Of PostgreSQL, where its data were lost: no such table, schema, function. */
export function isEmptied({ code }: { code?: string }): boolean {
  return code === '42P01' || code === '3F000' || code === '42883';
}

/** Whether the same may be answered later. */
export function mayPass(error: unknown): boolean {
  const { code, message = '' } = error as { code?: string; message?: string };
  if (code !== undefined && PASSING.has(code)) return true;
  return /^(MISCONF|OOM|LOADING|BUSY|READONLY|MASTERDOWN)\b|Connection (is closed|terminated)|timeout exceeded when trying to connect|Connection ended/.test(
    message,
  );
}

export function lineOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  const text = message || errors?.[0]?.message || code || String(error);
  return text.split('\n')[0] as string;
}
