/** What the manifests of all published packages say alike. */
import { addressOf } from './workspace.mjs';

/**
 * A package's manifest with what it tells of the project: licence, addresses, the keywords of all before its own, and
 * that it is published in the open, with provenance.
 *
 * @param {object} manifest of the package
 * @param {string} location the package's folder within the repository, with slashes
 * @param {object} root the root's manifest, whose `license`, `repository` and `keywords` are taken
 */
export function completed(manifest, location, root) {
  const { name, version, description, keywords = [], ...others } = manifest;
  const rest = Object.fromEntries(Object.entries(others).filter(([key]) => !(key in SAME)));
  const address = addressOf(root);
  return {
    name,
    version,
    description,
    keywords: [...new Set([...root.keywords, ...keywords])],
    license: root.license,
    homepage: `${address}/tree/HEAD/${location}#readme`,
    bugs: { url: `${address}/issues` },
    repository: { ...root.repository, directory: location },
    ...rest,
    publishConfig: { access: 'public', provenance: true },
  };
}

const SAME = { license: 0, homepage: 0, bugs: 0, repository: 0, publishConfig: 0 };
