import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { UsageError } from '@espalier/experiment';
import { loadPruner, loadWorkload } from '@espalier/experiment/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openRegistry, resolveReference } from './registry.js';

const packages = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** A user's project: Espalier installed, modules of their own. */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-registry-'));
  await symlink(packages, join(folder, 'node_modules'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
}

const ownStrategy = `
  import { acdc } from '@espalier/acdc';
  import type { Pruner } from '@espalier/core';
  const mine: Pruner = { ...acdc(), name: 'mine' };
  export default mine;
`;

describe('a config', () => {
  it('adds strategies and workloads under names of its own, made of modules beside it', async () => {
    await write('mine.ts', ownStrategy);
    const path = await write(
      'espalier.config.ts',
      `import mine from './mine';
       import { acdc } from '@espalier/acdc';
       const workload = { name: 'x', task: { name: 'own', loss() {} }, defaults: {}, load() {}, model() {}, optimizer() {}, learningRate() {} };
       export default { pruners: { renamed: mine, acdc: () => acdc({ prunedWeights: 'masked' }) }, workloads: { work: workload } };`,
    );
    const registry = await openRegistry(path);
    const pruner = await loadPruner(await resolveReference('renamed', registry.pruners, 'strategy'));
    expect(pruner.name).toBe('renamed');
    const acdc = await loadPruner(await resolveReference('acdc', registry.pruners, 'strategy'));
    expect(acdc.settings).toMatchObject({ prunedWeights: 'masked' });
    const workload = await loadWorkload(await resolveReference('work', registry.workloads, 'workload'));
    expect(workload.name).toBe('work');
  });

  const refusals: [string, string, RegExp][] = [
    ['that exports nothing as its default', 'export const config = {};', /is no config/],
    ['with a key that means nothing', 'export default { strategies: {} };', /no place for strategies/],
    ['that does not parse, with the place', 'export default {\n pruners: ( };', /bad\.ts:2:/],
    [
      'that throws, with the place',
      'const a = 1;\nexport default { pruners: { a: missing } };',
      /ReferenceError: missing is not defined \(\S*bad\.ts:2:/,
    ],
    [
      'that imports what is not there',
      "import a from '@nobody/nothing';\nexport default a;",
      /Cannot find module '@nobody\/nothing' \(\S*bad\.ts:1:/,
    ],
    [
      "with a strategy of the baseline's name",
      'export default { pruners: { dense: {} } };',
      /not 'dense', which is the baseline's/,
    ],
    [
      'with a name that is no folder',
      "export default { pruners: { '../x': {} } };",
      /calls something '..\/x'/,
    ],
  ];
  it.each(refusals)('%s is refused in one line', async (_, text, message) => {
    const refusal = openRegistry(await write('bad.ts', text));
    await expect(refusal).rejects.toThrow(UsageError);
    await expect(refusal).rejects.toThrow(message);
    await refusal.catch(({ message }: Error) => expect(message).not.toContain('\n'));
  });

  it('with a strategy that cannot be made, or a workload that is not whole, says which', async () => {
    const path = await write(
      'parts.ts',
      `export default { pruners: { bad: () => { throw new RangeError('cycles = 0'); } }, workloads: { half: { name: 'half' } } };`,
    );
    const { pruners, workloads } = await openRegistry(path);
    await expect(loadPruner(await resolveReference('bad', pruners, 'strategy'))).rejects.toThrow(
      "The strategy 'bad' of " + path + ' cannot be made: cycles = 0',
    );
    await expect(loadWorkload(await resolveReference('half', workloads, 'workload'))).rejects.toThrow(
      'lacks task, defaults, load, model, optimizer, learningRate',
    );
  });
});

it('a workload whose task is a word of old is refused, with what to give', async () => {
  const reference = {
    name: 'x',
    module: await write(
      'old.js',
      `export default { name: 'x', task: 'regression', defaults: {}, load() {}, model() {}, optimizer() {}, learningRate() {} };`,
    ),
    section: 'default',
    contentHash: null,
  } as const;
  await expect(loadWorkload(reference)).rejects.toThrow(/a task without a loss: import { regression }/);
});

describe('resolveReference', () => {
  it('takes a module by its path, TypeScript stripped; an edit makes it another', async () => {
    const path = await write('mine.ts', ownStrategy);
    const { pruners } = await openRegistry(null);
    const reference = await resolveReference(path, pruners, 'strategy');
    expect((await loadPruner(reference)).name).toBe('mine');
    await write('mine.ts', `${ownStrategy}// edited`);
    const edited = await resolveReference(path, pruners, 'strategy');
    expect(edited.contentHash).not.toBe(reference.contentHash);
  });

  it('takes a package by its scoped name', async () => {
    const core = await resolveReference('@espalier/core', [], 'strategy');
    expect(core.module).toMatch(/packages\/core\/dist\/index\.js$/);
    await expect(loadPruner(core)).rejects.toThrow("has no strategy '@espalier/core'");
  });

  it('refuses an unknown name with the nearest one, and a path where there is no module', async () => {
    const { pruners } = await openRegistry(null);
    await expect(resolveReference('magnitud', pruners, 'strategy')).rejects.toThrow(
      "Unknown strategy 'magnitud': did you mean 'magnitude'",
    );
    await expect(resolveReference('./nowhere.ts', pruners, 'strategy')).rejects.toThrow(
      /nowhere\.ts cannot be read/,
    );
  });
});
