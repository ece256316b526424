/** A trial while it trains: its loss, the masks of its layers, what attention multiplies their blocks by. */
import { aText, anObject, assertOptions, listOf, required, wholeNumber } from '@espalier/core';
import type { KernelView, StepMetrics } from '@espalier/experiment';

import { picture, type Layer } from '../masks/picture.js';
import { tiles, tileWidth } from '../masks/tiles.js';
import { INK, lookOf } from '../palette.js';
import { binned } from '../plots/bins.js';
import { lossCurves } from '../plots/curves.js';
import { kebab, type Plot } from '../plots/plot.js';

export interface RunningTrial {
  /** What it is called, over each plot. */
  readonly title: string;
  /** Which of the strategies it is, from 0, which says its colour; null for the dense baseline. */
  readonly index: number | null;
  /** Those that are done. */
  readonly steps: readonly StepMetrics[];
  readonly totalSteps: number;
  /** As a reading of `inPlace({ onReading })` has them; none of the dense baseline. */
  readonly kernels: readonly KernelView[];
  /** Steps of the dense baseline, drawn behind its own; empty where they are not known. */
  readonly dense: readonly StepMetrics[];
}

export interface RunningPlot extends Plot {
  /** The same in numbers: a head, and rows as long. */
  readonly numbers: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
}

/** A model of more layers shows its largest. */
const MOST_LAYERS = 24;
/** Of what attention sets apart. */
const SHADES = 8;
/** Of numbers in place of a curve. */
const MOST_ROWS = 20;

/**
 * As far as there is something to show: the loss, the masks, the attention.
 *
 * @throws TypeError or RangeError for what is no such trial
 */
export async function runningPlots(trial: RunningTrial): Promise<RunningPlot[]> {
  assertOptions('runningPlots()', trial, {
    title: required(aText('what it is called')),
    index: required({ ...wholeNumber(0), holds: (value) => value === null || wholeNumber(0).holds(value) }),
    steps: required(listOf(anObject('a step'), 'a list of steps')),
    totalSteps: required(wholeNumber()),
    kernels: required(listOf(anObject('a kernel'), 'a list of kernels, as a reading has them')),
    dense: required(listOf(anObject('a step'), 'a list of steps')),
  });
  const { title } = trial;
  const attended = trial.kernels.filter(({ factors }) => factors !== null);
  const plots = [
    await loss(trial),
    layersOf(trial.kernels, `Kept blocks, ${title}`, kept),
    layersOf(attended, `Block factors, ${title}`, attention),
  ];
  return plots.filter((plot) => plot !== null);
}

async function loss({ title, index, steps, totalSteps, dense }: RunningTrial): Promise<RunningPlot | null> {
  const { colour } = lookOf(index);
  const plot = await lossCurves(`Training loss, ${title}`, { logs: [steps], dense, colour, totalSteps });
  if (!plot) return null;
  const bins = binned([steps]);
  const every = Math.max(1, Math.ceil(bins.length / MOST_ROWS));
  const shown = bins.filter((_, i) => (bins.length - 1 - i) % every === 0);
  const rows = shown.map(({ step, loss }) => [String(Math.round(step)), loss?.toFixed(4) ?? 'not finite']);
  const note = dense.length > 0 && index !== null ? 'The dashed line is the dense baseline.' : null;
  return { ...plot, note, numbers: { head: ['step', 'loss'], rows } };
}

/** What is shown of a kernel. */
interface Shown {
  readonly layers: readonly Layer[];
  readonly label: string;
  readonly cells: readonly string[];
}

interface Kind {
  readonly head: readonly string[];
  readonly note: string;
  of(kernel: KernelView): Shown;
}

function layersOf(kernels: readonly KernelView[], title: string, kind: Kind): RunningPlot | null {
  if (kernels.length === 0) return null;
  const largest = [...kernels].sort((a, b) => b.mask.length - a.mask.length).slice(0, MOST_LAYERS);
  const shown = kernels.filter((kernel) => largest.includes(kernel));
  const across = shown.length < 2 ? 1 : shown.length < 5 ? 2 : 4;
  const box = { width: tileWidth(across), height: across === 1 ? 240 : 130 };
  const of = new Map(kernels.map((kernel) => [kernel, kind.of(kernel)]));
  const list = shown.map((kernel) => {
    const { label, layers } = of.get(kernel)!;
    return { label, picture: picture(kernel.gridShape, layers, box) };
  });
  const left = kernels.length - shown.length;
  const note = left > 0 ? `${kind.note} The ${left} smallest layers are left out.` : kind.note;
  return {
    ...{ name: kebab(title), title, note },
    svg: tiles(title, list, across),
    numbers: {
      head: ['layer', ...kind.head],
      rows: kernels.map((kernel) => [layerOf(kernel), ...of.get(kernel)!.cells]),
    },
  };
}

const kept: Kind = {
  head: ['blocks', 'kept'],
  note: 'A cell is a block, filled where it is kept.',
  of(kernel) {
    const { mask } = kernel;
    const count = mask.reduce((sum, bit) => sum + bit, 0);
    return {
      layers: [{ blocks: mask, colour: INK.shade.light }],
      label: `${layerOf(kernel)} ${count} of ${mask.length}`,
      cells: [String(mask.length), String(count)],
    };
  },
};

const attention: Kind = {
  head: ['least factor', 'largest factor'],
  note: 'What attention, or a threshold, multiplies each kept block by: from the least of its layer, faint, to the largest, full.',
  of(kernel) {
    const { mask, factors } = kernel as KernelView & { factors: Float32Array };
    const ofKept = factors.filter((_, block) => mask[block]);
    const [least, most] = [ofKept.reduce((a, b) => Math.min(a, b), Infinity), ofKept.reduce((a, b) => Math.max(a, b), -Infinity)]; // prettier-ignore
    const shadeOf = (factor: number) =>
      most > least
        ? Math.min(SHADES - 1, Math.floor((SHADES * (factor - least)) / (most - least)))
        : SHADES - 1;
    const layers = Array.from({ length: SHADES }, (_, shade) => ({
      blocks: mask.map((bit, block) => (bit && shadeOf(factors[block]!) === shade ? 1 : 0)),
      colour: INK.shade.light,
      opacity: 0.15 + (0.85 * shade) / (SHADES - 1),
    }));
    const cells = ofKept.length > 0 ? [factorText(least), factorText(most)] : ['—', '—'];
    return { layers, label: `${layerOf(kernel)} ${cells.join(' to ')}`, cells };
  },
};

const layerOf = ({ name }: KernelView) => name.replace(/\/kernel$/, '');
const factorText = (factor: number) => String(Number(factor.toPrecision(3)));
