/**
 * What the header of a Linux library says, without loading it: ELF of 64 bits, little-endian, as the System V ABI has it.
 */
import { open, type FileHandle } from 'node:fs/promises';

export interface ElfLibrary {
  /** As Node calls processors (`process.arch`); null of another one. */
  readonly arch: 'x64' | 'arm64' | null;
  /** Where the loader looks for the libraries that it asks for: folders, `$ORIGIN` for its own. */
  readonly runPath: readonly string[];
}

const MACHINES: Readonly<Record<number, 'x64' | 'arm64'>> = { 62: 'x64', 183: 'arm64' };

const PROGRAM_LOAD = 1;
const PROGRAM_DYNAMIC = 2;
const STRING_TABLE = 5n;
const RPATH = 15n;
const RUNPATH = 29n;
/** More than any run path. */
const LONGEST_TEXT = 1 << 20;

/** @returns null of what is no ELF library of 64 bits, little-endian */
export async function readElf(path: string): Promise<ElfLibrary | null> {
  const file = await open(path);
  try {
    const header = await bytes(file, 0, 64);
    const isElf64 = header.length === 64 && header.readUInt32BE(0) === 0x7f454c46 && header[4] === 2;
    if (!isElf64 || header[5] !== 1) return null;
    return { arch: MACHINES[header.readUInt16LE(18)] ?? null, runPath: await runPathOf(file, header) };
  } finally {
    await file.close();
  }
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

async function runPathOf(file: FileHandle, header: Buffer): Promise<string[]> {
  const segments = await segmentsOf(file, header);
  const dynamic = segments.find(({ type }) => type === PROGRAM_DYNAMIC);
  if (!dynamic) return [];
  const table = await bytes(file, dynamic.offset, dynamic.size);
  const entries = new Map<bigint, bigint>();
  for (let at = 0; at + 16 <= table.length; at += 16) {
    entries.set(table.readBigUInt64LE(at), table.readBigUInt64LE(at + 8));
  }
  const [strings, text] = [entries.get(STRING_TABLE), entries.get(RUNPATH) ?? entries.get(RPATH)];
  if (strings === undefined || text === undefined) return [];
  const offset = offsetOf(strings + text, segments);
  if (offset === null) return [];
  const [found = ''] = (await bytes(file, offset, LONGEST_TEXT)).toString('latin1').split('\0');
  return found.split(':').filter((folder) => folder !== '');
}

async function segmentsOf(file: FileHandle, header: Buffer): Promise<Segment[]> {
  const [offset, size, count] = [
    Number(header.readBigUInt64LE(32)),
    header.readUInt16LE(54),
    header.readUInt16LE(56),
  ];
  const table = await bytes(file, offset, size * count);
  return Array.from({ length: Math.floor(table.length / (size || 1)) }, (_, i) => ({
    type: table.readUInt32LE(i * size),
    offset: Number(table.readBigUInt64LE(i * size + 8)),
    address: table.readBigUInt64LE(i * size + 16),
    size: Number(table.readBigUInt64LE(i * size + 32)),
  }));
}

/** Where in the file lies what is at an address when it is loaded. */
function offsetOf(address: bigint, segments: readonly Segment[]): number | null {
  const within = segments.find(
    (segment) =>
      segment.type === PROGRAM_LOAD &&
      address >= segment.address &&
      address < segment.address + BigInt(segment.size),
  );
  return within ? within.offset + Number(address - within.address) : null;
}

async function bytes(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}
