import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { Summary } from '@espalier/experiment';
import { expect, it } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

it('data of one’s own are compared on as the example says', async () => {
  const out = await mkdtemp(join(tmpdir(), 'espalier-example-'));
  const config = at('../../../examples/own-data.config.ts');
  const of = ['compare', '--config', config, '--workload', 'spirals', '--out', out];
  const only = ['--pruners', 'magnitude', '--seeds', '0', '--backend', 'wasm', '--accelerators', 'off'];
  await promisify(execFile)(process.execPath, [at('../bin/espalier.js'), ...of, ...only]);
  const { rows } = JSON.parse(await readFile(join(out, 'summary.json'), 'utf8')) as Summary;
  await rm(out, { recursive: true });
  const [dense, pruned] = rows;
  // Three classes of one size: a guess is right in a third of the cases.
  expect(dense?.metrics?.['accuracy']).toBeGreaterThan(0.9);
  expect(pruned).toMatchObject({ pruner: 'magnitude', status: 'ok' });
}, 120_000);
