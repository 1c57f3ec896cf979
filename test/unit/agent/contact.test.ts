import { generateKeyPairSync } from 'node:crypto';
import { createServer as createTlsServer } from 'node:tls';
import { directNetwork, openContact, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { defaultContact } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { buildCertificate, toPem } from '@tsunagu/protocols/x509';
import { expect, it } from 'vitest';
import { MemoryFiles } from './memory-files.ts';
import { until } from './tiny-server.ts';

const world = systemWorld(() => undefined);

it('follows the contact that it was given, also after a power loss', async () => {
  const files = new MemoryFiles();
  const open = async (on: MemoryFiles) => unwrap(await openContact(unwrap(await openSealedStore(on, world)), world));
  const first = await open(files);
  expect(first.current).toEqual(defaultContact);
  const given = { ...defaultContact, slotMs: 7, spreadMs: 60_000 };
  first.keep(given);
  expect(first.current).toEqual(given);
  await until(() => files.log.some((line) => line.includes('contact')), 'the write');
  await new Promise((resolve) => setImmediate(resolve));
  const written = files.changes;
  first.keep({ ...given });
  expect(files.changes).toBe(written);
  expect((await open(files.afterPowerLoss(true))).current).toEqual(given);
});

it('offers a ticket to the broker only, and none after it has got another certificate', async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const cert = toPem(
    'CERTIFICATE',
    buildCertificate(
      {
        serialNumber: Uint8Array.of(1),
        subject: { commonName: 'server' },
        publicKey: pair.publicKey,
        notBefore: now - 1_000,
        notAfter: now + 3_600_000,
        use: { kind: 'leaf', purposes: ['serverAuth', 'clientAuth'], names: [{ ip: '127.0.0.1' }] },
      },
      { name: { commonName: 'server' }, privateKey: pair.privateKey },
    ),
  );
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const reused: boolean[] = [];
  const server = createTlsServer({ cert, key, ca: cert, requestCert: true, minVersion: 'TLSv1.3' }, (socket) => {
    reused.push(socket.isSessionReused());
    socket.on('error', () => undefined).write('welcome');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const identity = { certificateChain: cert, privateKey: pair.privateKey };
  const network = secureNetwork(
    directNetwork({ host: '127.0.0.1', fleet: port, device: port, acquiring: port }, world.timers),
    world.timers,
    { host: '127.0.0.1', rootCertificate: cert },
    identity,
  );
  const visit = async (service: 'fleet' | 'device'): Promise<void> => {
    const socket = unwrap(await network.open(service, 60_000));
    // Tickets come before the first byte of the application.
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
  };
  for (const service of ['fleet', 'fleet', 'device', 'fleet'] as const) await visit(service);
  expect(reused).toEqual([false, true, false, true]);
  network.show(identity);
  await visit('fleet');
  expect(reused.at(-1)).toBe(false);
  server.close();
});
