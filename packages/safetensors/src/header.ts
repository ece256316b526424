/** The header of a file: names that stand once, each with what is told of it, not yet believed. */
import { describeValue } from '@espalier/core';

/** @throws RangeError for what is no JSON of an object, or names something twice */
export function headerOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const header: unknown = JSON.parse(text);
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) {
      const twice = repeatedName(text);
      return twice === null ? (header as Record<string, unknown>) : refuse(`names ${quoted(twice)} twice`);
    }
  } catch (error) {
    if (error instanceof RangeError && error.message.startsWith(REFUSAL)) throw error;
    refuse(`has a header that is no JSON (${(error as Error).message})`);
  }
  return refuse(`has a header that is no object, but begins with ${quoted(text.slice(0, 20))}`);
}

/** A name that stands twice among those of the outermost object, of which `JSON.parse` keeps the last; null for none. */
function repeatedName(json: string): string | null {
  const names = new Set<string>();
  let depth = 0;
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && token.endsWith(':')) {
      const name = JSON.parse(token.slice(0, -1)) as string;
      if (names.has(name)) return name;
      names.add(name);
    }
  }
  return null;
}

export function metadataOf(metadata: unknown): Readonly<Record<string, string>> {
  const isText = (value: unknown) => typeof value === 'string';
  if (typeof metadata === 'object' && metadata !== null && Object.values(metadata).every(isText)) {
    return metadata as Record<string, string>;
  }
  return refuse(`has as __metadata__ ${describeValue(metadata)}, not texts by name`);
}

const REFUSAL = 'The safetensors file ';

export function refuse(why: string): never {
  throw new RangeError(`${REFUSAL}${why}`);
}

export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
