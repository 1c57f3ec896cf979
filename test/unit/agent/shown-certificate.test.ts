import { spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { buildAuthorityCertificate, buildCertificate, newSerialNumber, toPem } from '@tsunagu/protocols/x509';
import { expect, test } from 'vitest';

const world = systemWorld(() => undefined);
const day = 86_400_000;
const keys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const life = { now: Date.now(), lifeMs: day };

const rootKeys = keys();
const rootName = { commonName: 'root' };
const issuerOfIssuing = { name: rootName, ...rootKeys };
const root = buildAuthorityCertificate('root', { name: rootName, ...rootKeys }, life, issuerOfIssuing, randomBytes);
const issuingKeys = keys();
const issuingName = { commonName: 'issuing' };
const issuing = buildAuthorityCertificate(
  'issuing',
  { name: issuingName, ...issuingKeys },
  life,
  issuerOfIssuing,
  randomBytes,
);
function leaf(commonName: string, purpose: 'clientAuth' | 'serverAuth') {
  const { publicKey, privateKey } = keys();
  const contents = {
    serialNumber: newSerialNumber(randomBytes),
    subject: { commonName },
    publicKey,
    notBefore: life.now - day / 10,
    notAfter: life.now + day,
    use: { kind: 'leaf', purposes: [purpose], names: [{ dns: 'localhost' }] },
  } as const;
  const certificate = buildCertificate(contents, { name: issuingName, ...issuingKeys });
  return { chain: toPem('CERTIFICATE', certificate) + issuing, privateKey };
}
const terminal = leaf('CT5100-0001', 'clientAuth');
const own = leaf('server', 'serverAuth');

const networkTo = (fleet: number) =>
  secureNetwork(
    directNetwork({ host: '127.0.0.1', fleet, device: 1, acquiring: 1 }, world.timers),
    world.timers,
    { host: 'localhost', rootCertificate: root },
    { certificateChain: terminal.chain, privateKey: terminal.privateKey },
  );

test('shows its own certificate alone to a server that knows the CA above it', async () => {
  const server = createServer({
    cert: own.chain,
    key: pemOf(own.privateKey),
    ca: [root, issuing],
    requestCert: true,
    minVersion: 'TLSv1.3',
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const network = networkTo((server.address() as AddressInfo).port);
  const accepted: Promise<TLSSocket[]> = once(server, 'secureConnection');
  const socket = unwrap(await network.open('fleet', 60_000));
  const [seen] = await accepted;
  expect(seen?.authorized).toBe(true);
  const shown = seen?.getPeerX509Certificate();
  expect(shown?.subject).toBe('CN=CT5100-0001');
  expect(shown?.issuerCertificate).toBeUndefined();
  socket.destroy();
  server.close();
});

test('shows the CA above it too where that is not known, from the next connection on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-shown-'));
  const files = { 'root.pem': root, 'own.pem': own.chain, 'own.key': pemOf(own.privateKey) };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const port = await freePort();
  const server = spawn(
    'openssl',
    ['s_server', '-accept', `127.0.0.1:${port}`, '-tls1_3', '-rev', '-Verify', '3', '-verify_return_error'].concat([
      '-cert',
      'own.pem',
      '-cert_chain',
      'own.pem',
      '-key',
      'own.key',
      '-CAfile',
      'root.pem',
    ]),
    { cwd: folder, stdio: 'ignore' },
  );
  try {
    await listening(port);
    const network = networkTo(port);
    const refused = unwrap(await network.open('fleet', 60_000));
    const [error] = await once(refused, 'error').catch((cause: unknown) => [cause]);
    expect(error).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' });
    const taken = unwrap(await network.open('fleet', 60_000));
    // It writes back what it reads, from the end to the beginning.
    taken.write('olleh\n');
    const [answer] = await once(taken, 'data');
    expect(String(answer)).toBe('hello\n');
    taken.destroy();
  } finally {
    server.kill();
    rmSync(folder, { recursive: true });
  }
});

test('shows the CA above it too after a hang-up without a word, and its own alone again where that was not the reason', async () => {
  // So does a server on Node that knows the roots alone: it looks at the certificate when the handshake is over, and sends no alert.
  const server = createServer({
    cert: own.chain,
    key: pemOf(own.privateKey),
    ca: root,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const network = networkTo((server.address() as AddressInfo).port);
  const connectOnce = async (answers: 'hangs up on everybody' | 'takes whom it knows'): Promise<string> => {
    const accepted: Promise<TLSSocket[]> = once(server, 'secureConnection');
    const socket = unwrap(await network.open('fleet', 60_000));
    socket.on('error', () => undefined).resume();
    const [seen] = await accepted;
    if (seen?.authorized && answers === 'takes whom it knows') seen.end('hello');
    else seen?.destroy();
    await once(socket, 'close');
    return seen?.authorized ? 'with the CA above it' : 'alone';
  };
  const shown: string[] = [];
  for (const answers of [
    'hangs up on everybody',
    'hangs up on everybody',
    'takes whom it knows',
    'takes whom it knows',
  ] as const)
    shown.push(await connectOnce(answers));
  expect(shown).toEqual(['alone', 'with the CA above it', 'alone', 'with the CA above it']);
  server.close();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody listens on ${port}`);
}
