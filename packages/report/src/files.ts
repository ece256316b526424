/** Plots as files of their own. */
import { assertCompared, type Compared } from './report.js';
import { darkRules, INK } from './palette.js';
import { sectionsOf } from './plots/plots.js';
import type { Plot } from './plots/plot.js';

/** Every plot of the report, in its order. */
export async function plotsOf(compared: Compared): Promise<Plot[]> {
  assertCompared('plotsOf()', compared);
  return (await sectionsOf(compared)).flatMap(({ plots, folded }) => [...plots, ...folded]);
}

/** A plot as a file: on paper's white, or the dark's own ground, by what the reader's system prefers. */
export function svgFile({ svg }: Plot): string {
  const style = `<style>${darkRules()}</style>`;
  const ground = `<rect width="100%" height="100%" fill="${INK.paper.light}"/>`;
  return `${svg.replace(/(<svg [^>]*>)/, `$1${style}${ground}`)}\n`;
}
