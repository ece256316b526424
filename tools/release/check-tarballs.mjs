/** publint and attw over all tarballs, in one process. */
import { readFileSync } from 'node:fs';

import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemKindInfo } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

import { readJson } from './workspace.mjs';

/** Packages are ESM alone: what would `require` them without ESM's support finds nothing, and is meant to. */
const NOT_SERVED = ['node10', 'node16-cjs'];

/** @throws Error that lists everything found, a line each */
export async function checkTarballs(packed) {
  const findings = [];
  for (const { name, staged, tarball } of packed) {
    const bytes = readFileSync(tarball);
    const found = [
      ...(await publintFindings(bytes)),
      ...(await attwFindings(bytes, readJson(staged, 'package.json'))),
    ];
    findings.push(...found.map((text) => `${name}: ${text}`));
  }
  if (findings.length > 0) throw new Error(`publint and attw find\n${findings.join('\n')}`);
}

async function publintFindings(bytes) {
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  return messages.map((message) => formatMessage(message, pkg, { color: false }));
}

/** A command alone needs no types. */
async function attwFindings(bytes, packageJson) {
  const { types, problems } = await checkPackage(createPackageFromTarballData(bytes));
  if (!types) return packageJson.files.includes('dist') ? ['it has no types'] : [];
  return problems
    .filter(({ resolutionKind }) => !NOT_SERVED.includes(resolutionKind))
    .map(({ kind, entrypoint }) => `${entrypoint ?? '.'}: ${problemKindInfo[kind].shortDescription}`);
}
