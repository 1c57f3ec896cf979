import { generateKeyPairSync } from 'node:crypto';
import {
  type AuditEntry,
  type AuditReport,
  auditHeadPurpose,
  canonicalJson,
  genesis,
  openVerifier,
  sealEntry,
} from '@tsunagu/protocols/audit';
import { keyIdOf, signDocument } from '@tsunagu/protocols/fleet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const pair = generateKeyPairSync('ed25519');
const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
const key = { kid: keyIdOf(spki), publicKey: spki.toString('base64') };
const stranger = generateKeyPairSync('ed25519');

const entryOf = (seq: number, prev: string, subject = `terminal/${seq}`): AuditEntry => ({
  v: 1,
  seq,
  at: '2026-11-25T00:00:00.000Z',
  prev,
  actor: { subject: 'mori', person: 'mori', roles: ['operator'], via: 'session' },
  action: 'test',
  subject,
  request: null,
  outcome: 'done',
  code: null,
  before: null,
  after: null,
  facts: { n: seq },
});

interface Sealed {
  readonly entry: AuditEntry;
  readonly hash: string;
}
/** `count` entries; one of them about something else, where a test wants a whole forged history. */
function chain(count: number, forged?: number): Sealed[] {
  const made: Sealed[] = [];
  for (let seq = 1; seq <= count; seq++) {
    const entry = entryOf(seq, made.at(-1)?.hash ?? genesis, seq === forged ? 'terminal/other' : undefined);
    made.push({ entry, hash: sealEntry(entry).hash });
  }
  return made;
}
const headOf = (sealed: readonly Sealed[], seq: number, by = pair.privateKey) =>
  signDocument(
    auditHeadPurpose,
    JSON.stringify({
      v: 1,
      tenant: 'demo',
      seq,
      hash: seq === 0 ? genesis : sealed[seq - 1]?.hash,
      at: '2026-11-25T00:01:00.000Z',
    }),
    key.kid,
    by,
  );
type Head = ReturnType<typeof headOf>;
function verified(
  sealed: readonly Sealed[],
  heads: readonly (readonly [after: number, head: Head])[],
  trust: { heads?: readonly Head[] } = {},
): AuditReport {
  const verifier = openVerifier({ key, ...trust });
  verifier.line(JSON.stringify({ log: 'tsunagu-audit-v1', tenant: 'demo', key }));
  for (const [index, each] of sealed.entries()) {
    verifier.line(JSON.stringify(each));
    for (const [after, head] of heads) if (after === index + 1) verifier.line(JSON.stringify({ head }));
  }
  return verifier.end();
}
const found = (report: AuditReport) => report.findings.map(({ kind, from, to }) => [kind, from, to]);

