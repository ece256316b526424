import { withoutSecrets } from '@espalier/experiment/node';

/** The command line that was given, for reports: as a shell takes it, without what is secret in URLs. */
export function commandLine(given: readonly string[] = process.argv.slice(2)): string {
  return ['espalier', ...given.map((argument) => quoted(withoutSecrets(argument)))].join(' ');
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
