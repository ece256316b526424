/**
 * Comparisons of pruning strategies to look at: one page that needs no network, and its plots as files. For Node and
 * browsers, but for PNG, which is Node's.
 */
export { plotsOf, svgFile } from './files.js';
export { htmlReport } from './page/page.js';
export type { Plot } from './plots/plot.js';
export { pngFile } from './png.js';
export { readTrials, type Compared, type TrialRecord } from './report.js';
