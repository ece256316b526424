/** The topology of a graph model, as its file has it: nodes of TensorFlow's, by their names. */
import { describeValue } from '@espalier/blocks';

/** A node's attribute, one field of it: text is in base64, or the codes of its letters. */
export interface Attribute {
  s?: string | number[];
  i?: number | string;
  b?: boolean;
  f?: number;
  type?: string | number;
  list?: { i?: (number | string)[]; s?: (string | number[])[] };
  tensor?: { tensorShape?: unknown; [field: string]: unknown };
}

export interface GraphNode {
  name: string;
  op: string;
  input?: string[];
  attr?: Record<string, Attribute>;
}

export interface Topology {
  readonly node: GraphNode[];
  readonly [field: string]: unknown;
}

/**
 * That the graph can be computed: nodes with names of their own, whose inputs are there, in no circle but the loops of
 * TensorFlow's.
 *
 * @throws RangeError with the name of the node that is not right
 */
export function assertTopology(topology: unknown): asserts topology is Topology {
  const nodes = (topology as Partial<Topology> | null)?.node;
  if (!Array.isArray(nodes)) refuse(`has as its nodes ${describeValue(nodes)}, not a list`);
  const names = new Set<string>();
  for (const node of nodes as unknown[]) {
    const { name, op, input = [] } = (node ?? {}) as GraphNode;
    if (typeof name !== 'string' || typeof op !== 'string' || !isTexts(input)) {
      refuse(`has ${describeValue(node)} as a node, which has no name, op, or list of inputs`);
    }
    if (names.has(name)) refuse(`has two nodes ${describeValue(name)}`);
    names.add(name);
  }
  for (const { name, input = [] } of nodes) {
    const missing = input.find((each) => !names.has(nodeOf(each)));
    if (missing !== undefined) refuse(`has no node ${describeValue(missing)}, which ${name} takes`);
  }
  assertNoCircle(nodes);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Takes out, again and again, what waits for nothing: in a circle all wait for one another. */
function assertNoCircle(nodes: readonly GraphNode[]): void {
  // A loop of TensorFlow's goes back by such a node, which waits for nothing then.
  const waiting = new Map(
    nodes.map(({ name, op, input = [] }) => [name, op === 'NextIteration' ? 0 : input.length]),
  );
  const readers = readersOf(nodes);
  const free = nodes.filter(({ name }) => waiting.get(name) === 0).map(({ name }) => name);
  for (let at = 0; at < free.length; at++) {
    for (const { node, places } of readers.get(free[at]!) ?? []) {
      if (node.op === 'NextIteration') continue;
      const left = waiting.get(node.name)! - places.length;
      waiting.set(node.name, left);
      if (left === 0) free.push(node.name);
    }
  }
  if (free.length === nodes.length) return;
  const done = new Set(free);
  const [first] = nodes.filter(({ name }) => !done.has(name));
  refuse(`goes in a circle at ${describeValue(first!.name)}`);
}

export interface Reader {
  readonly node: GraphNode;
  /** Which of its inputs. */
  readonly places: readonly number[];
}

/** Who reads each node, what waits for it alone included. */
export function readersOf(nodes: readonly GraphNode[]): ReadonlyMap<string, readonly Reader[]> {
  const readers = new Map<string, { node: GraphNode; places: number[] }[]>();
  for (const node of nodes) {
    for (const [place, input] of (node.input ?? []).entries()) {
      const name = nodeOf(input);
      if (!readers.has(name)) readers.set(name, []);
      const own = readers.get(name)!;
      if (own.at(-1)?.node === node) own.at(-1)!.places.push(place);
      else own.push({ node, places: [place] });
    }
  }
  return readers;
}

/** The node of an input: `node`, `node:1`, `node:output:0`, or `^node` of what is only waited for. */
export function nodeOf(input: string): string {
  return input.replace(/^\^/, '').split(':')[0]!;
}

/** A text attribute; undefined where there is none. */
export function textOf(attribute: Attribute | undefined): string | undefined {
  return attribute?.s === undefined ? undefined : decoded(attribute.s);
}

export function textsOf(attribute: Attribute | undefined): string[] {
  return (attribute?.list?.s ?? []).map(decoded);
}

export function numbersOf(attribute: Attribute | undefined): number[] {
  return (attribute?.list?.i ?? []).map(Number);
}

function decoded(text: string | number[]): string {
  try {
    return Array.isArray(text) ? String.fromCharCode(...text.slice(0, 100)) : atob(text);
  } catch {
    return refuse(`has ${describeValue(text)} as a text, which is no base64`);
  }
}

export const textAttribute = (text: string): Attribute => ({ s: btoa(text) });
export const numbersAttribute = (numbers: readonly number[]): Attribute => ({ list: { i: [...numbers] } });

function refuse(why: string): never {
  throw new RangeError(`The graph model ${why}`);
}
