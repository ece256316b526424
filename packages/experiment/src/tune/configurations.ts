/** Points of a space of settings: what is tried. */
import { assertArgument, oneOf, wholeNumber, type SettingRange, type SettingsSpace } from '@espalier/core';
import { random, type Random } from '@espalier/datasets';
import type { TrainingSettings } from '@espalier/workloads';

type SettingValue = string | number | boolean;

/** By the settings' names; what is not named is as it is by itself. */
export type Configuration = Readonly<Record<string, SettingValue>>;

/** How points are chosen: at random, or at the corners of a grid, filled up at random. */
export type SearchKind = 'random' | 'grid';

export const searchKinds: readonly SearchKind[] = ['random', 'grid'];

/** What there is to choose. */
export interface Spaces {
  /** Of every strategy. */
  readonly training: SettingsSpace;
  /** Of this one. */
  readonly own: SettingsSpace;
}

export interface Point {
  readonly training: TrainingSettings;
  readonly settings: Configuration;
}

/**
 * At first what a strategy is by itself, then points of both spaces. At random, all strategies get the same values of what
 * they all have: none has better luck with its learning rate.
 *
 * @param count how many, the first included
 * @param seed with `purpose`, which sets strategies apart, what chance is drawn from: fewer are the first of more
 */
export function configurations(
  spaces: Spaces,
  { count, search, seed, purpose }: { count: number; search: SearchKind; seed: number; purpose: string },
): Point[] {
  const of = 'configurations()';
  assertArgument(of, 'count', count, wholeNumber());
  assertArgument(of, 'search', search, oneOf(...searchKinds));
  const corners = search === 'grid' ? gridOf(spaces, count - 1) : [];
  const left = count - 1 - corners.length;
  const training = draws(spaces.training, left, random(seed, 'tune/training'));
  const settings = draws(spaces.own, left, random(seed, `tune/settings of ${purpose}`));
  const drawn = training.map((point, i) => ({ training: point, settings: settings[i]! }));
  return [{ training: {}, settings: {} }, ...corners, ...drawn];
}

function draws(space: SettingsSpace, count: number, chance: Random): Configuration[] {
  return Array.from({ length: count }, () =>
    Object.fromEntries(Object.entries(space).map(([name, range]) => [name, at(range, chance.uniform())])),
  );
}

/**
 * The finest grid of at most so many points: one level of each setting, in the middle, and as often as there is room for
 * it one more of each in turn, training's at first.
 */
function gridOf({ training, own }: Spaces, most: number): Point[] {
  if (most < 1) return [];
  const all = [...Object.entries(training), ...Object.entries(own)];
  const levels = all.map(() => 1);
  const product = () => levels.reduce((a, b) => a * b, 1);
  for (let grown = true; grown;) {
    grown = false;
    for (const [i, [, range]] of all.entries()) {
      if (levels[i]! >= distinct(range)) continue;
      levels[i]!++;
      if (product() <= most) grown = true;
      else levels[i]!--;
    }
  }
  const points = all.reduce<Configuration[]>(
    (before, [name, range], i) =>
      before.flatMap((point) => spaced(range, levels[i]!).map((value) => ({ ...point, [name]: value }))),
    [{}],
  );
  const of = (point: Configuration, space: SettingsSpace) =>
    Object.fromEntries(Object.entries(point).filter(([name]) => name in space));
  return points.map((point) => ({ training: of(point, training), settings: of(point, own) }));
}

/** How many values there are. */
function distinct(range: SettingRange): number {
  if ('values' in range) return range.values.length;
  return range.whole ? range.high - range.low + 1 : Infinity;
}

/** From one end to the other; of one, the middle. */
function spaced(range: SettingRange, levels: number): SettingValue[] {
  const places = levels === 1 ? [0.5] : Array.from({ length: levels }, (_, i) => i / (levels - 1));
  return [...new Set(places.map((place) => at(range, place)))];
}

/** At a place from 0 to 1, to three digits. Each of several values, or whole numbers, has as much room. */
function at(range: SettingRange, place: number): SettingValue {
  if ('values' in range) {
    const { values } = range;
    return values[Math.min(Math.floor(place * values.length), values.length - 1)]!;
  }
  const { low, high, logarithmic, whole } = range;
  const [from, to] = whole ? [low - 0.5, high + 0.5] : [low, high];
  const value = logarithmic ? from * (to / from) ** place : from + (to - from) * place;
  const rounded = whole ? Math.round(value) : Number(value.toPrecision(3));
  return Math.min(Math.max(rounded, low), high);
}
