/**
 * Comparisons of pruning strategies to look at: one page that needs no network, and its plots as files. For Node and
 * browsers, but for PNG, which is Node's.
 */
export { plotsOf, svgFile } from './files.js';
export { htmlReport } from './page/page.js';
export { figureHtml, tableHtml } from './page/parts.js';
export { STYLE as pageStyle } from './page/style.js';
export type { Plot } from './plots/plot.js';
export { pngFile } from './png.js';
export { runningPlots, type RunningPlot, type RunningTrial } from './running/running.js';
export { readTrials, type Compared, type TrialRecord } from './report.js';
