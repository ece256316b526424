/**
 * What computes, by its contents: a module and all that it imports, transitively. Espalier's packages and a user's own
 * files are known by what is in them, other packages by name and version. What a program reads by other means than an
 * import (a file, a specifier that it makes up while it runs) is not seen.
 */
import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { assertArgument } from '@espalier/core';
import { init, parse } from 'es-module-lexer';
import { createJiti } from 'jiti';

import { aPath } from '../arguments.js';
import type { Code } from '../trial/trial.js';

const isEspalier = (name: string) => name === 'espalier' || name.startsWith('@espalier/');

interface Package {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

// Nothing of what is transpiled is kept: a cache in a folder that all may write to would be run.
const jiti = createJiti(import.meta.url, { fsCache: false });
const packages = new Map<string, Promise<Package | null>>();
/** By folder and specifier: the modules of a package import the same ones again and again. */
const installed = new Map<string, string>();

/**
 * @param entries absolute paths of modules
 * @returns a digest of each package of Espalier and of each file of the user's own that they come to, the latter by its
 *   path from the first entry; and the versions of all packages
 */
export async function codeOf(...entries: string[]): Promise<Code> {
  assertArgument('codeOf()', 'entry', entries[0], aPath);
  for (const entry of entries) assertArgument('codeOf()', 'entry', entry, aPath);
  await init;
  const walk = new Walk(await realpath(entries[0] as string));
  for (const entry of entries) await walk.file(await realpath(entry));
  return walk.code();
}

class Walk {
  readonly #entry: string;
  readonly #seen = new Set<string>();
  /** By module, the digest of each of its files. */
  readonly #modules = new Map<string, Map<string, string>>();
  readonly #versions = new Map<string, string>();

  constructor(entry: string) {
    this.#entry = entry;
  }

  async file(path: string): Promise<void> {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    const owner = await packageOf(dirname(path));
    const place = owner && relative(owner.folder, path).replaceAll(sep, '/');
    if (owner) this.#versions.set(owner.name, owner.version);
    if (owner && (await this.#isOfOthers(path, owner))) {
      this.#add(`${owner.name}@${owner.version}`, '', '');
      return;
    }
    const { digest, imports } = await moduleAt(path);
    if (owner && isEspalier(owner.name)) this.#add(owner.name, place ?? '', digest);
    else this.#add(relative(dirname(this.#entry), path).replaceAll(sep, '/'), '', digest);
    for (const imported of imports) await this.file(imported);
  }

  code(): Code {
    const sorted = (map: Iterable<[string, string]>) =>
      Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
    const modules = [...this.#modules].map(([name, files]): [string, string] => {
      const content = JSON.stringify(Object.entries(sorted(files)));
      return [name, createHash('sha256').update(content).digest('hex').slice(0, 16)];
    });
    return { modules: sorted(modules), versions: sorted(this.#versions) };
  }

  /** An installed package that is neither Espalier's nor the one that was asked for. */
  async #isOfOthers(path: string, { name, folder }: Package): Promise<boolean> {
    if (isEspalier(name) || !path.includes(`${sep}node_modules${sep}`)) return false;
    return (await packageOf(dirname(this.#entry)))?.folder !== folder;
  }

  #add(module: string, file: string, digest: string): void {
    const files = this.#modules.get(module) ?? new Map<string, string>();
    this.#modules.set(module, files.set(file, digest));
  }
}

interface ModuleFile {
  readonly digest: string;
  /** Absolute paths. */
  readonly imports: readonly string[];
}

/** Strategies share most of what they import. */
const files = new Map<string, { readonly standing: string; readonly file: Promise<ModuleFile> }>();

async function moduleAt(path: string): Promise<ModuleFile> {
  const { mtimeMs, ctimeMs, size } = await stat(path);
  const standing = `${mtimeMs} ${ctimeMs} ${size}`;
  const known = files.get(path);
  if (known?.standing === standing) return known.file;
  const file = readModule(path);
  files.set(path, { standing, file });
  return file;
}

async function readModule(path: string): Promise<ModuleFile> {
  const text = await readFile(path);
  const digest = createHash('sha256').update(text).digest('hex');
  const specifiers = /\.[cm]?[jt]sx?$/.test(path) ? [...specifiersIn(text.toString())] : [];
  const imports = await Promise.all(specifiers.map((specifier) => resolved(specifier, path)));
  return { digest, imports: imports.filter((imported) => imported !== null) };
}

/** The nearest package upwards that has a name. */
function packageOf(folder: string): Promise<Package | null> {
  const known = packages.get(folder);
  if (known) return known;
  const found = (async () => {
    const description = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null);
    const { name, version } = description === null ? {} : parsedOr(description);
    // Some packages have descriptions within, for folders in another format.
    const within =
      folder.includes(`${sep}node_modules${sep}`) &&
      !/node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+$/.test(folder);
    if (name && !within) return { name, version: version ?? '', folder };
    return dirname(folder) === folder ? null : packageOf(dirname(folder));
  })();
  packages.set(folder, found);
  return found;
}

function parsedOr(text: string): { name?: string; version?: string } {
  try {
    return JSON.parse(text) as { name?: string; version?: string };
  } catch {
    return {};
  }
}

/** `import … from '…'`, `import('…')`, `export … from '…'`, `require('…')`: more than there are rather than fewer. */
const LIKE_AN_IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])((?:(?!\1)[^\n\\])+)\1/g;

function specifiersIn(text: string): Set<string> {
  try {
    const [imports, , , hasModuleSyntax] = parse(text);
    if (hasModuleSyntax) {
      return new Set(imports.flatMap(({ n }) => (n === undefined ? [] : [n])));
    }
  } catch {
    // TypeScript that the lexer does not know: found by their looks below.
  }
  return new Set([...text.matchAll(LIKE_AN_IMPORT)].map(([, , specifier]) => specifier as string));
}

const EXTENSIONS = ['', '.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json', '/index.ts', '/index.js'];

/** Null of what is Node's own, or is not there. */
async function resolved(specifier: string, from: string): Promise<string | null> {
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return null;
  if (/^\.{0,2}\//.test(specifier) || specifier.startsWith('file:')) {
    const base = specifier.startsWith('file:')
      ? fileURLToPath(specifier)
      : specifier.startsWith('/')
        ? specifier
        : join(dirname(from), specifier);
    // A TypeScript source may import its neighbour by the name that it will be built to.
    const asSource = base.replace(/\.([cm]?)js$/, '.$1ts');
    for (const path of [...EXTENSIONS.map((extension) => base + extension), asSource]) {
      const found = await fileAt(path);
      if (found) return found;
    }
    return null;
  }
  const key = JSON.stringify([dirname(from), specifier]);
  const known = installed.get(key);
  if (known !== undefined && (await fileAt(known)) === known) return known;
  const url = jiti.esmResolve(specifier, { parentURL: pathToFileURL(from), try: true });
  const found = url?.startsWith('file:') ? await fileAt(fileURLToPath(url)) : null;
  // What is not there may be installed yet.
  if (found !== null) installed.set(key, found);
  return found;
}

async function fileAt(path: string): Promise<string | null> {
  try {
    return (await stat(path)).isFile() ? await realpath(path) : null;
  } catch {
    return null;
  }
}
