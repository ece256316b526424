/** The command line that was given, for reports: as a shell takes it. */
export function commandLine(given: readonly string[] = process.argv.slice(2)): string {
  return ['espalier', ...given.map(quoted)].join(' ');
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
