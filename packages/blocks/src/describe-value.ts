/** What an error says of a value that it did not expect: short, on one line, never the value's whole contents. */
import * as tf from '@tensorflow/tfjs';

/** The longest text and the most entries that are shown. */
const TEXT = 40;
const ENTRIES = 4;

/**
 * A value as a reader of an error would name it: `'0.9' (a string)`, `a promise`, `a function (magnitude)`,
 * `[16] (an array)`, `a GraphModel`, `a float32 tensor of shape [2, 3]`.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `${inQuotes(value)} (a string)`;
    case 'bigint':
      return `${value}n (a bigint)`;
    case 'symbol':
      return `${String(value)} (a symbol)`;
    case 'function':
      return isClass(value) ? `a class${named(value.name)}` : `a function${named(value.name)}`;
    case 'object':
      return value === null ? 'null' : describeObject(value);
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `${listed(value.map(inArray))} (an array)`;
  if (ArrayBuffer.isView(value)) {
    const { length } = value as { length?: number };
    return `${withArticle(value.constructor.name)} of ${length ?? value.byteLength}`;
  }
  if (typeof (value as { then?: unknown }).then === 'function') return 'a promise';
  return describeOfTfjs(value) ?? describeInstance(value);
}

function describeOfTfjs(value: object): string | null {
  if (value instanceof tf.LayersModel) return 'a tf.LayersModel';
  if (value instanceof tf.GraphModel) return 'a GraphModel';
  if (value instanceof tf.layers.Layer) return `a layer (${value.getClassName()} ${value.name})`;
  if (value instanceof tf.SymbolicTensor) return `a symbolic tensor of shape ${shapeOf(value)}`;
  if (value instanceof tf.Variable) return `${withArticle(value.dtype)} variable of shape ${shapeOf(value)}`;
  if (value instanceof tf.Tensor) return `${withArticle(value.dtype)} tensor of shape ${shapeOf(value)}`;
  return null;
}

function describeInstance(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  const className = prototype?.constructor?.name;
  if (value instanceof Error) return `${withArticle(className || 'Error')} (${inQuotes(value.message)})`;
  if (prototype !== null && prototype !== Object.prototype && className) return withArticle(className);
  const fields = Object.keys(value);
  return fields.length === 0 ? 'an empty object' : `an object of ${listed(fields, '', '')}`;
}

/** An array's own entries, without the word for what each is. */
function inArray(value: unknown): string {
  if (typeof value === 'string') return inQuotes(value);
  return Array.isArray(value) ? 'an array' : describeValue(value);
}

function listed(entries: readonly string[], open = '[', close = ']'): string {
  const shown = entries.slice(0, ENTRIES).join(', ');
  return `${open}${shown}${entries.length > ENTRIES ? `, … ${entries.length} in all` : ''}${close}`;
}

function shapeOf({ shape }: { readonly shape: readonly (number | null)[] }): string {
  return `[${shape.map(String).join(', ')}]`;
}

function inQuotes(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return `'${line.length > TEXT ? `${line.slice(0, TEXT)}…` : line}'`;
}

function named(name: string): string {
  return name ? ` (${name})` : '';
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/i.test(noun) && !/^U/.test(noun) ? 'an' : 'a'} ${noun}`;
}

function isClass(value: { toString(): string }): boolean {
  return Function.prototype.toString.call(value).startsWith('class');
}
