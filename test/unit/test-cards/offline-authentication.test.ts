import { createHash } from 'node:crypto';
import { hasBit } from '@tsunagu/protocols/emv';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import {
  faultyCards,
  listTestCaKeys,
  revokedTestCertificates,
  type TestCard,
  type TestCardName,
  testCard,
  testCards,
} from '@tsunagu/protocols/test-cards';
import { describe, expect, test } from 'vitest';
import { type Walk, walkOf } from './support/card-walk.ts';

// Each card is put into a terminal of the test's own, which knows it by its answers alone, and proves itself by what its profile
// announces. EMV 4.3 Book 2, 5 and 6; Book 3, 10.3; EMV Book C-3, annex C.

const aipBits = (card: TestCard) => {
  const aip = hex(card.aip);
  return { sda: hasBit(aip, 1, 7), dda: hasBit(aip, 1, 6), cda: hasBit(aip, 1, 1) };
};
const isOpen = ({ blocked }: TestCard): boolean => blocked === undefined;
const named = (cards: readonly TestCard[]) => cards.filter(isOpen).map((card) => [card.name, card] as const);

const iccKeyOf = (walk: Walk) => unwrap(walk.iccKey(unwrap(walk.issuerKey())));

describe.each(named(testCards()))('%s', (_name, card) => {
  const { sda, dda, cda } = aipBits(card);

  test('has the certificates that its profile announces, and no others', () => {
    const walk = walkOf(card);
    expect(walk.objects.has(0x93)).toBe(sda);
    expect(walk.objects.has(0x9f46)).toBe(dda || cda);
    expect(walk.objects.has(0x9f2d)).toBe(card.hasPinKey === true);
    expect(walk.objects.has(0x8f)).toBe(sda || dda || cda || card.hasPinKey === true);
  });

  if (sda)
    test('proves its static data (SDA), and no others', () => {
      const walk = walkOf(card);
      const issuer = unwrap(walk.issuerKey());
      expect(toHex(unwrap(walk.sda(issuer)).dataAuthenticationCode)).toBe('DAC1');
      walk.records.reverse();
      walk.objects.set(0x82, hex('0000'));
      expect(walk.sda(issuer)).toMatchObject({ fault: { facts: { step: 'hash' } } });
    });

  if (dda && card.flow === 'contact')
    test('signs the terminal’s number (DDA), with another number of its own each time', () => {
      const walk = walkOf(card);
      const icc = iccKeyOf(walk);
      const first = unwrap(walk.dda(icc)).iccDynamicNumber;
      expect(first).toHaveLength(8);
      expect(unwrap(walk.dda(icc)).iccDynamicNumber).not.toEqual(first);
    });

  if (cda)
    test.each(card.cdol2 === undefined ? [0x90] : [0x90, 0x50, 0x10])('signs its cryptogram (CDA), P1 %i', (p1) => {
      const walk = walkOf(card);
      const icc = iccKeyOf(walk);
      const cid = walk.generate(p1);
      expect(walk.objects.has(0x9f26), 'the cryptogram stands in the signature alone').toBe(false);
      expect(unwrap(walk.cda(icc)).cryptogram).toHaveLength(8);
      if (cid !== 0x80 || card.cdol2 === undefined) return;
      // The second signature covers CDOL2 too (6.6.1), whatever the card decides.
      walk.generate(0x10, 0x8d);
      expect(unwrap(walk.cda(icc)).cryptogram).toHaveLength(8);
      walk.sent = walk.sent.subarray(1);
      expect(walk.cda(icc)).toMatchObject({ fault: { facts: { step: 'transaction data' } } });
    });

  if (dda && card.flow === 'fastGpo')
    test('signs in its answer to GPO (fDDA) over its counter and qualifiers', () => {
      const walk = walkOf(card);
      const icc = iccKeyOf(walk);
      expect(unwrap(walk.fdda(icc)).iccDynamicNumber).toEqual(walk.value(0x9f36));
      expect(walk.value(0x9f69).subarray(5)).toEqual(walk.value(0x9f6c));
      walk.values.set(0x9f02, hex('000000001281'));
      expect(walk.fdda(icc)).toMatchObject({ fault: { facts: { step: 'hash' } } });
    });
});

test('the records and answers of no card are longer than a short answer holds', () => {
  for (const card of testCards().filter(isOpen))
    for (const { bytes } of walkOf(card).records) expect(bytes.length).toBeLessThanOrEqual(254);
});

