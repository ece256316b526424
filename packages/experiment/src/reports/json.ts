/** The summary itself. */
import type { Report } from './report.js';

export const json: Report = (summary) => `${JSON.stringify(summary, null, 2)}\n`;
