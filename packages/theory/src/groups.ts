/** Groups: the parts `T_i` into which a vector of weights is cut, each a run of neighbouring entries. */
export interface Group {
  readonly start: number;
  /** One past the last entry. */
  readonly end: number;
}

export function consecutiveGroups(sizes: readonly number[]): Group[] {
  let end = 0;
  return sizes.map((size) => ({ start: end, end: (end += size) }));
}

export function norm(vector: ArrayLike<number>, start = 0, end = vector.length): number {
  let sum = 0;
  for (let j = start; j < end; j++) sum += vector[j]! ** 2;
  return Math.sqrt(sum);
}

/** `‖v_i‖₂` for every group. */
export function groupNorms(vector: ArrayLike<number>, groups: readonly Group[]): number[] {
  return groups.map(({ start, end }) => norm(vector, start, end));
}

/** The indices of the groups that are not zero. */
export function support(vector: ArrayLike<number>, groups: readonly Group[]): number[] {
  return groupNorms(vector, groups).flatMap((length, i) => (length > 0 ? [i] : []));
}

/** The index of the largest value, the first one among equals. */
export function largest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

/** All subsets of `0 … count − 1` with `size` members, or of every size. */
export function subsets(count: number, size?: number): number[][] {
  if (size === undefined) return Array.from({ length: count + 1 }, (_, each) => subsets(count, each)).flat();
  if (size === 0) return [[]];
  if (size > count) return [];
  const without = subsets(count - 1, size);
  const withLast = subsets(count - 1, size - 1).map((subset) => [...subset, count - 1]);
  return [...without, ...withLast];
}
