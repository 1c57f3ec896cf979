import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { wrapKeyBlock } from '@tsunagu/protocols/tr31';
import {
  acceptCredentialToken,
  acceptKeyToken,
  acceptRebindToken,
  acceptUnbindToken,
  type Freshness,
  type KeyTokenRequest,
  readRandomToken,
  writeCredentialToken,
  writeKeyToken,
  writeRandomToken,
  writeRebindToken,
  writeUnbindToken,
} from '@tsunagu/protocols/tr34';
import { describe, expect, test } from 'vitest';
import { entropy } from '../../vectors/key-vectors.ts';
import { ourPki } from '../../vectors/tr34-pki.ts';

const pki = ourPki();
const { trust, atMs } = pki;
const kdh = pki.certificate('kdh1');
const krd = pki.certificate('krd1');
const nonce = hex('00112233445566778899AABBCCDDEEFF');
const receiver = { trust, kdh, krd, privateKey: pki.privateKey('krd1') };
const key = (lengthBytes = 32): Secret<'key'> =>
  Secret.take(
    'key',
    Uint8Array.from({ length: lengthBytes }, (_, i) => i + 1),
  );
const codeOf = (result: { ok: boolean; fault?: { code: string } }): string => result.fault?.code ?? 'ok';

const tokenOf = (more: Partial<KeyTokenRequest> = {}): Uint8Array =>
  unwrap(
    writeKeyToken({
      kdh,
      kdhKey: pki.privateKey('kdh1'),
      krd,
      key: key(),
      header: 'D0000K1AB00E0000',
      freshness: { passes: 2, nonce },
      crl: pki.crl('clean'),
      entropy,
      ...more,
    }),
  );
const accept = (
  token: Uint8Array,
  freshness: Freshness = { passes: 2, nonce },
  at = atMs,
): ReturnType<typeof acceptKeyToken> => acceptKeyToken(receiver, token, freshness, at);

describe('a key token', () => {
  test('brings a key from host to device, in two passes and in one', () => {
    const two = unwrap(accept(tokenOf()));
    expect(two.key.use(toHex)).toBe(key().use(toHex));
    expect(two.header.headerString).toBe('D0000K1AB00E0000');
    const one = tokenOf({
      freshness: { passes: 1, signingTime: '260601100000Z' },
      key: key(24),
      header: 'B0000K0TD00N0000',
    });
    expect(unwrap(accept(one, { passes: 1 })).signingTime).toBe('260601100000Z');
  });

  test('is taken for the nonce it answers, and for no other', () => {
    expect(codeOf(accept(tokenOf(), { passes: 2, nonce: hex('0011223344556677') }))).toBe('TR34_NONCE_MISMATCH');
    expect(codeOf(accept(tokenOf(), { passes: 2, nonce: hex('0011') }))).toBe('TR34_NONCE_LENGTH_INVALID');
    const one = tokenOf({ freshness: { passes: 1, signingTime: '260601100000Z' } });
    expect(codeOf(accept(one))).toBe('TR34_NONCE_MISMATCH');
    expect(codeOf(accept(tokenOf(), { passes: 1 }))).toBe('TR34_NONCE_MISMATCH');
  });

  test('in one pass is later than the last accepted one, across the turn of a century digit too', () => {
    const one = tokenOf({ freshness: { passes: 1, signingTime: '260601100000Z' } });
    const after = (lastAcceptedSigningTime: string): string =>
      codeOf(accept(one, { passes: 1, lastAcceptedSigningTime }));
    expect(after('260601095959Z')).toBe('ok');
    expect(after('260601100000Z')).toBe('TR34_REPLAYED');
    expect(after('260602000000Z')).toBe('TR34_REPLAYED');
    expect(after('991231235959Z')).toBe('ok');
    expect(after('rubbish')).toBe('TR34_REPLAYED');
  });

  test('is refused with a list that is stale, of another CA, or has the host in it', () => {
    expect(codeOf(accept(tokenOf({ crl: pki.crl('stale') })))).toBe('TR34_CRL_INVALID');
    expect(codeOf(accept(tokenOf({ crl: pki.crl('wrongIssuer') })))).toBe('TR34_CRL_INVALID');
    const revoked = { kdh: pki.certificate('kdh2'), kdhKey: pki.privateKey('kdh2'), crl: pki.crl('kdh2Revoked') };
    const bound = { ...receiver, kdh: pki.certificate('kdh2') };
    expect(codeOf(acceptKeyToken(bound, tokenOf(revoked), { passes: 2, nonce }, atMs))).toBe(
      'TR34_CERTIFICATE_REVOKED',
    );
  });

  test('of another host, of an expired one, or of a device that poses as a host is refused', () => {
    const other = tokenOf({ kdh: pki.certificate('kdh2'), kdhKey: pki.privateKey('kdh2') });
    expect(codeOf(accept(other))).toBe('TR34_NOT_AUTHENTIC');
    for (const name of ['kdhExpired', 'krd2']) {
      const certificate = pki.certificate(name);
      const token = tokenOf({ kdh: certificate, kdhKey: pki.privateKey(name) });
      const answer = acceptKeyToken({ ...receiver, kdh: certificate }, token, { passes: 2, nonce }, atMs);
      expect(codeOf(answer)).toBe('TR34_CERTIFICATE_INVALID');
    }
  });

  test('for another device says no more than that it is not authentic', () => {
    expect(codeOf(accept(tokenOf({ krd: pki.certificate('krd2') })))).toBe('TR34_NOT_AUTHENTIC');
    const wrongKey = { ...receiver, privateKey: pki.privateKey('krd2') };
    expect(codeOf(acceptKeyToken(wrongKey, tokenOf(), { passes: 2, nonce }, atMs))).toBe('TR34_NOT_AUTHENTIC');
  });

  test('is not made for a header that is none, or that the key does not fit', () => {
    const made = (header: string, lengthBytes: number): string =>
      codeOf(
        writeKeyToken({
          kdh,
          kdhKey: pki.privateKey('kdh1'),
          krd,
          key: key(lengthBytes),
          header,
          freshness: { passes: 2, nonce },
          entropy,
        }),
      );
    expect(made('D0000K1AB00E0000', 32)).toBe('ok');
    for (const [header, lengthBytes] of [
      ['D0000K1AB00E00', 32],
      ['E0000K1AB00E0000', 32],
      ['D0000K1TB00E0000', 32],
      ['D0000K1AB00E0100', 32],
      ['D0000K1AB00E0000', 20],
    ] as const)
      expect(made(header, lengthBytes)).toBe('TR34_CONTENT_INVALID');
  });

  test('leaves a key that holds to its header: what may not be exported is not wrapped', () => {
    const received = unwrap(accept(tokenOf({ header: 'D0000K1AB00N0000' })));
    const { headerString: _, blockLength: __, optionalBlockCount: ___, ...attributes } = received.header;
    const wrapped = wrapKeyBlock(key(), {
      attributes: { ...attributes, exportability: 'N' },
      key: received.key,
      entropy,
    });
    expect(codeOf(wrapped)).toBe('TR31_NOT_EXPORTABLE');
  });
});

