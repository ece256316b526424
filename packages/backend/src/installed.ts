import { createRequire } from 'node:module';

/** Whether a package lies where this one finds it; it is not loaded. */
export function isInstalled(name: string): boolean {
  const require = createRequire(import.meta.url);
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
