/** The templates under `templates/`: `<%= name %>` is replaced, and lines between `<% if op %>` and `<% end %>` may go. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const TEMPLATES = join(import.meta.dirname, '../templates');

/**
 * @param {'strategy' | 'package' | 'op'} folder
 * @param {Record<string, string>} names what stands in the place of `<%= key %>`
 * @param {Record<string, boolean>} conditions what `<% if key %>` asks for
 * @returns {Record<string, string>} texts by their paths
 */
export function filled(folder, names, conditions) {
  const root = join(TEMPLATES, folder);
  return Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .sort()
      .map((file) => [
        // npm packs no .gitignore, and takes an index.test.ts for a test.
        file.replace(/\.template$/, '').replace(/^gitignore$/, '.gitignore'),
        fill(readFileSync(join(root, file), 'utf8'), names, conditions),
      ]),
  );
}

function fill(text, names, conditions) {
  const CONDITIONAL = /^<% if (\w+) %>\n(.*?)(?:^<% else %>\n(.*?))?^<% end %>\n/gms;
  return text
    .replaceAll(CONDITIONAL, (_, key, then, otherwise = '') => (conditions[key] ? then : otherwise))
    .replaceAll(/<%= (\w+) %>/g, (_, key) => names[key]);
}
