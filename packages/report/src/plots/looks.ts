/** What plots of strategies have alike: the looks by which they are told apart, and how far the axes go. */
import type { Look } from '../palette.js';
import type { Spec } from '../vega.js';

/** Channels for colour, shape and dash by the field `strategy`, with a legend of those in the plot. */
export function lookChannels(
  looks: ReadonlyMap<string, Look>,
  shown: Iterable<string>,
  legend = true,
): Record<'color' | 'shape' | 'strokeDash', Spec> {
  const present = new Set(shown);
  const [names, of] = [
    [...looks.keys()].filter((name) => present.has(name)),
    (name: string) => looks.get(name)!,
  ];
  const channel = (range: (look: Look) => unknown, inLegend: boolean) => ({
    field: 'strategy',
    type: 'nominal',
    scale: { domain: names, range: names.map((name) => range(of(name))) },
    legend: inLegend ? { title: null } : null,
  });
  return {
    color: channel(({ colour }) => colour, legend),
    shape: channel(({ shape }) => shape, legend),
    // A dashed outline of a symbol would be no more than a blot.
    strokeDash: channel(({ dash }) => dash, false),
  };
}

export interface Span {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Where an axis begins and ends: every mean is in it, and of intervals as much as lets the means be told apart.
 *
 * @param more numbers that are to be in it as well
 */
export function domainOf(spans: readonly Span[], more: readonly number[] = []): [number, number] {
  const means = [...spans.map(({ mean }) => mean), ...more];
  const [least, most] = [Math.min(...means), Math.max(...means)];
  const room = most > least ? most - least : Math.abs(most) * 0.1 || 1;
  const low = Math.min(least, ...spans.map((span) => Math.max(span.low, least - room)));
  const high = Math.max(most, ...spans.map((span) => Math.min(span.high, most + room)));
  const margin = 0.06 * (high - low || room);
  return [low - margin, high + margin];
}

/** Of what cannot be under zero: its intervals may be, and need no room there. */
export function fromZero(spans: readonly Span[], [low, high]: readonly [number, number]): [number, number] {
  return [spans.every(({ mean }) => mean >= 0) ? Math.max(0, low) : low, high];
}

/** Whether intervals go on outside. */
export function leaves(spans: readonly Span[], [low, high]: readonly [number, number]): boolean {
  return spans.some((span) => span.low < low || span.high > high);
}

/** Cut to what the axis shows: what is drawn outside would lie over the labels. */
export function within(value: number, [low, high]: readonly [number, number]): number {
  return Math.min(high, Math.max(low, value));
}
