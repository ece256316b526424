/** A report: a summary as text of some format. */
import type { Summary } from '../summary.js';

export type Report = (
  summary: Summary,
  options?: {
    /** Of a terminal, in characters; without bounds when absent. */
    readonly width?: number | undefined;
  },
) => string;
