/** What two folders of results must have in common: every file, but for times and memory. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

/** @returns {Promise<string[]>} the files that differ, or that one of them alone has */
export async function differencesOf(expected, actual) {
  const [here, there] = await Promise.all([contentOf(expected), contentOf(actual)]);
  const names = [...new Set([...Object.keys(here), ...Object.keys(there)])].sort();
  return names.filter((name) => !isDeepStrictEqual(here[name], there[name]));
}

async function contentOf(folder) {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const contents = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map(async ({ name, parentPath }) => {
        const path = join(parentPath, name);
        return [path.slice(folder.length), bitsOf(name, await readFile(path, 'utf8'))];
      }),
  );
  return Object.fromEntries(contents);
}

const MEASURED_ANEW = /Ms$|^peak/;

function bitsOf(name, text) {
  if (name === 'result.json') {
    const { measures, ...result } = JSON.parse(text).content;
    return { ...result, measures: withoutTimes(measures) };
  }
  if (name === 'summary.json') {
    return JSON.parse(text).rows.map(({ pruner, status, metrics, achieved, fingerprint }) => ({
      ...{ pruner, status, metrics, achieved, fingerprint },
    }));
  }
  // Others hold times; that they are there is what counts, their numbers being those of the results.
  return name.startsWith('summary.') ? 'a summary' : text;
}

function withoutTimes(measures) {
  return Object.fromEntries(Object.entries(measures).filter(([key]) => !MEASURED_ANEW.test(key)));
}
