/** Documents that can be believed: what they are, in which version, and a checksum over their content. */
import * as z from 'zod/mini';

import { canonicalJson, textHash } from '../trial/hashes.js';
import { Doubtful } from './trouble.js';

export type Format =
  'plan' | 'failure' | 'trial' | 'result' | 'models' | 'choices' | 'lease' | 'product-costs';

/** Raised when what the documents hold changes so that what was written before cannot be read. */
export const FORMAT_VERSION = 1;

const envelope = z.object({
  format: z.string(),
  version: z.number(),
  sha256: z.string(),
  content: z.unknown(),
});

export function seal(format: Format, content: unknown): string {
  const plain = JSON.parse(JSON.stringify(content)) as unknown;
  const sealed = {
    format: `espalier ${format}`,
    version: FORMAT_VERSION,
    sha256: checksum(plain),
    content: plain,
  };
  return `${JSON.stringify(sealed, null, 2)}\n`;
}

/**
 * @param place for the message
 * @throws Doubtful when it is not what was sealed
 */
export function unseal<T>(format: Format, schema: z.core.$ZodType<T>, text: string, place: string): T {
  const doubt = (why: string) => new Doubtful(`${place} ${why}`);
  let document: z.infer<typeof envelope>;
  try {
    document = z.parse(envelope, JSON.parse(text));
  } catch {
    throw doubt('is damaged, or of an earlier version');
  }
  if (document.format !== `espalier ${format}`) throw doubt(`is no ${format}`);
  if (document.version !== FORMAT_VERSION) throw doubt(`is of version ${document.version} of its format`);
  if (document.sha256 !== checksum(document.content)) throw doubt('is not what was written there');
  const content = z.safeParse(schema, document.content);
  if (content.success) return content.data;
  const [issue] = content.error.issues;
  throw doubt(`is not whole: ${issue?.path.join('.')}: ${issue?.message}`);
}

function checksum(content: unknown): string {
  return textHash(canonicalJson(content ?? null), 64);
}