test('a credential token binds the certificate of its role, and of no other', () => {
  expect(
    unwrap(acceptCredentialToken(trust, 'kdh', writeCredentialToken(kdh, pki.crl('clean')), atMs)).subject,
  ).toEqual(kdh.subject);
  expect(unwrap(acceptCredentialToken(trust, 'krd', writeCredentialToken(krd), atMs)).subject).toEqual(krd.subject);
  expect(codeOf(acceptCredentialToken(trust, 'kdh', writeCredentialToken(krd), atMs))).toBe('TR34_CERTIFICATE_INVALID');
  expect(codeOf(acceptCredentialToken(trust, 'kdh', writeCredentialToken(kdh), atMs + 30 * 365 * 86_400_000))).toBe(
    'TR34_CERTIFICATE_INVALID',
  );
});

test('a random number token carries 8 or 16 bytes there and back', () => {
  expect(unwrap(readRandomToken(unwrap(writeRandomToken(nonce))))).toEqual(nonce);
  expect(codeOf(writeRandomToken(hex('00')))).toBe('TR34_NONCE_LENGTH_INVALID');
});

describe('binding tokens', () => {
  const binding = { trust, kdh, krd };
  const byKdh = { by: 'kdh', nonce } as const;
  const byCa = { by: 'ca' } as const;
  const host = { certificate: kdh, privateKey: pki.privateKey('kdh1') };
  const ca = { certificate: trust.krdCa, privateKey: pki.privateKey('krdCa') };

  test('unbind a device by its host or by the CA of devices', () => {
    const token = writeUnbindToken({ kdh, krd, signer: host, authority: byKdh });
    expect(codeOf(acceptUnbindToken(binding, token, byKdh, atMs))).toBe('ok');
    expect(codeOf(acceptUnbindToken(binding, token, { by: 'kdh', nonce: hex('0011223344556677') }, atMs))).toBe(
      'TR34_NONCE_MISMATCH',
    );
    const other = { ...binding, krd: pki.certificate('krd2') };
    expect(codeOf(acceptUnbindToken(other, token, byKdh, atMs))).toBe('TR34_NOT_AUTHENTIC');
    const caToken = writeUnbindToken({ kdh, krd, signer: ca, authority: byCa });
    expect(codeOf(acceptUnbindToken(binding, caToken, byCa, atMs))).toBe('ok');
    expect(codeOf(acceptUnbindToken({ ...binding, kdh: pki.certificate('kdh2') }, caToken, byCa, atMs))).toBe(
      'TR34_NOT_AUTHENTIC',
    );
  });

  test('rebind a device to a new host, whose certificate is checked first', () => {
    const newKdh = pki.certificate('kdh2');
    const request = { kdh, krd, newKdh, signer: host, authority: byKdh } as const;
    expect(unwrap(acceptRebindToken(binding, writeRebindToken(request), byKdh, atMs)).subject).toEqual(newKdh.subject);
    const caToken = writeRebindToken({ ...request, signer: ca, authority: byCa, crl: pki.crl('clean') });
    expect(unwrap(acceptRebindToken(binding, caToken, byCa, atMs)).subject).toEqual(newKdh.subject);
    const refused = (more: object): string =>
      codeOf(acceptRebindToken(binding, writeRebindToken({ ...request, ...more }), byKdh, atMs));
    expect(refused({ crl: pki.crl('kdh2Revoked') })).toBe('TR34_CERTIFICATE_REVOKED');
    expect(refused({ newKdh: pki.certificate('kdhExpired') })).toBe('TR34_CERTIFICATE_INVALID');
    expect(refused({ newKdh: pki.certificate('krd2') })).toBe('TR34_CERTIFICATE_INVALID');
    expect(refused({ signer: { certificate: newKdh, privateKey: pki.privateKey('kdh2') } })).toBe('TR34_NOT_AUTHENTIC');
  });
});
