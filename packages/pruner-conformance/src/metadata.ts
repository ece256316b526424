/** Check: a strategy says what it is, in a form that lists, tables and trial folders can use. */
import { placePhases } from '@espalier/core';

import { ensure, type Check } from './conformance.js';
import { onBackend, stepsFor } from './workbench.js';

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Name, description, source and settings are there and of the right form, and the same each time. */
export const checkMetadata: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  const { name, description, source, settings, parameterisation, importance, growth, search } = pruner;
  ensure(NAME.test(name), `The name '${name}' is not lower-case words joined by hyphens, as in 'my-method'`);
  for (const [field, text] of Object.entries({ description, source })) {
    ensure(
      typeof text === 'string' && text.trim() !== '' && !text.includes('\n'),
      `The ${field} ${JSON.stringify(text)} is not one line of text`,
    );
  }
  const named: Record<string, { name: string }> = {
    parameterisation,
    importance,
    search,
    ...(growth && { growth }),
  };
  for (const [field, part] of Object.entries(named)) {
    ensure(Boolean(part.name), `The ${field} has no name`);
  }
  ensurePlain(settings, 'settings');
  const [once, again] = [settings, makePruner().settings].map((value) => JSON.stringify(value));
  ensure(once === again, `The settings are ${once} at first and ${again} the next time`);
  placePhases(search.phases, stepsFor(pruner, options));
});

/** @throws ConformanceError for anything that would not come back from JSON as it went. */
function ensurePlain(value: unknown, path: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    ensure(Number.isFinite(value), `${path} = ${value} has no form in JSON: settings are a trial's identity`);
    return;
  }
  const isPlain =
    typeof value === 'object' && [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value));
  ensure(
    isPlain,
    `${path} is ${typeof value === 'object' ? 'an object of a class' : `of type ${typeof value}`}, not plain JSON data: ` +
      "settings are a trial's identity",
  );
  for (const [key, part] of Object.entries(value as object)) ensurePlain(part, `${path}.${key}`);
}
