/** Where data lies: the folder that was asked for, else `$ESPALIER_DATA`, else the user's cache. */
import { join } from 'node:path';

import envPaths from 'env-paths';

import { assertFolder } from './arguments.js';

/** @param asked the folder given on a command line, if any */
export function dataFolder(asked?: string): string {
  if (asked !== undefined) assertFolder(asked, 'dataFolder()');
  return asked ?? (process.env['ESPALIER_DATA'] || join(envPaths('espalier', { suffix: '' }).cache, 'data'));
}
