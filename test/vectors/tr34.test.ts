import {
  acceptKeyToken,
  acceptRebindToken,
  acceptUnbindToken,
  type BindingAuthority,
  type Freshness,
} from '@tsunagu/protocols/tr34';
import { hex } from '@tsunagu/protocols/kit';
import { describe, expect, test } from 'vitest';
import { ask, type Case, casesOf, expectNoSecrets, runFamily } from './key-vectors.ts';
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

const ours = casesOf('tr34', 'ours');
const tokens = ours.filter(({ op }) => op === 'keyToken').map((each) => withPki(each, ours));

describe('key tokens that were tampered with', () => {
  const pki = ourPki();

  test.each(tokens.map((each) => [each.id, each] as const))('%s is refused at every truncation', (_, each) => {
    const { kdh: host, krd: device, token: whole, expectedNonce } = ours.find(({ id }) => id === each.id) ?? each;
    const receiver = {
      trust: pki.trust,
      kdh: pki.certificate(String(host)),
      krd: pki.certificate(String(device)),
      privateKey: pki.privateKey(String(device)),
    };
    const freshness: Freshness =
      typeof expectedNonce === 'string' ? { passes: 2, nonce: hex(expectedNonce) } : { passes: 1 };
    const token = Uint8Array.from(Buffer.from(String(whole), 'base64'));
    expect(acceptKeyToken(receiver, token, freshness, pki.atMs).ok).toBe(true);
    for (let length = 0; length < token.length; length += 1) {
      expect(acceptKeyToken(receiver, token.subarray(0, length), freshness, pki.atMs)).toMatchObject({
        ok: false,
        fault: { code: 'TR34_ENCODING_INVALID' },
      });
    }
  });

  test.each(tokens.slice(0, 2).map((each) => [each.id, each] as const))(
    '%s is refused, or means the same, with any one byte changed',
    (_, each) => {
      const token = Buffer.from(String(each['token']), 'base64');
      for (let at = 0; at < token.length; at += 1) {
        const changed = Buffer.from(token);
        changed[at] = (changed[at] ?? 0) ^ 0x04;
        const answer = ask('tr34', 'keyToken', { ...each, token: changed.toString('base64') });
        // Bytes that nothing signs and nothing reads (the list of digests in front, say) may change; the key may not.
        if (answer.ok) expect(answer.value).toEqual({ key: each['key'], keyBlockHeader: each['keyBlockHeader'] });
        else expectNoSecrets(answer, { key: each['key'], krdKey: each['krdKey'] });
      }
    },
  );
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
    const pki = pkiOf(found);
    const binding = {
      trust: pki.trust,
      kdh: pki.certificate(String(each['kdh'])),
      krd: pki.certificate(String(each['krd'])),
    };
    const token = Uint8Array.from(Buffer.from(String(each['token']), 'base64'));
    const kind = String(each['kind']);
    const authority: BindingAuthority = kind.endsWith('Kdh')
      ? { by: 'kdh', nonce: hex(String(each['expectedNonce'])) }
      : { by: 'ca' };
    const accept = kind.startsWith('unbind') ? acceptUnbindToken : acceptRebindToken;
    expect(accept(binding, token, authority, pki.atMs)).toMatchObject({ ok: true });
    // The other way of ending a binding does not take it.
    const other: BindingAuthority = authority.by === 'ca' ? { by: 'kdh', nonce: new Uint8Array(16) } : { by: 'ca' };
    expect(accept(binding, token, other, pki.atMs)).toMatchObject({ ok: false });
  });
});
