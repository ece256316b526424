/** A server of the S3 kind for tests: moto's, where `$ESPALIER_MOTO` is the path of its program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

export const hasMoto = process.env['ESPALIER_MOTO'] !== undefined;

/** Starts it, and makes the environment one that finds it. @returns what ends it */
export async function startMoto(bucket: string): Promise<() => Promise<void>> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const endpoint = `http://127.0.0.1:${port}`;
  const server = spawn(process.env['ESPALIER_MOTO'] as string, ['-H', '127.0.0.1', '-p', `${port}`], {
    stdio: 'ignore',
  });
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };
  Object.assign(process.env, credentials, { AWS_ENDPOINT_URL: endpoint });
  for (let tries = 0; ; tries++) {
    const made = await fetch(`${endpoint}/${bucket}`, { method: 'PUT' }).catch(() => null);
    if (made?.ok) break;
    if (tries === 300) throw new Error('moto does not answer');
    await setTimeout(100);
  }
  return async () => {
    server.kill('SIGKILL');
    await once(server, 'exit');
  };
}
