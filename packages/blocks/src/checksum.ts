/** A checksum of what is stored, to tell damage: not a signature, whoever changes bytes on purpose can make another. */

/** The remainders of every byte by the polynomial of CRC-32, bit-reversed. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  return remainder;
});

/**
 * CRC-32 (ISO 3309; that of zip and PNG) as eight hexadecimal digits: whatever differs in one place of up to 32 bits has
 * another; of other damage, one in four thousand million has the same.
 */
export function checksum(bytes: Uint8Array): string {
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) sum = REMAINDERS[(sum ^ bytes[i]!) & 0xff]! ^ (sum >>> 8);
  return (~sum >>> 0).toString(16).padStart(8, '0');
}
