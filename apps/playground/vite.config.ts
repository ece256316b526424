import { createHash } from 'node:crypto';

import { pageStyle } from '@espalier/report';
import { defineConfig, type Plugin } from 'vite';

import { contentPolicy } from './src/content-policy.js';
import { fillServiceWorker } from './src/fill-service-worker.js';

/** The look of reports is in the page from the start; its policy before all that asks for something. */
const looksLikeReports: Plugin = {
  name: 'looks-like-reports',
  transformIndexHtml: (html) => {
    const policy = `<meta http-equiv="Content-Security-Policy" content="${contentPolicy}" />`;
    // Behind the encoding, which browsers look for in the first 1024 bytes.
    return html.replace(
      /<meta charset=[^>]*>/,
      (charset) => `${charset}${policy}<style>${pageStyle}</style>`,
    );
  },
};

/** A service worker beside the page, which knows each file of the build and keeps it. */
const worksOffline: Plugin = {
  name: 'works-offline',
  apply: 'build',
  // After Vite has put the page itself into the bundle.
  enforce: 'post',
  generateBundle(_, bundle) {
    const files = Object.keys(bundle).sort();
    const version = createHash('sha256');
    for (const file of files) {
      const part = bundle[file]!;
      version.update(file).update(part.type === 'chunk' ? part.code : part.source);
    }
    const listed = files.filter((file) => file !== 'index.html');
    const source = fillServiceWorker(listed, version.digest('hex').slice(0, 16));
    this.emitFile({ type: 'asset', fileName: 'service-worker.js', source });
  },
};

const headers = { 'Content-Security-Policy': contentPolicy };

export default defineConfig({
  // Wherever its folder is put.
  base: './',
  plugins: [looksLikeReports, worksOffline],
  server: { headers },
  preview: { headers },
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 4000, modulePreload: false },
});
