/** The derivative of a function by its `i`th number, by central differences. */
export function centralDifference(
  f: (values: readonly number[]) => number,
  values: ArrayLike<number>,
  i: number,
  h = 1e-5,
): number {
  const at = (change: number) => f(Array.from(values, (value, j) => (i === j ? value + change : value)));
  return (at(h) - at(-h)) / (2 * h);
}
