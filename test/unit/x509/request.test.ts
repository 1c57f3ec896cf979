import { generateKeyPairSync } from 'node:crypto';
import { buildCertificateRequest, parseCertificateRequest, requestLengthMax } from '@tsunagu/protocols/x509';
import { describe, expect, it } from 'vitest';

const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

const fault = (der: Uint8Array) => {
  const read = parseCertificateRequest(der);
  return read.ok ? 'accepted' : read.fault.field;
};

describe('a certificate request', () => {
  it('is read back with its name and its key', () => {
    const { privateKey, publicKey } = p256();
    const read = parseCertificateRequest(buildCertificateRequest('CATS200-0001', privateKey));
    expect(read.ok && read.value.commonName).toBe('CATS200-0001');
    expect(read.ok && read.value.publicKey.equals(publicKey)).toBe(true);
  });

  it('is refused when it is cut short at any byte', () => {
    const der = buildCertificateRequest('CATS200-0001', p256().privateKey);
    for (let length = 0; length < der.length; length++) expect(fault(der.subarray(0, length))).toBe('structure');
  });

  it('is refused when any one bit of it is changed', () => {
    const der = buildCertificateRequest('CATS200-0001', p256().privateKey);
    for (let at = 0; at < der.length; at++) {
      const changed = Uint8Array.from(der);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      expect(fault(changed), `byte ${at}`).not.toBe('accepted');
    }
  });

  it('is refused when bytes follow it, or when it is longer than a request has reason to be', () => {
    const der = buildCertificateRequest('CATS200-0001', p256().privateKey);
    expect(fault(Uint8Array.of(...der, 0))).toBe('structure');
    expect(fault(new Uint8Array(requestLengthMax + 1))).toBe('length');
  });

  it('is refused for a key on another curve', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    expect(fault(buildCertificateRequest('CATS200-0001', other.privateKey))).toBe('publicKey');
  });

  it('is refused when the name is not printable ASCII or is empty', () => {
    expect(fault(buildCertificateRequest('端末', p256().privateKey))).toBe('subject');
    expect(fault(buildCertificateRequest('', p256().privateKey))).toBe('subject');
  });
});
