import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { DataError } from './data-error.js';
import { download, type Download } from './download.js';

const content = 'numbers';
const archive = gzipSync(content);
const sha256 = createHash('sha256').update(content).digest('hex');

let folder: string;
let server: Server;
let requests: number;
let wanted: Download;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-download-'));
  requests = 0;
  server = createServer((_, response) => {
    requests += 1;
    response.writeHead(200, { 'content-length': archive.length }).end(archive);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  wanted = { name: 'set', from, files: [{ name: 'a.gz', sha256 }] };
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

describe('download', () => {
  it('puts whole files in place, tells how far it is, and fetches nothing twice', async () => {
    const received: [number, number | null][] = [];
    const place = await download(wanted, folder, {
      onProgress: ({ receivedBytes, totalBytes }) => received.push([receivedBytes, totalBytes]),
    });
    expect(await readFile(join(place, 'a.gz'))).toEqual(archive);
    expect(received.at(-1)).toEqual([archive.length, archive.length]);
    await download(wanted, folder);
    expect(requests).toBe(1);
  });

  it('fetches a file anew that is damaged', async () => {
    const place = await download(wanted, folder);
    await writeFile(join(place, 'a.gz'), archive.subarray(0, -1));
    await download(wanted, folder);
    expect(await readFile(join(place, 'a.gz'))).toEqual(archive);
  });

  it('refuses a folder that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    const refusal = download(wanted, join(folder, 'file'));
    await expect(refusal).rejects.toThrow(DataError);
    await expect(refusal).rejects.toThrow(/a\.gz cannot be written .* choose another folder with --data/);
  });
});
