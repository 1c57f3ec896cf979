import { createPrivateKey, type KeyObject } from 'node:crypto';
import { unwrap } from '@tsunagu/protocols/kit';
import { type Certificate, parseCertificate, type Tr34Trust } from '@tsunagu/protocols/tr34';
import { type Case, casesOf } from './key-vectors.ts';

/** A test PKI: its certificates, private keys and lists by name. */
export interface Pki {
  readonly atMs: number;
  readonly trust: Tr34Trust;
  certificate(name: string): Certificate;
  privateKey(name: string): KeyObject;
  crl(name: string): Uint8Array;
}

const bytesOf = (base64: unknown): Uint8Array => Uint8Array.from(Buffer.from(String(base64), 'base64'));

const part = (pki: Case, name: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(Object(pki[name])));

/** Reads a PKI of the vector files. */
export function pkiOf(pki: Case): Pki {
  const certificate = (name: string): Certificate => unwrap(parseCertificate(bytesOf(part(pki, 'certificates')[name])));
  return {
    atMs: Date.parse(String(pki['validationTime'])),
    trust: { root: certificate('root'), kdhCa: certificate('kdhCa'), krdCa: certificate('krdCa') },
    certificate,
    privateKey: (name) =>
      createPrivateKey({
        key: Buffer.from(bytesOf(part(pki, 'privateKeysPkcs8')[name])),
        format: 'der',
        type: 'pkcs8',
      }),
    crl: (name) => bytesOf(part(pki, 'crls')[name]),
  };
}

/** The PKI of this project's vectors. */
export const ourPki = (): Pki => {
  const pki = casesOf('tr34', 'ours').find(({ op }) => op === 'pki');
  if (!pki) throw new Error('tr34.json has no pki');
  return pkiOf(pki);
};
