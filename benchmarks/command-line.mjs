// The options of a benchmark. What is wrong with them ends in one line, which names the option, the value seen and what is
// allowed, and in exit code 2.

import { parseArgs } from 'node:util';

import { backendNames, isBackendChoice } from '@espalier/backend';

/** The message is one line. */
export class Misuse extends Error {}

/** A whole number. */
export function count(usual, { from = 1, to = 1e9 } = {}) {
  const allowed = to === 1e9 ? `a whole number from ${from}` : `a whole number from ${from} to ${to}`;
  return {
    usual,
    allowed,
    read: (text) =>
      /^\d+$/.test(text) && Number(text) >= from && Number(text) <= to
        ? Number(text)
        : refuse(`is not ${allowed}`),
  };
}

/** A number above 0, of seconds or the like. */
export function positive(usual) {
  const allowed = 'a number above 0';
  return {
    usual,
    allowed,
    read: (text) =>
      /^\d*\.?\d+$/.test(text) && Number(text) > 0 ? Number(text) : refuse(`is not ${allowed}`),
  };
}

/** Some of these names, each once, with commas between them; all where nothing is said, unless that is said here. */
export function names(known, usual = known) {
  const allowed = `some of ${known.join(', ')}`;
  const read = (text) => {
    const chosen = text.split(',');
    const unknown = chosen.find((name) => !known.includes(name));
    if (unknown !== undefined) refuse(`has the unknown '${unknown}': choose ${known.join(', ')}`);
    const twice = chosen.find((name, i) => chosen.indexOf(name) < i);
    if (twice !== undefined) refuse(`has '${twice}' twice: give it once`);
    return chosen;
  };
  return { usual, allowed, read };
}

/**
 * Values with commas between them, each as `readOne` makes it of a text, or null where that is none.
 *
 * @param usual a text of such values
 * @param allowed one of them, in words such as 'a share below 1'
 */
export function listOf(usual, allowed, readOne) {
  const read = (text) =>
    text.split(',').map((part) => readOne(part) ?? refuse(`has '${part}', which is not ${allowed}`));
  return { usual: read(usual), allowed: `${allowed}, or several`, read };
}

/** What only its use can check, in words such as 'a file'. */
export function text(allowed, usual) {
  return { usual, allowed, read: (given) => given || refuse(`is empty: give ${allowed}`) };
}

/** What `startBackend` takes. */
export function backend(usual) {
  const allowed = `auto, ${backendNames.join(', ')}, or webgpu:<part of an adapter's name>`;
  return {
    usual,
    allowed,
    read: (given) => (isBackendChoice(given) ? given : refuse(`is no backend: give ${allowed}`)),
  };
}

/** An option without a value. */
export const flag = { usual: false, allowed: null };

/**
 * The values of this process' options, by name; or its end.
 *
 * @param known what there is, by name: `{ rounds: count(5), quick: flag }`
 */
export function readOptions(known) {
  try {
    return valuesOf(known, process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(2);
  }
}

function refuse(message) {
  throw new Misuse(message);
}

/** @throws Misuse */
export function valuesOf(known, args) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { allowed }]) => [
      name,
      { type: allowed === null ? 'boolean' : 'string' },
    ]),
  );
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const values = Object.fromEntries(Object.entries(known).map(([name, { usual }]) => [name, usual]));
  const seen = new Set();
  for (const token of tokens) {
    if (token.kind !== 'option') refuse(`there is no argument '${token.value ?? '--'}': ${list(known)}`);
    const { name, rawName, value } = token;
    if (!Object.hasOwn(known, name)) refuse(`there is no option ${rawName}: ${list(known)}`);
    if (seen.has(name)) refuse(`${rawName} is given twice: give it once`);
    seen.add(name);
    values[name] = valueOf(known[name], rawName, value);
  }
  return values;
}

function valueOf({ allowed, read }, rawName, value) {
  if (allowed === null) return value === undefined || refuse(`${rawName} takes no value, not '${value}'`);
  // An option that follows is no value.
  if (value === undefined || value.startsWith('--')) refuse(`${rawName} has no value: give ${allowed}`);
  try {
    return read(value);
  } catch (error) {
    throw error instanceof Misuse ? new Misuse(`${rawName} ${value} ${error.message}`) : error;
  }
}

function list(known) {
  const all = Object.keys(known).map((name) => `--${name}`);
  return all.length > 0 ? `there are ${all.join(', ')}` : 'there are none';
}
