import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { environmentOf, isSetUp, PYTHON_PEERS, pythonOf, requirementsOf } from './peers.mjs';
import { setUpPython } from './set-up-one.mjs';

const folder = mkdtempSync(join(tmpdir(), 'espalier-peers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function setUp(...args) {
  const file = fileURLToPath(new URL('set-up.mjs', import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

describe.each(Object.keys(PYTHON_PEERS))('what %s is made of', (peer) => {
  const lines = readFileSync(requirementsOf(peer), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  it('is pinned', () => {
    for (const line of lines) expect(line).toMatch(/^[\w-]+==[\w.]+(; sys_platform == "linux")?$/);
  });

  it('names no index', () => expect(lines.join('\n')).not.toMatch(/:\/\/|--/));
});

describe('set-up.mjs', () => {
  it.each([
    [['nope'], "error: there is no peer 'nope': give some of torch, tensorflow, jax, onnxruntime, "],
    [['jax', 'jax'], 'error: jax is given twice: give it once'],
    [['--nope'], 'error: there is no option --nope: give some of torch, '],
    [['--python'], 'error: --python has no value: give a command'],
    [['--python', 'a', '--python', 'b'], 'error: --python is given twice: give it once'],
  ])('%j is refused in one line', async (args, line) => {
    const { code, stdout, stderr } = await setUp(...args);
    expect(stderr.slice(0, line.length)).toBe(line);
    expect(stderr.trimEnd()).not.toContain('\n');
    expect([stdout, code]).toEqual(['', 2]);
  });
});

describe('setUpPython', () => {
  it('says that there is no such Python, and that one is too old', async () => {
    await expect(setUpPython('jax', { python: 'no-python', folder })).rejects.toThrow(
      /^no-python is no Python that runs \(no no-python\): --python <Python 3\.11 or later>$/,
    );
    expect(existsSync(environmentOf('jax', folder).environment)).toBe(false);
  });

  describe('where packages are not to be had', () => {
    const before = { ...process.env };
    beforeAll(() => Object.assign(process.env, { PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder }));
    afterAll(() => {
      process.env = before;
    });

    it('fails in one line, and leaves nothing that is taken for whole', { timeout: 300_000 }, async () => {
      const error = await setUpPython('jax', { folder }).catch((failure) => failure);
      expect(error.message).toMatch(/No matching distribution found for jax==|no Python that runs|is Python/);
      expect(error.message).not.toContain('\n');
      expect(isSetUp('jax', folder)).toBe(false);
      expect(pythonOf('jax', folder)).toBeNull();
    });
  });
});
