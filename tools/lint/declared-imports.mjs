/**
 * A rule for ESLint: a package declares what it imports. Its own manifest is asked, not that of the workspace, which a user
 * does not have. `development` allows its `devDependencies` too, for tests; `workspace` names what those may import that the
 * workspace alone declares.
 */
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';

/** @type {import('eslint').Rule.RuleModule} */
export default {
  meta: {
    type: 'problem',
    schema: [
      {
        type: 'object',
        properties: { development: { type: 'boolean' }, workspace: { type: 'array' } },
        additionalProperties: false,
      },
    ],
    messages: {
      undeclared: "'{{name}}' is not among the dependencies in {{manifest}}",
      development:
        "'{{name}}' is among the devDependencies in {{manifest}} alone, which its users do not have",
    },
  },
  create(context) {
    const manifest = manifestOf(dirname(context.filename));
    const {
      name: own,
      dependencies,
      peerDependencies,
      optionalDependencies,
      devDependencies,
    } = read(manifest);
    const declared = { ...dependencies, ...peerDependencies, ...optionalDependencies, [own]: true };

    const { development = false, workspace = [] } = context.options[0] ?? {};
    const check = ({ source }) => {
      const name = packageOf(source?.value);
      if (!name || name in declared || workspace.includes(name)) return;
      const isDevelopment = devDependencies !== undefined && name in devDependencies;
      if (isDevelopment && development) return;
      const messageId = isDevelopment ? 'development' : 'undeclared';
      context.report({ node: source, messageId, data: { name, manifest } });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

/** The package that a module is imported from; null for a file, one of Node's, or what is not known before it runs. */
function packageOf(module) {
  if (typeof module !== 'string' || /^([.#]|node:)/.test(module) || builtinModules.includes(module))
    return null;
  return module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');
}

function manifestOf(folder) {
  const path = join(folder, 'package.json');
  return existsSync(path) ? path : manifestOf(dirname(folder));
}

const known = new Map();

function read(path) {
  if (!known.has(path)) known.set(path, JSON.parse(readFileSync(path, 'utf8')));
  return known.get(path);
}
