import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { releaseNotes, withNotes } from './changelog.mjs';
import { completed } from './manifest.mjs';
import { copyManifests, makeVersions } from './next-versions.mjs';
import { exampleOf, missingFromInstall } from './readme-example.mjs';
import { withAbsoluteLinks } from './readme-links.mjs';
import { isPlaceholder, ROOT } from './workspace.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-release-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the versions of a release', () => {
  const CORE = '@espalier/core';

  let firstRelease;
  let first;
  beforeAll(() => {
    firstRelease = mkdtempSync(join(tmpdir(), 'espalier-first-release-'));
    copyManifests(firstRelease);
    first = makeVersions(firstRelease);
  }, 120_000);
  afterAll(() => rmSync(firstRelease, { recursive: true, force: true }));

  /** Which packages a changeset for core releases, once everything is at 1.0.0. */
  function releasedBy(type) {
    cpSync(firstRelease, folder, { recursive: true });
    writeFileSync(join(folder, '.changeset/next.md'), `---\n'${CORE}': ${type}\n---\n\nSomething of core.\n`);
    const next = makeVersions(folder);
    return { next, released: Object.keys(next).filter((name) => next[name] !== first[name]) };
  }

  it('are 1.0.0 of everything, the first time', () => {
    expect(new Set(Object.values(first))).toEqual(new Set(['1.0.0']));
  });

  it.each(['patch', 'minor'])('are of core alone at a %s of core', (type) => {
    expect(releasedBy(type).released).toEqual([CORE]);
  });

  it('are of core and of all that stand on it at a major of core', () => {
    const { next, released } = releasedBy('major');
    // What core stands on, or does not know of it.
    const others = ['backend', 'blocks', 'datasets', 'gradients', 'optimizers', 'theory', 'wasm-training'];
    expect(released).toEqual(
      Object.keys(first).filter((name) => !others.includes(name.replace('@espalier/', ''))),
    );
    expect(next[CORE]).toBe('2.0.0');
    expect(next['@espalier/magnitude']).toBe('2.0.0');
  });
});

describe('the notes of a release', () => {
  const change = (summary, releases) => ({
    summary,
    releases: Object.entries(releases).map(([name, type]) => ({ name, type })),
  });
  const release = (name, type, oldVersion, newVersion) => ({ name, type, oldVersion, newVersion });

  it('tell a change once, by how much it asks of a reader, with its packages', () => {
    const changesets = [
      change('A legend is drawn whole.', { '@espalier/report': 'patch' }),
      change('`reset` is gone: make anew.\n\nOld files are read.', {
        '@espalier/core': 'major',
        espalier: 'minor',
      }),
    ];
    const releases = [
      release('@espalier/core', 'major', '1.2.0', '2.0.0'),
      release('espalier', 'minor', '1.0.0', '1.1.0'),
      release('@espalier/report', 'patch', '1.0.0', '1.0.1'),
    ];
    expect(releaseNotes({ changesets, releases }, '2026-12-01')).toBe(
      `## 2026-12-01

- 2.0.0: \`@espalier/core\`
- 1.1.0: \`espalier\`
- 1.0.1: \`@espalier/report\`

### Breaking changes

- **\`reset\` is gone:** make anew. _(core, espalier)_

  Old files are read.

### Mended

- **A legend is drawn whole.** _(report)_
`,
    );
  });

  it('of the first release are a sentence a change, without what was mended before anything was out', () => {
    const changesets = [
      change('First release: all of it.', { espalier: 'major' }),
      change('Runs go on. More of this.', { espalier: 'minor' }),
      change('A typo.', { espalier: 'patch' }),
    ];
    const releases = [release('espalier', 'major', '0.0.0', '1.0.0')];
    expect(releaseNotes({ changesets, releases }, '2026-11-28')).toBe(
      '## 2026-11-28\n\nEvery package: 1.0.0.\n\nFirst release: all of it.\n\n- Runs go on. _(espalier)_\n',
    );
  });

  it('come above those before', () => {
    const page = withNotes('# What changed\n', '## 2026-11-28\n\nFirst.\n');
    expect(withNotes(page, '## 2026-12-01\n\nSecond.')).toBe(
      '# What changed\n\n## 2026-12-01\n\nSecond.\n\n## 2026-11-28\n\nFirst.\n',
    );
  });
});

