import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
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
let requests: (string | undefined)[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let wanted: Download;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-download-'));
  requests = [];
  answer = (_, response) => response.writeHead(200, { 'content-length': archive.length }).end(archive);
  server = createServer((request, response) => {
    requests.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  wanted = { name: 'set', from, files: [{ name: 'a.gz', sha256, hashed: 'content', mostBytes: 1000 }] };
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const inPlace = () => readFile(join(folder, 'set/a.gz'));
const lying = () => readdir(join(folder, 'set')).catch(() => []);

describe('download', () => {
  it('puts whole files in place, tells how far it is, and fetches nothing twice', async () => {
    const received: [number, number | null][] = [];
    await download(wanted, folder, {
      onProgress: ({ receivedBytes, totalBytes }) => received.push([receivedBytes, totalBytes]),
    });
    expect(await inPlace()).toEqual(archive);
    expect(received.at(-1)).toEqual([archive.length, archive.length]);
    await download(wanted, folder);
    expect(requests).toHaveLength(1);
    expect(await lying()).toEqual(['a.gz', 'manifest.json']);
  });

  it('fetches a file anew that is damaged', async () => {
    const place = await download(wanted, folder);
    await writeFile(join(place, 'a.gz'), archive.subarray(0, -1));
    await download(wanted, folder);
    expect(await inPlace()).toEqual(archive);
  });

  /** The first answer ends after five bytes. */
  const breaksOff = (tag: () => string) => {
    let answers = 0;
    answer = ({ headers }, response) => {
      const first =
        headers.range && headers['if-range'] === tag() ? Number(/\d+/.exec(headers.range)?.[0]) : 0;
      const rest = archive.subarray(first);
      response.writeHead(first > 0 ? 206 : 200, { 'content-length': rest.length, etag: tag() });
      answers += 1;
      if (answers > 1) response.end(rest);
      else {
        response.write(rest.subarray(0, 5));
        setTimeout(() => response.destroy(), 100);
      }
    };
  };

  it('goes on where it broke off', async () => {
    breaksOff(() => '"one"');
    await expect(download(wanted, folder)).rejects.toThrow(
      /a\.gz broke off after 5 bytes \(.*\): run the same again, and it goes on from there/,
    );
    expect(await lying()).not.toContain('a.gz');
    await download(wanted, folder);
    expect(requests).toEqual([undefined, 'bytes=5-']);
    expect(await inPlace()).toEqual(archive);
    expect(await lying()).toEqual(['a.gz', 'manifest.json']);
  });

  it('starts again where the server has another file meanwhile', async () => {
    let tag = '"one"';
    breaksOff(() => tag);
    await expect(download(wanted, folder)).rejects.toThrow('broke off');
    tag = '"two"';
    await download(wanted, folder);
    expect(await inPlace()).toEqual(archive);
  });

  it('does not wait for a server that has fallen silent', async () => {
    answer = (_, response) => void response.writeHead(200, { 'content-length': archive.length }).write('x');
    await expect(download(wanted, folder, { silenceMs: 100 })).rejects.toThrow(
      /broke off after 1 bytes \(nothing came for 100 ms\)/,
    );
  });

  it('takes no more than there can be, and keeps nothing of it', async () => {
    answer = (_, response) => response.writeHead(200).end(Buffer.alloc(5000));
    await expect(download(wanted, folder)).rejects.toThrow(
      'larger than the 1000 bytes that it is to have at most',
    );
    expect(await lying()).toEqual([]);
  });

  it('keeps nothing of a file that is another than was expected', async () => {
    answer = (_, response) => response.writeHead(200).end(gzipSync('others'));
    await expect(download(wanted, folder)).rejects.toThrow(/is not the a\.gz that was expected: SHA-256/);
    expect(await lying()).toEqual([]);
  });

  it('knows a file by its own hash, too', async () => {
    const own = createHash('sha256').update(archive).digest('hex');
    const file = { name: 'a.gz', sha256: own, hashed: 'file', mostBytes: 1000 } as const;
    await download({ ...wanted, files: [file] }, folder);
    expect(await inPlace()).toEqual(archive);
  });

  it('says what a server answers in place of a file', async () => {
    answer = (_, response) => response.writeHead(404).end();
    await expect(download(wanted, folder)).rejects.toThrow(/answered 404: give another address with --from/);
  });

  it('refuses a folder that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    const refusal = download(wanted, join(folder, 'file'));
    await expect(refusal).rejects.toThrow(DataError);
    await expect(refusal).rejects.toThrow(/cannot be written .* choose another folder with --data/);
  });
});
