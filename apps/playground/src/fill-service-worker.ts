import { readFileSync } from 'node:fs';

/**
 * The service worker of a build.
 *
 * @param files of the build, as seen from its folder; not the page itself, which is the folder
 * @param version another of every other build
 */
export function fillServiceWorker(files: readonly string[], version: string): string {
  return readFileSync(new URL('service-worker.js', import.meta.url), 'utf8')
    .replace("'FILES'", files.map((file) => JSON.stringify(file)).join(', '))
    .replace('VERSION', version);
}
