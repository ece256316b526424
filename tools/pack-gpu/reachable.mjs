/** Which files a program can come to need, by the imports that are written out in it. */
import { build } from 'esbuild';

/** A package that is not installed is an optional one: what asks for it says so when it runs. */
const optionalPackages = {
  name: 'optional packages',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === optionalPackages || kind === 'entry-point') return undefined;
      const { errors } = await resolve(path, { importer, kind, resolveDir, pluginData: optionalPackages });
      return errors.length > 0 ? { path, external: true } : undefined;
    });
  },
};

/**
 * @param root of the checkout
 * @param entries files, relative to it, and names of packages
 * @returns the files under node_modules that they import, directly or not, as Node would resolve them
 */
export async function reachable(root, entries) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'build',
    platform: 'node',
    format: 'esm',
    // Without it, esbuild adds the condition `module`, which Node does not know.
    conditions: ['node'],
    mainFields: ['main'],
    loader: { '.node': 'empty' },
    logLevel: 'error',
    plugins: [optionalPackages],
  });
  return Object.keys(metafile.inputs).filter((file) => file.includes('node_modules/'));
}