describe('cards that lie are found out', () => {
  const faulty = new Map(faultyCards().map((card) => [card.name as string, card]));
  const faultyCard = (name: string): TestCard => {
    const card = faulty.get(name);
    if (card === undefined) throw new Error(name);
    return card;
  };

  test.each([
    ['faulty-wrong-ca', 'trailer'],
    ['faulty-issuer-certificate-expired', 'expiry'],
    ['faulty-contactless-wrong-ca', 'trailer'],
  ])('%s: the issuer’s certificate (6.3)', (name, step) => {
    expect(walkOf(faultyCard(name)).issuerKey()).toMatchObject({ fault: { field: '90', facts: { step } } });
  });

  test.each([
    ['faulty-card-certificate-expired', 'expiry'],
    ['faulty-changed-record', 'hash'],
  ])('%s: the card’s certificate (6.4)', (name, step) => {
    const walk = walkOf(faultyCard(name));
    const icc = walk.iccKey(unwrap(walk.issuerKey()));
    expect(icc).toMatchObject({ fault: { field: '9F46', facts: { step } } });
  });

  test('faulty-sda-changed-record: the static signature (5.4)', () => {
    const walk = walkOf(faultyCard('faulty-sda-changed-record'));
    expect(walk.sda(unwrap(walk.issuerKey()))).toMatchObject({ fault: { field: '93', facts: { step: 'hash' } } });
  });

  test.each(['faulty-dda-hash', 'faulty-dda-number-ignored'])('%s: the dynamic signature (6.5.2)', (name) => {
    const walk = walkOf(faultyCard(name));
    expect(walk.dda(iccKeyOf(walk))).toMatchObject({ fault: { field: '9F4B', facts: { step: 'hash' } } });
  });

  test.each([
    ['faulty-cda-hash', 'hash'],
    ['faulty-cda-number-ignored', 'hash'],
    ['faulty-cda-transaction-hash', 'transaction data'],
    ['faulty-contactless-cda-hash', 'hash'],
  ])('%s: the combined signature (6.6.2)', (name, step) => {
    const walk = walkOf(faultyCard(name));
    const icc = iccKeyOf(walk);
    walk.generate(0x90);
    expect(walk.cda(icc)).toMatchObject({ fault: { field: '9F4B', facts: { step } } });
  });

  test.each(['faulty-contactless-fdda-hash', 'faulty-contactless-fdda-number-ignored'])(
    '%s: the fast signature (C-3, annex C)',
    (name) => {
      const walk = walkOf(faultyCard(name));
      expect(walk.fdda(iccKeyOf(walk))).toMatchObject({ fault: { facts: { step: 'hash' } } });
    },
  );

  test('faulty-revoked-issuer has the serial number of the revocation list in its certificate (5.1, table 1)', () => {
    const serialOf = (name: TestCardName): string => {
      const walk = walkOf(testCard(name));
      const ca = listTestCaKeys().find(({ rid, index }) => rid === 'A000000003' && index === toHex(walk.value(0x8f)));
      const number = (text: string): bigint => BigInt(`0x${text}`);
      const clear = number(toHex(walk.value(0x90))) ** 3n % number(ca?.modulus ?? '1');
      // Header, format, identifier, expiry: the serial number follows.
      return clear.toString(16).toUpperCase().slice(16, 22);
    };
    const revoked = revokedTestCertificates().map(({ serial }) => serial);
    expect(revoked).toContain(serialOf('faulty-revoked-issuer'));
    expect(revoked).not.toContain(serialOf('visa-contact'));
  });

  test('faulty-unknown-ca names a key that is in no list', () => {
    const index = toHex(walkOf(faultyCard('faulty-unknown-ca')).value(0x8f));
    expect(listTestCaKeys().map((key) => key.index)).not.toContain(index);
  });
});

test('a card that declines by itself does not sign, one that is asked for a signed decline does (6.6.1)', () => {
  // The terminal cannot go online, and the card may not approve: its own AAC.
  const own = walkOf(testCard('visa-new'), { 0x9f35: '23' });
  expect(own.generate(0x50), 'visa-new has no terminal type in its list: it asks to go online').toBe(0x80);
  const offlineOnly = walkOf({ ...testCard('visa-offline'), risk: { lowerLimit: 0, upperLimit: 0 } }, { 0x9f35: '23' });
  expect(offlineOnly.generate(0x50)).toBe(0x00);
  expect(offlineOnly.objects.has(0x9f4b)).toBe(false);
  const asked = walkOf(testCard('visa-offline'));
  expect(asked.generate(0x10)).toBe(0x00);
  expect(asked.objects.has(0x9f4b)).toBe(true);
});

test('the list of CA keys is complete and its checksums are as Book 2, table 30 says', () => {
  const keys = listTestCaKeys();
  expect(new Set(keys.map(({ rid, index }) => rid + index)).size).toBe(keys.length);
  expect(keys.map(({ modulus }) => modulus.length * 4)).toEqual([1408, 1408, 1408, 1408, 1408, 1984]);
  for (const { rid, index, modulus, exponent, hash } of keys) {
    const bytes = Buffer.from(rid + index + modulus + exponent, 'hex');
    expect(hash).toBe(createHash('sha1').update(bytes).digest('hex').toUpperCase());
  }
});