describe('a release', () => {
  it('is refused while the address is a placeholder', () => {
    expect(isPlaceholder('https://example.org/espalier')).toBe(true);
    expect(isPlaceholder('https://code.example/espalier')).toBe(true);
    expect(isPlaceholder('https://myexample.org/espalier')).toBe(false);
    copyManifests(folder);
    const release = () =>
      execFileSync(process.execPath, [join(ROOT, 'tools/release/release.mjs')], {
        cwd: folder,
        stdio: 'pipe',
      });
    expect(release).toThrow(/placeholder/);
  });
});

describe('a manifest', () => {
  it('has the addresses of the root, its own keywords behind those of all, and all else as it was', () => {
    const root = {
      license: 'MIT',
      keywords: ['pruning'],
      repository: { type: 'git', url: 'git+https://code.example/espalier.git' },
    };
    const own = {
      name: 'x',
      version: '1.2.3',
      description: 'X',
      keywords: ['cli', 'pruning'],
      files: ['dist'],
    };
    const manifest = completed(own, 'apps/x', root);
    expect(manifest).toEqual({
      ...own,
      keywords: ['pruning', 'cli'],
      license: 'MIT',
      homepage: 'https://code.example/espalier/tree/HEAD/apps/x#readme',
      bugs: { url: 'https://code.example/espalier/issues' },
      repository: { ...root.repository, directory: 'apps/x' },
      publishConfig: { access: 'public', provenance: true },
    });
    expect(completed(manifest, 'apps/x', root)).toEqual(manifest);
  });
});

describe('a README as it is packed', () => {
  const links = (text) => withAbsoluteLinks(text, 'packages/core', ROOT, 'https://code.example/e');

  it('has links that work anywhere, to files, folders and headings, and pictures', () => {
    const { text, broken } = links(
      '[a](../blocks) [b](../../LICENSE) [c](../../apps/harness#compare) ![d](src/index.ts) [e](https://x.example)',
    );
    expect(broken).toEqual([]);
    expect(text).toBe(
      '[a](https://code.example/e/tree/HEAD/packages/blocks) [b](https://code.example/e/blob/HEAD/LICENSE) ' +
        '[c](https://code.example/e/tree/HEAD/apps/harness#compare) ' +
        '![d](https://code.example/e/raw/HEAD/packages/core/src/index.ts) [e](https://x.example)',
    );
  });

  it('leaves code alone', () => {
    expect(links('```js\nload[x](file);\n```\n')).toEqual({
      text: '```js\nload[x](file);\n```\n',
      broken: [],
    });
  });

  it('names what leads nowhere', () => {
    expect(links('[a](../nothing) [b](../blocks#no-such-heading) [c](#nor-this)').broken).toEqual([
      '../nothing',
      '../blocks#no-such-heading',
      '#nor-this',
    ]);
  });

  it('has an example, and says all that it needs', () => {
    const readme =
      "```\nnpm install x @tensorflow/tfjs\n```\n\n```js\nimport * as tf from '@tensorflow/tfjs';\n" +
      "import {\n  a,\n  b,\n} from 'x/deep';\nimport '@y/z';\nimport { readFile } from 'node:fs';\n```\n";
    expect(exampleOf(readme)).toMatchObject({
      file: 'example.mjs',
      imports: ['@tensorflow/tfjs', 'x', '@y/z'],
    });
    const manifest = {
      name: 'x',
      peerDependencies: { core: '^1', koffi: '^3' },
      peerDependenciesMeta: { koffi: { optional: true } },
    };
    expect(missingFromInstall(readme, manifest)).toEqual(['core', '@y/z']);
    expect(() => exampleOf('```ts\n```')).toThrow('no example');
  });
});
