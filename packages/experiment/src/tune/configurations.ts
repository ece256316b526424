/** Points of a space of settings: what is tried. */
import { assertArgument, oneOf, wholeNumber, type SettingRange, type SettingsSpace } from '@espalier/core';
import { random, type Random } from '@espalier/datasets';

export type SettingValue = string | number | boolean;

/** By the settings' names; what is not named is as it is by itself. */
export type Configuration = Readonly<Record<string, SettingValue>>;

/** How points are chosen: at random, or at the corners of a grid. */
export type SearchKind = 'random' | 'grid';

export const searchKinds: readonly SearchKind[] = ['random', 'grid'];

/**
 * At first what a strategy is by itself, then points of its space.
 *
 * @param count how many, the first included
 * @param seed with `purpose` what chance is drawn from: fewer of them are the first of more
 */
export function configurations(
  space: SettingsSpace,
  { count, search, seed, purpose }: { count: number; search: SearchKind; seed: number; purpose: string },
): Configuration[] {
  const of = 'configurations()';
  assertArgument(of, 'count', count, wholeNumber());
  assertArgument(of, 'search', search, oneOf(...searchKinds));
  if (Object.keys(space).length === 0) return [{}];
  const points =
    search === 'grid' ? gridOf(space, count - 1) : draws(space, count - 1, random(seed, `tune/${purpose}`));
  return [{}, ...points];
}

function draws(space: SettingsSpace, count: number, chance: Random): Configuration[] {
  return Array.from({ length: count }, () =>
    Object.fromEntries(Object.entries(space).map(([name, range]) => [name, at(range, chance.uniform())])),
  );
}

/**
 * The finest grid of at most so many points: one level of each setting, in the middle, and as often as there is room for
 * it one more of each in turn, those that are declared first at first.
 */
function gridOf(space: SettingsSpace, most: number): Configuration[] {
  if (most < 1) return [];
  const ranges = Object.values(space);
  const levels = ranges.map(() => 1);
  const product = () => levels.reduce((a, b) => a * b, 1);
  for (let grown = true; grown;) {
    grown = false;
    for (const [i, range] of ranges.entries()) {
      if (levels[i]! >= distinct(range)) continue;
      levels[i]!++;
      if (product() <= most) grown = true;
      else levels[i]!--;
    }
  }
  const points = Object.entries(space).reduce<Configuration[]>(
    (before, [name, range], i) =>
      before.flatMap((point) => spaced(range, levels[i]!).map((value) => ({ ...point, [name]: value }))),
    [{}],
  );
  return points;
}

/** How many values there are. */
function distinct(range: SettingRange): number {
  if ('values' in range) return range.values.length;
  return range.whole ? range.high - range.low + 1 : Infinity;
}

/** From one end to the other; of one, the middle. */
function spaced(range: SettingRange, levels: number): SettingValue[] {
  if ('values' in range) return range.values.slice(0, levels);
  const places = levels === 1 ? [0.5] : Array.from({ length: levels }, (_, i) => i / (levels - 1));
  return [...new Set(places.map((place) => at(range, place)))];
}

/** At a place from 0 to 1, to three digits. */
function at(range: SettingRange, place: number): SettingValue {
  if ('values' in range) {
    const { values } = range;
    return values[Math.min(Math.floor(place * values.length), values.length - 1)]!;
  }
  const { low, high, logarithmic, whole } = range;
  const value = logarithmic ? low * (high / low) ** place : low + (high - low) * place;
  const rounded = whole ? Math.round(value) : Number(value.toPrecision(3));
  return Math.min(Math.max(rounded, low), high);
}
