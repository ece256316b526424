/** A line on standard error that says how much of one thing is done; nothing where no terminal shows it. */
import { createLogUpdate } from 'log-update';

import { gauge } from './gauge.js';
import { isRedrawn } from './progress.js';

export interface Amount {
  /** @param total null where it is not known */
  update(what: string, done: number, total: number | null): void;
  /** The line stays as it is, and what is updated from then on is another. */
  stop(): void;
}

/** At most so often. */
const REDRAW_MS = 100;

export function showAmount(unit = '', stream: NodeJS.WriteStream = process.stderr): Amount {
  if (!isRedrawn(stream, process.env)) return { update: () => {}, stop: () => {} };
  const draw = createLogUpdate(stream, { showCursor: true });
  let text = '';
  let drawnAt = -Infinity;
  return {
    update(what, done, total) {
      const of = total === null ? `${done}` : `${done}/${total}`;
      const bar = total === null ? '' : `${gauge(total > 0 ? done / total : 1)} `;
      text = `${what} ${bar}${of}${unit && ` ${unit}`}`;
      if (performance.now() - drawnAt < REDRAW_MS) return;
      draw(text);
      drawnAt = performance.now();
    },
    stop() {
      if (text) draw(text);
      text = '';
      draw.done();
    },
  };
}
