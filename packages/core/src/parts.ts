/** Whether each part of a strategy is what the types say: for those who write without them, or against them. */
import { describeValue } from '@espalier/blocks';

import type { Allocation } from './allocation.js';
import type { Importance, Parameterisation, Pruner } from './pruner.js';
import type { Search } from './search/phases.js';

/** What `typeof` says of a field; marked, of one that must be there. */
type Kind = 'string' | 'function' | 'boolean' | 'object';
type Field = Kind | `${Kind}!`;
type Fields = Readonly<Record<string, Field>>;
type FieldsOf<Part> = Record<Exclude<keyof Part, NeverOf<Part>>, Field>;
type NeverOf<Part> = {
  [Key in keyof Part]-?: [Exclude<Part[Key], undefined>] extends [never] ? Key : never;
}[keyof Part];

const IMPORTANCE = {
  name: 'string!',
  score: 'function!',
  usesGradient: 'boolean',
  usesInputs: 'boolean',
  needs: 'object',
  byNorm: 'boolean',
} satisfies FieldsOf<Importance>;

const PARTS = {
  parameterisation: {
    name: 'string!',
    trainables: 'function',
    learningRates: 'object',
    buffers: 'function',
    raw: 'function',
    elementwise: 'function',
    blockScale: 'function',
    afterChoice: 'function',
    proximal: 'function',
    zeroIsStuck: 'boolean',
    needsActive: 'boolean',
    needsNorm: 'boolean',
  } satisfies FieldsOf<Parameterisation>,
  importance: IMPORTANCE,
  growth: IMPORTANCE,
  search: {
    name: 'string!',
    phases: 'object!',
    prunedWeights: 'string!',
    gradient: 'string',
    final: 'string',
    needsGrowth: 'boolean',
  } satisfies FieldsOf<Search>,
  allocation: {
    name: 'string!',
    keep: 'function!',
    densities: 'function',
    byScore: 'boolean!',
  } satisfies FieldsOf<Allocation>,
} as const;

const STRATEGY = {
  name: 'string!',
  description: 'string!',
  source: 'string!',
  settings: 'object!',
  parameterisation: 'object!',
  importance: 'object!',
  growth: 'object',
  search: 'object!',
  allocation: 'object',
} satisfies FieldsOf<Pruner>;

/** What a search says in words. */
const WORDS = {
  prunedWeights: ['masked', 'erased'],
  gradient: ['kept', 'all'],
  final: ['target', 'learned'],
} satisfies { readonly [Key in keyof Search]?: readonly Search[Key][] };

/** @throws TypeError, of one line: the part, what was seen there, and what belongs there */
export function assertParts(pruner: Pruner): void {
  assertIsValue(pruner, 'The strategy');
  const name = typeof pruner.name === 'string' ? pruner.name : 'A strategy';
  for (const [part, fields] of Object.entries(PARTS)) {
    const value = pruner[part as keyof typeof PARTS];
    if (value === undefined) continue;
    assertIsValue(value, `${name}: the ${part}`);
    assertIsNoStrategy(value, part, name);
    assertFields(value, fields, `${name}: the ${part}`);
  }
  assertFields(pruner, STRATEGY, name);
  assertSearch(pruner.search, name);
}

/** @throws TypeError for what is no parameterisation: a whole strategy, a function that was not called, a promise */
export function assertParameterisation(value: unknown, what: string): void {
  assertIsValue(value, what);
  if ('search' in (value as object)) {
    const { name } = value as Pruner;
    throw new TypeError(
      `${what} is a whole strategy, ${name}: take its parameterisation alone, ${name}.parameterisation`,
    );
  }
  assertFields(value as object, PARTS.parameterisation, what);
}

function assertIsValue(value: unknown, what: string): void {
  if (typeof value === 'function') {
    throw new TypeError(
      `${what} is the function ${value.name || 'without a name'}, not what it makes: call it`,
    );
  }
  const isPromise = typeof (value as { then?: unknown } | null)?.then === 'function';
  if (typeof value === 'object' && value !== null && !isPromise) return;
  throw new TypeError(`${what} is ${describeValue(value)}, not an object${isPromise ? ': await it' : ''}`);
}

function assertIsNoStrategy(value: object, part: string, name: string): void {
  if (!('search' in value && 'importance' in value)) return;
  const other = (value as Pruner).name;
  throw new TypeError(
    `${name}: the ${part} is a whole strategy, ${other}: take that part of it alone, ` +
      `{ ${part}: ${other}.${part} }`,
  );
}

function assertFields(value: object, fields: Fields, what: string): void {
  for (const [field, kind] of Object.entries(fields)) {
    const seen = (value as Record<string, unknown>)[field];
    const required = kind.endsWith('!');
    if (seen === undefined && !required) continue;
    const expected = kind.replace('!', '');
    if (typeof seen === expected && seen !== null) continue;
    const article = expected === 'object' ? 'an' : 'a';
    throw new TypeError(
      seen === undefined
        ? `${what} has no ${field}, which is to be ${article} ${expected}`
        : `${what} has for ${field} ${describeValue(seen)}, not ${article} ${expected}`,
    );
  }
  // What a class keeps for itself is its own affair.
  if (Object.getPrototypeOf(value) !== Object.prototype) return;
  const unknown = Object.keys(value).find((field) => !Object.hasOwn(fields, field));
  if (unknown === undefined) return;
  throw new TypeError(
    `${what} has a field ${unknown}, which there is not: it has ${Object.keys(fields).join(', ')}`,
  );
}

function assertSearch(search: Search, name: string): void {
  if (!Array.isArray(search.phases) || search.phases.length === 0) {
    throw new TypeError(`${name}: the search '${search.name}' has no phases, and is to be a list of them`);
  }
  for (const [field, words] of Object.entries(WORDS)) {
    const seen = search[field as keyof typeof WORDS];
    if (seen === undefined || (words as readonly string[]).includes(seen)) continue;
    throw new TypeError(
      `${name}: the search has for ${field} ${describeValue(seen)}, which is to be ${words.join(' or ')}`,
    );
  }
}
