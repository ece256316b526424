/**
 * The Nx generator behind `npm run new-pruner -- my-method`: writes a package for a strategy that builds, lints and
 * passes conformance at once, for its author to edit.
 *
 * What all strategy packages have alike (manifest, tsconfigs) is copied from one of them, so that it cannot fall
 * behind; what is the strategy's own comes from the templates of create-espalier-pruner, which outside packages are made
 * of too.
 */
import { namesOf, strategyFiles } from 'create-espalier-pruner';

import { completed } from '../release/manifest.mjs';

const PRUNERS = 'packages/pruners';
const MODEL = `${PRUNERS}/magnitude`;

/**
 * @param {import('nx/src/devkit-exports.js').Tree} tree the workspace's files
 * @param {{ name?: string }} options
 * @returns a function that Nx calls once the files are written
 */
export default function newPruner(tree, { name }) {
  const names = { ...namesOf(name, 'npm run new-pruner -- my-method'), packageName: `@espalier/${name}` };
  if (names.name !== name) throw new Error(`'${name}' has a scope, which is @espalier here: ${names.name}`);
  assertFree(tree, name);
  const folder = `${PRUNERS}/${name}`;
  tree.write(`${folder}/package.json`, manifest(tree, name, folder));
  for (const file of ['LICENSE', 'tsconfig.json', 'tsconfig.build.json']) {
    tree.write(`${folder}/${file}`, tree.read(`${MODEL}/${file}`, 'utf8'));
  }
  for (const [path, text] of Object.entries(strategyFiles(names))) tree.write(`${folder}/${path}`, text);
  return () => process.stdout.write(nextSteps(name));
}

/** @throws Error, of one line, for a name that is taken. */
function assertFree(tree, name) {
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
