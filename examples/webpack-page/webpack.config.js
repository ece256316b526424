import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

export default {
  mode: 'production',
  context: here,
  entry: './page.js',
  output: { path: `${here}out`, filename: 'page.js' },
  performance: { hints: false },
};
