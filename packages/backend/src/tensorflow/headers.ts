/** The headers of Node-API, whose functions are the same in every Node. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { BackendError } from '../choice.js';
import { takePackage } from './npm.js';

const HEADER = 'node_api.h';

/** Which is nothing but these headers. */
const TAKEN = 'node-api-headers@^1.5.0';

/**
 * The folder of `node_api.h`: of what `npm_config_nodedir` names, of the running Node, or else of the npm package
 * `node-api-headers`.
 *
 * @param into where to put that package
 * @throws BackendError, one line, when `npm_config_nodedir` names what has none
 */
export async function nodeHeaders(into: string, signal?: AbortSignal): Promise<string> {
  const named = process.env['npm_config_nodedir'];
  if (named) {
    const folder = [join(named, 'include/node'), join(named, 'src')].find(hasHeader);
    if (folder !== undefined) return folder;
    throw new BackendError(
      `npm_config_nodedir names ${named}, which has no include/node/${HEADER}: name the folder of a Node with headers, or unset it`,
    );
  }
  const own = join(dirname(dirname(process.execPath)), 'include/node');
  if (hasHeader(own)) return own;
  const installed = includeOfInstalled();
  if (installed !== null && hasHeader(installed)) return installed;
  await takePackage(TAKEN, into, signal);
  return join(into, 'include');
}

function hasHeader(folder: string): boolean {
  return existsSync(join(folder, HEADER));
}

function includeOfInstalled(): string | null {
  try {
    const description = createRequire(import.meta.url).resolve('node-api-headers/package.json');
    return join(dirname(description), 'include');
  } catch {
    return null;
  }
}
