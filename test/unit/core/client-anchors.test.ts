import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { openAedesBroker } from '@tsunagu/fleet-server/broker/index';
import { clientAnchors } from '@tsunagu/fleet-server/identity/index';
import { tenantSchema } from '@tsunagu/protocols/fleet';
import { fail, unwrap } from '@tsunagu/protocols/kit';
import { buildCertificate, type CertificateUse, toPem } from '@tsunagu/protocols/x509';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pemOf, watchedWorld } from './support.ts';

const hour = 3_600_000;
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
let count = 1;
const issue = (
  commonName: string,
  publicKey: KeyObject,
  use: CertificateUse,
  issuer: string,
  privateKey: KeyObject,
) => {
  const dates = { notBefore: Date.now() - hour, notAfter: Date.now() + hour };
  const contents = { serialNumber: Uint8Array.of(1, count++), subject: { commonName }, publicKey, ...dates, use };
  return toPem('CERTIFICATE', buildCertificate(contents, { name: { commonName: issuer }, privateKey }));
};
const [rootKeys, issuingKeys, strangerKeys, own] = [pair(), pair(), pair(), pair()];
const root = issue('root', rootKeys.publicKey, { kind: 'authority', pathLength: 1 }, 'root', rootKeys.privateKey);
const issuing = issue(
  'issuing',
  issuingKeys.publicKey,
  { kind: 'authority', pathLength: 0 },
  'root',
  rootKeys.privateKey,
);
const leaf = (purpose: 'clientAuth' | 'serverAuth', by: KeyObject) =>
  issue('leaf', own.publicKey, { kind: 'leaf', purposes: [purpose], names: [{ ip: '127.0.0.1' }] }, 'issuing', by);
const key = pemOf(own.privateKey);

let broker: Awaited<ReturnType<typeof open>>;
/** A broker that knows the issuing CA, and not the root above it. */
const open = async (ca: readonly string[]) =>
  unwrap(
    await openAedesBroker({
      world: watchedWorld().world,
      tenant: tenantSchema.parse('demo'),
      host: '127.0.0.1',
      ports: { fleet: 0, fleetWebSocket: 0 },
      tls: { cert: leaf('serverAuth', issuingKeys.privateKey), key, ca },
      admit: () => Promise.resolve(fail('CLIENT_CERTIFICATE_REFUSED')),
      handlers: {
        received: () => Promise.resolve(),
        connected: () => undefined,
        disconnected: () => undefined,
        refused: () => undefined,
        cloneSuspected: () => undefined,
      },
    }),
  );
beforeEach(async () => {
  broker = await open([issuing]);
});
afterEach(() => broker.close());

/** How the broker answers a CONNECT of who shows this certificate: with a CONNACK when its chain was verified, otherwise not at all. */
const answerTo = (cert: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: broker.ports.fleet, ca: issuing + root, cert, key });
    socket.once('secureConnect', () => socket.write(Buffer.from('100d00044d5154540402003c000178', 'hex')));
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('hex')));
    socket.once('error', () => resolve('nothing')).once('close', () => resolve('nothing'));
  });

it('ends the look upwards at an issuing CA, for certificates of clients that it signed', async () => {
  expect(await answerTo(leaf('clientAuth', issuingKeys.privateKey))).toBe('20020005');
  expect(await answerTo(leaf('serverAuth', issuingKeys.privateKey))).toBe('nothing');
  expect(await answerTo(leaf('clientAuth', strangerKeys.privateKey))).toBe('nothing');
});

it('leaves a root as it is, and an issuing CA the same certificate', () => {
  const [first, second = ''] = clientAnchors([root, issuing]);
  expect(first).toBe(root);
  expect(second).toContain('TRUSTED CERTIFICATE');
  expect(new X509Certificate(second).fingerprint256).toBe(new X509Certificate(issuing).fingerprint256);
});
