/**
 * The site, by TypeDoc: a page for each package, with its README and what it exports by the docstrings, and the guides. Of
 * what is built, as one program; into `build/site`. A link that leads nowhere is an error, here or in `npm run check-links`.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';

import { Application, Converter, MinimalSourceFile, OptionDefaults, ReflectionKind } from 'typedoc';

const ROOT = resolve(import.meta.dirname, '../..');

const packages = new Map(
  JSON.parse(execFileSync('npm', ['query', '.workspace'], { cwd: ROOT, encoding: 'utf8' }))
    .filter((manifest) => !manifest.private)
    .map((manifest) => [manifest.name, manifest]),
);

/** The packages, each after those that it knows: what it passes on of theirs is told of at its owner's. */
const ordered = new Set();
for (const name of packages.keys()) visit(name);

function visit(name) {
  const manifest = packages.get(name);
  if (!manifest || ordered.has(manifest)) return;
  const { dependencies, peerDependencies } = manifest;
  for (const known of Object.keys({ ...dependencies, ...peerDependencies })) visit(known);
  ordered.add(manifest);
}

/** Every entry: its name, as it is imported, and its declarations, by the name that TypeDoc gives it. */
const entries = new Map(
  Array.from(ordered)
    .flatMap(entriesOf)
    .map((entry) => [relative(ROOT, entry.file).replace(/(\/index)?\.d\.ts$/, ''), entry]),
);

const readmes = new Set(
  Array.from(entries.values()).flatMap(({ folder }) => (folder ? [join(folder, 'README.md')] : [])),
);

function entriesOf({ name, location, exports }) {
  return Object.entries(exports).flatMap(([path, { types }]) => {
    if (!types) return [];
    const declared = join(ROOT, location, types);
    const files = types.includes('*') ? declarationsIn(dirname(declared)) : [declared];
    return files.map((file) => ({
      name: join(name, path).replace('*', basename(file, '.d.ts')),
      file,
      folder: path === '.' ? join(ROOT, location) : null,
    }));
  });
}

function declarationsIn(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.d.ts'))
    .map((file) => join(folder, file));
}

/** Every text beside the packages' READMEs: guides, results of benchmarks. */
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => file !== 'README.md' && !/^(\.changeset|api)\//.test(file))
  .map((file) => join(ROOT, file))
  .filter((file) => !readmes.has(file));

const app = await Application.bootstrap({
  name: 'Espalier',
  entryPoints: Array.from(entries.values(), ({ file }) => file),
  tsconfig: join(ROOT, 'tools/site/tsconfig.json'),
  readme: join(ROOT, 'README.md'),
  projectDocuments: documents,
  out: join(ROOT, 'build/site'),
  sortEntryPoints: false,
  highlightLanguages: [...OptionDefaults.highlightLanguages, 'python'],
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
});

app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
  const [first] = document.content;
  document.name = /^# (.+)$/m.exec(first?.text ?? '')?.[1] ?? document.name;
});

// A package's page is called as it is imported, begins with the README, and is where links to its folder lead.
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project, converter }) => {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const { name, folder } = entries.get(module.name);
    module.name = name;
    if (!folder) continue;
    const readme = join(folder, 'README.md');
    project.files.registerReflectionPath(folder, module);
    project.files.registerReflectionPath(readme, module);
    const file = new MinimalSourceFile(readFileSync(readme, 'utf8'), readme);
    module.readme = converter.parseRawComment(file, project.files).content;
  }
  for (const document of project.getReflectionsByKind(ReflectionKind.Document)) {
    const path = project.files.getReflectionPath(document);
    if (basename(path) === 'README.md') project.files.registerReflectionPath(dirname(path), document);
  }
});

const project = await app.convert();
if (project) {
  app.validate(project);
  await app.generateOutputs(project);
}
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
