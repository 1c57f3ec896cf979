import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { unwrap } from '@tsunagu/protocols/kit';
import {
  type Attestation,
  type AttestedRun,
  coverageOf,
  openAttestation,
  signAttestation,
  totalsOf,
} from '@tsunagu/protocols/workshop';
import { describe, expect, it } from 'vitest';

const pair = () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, spki: Uint8Array.from(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })) };
};
const hash = 'ab'.repeat(32);
const made: Attestation = {
  v: 1,
  madeAt: '2026-11-25T12:00:00.000Z',
  nonce: 'campaign-7',
  bridge: { version: '0.1.0', node: 'v20.19.0', platform: 'linux x64' },
  runs: [
    {
      reader: { name: 'CCID contact', vendorId: 0x0e0f, productId: 4, isEmulated: true },
      card: 'visa-contact',
      script: 'certify',
      steps: { atr: 'passed', mute: 'failed: READER_TIMEOUT' },
      passed: 1,
      failed: 1,
      skipped: 0,
      traceHash: hash,
      tookMs: 12,
    },
  ],
  digest: hash,
};

describe('an attestation', () => {
  const { privateKey, spki } = pair();
  const text = unwrap(signAttestation(made, privateKey, spki));

  it('opens with the key that is trusted', () => {
    const opened = unwrap(openAttestation(text, spki));
    expect(opened).toMatchObject({ attestation: made, isTrusted: true });
    expect(totalsOf(opened.attestation)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('opens by itself, and says that nobody vouches for its key', () => {
    expect(unwrap(openAttestation(text)).isTrusted).toBe(false);
  });

  it('is not taken from another key, even one that is attached', () => {
    const other = pair();
    const forged = unwrap(signAttestation(made, other.privateKey, other.spki));
    expect(openAttestation(forged, spki)).toMatchObject({ fault: { code: 'ATTESTATION_NOT_AUTHENTIC' } });
    const relabelled = JSON.stringify({ ...JSON.parse(forged), kid: JSON.parse(text).kid });
    expect(openAttestation(relabelled, spki)).toMatchObject({ fault: { code: 'ATTESTATION_NOT_AUTHENTIC' } });
  });

  it('shows any change', () => {
    const changes = ['visa-contact', 'passed', '2026-11-25', 'campaign-7', hash];
    for (const part of changes) {
      const changed = text.replace(part, `${part.slice(0, -1)}${part.endsWith('b') ? 'c' : 'b'}`);
      expect(changed).not.toBe(text);
      expect(openAttestation(changed)).toMatchObject({ ok: false });
    }
  });

  it('is no other document, and never larger than its bound', () => {
    for (const damaged of ['', '{}', '[]', 'x'.repeat(200_000), text.slice(0, -20)])
      expect(openAttestation(damaged)).toMatchObject({ fault: { code: 'ATTESTATION_INVALID' } });
    const other = JSON.stringify({
      ...JSON.parse(text),
      publicKey: Buffer.from('no key at all, only some text').toString('base64'),
    });
    expect(openAttestation(other).ok).toBe(false);
  });
});

describe('what was tried in earnest', () => {
  const run = (name: string, card: string, skipped = 0, failed = 0): AttestedRun => ({
    reader: { name, vendorId: 1, productId: 2, isEmulated: false },
    card,
    script: 'certify',
    steps: {},
    passed: 10,
    failed,
    skipped,
    traceHash: hash,
    tookMs: 1,
  });
  const of = (...runs: AttestedRun[]): Attestation => ({ ...made, runs });

  it('is what more steps were done of than left out, and nothing failed of', () => {
    expect(coverageOf(of(run('A', 'visa'))).isEnough).toBe(true);
    expect(coverageOf(of(run('A', 'visa', 10))).isEnough).toBe(false);
    expect(coverageOf(of(run('A', 'visa', 0, 1))).isEnough).toBe(false);
  });

  it('is counted by reader and card, and measured by the larger of what is undertaken and what is demanded', () => {
    const runs = [run('A', 'visa'), run('A', 'visa'), run('A', 'jcb'), run('B', 'visa'), run('B', 'jcb', 11)];
    expect(coverageOf(of(...runs), { readers: 2, cards: 1 })).toMatchObject({ isEnough: true, readers: 2 });
    expect(coverageOf(of(...runs), { readers: 2, cards: 2 })).toMatchObject({ isEnough: false, readers: 1 });
    expect(coverageOf({ ...of(...runs), atLeast: { readers: 3, cards: 1 } }).isEnough).toBe(false);
    // One card that is put in twice is one card, also where it has no name.
    expect(coverageOf(of(run('A', 'other'), run('A', 'other')), { readers: 1, cards: 2 }).isEnough).toBe(false);
  });
});
