/**
 * Does something, such as loading a library, while environment variables are set that the user has not: what libraries read when
 * they are loaded. Afterwards they are gone again, so that no other process is started with them.
 */
export function withVariables<T>(variables: Readonly<Record<string, string>>, work: () => T): T {
  const added = Object.keys(variables).filter((name) => process.env[name] === undefined);
  for (const name of added) process.env[name] = variables[name];
  try {
    return work();
  } finally {
    for (const name of added) delete process.env[name];
  }
}
