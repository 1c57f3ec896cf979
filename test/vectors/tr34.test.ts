import {
  acceptCredentialToken,
  acceptKeyToken,
  acceptRebindToken,
  acceptUnbindToken,
  type BindingAuthority,
  type Freshness,
  type KeyReceiver,
  readRandomToken,
} from '@tsunagu/protocols/tr34';
import { hex, toHex } from '@tsunagu/protocols/kit';
import { describe, expect, test } from 'vitest';
import { type Case, casesOf, expectNoSecrets, runFamily } from './key-vectors.ts';
import { ourPki, pkiOf } from './tr34-pki.ts';

// A case names its certificates; the workbench takes them as they are.
function withPki(each: Case, all: readonly Case[]): Case {
  const pki = all.find(({ id, op }) => op === 'pki' && id === each['pki']);
  if (!pki) return each;
  const { certificates, privateKeysPkcs8 } = Object(pki);
  const { root, kdhCa, krdCa } = certificates;
  return {
    ...each,
    pki: { root, kdhCa, krdCa },
    validationTime: pki['validationTime'],
    kdh: certificates[String(each['boundKdh'] ?? each['kdh'])],
    krd: certificates[String(each['krd'])],
    krdKey: privateKeysPkcs8[String(each['krd'])],
    certificate: certificates[String(each['certificate'])],
  };
}

runFamily(
  'tr34',
  { keyToken: ['key', 'keyBlockHeader'], credentialToken: ['certificate'], randomToken: ['token'] },
  withPki,
);

const tokens = casesOf('tr34', 'ours').filter(({ op }) => op === 'keyToken');
const pki = ourPki();

// Certificates and keys are read once for all the tampering; every byte costs its parsing, and its signatures where it gets that far.
function heldFor({ kdh, krd, token, expectedNonce }: Case): {
  readonly receiver: KeyReceiver;
  readonly token: Uint8Array;
  readonly freshness: Freshness;
} {
  return {
    receiver: {
      trust: pki.trust,
      kdh: pki.certificate(String(kdh)),
      krd: pki.certificate(String(krd)),
      privateKey: pki.privateKey(String(krd)),
    },
    token: Uint8Array.from(Buffer.from(String(token), 'base64')),
    freshness: typeof expectedNonce === 'string' ? { passes: 2, nonce: hex(expectedNonce) } : { passes: 1 },
  };
}

describe('key tokens that were tampered with', () => {
  test.each(tokens.map((each) => [each.id, each] as const))('%s is refused at every truncation', (_, each) => {
    const { receiver, token, freshness } = heldFor(each);
    expect(acceptKeyToken(receiver, token, freshness, pki.atMs).ok).toBe(true);
    for (let length = 0; length < token.length; length += 1) {
      expect(acceptKeyToken(receiver, token.subarray(0, length), freshness, pki.atMs)).toMatchObject({
        ok: false,
        fault: { code: 'TR34_ENCODING_INVALID' },
      });
    }
  });

  const others = casesOf('tr34', 'ours').filter(({ op }) => op !== 'keyToken' && op !== 'pki');
  test.each(others.map((each) => [each.id, each] as const))('%s is refused at every truncation too', (_, each) => {
    const whole = Uint8Array.from(Buffer.from(String(each['token']), 'base64'));
    const receiver = each.op === 'keyTokenReject' ? heldFor(each).receiver : undefined;
    const read =
      each.op === 'randomToken'
        ? readRandomToken
        : (token: Uint8Array) =>
            receiver
              ? acceptKeyToken(receiver, token, { passes: 1 }, pki.atMs)
              : acceptCredentialToken(pki.trust, each['role'] === 'kdh' ? 'kdh' : 'krd', token, pki.atMs);
    for (let length = 0; length < whole.length; length += 1) expect(read(whole.subarray(0, length)).ok).toBe(false);
  });

  const parts = 8;
  const inParts = tokens
    .slice(0, 2)
    .flatMap((each) => Array.from({ length: parts }, (_, part) => [each.id, part + 1, each] as const));
  test.each(inParts)('%s is refused, or means the same, with any one byte changed, part %i of 8', (_, part, each) => {
    const { receiver, token, freshness } = heldFor(each);
    for (let at = part - 1; at < token.length; at += parts) {
      const changed = Uint8Array.from(token);
      changed[at] = (token[at] ?? 0) ^ 0x04;
      const answer = acceptKeyToken(receiver, changed, freshness, pki.atMs);
      // Bytes that nothing signs and nothing reads (the list of digests in front, say) may change; the key may not.
      if (answer.ok) {
        expect(answer.value.key.use(toHex)).toBe(each['key']);
        expect(answer.value.header.headerString).toBe(each['keyBlockHeader']);
      } else expectNoSecrets(answer, { key: each['key'] });
    }
  });
});

const published = casesOf('tr34', 'published');
const bindings = published.filter(({ op }) => op === 'bindingToken');

describe('published binding tokens', () => {
  if (bindings.length === 0) {
    test.skip('skipped: not here', () => {});
    return;
  }
  test.each(bindings.map((each) => [each.id, each] as const))('%s', (_, each) => {
    const found = published.find(({ id }) => id === each['pki']);
    if (!found) throw new Error('no pki');
    const theirs = pkiOf(found);
    const binding = {
      trust: theirs.trust,
      kdh: theirs.certificate(String(each['kdh'])),
      krd: theirs.certificate(String(each['krd'])),
    };
    const token = Uint8Array.from(Buffer.from(String(each['token']), 'base64'));
    const kind = String(each['kind']);
    const authority: BindingAuthority = kind.endsWith('Kdh')
      ? { by: 'kdh', nonce: hex(String(each['expectedNonce'])) }
      : { by: 'ca' };
    const accept = kind.startsWith('unbind') ? acceptUnbindToken : acceptRebindToken;
    expect(accept(binding, token, authority, theirs.atMs)).toMatchObject({ ok: true });
    // The other way of ending a binding does not take it.
    const other: BindingAuthority = authority.by === 'ca' ? { by: 'kdh', nonce: new Uint8Array(16) } : { by: 'ca' };
    expect(accept(binding, token, other, theirs.atMs)).toMatchObject({ ok: false });
  });
});
