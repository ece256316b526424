/** Checks of arguments, in one line each. Data know no other package, so that these few are their own. */

/**
 * @param name the argument's, after its function's: `random(): seed`
 * @param expected the end of "and is to be …"
 * @throws RangeError for a number, TypeError for anything else, unless it holds
 */
export function assertArgument(holds: boolean, name: string, value: unknown, expected: string): void {
  if (holds) return;
  const Refusal = typeof value === 'number' ? RangeError : TypeError;
  throw new Refusal(`${name} = ${seen(value)}, and is to be ${expected}`);
}

/** @throws TypeError for what is no object, or has a field that is not among these */
export function assertFields(value: unknown, fields: readonly string[], of: string): void {
  const expected = `an object of ${fields.join(', ')}`;
  assertArgument(isObject(value), of, value, expected);
  const unknown = Object.keys(value as object).find((field) => !fields.includes(field));
  if (unknown === undefined) return;
  throw new TypeError(`${of} has no '${unknown}': it is ${expected}`);
}

/** @throws TypeError unless it is the path of a folder */
export function assertFolder(folder: unknown, of: string): void {
  assertArgument(typeof folder === 'string', `${of}: folder`, folder, "a folder's path");
}

export function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isObject(value: unknown): boolean {
  const isPromise = typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isPromise;
}

function seen(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 40)}' (a string)`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'function' || isObject(value)) return `of type ${typeof value}`;
  return typeof value === 'object' && value !== null ? 'a promise' : String(value);
}
