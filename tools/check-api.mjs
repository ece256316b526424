/**
 * The public surface of the packages that others build on, as text: `api/<package>.api.md`, by API Extractor, of what is
 * built. A change of it shows in a review; one that is not in the reports fails, with the command that writes them anew.
 *
 * A type that is part of a signature and not exported, so that nobody can name it, is a warning within the report.
 */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const ROOT = resolve(import.meta.dirname, '..');
const UPDATE = 'npm run check-api -- --update';
const FOLDERS = [
  'packages/blocks',
  'packages/core',
  'packages/block-sparse',
  'packages/shrink',
  'apps/harness',
];

const { update } = parseArgs({ options: { update: { type: 'boolean', default: false } } }).values;

const problems = FOLDERS.flatMap(report);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

/** Compares a package with its report, or writes the report anew; the sentences about what is wrong. */
function report(folder) {
  const packageJsonFullPath = join(ROOT, folder, 'package.json');
  const manifest = JSON.parse(readFileSync(packageJsonFullPath, 'utf8'));
  const reportFileName = manifest.name.split('/').at(-1);
  const problems = [];
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath,
    configObject: {
      projectFolder: join(ROOT, folder),
      mainEntryPointFilePath: join(ROOT, folder, manifest.exports['.'].types),
      compiler: { tsconfigFilePath: join(ROOT, folder, 'tsconfig.build.json') },
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        reportFileName,
        reportFolder: join(ROOT, 'api'),
        reportTempFolder: join(ROOT, 'api/build'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'none' },
          'ae-forgotten-export': { logLevel: 'warning', addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
        compilerMessageReporting: { default: { logLevel: 'error' } },
      },
    },
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      if (message.logLevel === 'error') problems.push(`${manifest.name}: ${message.text}`);
      message.handled = true;
    },
  });
  const name = relative(ROOT, config.reportFilePath);
  if (apiReportChanged && update) console.log(`${name} is written`);
  if (apiReportChanged && !update) {
    problems.push(
      `The public surface of ${manifest.name} is not what ${name} says: \`${UPDATE}\` writes it anew`,
    );
  }
  return problems;
}
