export function embed(builds: readonly Uint8Array[]): { order: string; pieces: string[] };
