/**
 * The Nx generator behind `npm run new-pruner -- my-method`: writes a package for a strategy that builds, lints and
 * passes conformance at once, for its author to edit.
 *
 * What all strategy packages have alike (manifest, tsconfigs) is copied from one of them, so that it cannot fall
 * behind; what is the strategy's own comes from the templates under `files`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { completed } from '../release/manifest.mjs';

const TEMPLATES = join(import.meta.dirname, 'files');
const PRUNERS = 'packages/pruners';
const MODEL = `${PRUNERS}/magnitude`;
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * @param {import('nx/src/devkit-exports.js').Tree} tree the workspace's files
 * @param {{ name?: string }} options
 * @returns a function that Nx calls once the files are written
 */
export default function newPruner(tree, { name }) {
  assertName(tree, name);
  const folder = `${PRUNERS}/${name}`;
  tree.write(`${folder}/package.json`, manifest(tree, name, folder));
  for (const file of ['LICENSE', 'tsconfig.json', 'tsconfig.build.json']) {
    tree.write(`${folder}/${file}`, tree.read(`${MODEL}/${file}`, 'utf8'));
  }
  for (const template of templates()) {
    const text = readFileSync(join(TEMPLATES, template), 'utf8');
    tree.write(`${folder}/${template.replace(/\.template$/, '')}`, fill(text, name));
  }
  return () => process.stdout.write(nextSteps(name));
}

/** @throws Error, of one line, for a name that is badly formed or taken. */
function assertName(tree, name) {
  if (!name) throw new Error('Name the strategy: npm run new-pruner -- my-method');
  if (!NAME.test(name)) {
    throw new Error(
      `'${name}' is not lower-case words joined by hyphens, as my-method is: choose another name`,
    );
  }
  if (!canBeIdentifier(camelCase(name))) {
    throw new Error(
      `'${name}' is a word of JavaScript's own, and cannot name the strategy's function: choose another`,
    );
  }
  const taken = tree.exists(`${PRUNERS}/${name}`)
    ? `${PRUNERS}/${name}`
    : packageFolders(tree).get(`@espalier/${name}`);
  if (taken)
    throw new Error(`There is a package @espalier/${name} already, in ${taken}: choose another name`);
}

/** The folders of the workspace's packages, by npm name. */
function packageFolders(tree) {
  const folders = ['packages', PRUNERS, 'apps'].flatMap((parent) =>
    tree.children(parent).map((child) => `${parent}/${child}`),
  );
  return new Map(
    folders
      .filter((folder) => tree.exists(`${folder}/package.json`))
      .map((folder) => [JSON.parse(tree.read(`${folder}/package.json`, 'utf8')).name, folder]),
  );
}

function canBeIdentifier(word) {
  try {
    new Function(`'use strict'; const ${word} = 0;`);
    return true;
  } catch {
    return false;
  }
}

function manifest(tree, name, folder) {
  const model = JSON.parse(tree.read(`${MODEL}/package.json`, 'utf8'));
  const own = {
    ...model,
    name: `@espalier/${name}`,
    version: '0.0.0',
    description: `${name}: a pruning strategy`,
    keywords: [name],
  };
  const root = JSON.parse(tree.read('package.json', 'utf8'));
  return `${JSON.stringify(completed(own, folder, root), null, 2)}\n`;
}

/** The paths under `files`. */
function templates() {
  return readdirSync(TEMPLATES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(TEMPLATES.length + 1))
    .sort();
}

/** Replaces `<%= name %>`, `<%= functionName %>` and `<%= typeName %>`, as Nx' own templates are written. */
function fill(text, name) {
  const functionName = camelCase(name);
  const values = { name, functionName, typeName: functionName[0].toUpperCase() + functionName.slice(1) };
  return text.replaceAll(/<%= (\w+) %>/g, (_, key) => values[key]);
}

function camelCase(name) {
  return name.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase());
}

function nextSteps(name) {
  const source = `${PRUNERS}/${name}/src/index.ts`;
  return `
Next:
  edit ${source}, its test beside it, and the README.md
  npm install
  npx nx test @espalier/${name}
  npx espalier compare --pruners magnitude,${source}

The guide: docs/add-a-pruning-method.md
`;
}
