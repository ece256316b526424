// The options of block-sparse.bench.mjs, checked before anything is measured: what is wrong with one is a line.

import { parseArgs } from 'node:util';

import { networkNames } from './block-sparse.networks.mjs';

const DEFAULTS = {
  rounds: '3',
  ms: '100',
  shapes: '128x1024x1024',
  blocks: '4,8,16,32,64,5,10,20',
  sparsities: '0.5,0.7,0.8,0.9,0.95,0.99',
  products: 'forward,transposed,gradient',
};

/**
 * @param args of the command line
 * @param suites the names of all
 * @param sidesOf the sides of a suite, by the name of it
 * @throws Error of one line
 */
export function optionsOf(args, suites, sidesOf) {
  const defaults = { suites: suites.join(), ...DEFAULTS };
  const described = Object.entries(defaults).map(([name, value]) => [
    name,
    { type: 'string', default: value },
  ]);
  const { values } = parseArgs({
    args,
    options: { ...Object.fromEntries(described), sides: { type: 'string' }, networks: { type: 'string' } },
  });
  const chosen = list(values, 'suites', among(suites));
  return {
    suites: chosen,
    rounds: one(values, 'rounds', wholeNumber),
    ms: one(values, 'ms', positive),
    shapes: list(values, 'shapes', shape),
    blocks: list(values, 'blocks', blockSide),
    sparsities: list(values, 'sparsities', share),
    products: list(values, 'products', among(DEFAULTS.products.split(','))),
    sides:
      values.sides === undefined ? null : list(values, 'sides', among([...new Set(chosen.flatMap(sidesOf))])),
    networks: values.networks === undefined ? null : list(values, 'networks', among(networkNames)),
  };
}

function list(values, name, parse) {
  return values[name].split(',').map((text) => parse(text.trim(), name));
}

function one(values, name, parse) {
  return parse(values[name].trim(), name);
}

function refuse(name, text, wanted) {
  throw new Error(`--${name}: '${text}' is ${wanted}`);
}

function among(choices) {
  return (text, name) =>
    choices.includes(text) ? text : refuse(name, text, `unknown: choose ${choices.join(', ')}`);
}

function wholeNumber(text, name) {
  const number = Number(text);
  return text !== '' && Number.isInteger(number) && number > 0 && number <= 1e6
    ? number
    : refuse(name, text, 'no whole number from 1 to 1000000');
}

/** Blocks are square here. */
function blockSide(text, name) {
  const square = /^(\d+)x\1$/.exec(text);
  if (square) return wholeNumber(square[1], name);
  return text.includes('x')
    ? refuse(name, text, 'no square block: give one side, as in 32, or 32x32')
    : wholeNumber(text, name);
}

function shape(text, name) {
  const sizes = text.split('x');
  if (sizes.length !== 3) refuse(name, text, 'no shape: give batch x inputs x outputs, as in 128x1024x1024');
  return sizes.map((size) => wholeNumber(size, name));
}

function positive(text, name) {
  const number = Number(text);
  return text !== '' && number > 0 && Number.isFinite(number)
    ? number
    : refuse(name, text, 'no number above 0');
}

function share(text, name) {
  const number = Number(text);
  return text !== '' && number >= 0 && number < 1 ? number : refuse(name, text, 'no sparsity in [0, 1)');
}
