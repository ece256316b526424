/** @throws RangeError, by name and value, unless it is a share of training above 0 and under 1 */
export function assertShare(share: number, name: string): void {
  if (!(share > 0 && share < 1)) throw new RangeError(`${name} = ${share} is not above 0 and under 1`);
}
