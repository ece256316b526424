/** Servers of queues for tests, on ports of their own, with their data in a folder of their own. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

export interface TestServer {
  /** With a password. */
  readonly url: string;
  readonly password: string;
  /** Ends it without warning. */
  kill(): Promise<void>;
  /** Starts it again, with its data or without. */
  start(withData?: boolean): Promise<void>;
}

const PASSWORD = 'a-Secret%40';

/** What is missing for it, in a line; null where nothing is. */
export const missing = {
  redis: () =>
    spawnSync('redis-server', ['--version']).status === 0 ? null : 'redis-server is not installed',
  postgres: () => (postgresPrograms() ? null : 'postgresql is not installed'),
};

/** @param certificate of a server that speaks TLS alone; made by `certificateIn` */
export async function redisServer(folder: string, certificate?: Certificate): Promise<TestServer> {
  const [port, place] = [await freePort(), join(folder, 'redis')];
  const plain = ['--port', `${port}`];
  const { key, cert } = certificate ?? {};
  const files = ['--tls-key-file', `${key}`, '--tls-cert-file', `${cert}`, '--tls-auth-clients', 'no'];
  const listen = certificate ? ['--port', '0', '--tls-port', `${port}`, ...files] : plain;
  let server: ChildProcess;
  const start = async (withData = true) => {
    if (!withData) await rm(place, { recursive: true, force: true });
    await mkdir(place, { recursive: true });
    const args = [...listen, '--bind', '127.0.0.1', '--dir', place, '--requirepass', 'a-Secret@'];
    server = spawn('redis-server', [...args, '--appendonly', 'yes', '--save', ''], { stdio: 'ignore' });
    await answers(port);
  };
  await start();
  return {
    url: `${certificate ? 'rediss' : 'redis'}://:${PASSWORD}@127.0.0.1:${port}`,
    password: PASSWORD,
    start,
    kill: () => killed(server),
  };
}

interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** For 127.0.0.1, signed by itself; null where there is no openssl. */
export function certificateIn(folder: string): Certificate | null {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  return spawnSync('openssl', [...args, ...subject]).status === 0 ? { key, cert } : null;
}

/** Says one thing to a server of `redisServer`. */
export function tellRedis({ url }: TestServer, ...words: readonly string[]): void {
  const { port } = new URL(url);
  const answer = execFileSync('redis-cli', ['-p', port, '-a', 'a-Secret@', '--no-auth-warning', ...words]);
  if (!answer.toString().startsWith('OK')) throw new Error(`${words.join(' ')}: ${answer.toString()}`);
}

export async function postgresServer(folder: string): Promise<TestServer> {
  const [port, place] = [await freePort(), join(folder, 'postgres')];
  const programs = postgresPrograms() as string;
  // The server refuses to be run by root.
  const isRoot = process.getuid?.() === 0;
  const as = (program: string, args: readonly string[]): [string, string[]] => {
    const command = [join(programs, program), ...args];
    return isRoot
      ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', ...command]]
      : [command[0]!, command.slice(1)];
  };
  let server: ChildProcess;
  const start = async (withData = true) => {
    if (!withData) await rm(place, { recursive: true, force: true });
    if (!existsSync(place)) {
      await mkdir(place, { recursive: true });
      for (let at = folder; isRoot && at.startsWith('/tmp/'); at = join(at, '..'))
        await chmod(at, at === '/tmp' ? 0o1777 : 0o755);
      if (isRoot) execFileSync('chown', ['postgres', place]);
      execFileSync(...as('initdb', ['-D', place, '-A', 'trust', '-U', 'espalier', '--no-sync']), {
        stdio: 'ignore',
      });
    }
    await rm(join(place, 'postmaster.pid'), { force: true });
    const args = ['-D', place, '-p', `${port}`, '-k', place, '-c', 'listen_addresses=127.0.0.1'];
    server = spawn(...as('postgres', args), { stdio: 'ignore' });
    await answers(port);
    await setTimeout(500);
  };
  await start();
  return {
    url: `postgres://espalier:${PASSWORD}@127.0.0.1:${port}/postgres`,
    password: PASSWORD,
    start,
    kill: () => killed(server),
  };
}

async function killed(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
}

/** The folder of Debian's newest. */
function postgresPrograms(): string | null {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const [newest] = versions.toSorted((a, b) => Number(b) - Number(a));
  return newest === undefined ? null : `/usr/lib/postgresql/${newest}/bin`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = createConnection(port, '127.0.0.1');
    const there = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
    ]);
    socket.destroy();
    if (there) return;
    await setTimeout(100);
  }
  throw new Error(`nothing answers at port ${port}`);
}
