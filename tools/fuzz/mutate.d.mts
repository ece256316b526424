export type Random = () => number;
export function randomOf(seed: number): Random;
export function mutated<T>(value: T, random: Random): T;
export function mutatedBytes(bytes: Uint8Array, random: Random): Uint8Array;
