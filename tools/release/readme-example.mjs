/** The first example of a README, and the line that installs what it needs. */

/**
 * @param {string} readme
 * @returns {{ code: string, file: string, imports: string[] } | null} null where a comment says `<!-- no example -->`, of a
 *   package that is a command alone; else the first block of JavaScript; `file` is named by a comment
 *   in its first line, or `example.mjs`; `imports` are the packages that it imports
 */
export function exampleOf(readme) {
  if (readme.includes('<!-- no example -->')) return null;
  const [, code] = /^```js\n(.*?)^```$/ms.exec(readme) ?? [];
  if (code === undefined) throw new Error('no example in ```js');
  const [, file = 'example.mjs'] = /^\/\/ (\S+\.m?js)\n/.exec(code) ?? [];
  const specifiers = Array.from(
    code.matchAll(/^import (?:[^';]* from )?'([^'.][^']*)'/gms),
    ([, name]) => name,
  );
  const imports = specifiers
    .filter((name) => !name.startsWith('node:'))
    .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)[0]);
  return { code, file, imports: [...new Set(imports)] };
}

/**
 * What the README's first `npm install` has too little: of the package, its peers that are not optional, and what its
 * example imports.
 *
 * @returns {string[]}
 */
export function missingFromInstall(readme, { name, peerDependencies = {}, peerDependenciesMeta = {} }) {
  const [, line] = /^npm install (.*)$/m.exec(readme) ?? [];
  if (line === undefined) throw new Error('no line with npm install');
  const installed = line.split(' ');
  const peers = Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta[peer]?.optional);
  const needed = new Set([name, ...peers, ...exampleOf(readme).imports]);
  return [...needed].filter((it) => !installed.includes(it));
}
