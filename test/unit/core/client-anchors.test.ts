import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { openAedesBroker } from '@tsunagu/fleet-server/broker/index';
import { changingTls, clientAnchors } from '@tsunagu/fleet-server/identity/index';
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
  notAfter = Date.now() + hour,
) => {
  const dates = { notBefore: Date.now() - 2 * hour, notAfter };
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
const leaf = (purpose: 'clientAuth' | 'serverAuth', by: KeyObject, issuer = 'issuing', notAfter?: number) =>
  issue(
    'leaf',
    own.publicKey,
    { kind: 'leaf', purposes: [purpose], names: [{ ip: '127.0.0.1' }] },
    issuer,
    by,
    notAfter,
  );
const nextKeys = pair();
const nextIssuing = issue(
  'issuing 2',
  nextKeys.publicKey,
  { kind: 'authority', pathLength: 0 },
  'root',
  rootKeys.privateKey,
);
const key = pemOf(own.privateKey);

let broker: Awaited<ReturnType<typeof open>>;
let material: ReturnType<typeof changingTls>;
/** A broker that knows the issuing CA, and not the root above it. */
const open = async (ca: readonly string[]) => {
  material = changingTls({ cert: leaf('serverAuth', issuingKeys.privateKey), key, ca });
  return unwrap(
    await openAedesBroker({
      world: watchedWorld().world,
      tenant: tenantSchema.parse('demo'),
      host: '127.0.0.1',
      ports: { fleet: 0, fleetWebSocket: 0 },
      tls: material.tls,
      admit: () => Promise.resolve(fail('CLIENT_CERTIFICATE_REFUSED')),
      handlers: {
        received: () => Promise.resolve(),
        connected: () => undefined,
        disconnected: () => undefined,
        refused: () => undefined,
        dropped: () => undefined,
        cloneSuspected: () => undefined,
      },
    }),
  );
};
beforeEach(async () => {
  broker = await open([issuing]);
});
afterEach(() => broker.close());

/** How the broker answers a CONNECT of who shows this certificate: with a CONNACK when its chain was verified, otherwise not at all. */
const answerTo = (cert: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port: broker.ports.fleet,
      ca: issuing + nextIssuing + root,
      cert,
      key,
    });
    socket.once('secureConnect', () => socket.write(Buffer.from('100d00044d5154540402003c000178', 'hex')));
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('hex')));
    socket.once('error', () => resolve('nothing')).once('close', () => resolve('nothing'));
  });

it('ends the look upwards at an issuing CA, for certificates of clients that it signed', async () => {
  expect(await answerTo(leaf('clientAuth', issuingKeys.privateKey))).toBe('20020005');
  expect(await answerTo(leaf('serverAuth', issuingKeys.privateKey))).toBe('nothing');
  expect(await answerTo(leaf('clientAuth', strangerKeys.privateKey))).toBe('nothing');
});

it.each([
  ['that has expired', () => leaf('clientAuth', issuingKeys.privateKey, 'issuing', Date.now() - hour)],
  [
    'that a terminal signed with the key of its own, which it shows too',
    () => leaf('clientAuth', own.privateKey, 'leaf') + leaf('clientAuth', issuingKeys.privateKey),
  ],
  [
    'of another house, whose CAs have the same names',
    () =>
      leaf('clientAuth', strangerKeys.privateKey) +
      issue('issuing', strangerKeys.publicKey, { kind: 'authority', pathLength: 0 }, 'root', strangerKeys.privateKey),
  ],
  [
    'below a CA that an issuing CA made, which may make none',
    () =>
      leaf('clientAuth', strangerKeys.privateKey, 'below') +
      issue('below', strangerKeys.publicKey, { kind: 'authority', pathLength: 0 }, 'issuing', issuingKeys.privateKey),
  ],
  [
    'of another issuing CA of the same root, which the house does not name',
    () => leaf('clientAuth', nextKeys.privateKey, 'issuing 2') + nextIssuing,
  ],
])('does not let in a certificate %s', async (_, made) => {
  expect(await answerTo(made())).toBe('nothing');
});

it('follows a rotation: certificates of both CAs while both count, then of the next alone, also where the one before is shown along', async () => {
  const [before, after] = [
    leaf('clientAuth', issuingKeys.privateKey),
    leaf('clientAuth', nextKeys.privateKey, 'issuing 2'),
  ];
  const shown = { cert: leaf('serverAuth', nextKeys.privateKey, 'issuing 2'), key };
  material.change({ ...shown, ca: [issuing, nextIssuing] });
  expect([await answerTo(before), await answerTo(after)]).toEqual(['20020005', '20020005']);
  expect(await answerTo(leaf('serverAuth', nextKeys.privateKey, 'issuing 2'))).toBe('nothing');
  material.change({ ...shown, ca: [nextIssuing] });
  expect([await answerTo(before), await answerTo(before + issuing)]).toEqual(['nothing', 'nothing']);
  expect(await answerTo(after)).toBe('20020005');
});

it('leaves a root as it is, and an issuing CA the same certificate', () => {
  const [first, second = ''] = clientAnchors([root, issuing]);
  expect(first).toBe(root);
  expect(second).toContain('TRUSTED CERTIFICATE');
  expect(new X509Certificate(second).fingerprint256).toBe(new X509Certificate(issuing).fingerprint256);
});
