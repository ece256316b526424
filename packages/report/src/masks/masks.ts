/** Masks: what was found beside what is true, how a search came there, what every layer keeps at the end. */
import { unpackMask, type Group, type MaskBits, type MaskedKernel } from '@espalier/experiment';

import { INK } from '../palette.js';
import { kebab, type Plot } from '../plots/plot.js';
import type { Section } from '../plots/plots.js';
import { sparsityText, type Series } from '../plots/series.js';
import { recordOf, type TrialRecord } from '../report.js';
import { picture } from './picture.js';
import { tiles, tileWidth } from './tiles.js';

/** Of one strategy and target, the first seed that has them. */
interface Masked {
  readonly title: string;
  readonly record: TrialRecord & { readonly masks: NonNullable<TrialRecord['masks']> };
}

/** How many pictures show a search. */
const SHOWN = 8;
/** A model of more layers shows its largest. */
const MOST_LAYERS = 24;

export function masks(series: Series): Section[] {
  const groups = series.variants.flatMap((variant) => variant.groups);
  const all = groups.flatMap((group) => maskedOf(series, group));
  const firstTarget = all.slice(0, new Set(groups.map(({ pruner }) => pruner)).size);
  const rest = all.slice(firstTarget.length);
  const sections: [string, string, (masked: Masked) => Plot | null][] = [
    ['truth', 'Found beside the true support', truth],
    ['evolution', 'Masks over the search', evolution],
    ['masks', 'Masks at the end', final],
  ];
  return sections.map(([id, title, plot]) => {
    const of = (list: readonly Masked[]) => list.map(plot).filter((drawn) => drawn !== null);
    const note = all.length > 0 ? noteOf(id) : null;
    return { id, title, note, plots: of(firstTarget), folded: of(rest) };
  });
}

function noteOf(id: string): string | null {
  if (id === 'evolution') {
    return 'The kernel with most blocks, of one seed. What entered and left is since the picture before.';
  }
  return id === 'masks'
    ? 'Of one seed. A cell is a block; in large layers, several blocks, shaded by how many.'
    : null;
}

function maskedOf(series: Series, group: Group): Masked[] {
  for (const row of group.rows) {
    const record = recordOf(series.compared, row);
    if (!record?.masks) continue;
    const { pruner, sparsity, blockShape, allocation } = group;
    const shared = allocation && allocation !== 'uniform' ? ` ${allocation}` : '';
    const title = `${pruner} ${sparsityText(sparsity)} ${blockShape.join('×')}${shared}`;
    return [{ title, record: { ...record, masks: record.masks } }];
  }
  return [];
}

const blocksOf = ({ gridShape }: MaskedKernel) => gridShape[0] * gridShape[1];
const bitsOf = (kernel: MaskedKernel, bits: MaskBits) => unpackMask(bits, blocksOf(kernel));
const layerOf = ({ name }: MaskedKernel) => name.replace(/\/kernel$/, '');
const count = (bits: Uint8Array) => bits.reduce((sum, bit) => sum + bit, 0);
const both = (a: Uint8Array, b: Uint8Array) => a.map((bit, block) => bit & b[block]!);
const without = (a: Uint8Array, b: Uint8Array) => a.map((bit, block) => bit & ~b[block]!);

function truth({ title, record: { masks, trial } }: Masked): Plot | null {
  const known = masks.kernels.flatMap((kernel, i) => {
    const bits = masks.final?.[i];
    if (kernel.truth === undefined || bits === undefined) return [];
    const [found, real] = [bitsOf(kernel, bits), bitsOf(kernel, kernel.truth)];
    return [{ kernel, hit: both(found, real), missed: without(real, found), wrong: without(found, real) }];
  });
  if (known.length === 0) return null;
  const across = known.length === 1 ? 1 : 2;
  const box = { width: tileWidth(across), height: 240 };
  const list = known.map(({ kernel, hit, missed, wrong }) => ({
    label: layerOf(kernel),
    picture: picture(
      kernel.gridShape,
      [
        { blocks: hit, colour: INK.hit.light },
        { blocks: missed, colour: INK.missed.light },
        { blocks: wrong, colour: INK.axis.light },
      ],
      box,
    ),
  }));
  const sum = (of: 'hit' | 'missed' | 'wrong') =>
    known.reduce((total, kernel) => total + count(kernel[of]), 0);
  const keys = [
    { colour: INK.hit.light, text: `found ${sum('hit')}` },
    { colour: INK.missed.light, text: `missed ${sum('missed')}` },
    { colour: INK.axis.light, text: `not true ${sum('wrong')}` },
  ];
  const name = kebab('truth', title);
  return { name, title, note: `Seed ${trial.seed}.`, svg: tiles(title, list, across, keys) };
}

function evolution({ title, record: { masks, trial } }: Masked): Plot | null {
  const { kernels, choices, made } = masks;
  const largest = kernels.reduce(
    (best, kernel, i) => (blocksOf(kernel) > blocksOf(kernels[best]!) ? i : best),
    0,
  );
  const kernel = kernels[largest];
  if (!kernel || choices.length < 2) return null;
  const shown = evenly(choices, SHOWN);
  const box = { width: tileWidth(4), height: 150 };
  let before: Uint8Array | null = null;
  const list = shown.map(({ step, kept }) => {
    const now = bitsOf(kernel, kept[largest]!);
    const stayed = before ? both(now, before) : now;
    const moved = before
      ? [
          { blocks: without(now, before), colour: INK.hit.light },
          { blocks: without(before, now), colour: INK.missed.light },
        ]
      : [];
    before = now;
    const layers = [{ blocks: stayed, colour: INK.shade.light }, ...moved];
    return { label: `step ${step}`, picture: picture(kernel.gridShape, layers, box) };
  });
  const keys = [
    { colour: INK.shade.light, text: 'kept' },
    { colour: INK.hit.light, text: 'entered' },
    { colour: INK.missed.light, text: 'left' },
  ];
  const name = kebab('evolution', title);
  const note = `${layerOf(kernel)} of seed ${trial.seed}; ${shown.length} of ${made} choices.`;
  return { name, title, note, svg: tiles(title, list, 4, keys) };
}

function final({ title, record: { masks, trial } }: Masked): Plot | null {
  const { kernels, final: bits } = masks;
  if (!bits) return null;
  const order = kernels.map((kernel, i) => ({ kernel, i }));
  const largest = [...order].sort((a, b) => blocksOf(b.kernel) - blocksOf(a.kernel)).slice(0, MOST_LAYERS);
  const shown = order.filter((kernel) => largest.includes(kernel));
  const across = shown.length < 2 ? 1 : shown.length < 5 ? 2 : 4;
  const box = { width: tileWidth(across), height: across === 1 ? 240 : 130 };
  const list = shown.map(({ kernel, i }) => ({
    label: layerOf(kernel),
    picture: picture(kernel.gridShape, [{ blocks: bitsOf(kernel, bits[i]!), colour: INK.shade.light }], box),
  }));
  const left = kernels.length - shown.length;
  const note = `Seed ${trial.seed}${left > 0 ? `; the ${left} smallest layers are left out` : ''}.`;
  return { name: kebab('masks', title), title, note, svg: tiles(title, list, across) };
}

/** The first, the last, and as many between. */
function evenly<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))] as T);
}
