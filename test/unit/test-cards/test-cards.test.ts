import { readFileSync } from 'node:fs';
import { hasLuhnDigit, parseAfl, parseTrack2, schemeOfAid } from '@tsunagu/protocols/emv';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import {
  applicationsOf,
  directoryOf,
  faultyCardNames,
  faultyCards,
  findTestCard,
  isTestCardName,
  personalise,
  stripeAccountNames,
  testCard,
  testCardNames,
  testCards,
  transitCardData,
} from '@tsunagu/protocols/test-cards';
import { decodeTlv, findTlvDeep, parseDol } from '@tsunagu/protocols/tlv';
import { describe, expect, test } from 'vitest';

test('the cards that others count on are there', () => {
  expect(testCardNames).toEqual(
    expect.arrayContaining([
      'visa-contact',
      'visa-contactless',
      'mastercard-contact',
      'mastercard-contactless',
      'jcb-contact',
      'jcb-contactless',
      'amex-contact',
      'amex-contactless',
      'unionpay-contact',
      'visa-declined',
      'visa-silent',
      'visa-listed',
    ]),
  );
  expect(testCard('visa-declined').fate).toEqual({ kind: 'declined', actionCode: 116 });
  expect(isTestCardName('visa')).toBe(false);
});

describe.each(testCards().map((card) => [card.name, card] as const))('%s', (name, card) => {
  const image = personalise(card);

  test('has a PAN with a right check digit, and no other card has it', () => {
    expect(hasLuhnDigit(card.pan)).toBe(true);
    expect(findTestCard(card.pan)?.name).toBe(name);
    const digits = card.pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
    expect(JSON.stringify(card)).not.toContain(digits);
  });

  test('belongs to the scheme of its AID, and its cryptogram too', () => {
    expect(schemeOfAid(image.aid)).toBe(card.scheme);
    expect(card.profile.scheme).toBe(card.scheme);
    const version = hex(card.issuerApplicationData)[card.scheme === 'mastercard' ? 1 : 2];
    expect(version).toBe(card.profile.cvn);
  });

  test('has keys of odd parity and unequal halves', () => {
    card.issuerMasterKey.use((key) => {
      for (const byte of key) expect(byte.toString(2).replaceAll('0', '').length % 2).toBe(1);
      expect(key.subarray(0, 8)).not.toEqual(key.subarray(8));
    });
  });

  test('has lists that parse, and a locator that points at its records', () => {
    for (const dol of [card.pdol, card.cdol1, card.cdol2, card.ddol])
      if (dol !== undefined) expect(parseDol(hex(dol)).ok).toBe(true);
    const located = unwrap(parseAfl(image.afl)).flatMap(({ sfi, first, last }) =>
      Array.from({ length: last - first + 1 }, (_, index) => `${sfi}.${first + index}`),
    );
    expect(located.sort()).toEqual(image.records.map(({ sfi, record }) => `${sfi}.${record}`).sort());
  });

  test('has records of one template each that fit a short APDU, with PAN and expiry', () => {
    const objects = image.records.flatMap(({ bytes }) => {
      expect(bytes.length).toBeLessThanOrEqual(254);
      const record = unwrap(decodeTlv(bytes, { duplicates: 'refuse' }));
      expect(record.map(({ tag }) => tag)).toEqual([0x70]);
      return record;
    });
    // A card in stripe mode has its tracks alone (EMV Book C-2).
    const isStripe = card.flow === 'contactlessStripe';
    expect(findTlvDeep(objects, 0x5a) === undefined).toBe(isStripe);
    if (!isStripe) expect(toHex(findTlvDeep(objects, 0x5f24)?.value ?? hex(''))).toBe(card.expiry);
    const track2 = findTlvDeep(objects, isStripe ? 0x9f6b : 0x57)?.value;
    if (track2 !== undefined) expect(unwrap(parseTrack2(track2)).expiry).toBe(card.expiry.slice(0, 4));
  });

  test('is announced by its directory', () => {
    const directory = directoryOf(applicationsOf(card));
    expect(directory === undefined).toBe(card.directory === 'absent');
    if (directory !== undefined) {
      const listed = card.isContactless ? [directory.fci] : directory.records.map(({ bytes }) => bytes);
      const aid = findTlvDeep(
        listed.flatMap((bytes) => [...unwrap(decodeTlv(bytes))]),
        0x4f,
      );
      expect(aid?.value).toEqual(image.aid);
    }
    expect(findTlvDeep(unwrap(decodeTlv(image.fci)), 0x84)?.value).toEqual(image.aid);
  });
});

test('the README names every card', () => {
  const readme = readFileSync(new URL('../../../protocols/src/test-cards/README.md', import.meta.url), 'utf8');
  const transit = transitCardData.map(({ name }) => name);
  for (const name of [...testCardNames, ...faultyCardNames, ...stripeAccountNames, ...transit])
    expect(readme).toContain(`\`${name}\``);
});

test('no two cards have one PAN, and faulty ones have a right check digit too', () => {
  const all = [...testCards(), ...faultyCards()];
  const pans = all.map(({ pan }) => pan.use((bytes) => Buffer.from(bytes).toString('latin1')));
  expect(new Set(pans).size).toBe(all.length);
  for (const { pan, faults } of faultyCards()) {
    expect(hasLuhnDigit(pan)).toBe(true);
    expect(faults).toHaveLength(1);
  }
});
