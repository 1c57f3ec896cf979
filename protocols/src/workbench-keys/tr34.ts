import { createPrivateKey, type KeyObject } from 'node:crypto';
import {
  acceptCredentialToken,
  acceptKeyToken,
  type Certificate,
  type Freshness,
  parseCertificate,
  type Tr34Trust,
  writeRandomToken,
} from '../tr34/index.ts';
import { bytes, choice, der, has, object, operation, type Request, refuse, shown, text, unwrap } from './request.ts';

function certificate(request: Request, field: string): Certificate {
  const parsed = parseCertificate(der(request, field));
  return parsed.ok ? parsed.value : refuse({ code: 'TR34_CERTIFICATE_INVALID', field });
}

function trustOf(request: Request): Tr34Trust {
  const pki = object(request, 'pki');
  return {
    root: certificate(pki, 'root'),
    kdhCa: certificate(pki, 'kdhCa'),
    krdCa: certificate(pki, 'krdCa'),
  };
}

function atMs(request: Request): number {
  const at = Date.parse(text(request, 'validationTime'));
  return Number.isNaN(at) ? refuse({ code: 'INPUT_INVALID', field: 'validationTime' }) : at;
}

function privateKey(request: Request): KeyObject {
  try {
    const key = createPrivateKey({ key: Buffer.from(der(request, 'krdKey')), format: 'der', type: 'pkcs8' });
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // Refused below: what OpenSSL says about a private key is for nobody to read.
  }
  return refuse({ code: 'INPUT_INVALID', field: 'krdKey' });
}

function freshnessOf(request: Request): Freshness {
  if (has(request, 'expectedNonce')) return { passes: 2, nonce: bytes(request, 'expectedNonce') };
  return has(request, 'lastAcceptedSigningTime')
    ? { passes: 1, lastAcceptedSigningTime: text(request, 'lastAcceptedSigningTime') }
    : { passes: 1 };
}

const base64 = (value: Uint8Array): string => Buffer.from(value).toString('base64');

/** The `tr34` family of the workbench. */
export const tr34Workbench = {
  keyToken: operation((request) => {
    const receiver = {
      trust: trustOf(request),
      kdh: certificate(request, 'kdh'),
      krd: certificate(request, 'krd'),
      privateKey: privateKey(request),
    };
    const received = unwrap(acceptKeyToken(receiver, der(request, 'token'), freshnessOf(request), atMs(request)));
    return { key: shown(received.key), keyBlockHeader: received.header.headerString };
  }),
  credentialToken: operation((request) => {
    const role = choice(request, 'role', ['kdh', 'krd']);
    const entity = unwrap(acceptCredentialToken(trustOf(request), role, der(request, 'token'), atMs(request)));
    return { certificate: base64(entity.encoded) };
  }),
  randomToken: operation((request) => ({ token: base64(unwrap(writeRandomToken(bytes(request, 'nonce')))) })),
};
