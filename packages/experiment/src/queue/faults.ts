/** What goes wrong with a server of queues: what may pass, what tells that its data were lost, and how it is said. */

interface Fault {
  readonly code?: string;
  readonly message?: string;
}

/** Of the system; of PostgreSQL: it shuts down, starts, has no room for connections. */
const PASSING = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'],
  ...['57P01', '57P02', '57P03', '08006', '08001', '53300'],
]);

/** Of PostgreSQL: no room on its disk, none in memory. */
const FULL = new Set(['53100', '53200']);

/** Whether the server is there, and takes nothing more: its memory is used up, or its disk, or it cannot write there. */
export function isFull({ code, message = '' }: Fault): boolean {
  return (code !== undefined && FULL.has(code)) || /^(MISCONF|OOM)\b/.test(message);
}

/** Of PostgreSQL, where its data were lost: no such table, schema, function. */
export function isEmptied({ code }: Fault): boolean {
  return code === '42P01' || code === '3F000' || code === '42883';
}

/** Whether the same may be answered later. */
export function mayPass(error: unknown): boolean {
  const { code, message = '' } = error as Fault;
  if ((code !== undefined && PASSING.has(code)) || isFull(error as Fault)) return true;
  return /^(LOADING|BUSY|READONLY|MASTERDOWN)\b|Connection (is closed|terminated)|timeout exceeded when trying to connect|Connection ended/.test(
    message,
  );
}

export function lineOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  const text = message || errors?.[0]?.message || code || String(error);
  // Redis names its script where one failed.
  return text.split(/\n|\. script: /)[0] as string;
}