describe('the audit chain', () => {
  const good = chain(20);

  it('finds nothing wrong with a good one, and says which head covers it', () => {
    const report = verified(good, [
      [10, headOf(good, 10)],
      [20, headOf(good, 20)],
    ]);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ entries: 20, first: 1, last: 20, unsigned: 0, head: { seq: 20 } });
    expect(verified(good, [[15, headOf(good, 15)]]).unsigned).toBe(5);
  });

  it('finds a changed entry, whether its hash was made anew or not', () => {
    const entry = { ...entryOf(7, good[5]?.hash ?? ''), subject: 'terminal/77' };
    const stale = good.with(6, { entry, hash: good[6]?.hash ?? '' });
    expect(found(verified(stale, [[20, headOf(good, 20)]]))).toEqual([['changed', 7, 7]]);
    const anew = good.with(6, { entry, hash: sealEntry(entry).hash });
    expect(found(verified(anew, [[20, headOf(good, 20)]]))).toEqual([['changed', 7, 7]]);
  });

  it('finds every removed entry, alone or in a row, but the last ones', () => {
    for (let index = 1; index < 19; index++)
      expect(found(verified(good.toSpliced(index, 1), [[19, headOf(good, 20)]]))).toEqual([
        ['removed', index + 1, index + 1],
      ]);
    expect(found(verified(good.toSpliced(4, 3), [[17, headOf(good, 20)]]))).toEqual([
      ['removed', 5, 5],
      ['removed', 6, 6],
      ['removed', 7, 7],
    ]);
  });

  it('finds an inserted and a doubled entry', () => {
    const alien = entryOf(9, good[7]?.hash ?? '', 'terminal/alien');
    const after = good.toSpliced(9, 0, { entry: alien, hash: sealEntry(alien).hash });
    expect(found(verified(after, [[21, headOf(good, 20)]]))).toEqual([['inserted', 9, 9]]);
    const doubled = good[3] ? good.toSpliced(12, 0, good[3]) : good;
    expect(found(verified(doubled, [[21, headOf(good, 20)]]))).toEqual([['inserted', 4, 4]]);
  });

  it('finds entries that changed places', () => {
    const [a, b] = [good[7], good[8]];
    if (!a || !b) throw new Error('twenty entries');
    const swapped = good.with(7, b).with(8, a);
    expect(found(verified(swapped, [[20, headOf(good, 20)]]))).toEqual([['reordered', 8, 8]]);
  });

  it('finds a history that was written anew, by the heads around it', () => {
    const forged = chain(20, 14);
    const report = verified(forged, [
      [10, headOf(good, 10)],
      [20, headOf(good, 20)],
    ]);
    expect(found(report)).toEqual([['rewritten', 11, 20]]);
  });

  it('finds a truncated log by a later head, and holds it against an earlier one', () => {
    const short = good.slice(0, 12);
    expect(found(verified(short, []))).toEqual([]);
    expect(found(verified(short, [], { heads: [headOf(good, 20)] }))).toEqual([['truncated', 13, 20]]);
    expect(found(verified(chain(20, 3), [], { heads: [headOf(good, 5)] }))).toEqual([['rewritten', 1, 5]]);
    expect(verified(good.slice(10), [], { heads: [headOf(good, 5)] }).headsBefore).toBe(1);
  });

  it('finds a head that somebody else signed', () => {
    expect(found(verified(good, [[20, headOf(good, 20, stranger.privateKey)]]))).toEqual([['head-invalid', 20, 20]]);
  });

  it('calls a head that cannot be read a head, and misses no entry for it', () => {
    const head = Buffer.from(JSON.stringify({ head: headOf(good, 10) }));
    for (let at = 0; at < head.length; at++) {
      const verifier = openVerifier();
      const flipped = Buffer.from(head);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      verifier.line(JSON.stringify({ log: 'tsunagu-audit-v1', tenant: 'demo', key }));
      for (const [index, each] of good.entries()) {
        verifier.line(JSON.stringify(each));
        if (index === 9) verifier.line(flipped.toString('utf8'));
      }
      expect([at, verifier.end().findings.map(({ kind, from }) => [kind, from])]).toEqual([at, [['head-invalid', 10]]]);
    }
  });

  it('finds any single change of a byte of an entry', () => {
    const lines = good.map((each) => JSON.stringify(each));
    fc.assert(
      fc.property(fc.nat(19), fc.nat(10_000), fc.integer({ min: 1, max: 127 }), (index, at, by) => {
        const line = Buffer.from(lines[index] ?? '');
        const place = at % line.length;
        line[place] = (line[place] ?? 0) ^ by;
        // What is the same JSON value is the same entry.
        try {
          const value: Sealed = JSON.parse(line.toString('utf8'));
          if (value.hash && canonicalJson(value as never) === canonicalJson(JSON.parse(lines[index] ?? ''))) return;
        } catch {
          // not JSON any more, which is found as well
        }
        const verifier = openVerifier({ key });
        for (const [other, text] of lines.entries()) verifier.line(other === index ? line.toString('utf8') : text);
        verifier.line(JSON.stringify({ head: headOf(good, 20) }));
        expect(verifier.end().findings.length).toBeGreaterThan(0);
      }),
      { numRuns: 400 },
    );
  });
});

describe('the canonical form', () => {
  it('sorts members by their UTF-16 names (RFC 8785, 3.2.3)', () => {
    const value = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 };
    expect(Object.values(JSON.parse(canonicalJson(value)) as object).length).toBe(7);
    expect([...canonicalJson(value).matchAll(/:(\d)/g)].map(([, digit]) => digit).join('')).toBe('2467153');
  });
});
