import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { buildCertificate, toPem } from '@tsunagu/protocols/x509';
import { describe, expect, it } from 'vitest';

const day = 86_400_000;
const now = Date.UTC(2026, 10, 23, 9, 30);
const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const issuing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rootName = { commonName: 'Tsunagu demo root', organization: 'つなぐ' };
const issuingName = { commonName: 'Tsunagu demo issuing' };

const read = (der: Uint8Array) => new X509Certificate(toPem('CERTIFICATE', der));
const rootCertificate = read(
  buildCertificate(
    {
      serialNumber: Uint8Array.of(1),
      subject: rootName,
      publicKey: root.publicKey,
      notBefore: now,
      notAfter: Date.UTC(2056, 0, 1),
      use: { kind: 'authority', pathLength: 1 },
    },
    { name: rootName, privateKey: root.privateKey },
  ),
);
const issuingCertificate = read(
  buildCertificate(
    {
      serialNumber: Uint8Array.of(0x7f, 0xff),
      subject: issuingName,
      publicKey: issuing.publicKey,
      notBefore: now,
      notAfter: now + 365 * day,
      use: { kind: 'authority', pathLength: 0 },
    },
    { name: rootName, privateKey: root.privateKey },
  ),
);
const leafCertificate = read(
  buildCertificate(
    {
      serialNumber: Uint8Array.of(0x80, 0x01),
      subject: { commonName: 'JTC17-0001' },
      publicKey: leaf.publicKey,
      notBefore: now,
      notAfter: now + 90 * day,
      use: {
        kind: 'leaf',
        purposes: ['clientAuth'],
        names: [{ uri: 'urn:tsunagu:demo:terminal:JTC17-0001' }, { dns: 'localhost' }, { ip: '127.0.0.1' }],
      },
    },
    { name: issuingName, privateKey: issuing.privateKey },
  ),
);

describe('certificates made here', () => {
  it('form a chain that OpenSSL verifies link by link', () => {
    expect(rootCertificate.verify(root.publicKey)).toBe(true);
    expect(issuingCertificate.verify(root.publicKey)).toBe(true);
    expect(leafCertificate.verify(issuing.publicKey)).toBe(true);
    expect(leafCertificate.verify(root.publicKey)).toBe(false);
    expect(issuingCertificate.checkIssued(rootCertificate)).toBe(true);
    expect(leafCertificate.checkIssued(issuingCertificate)).toBe(true);
  });

  it('say who is an authority and who is not', () => {
    expect([rootCertificate.ca, issuingCertificate.ca, leafCertificate.ca]).toEqual([true, true, false]);
    expect(leafCertificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('carry the alternative names, and dates on either side of 2050', () => {
    expect(leafCertificate.subjectAltName).toBe(
      'URI:urn:tsunagu:demo:terminal:JTC17-0001, DNS:localhost, IP Address:127.0.0.1',
    );
    expect(new Date(rootCertificate.validTo).getTime()).toBe(Date.UTC(2056, 0, 1));
    expect(new Date(leafCertificate.validFrom).getTime()).toBe(now);
  });

  it('keep a serial number positive whatever its first bit', () => {
    expect(leafCertificate.serialNumber).toBe('8001');
  });
});
