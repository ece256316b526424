/** How much of something is done, as a bar of characters. */

const WIDTH = 16;

/** @param share in [0, 1]; what lies outside is shown as its nearest end */
export function gauge(share: number, width = WIDTH): string {
  const filled = Math.round(width * Math.min(1, Math.max(0, share)));
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
