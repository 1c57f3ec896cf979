import {
  bitTables,
  cvmMethodOf,
  dolFitOf,
  hasBit,
  hasRightLength,
  meaningsOf,
  parseCvmList,
  tagDictionary,
  tagEntry,
  withBit,
} from '@tsunagu/protocols/emv';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { isConstructed, isTag, tagName } from '@tsunagu/protocols/tlv';
import { expect, test } from 'vitest';

test('every entry of the dictionary has a well-formed tag, both names, and lengths in order', () => {
  for (const entry of tagDictionary) {
    expect(isTag(entry.tag), tagName(entry.tag)).toBe(true);
    expect(entry.en.length * entry.ja.length).toBeGreaterThan(0);
    expect(entry.lengthMin).toBeLessThanOrEqual(entry.lengthMax);
    expect(isConstructed(entry.tag), tagName(entry.tag)).toBe(entry.format === 'template');
    for (const template of entry.templates) expect(tagEntry(template)?.format).toBe('template');
  }
});

test('no tag has two meanings for one scheme', () => {
  const keys = tagDictionary.map(({ tag, scheme }) => `${tagName(tag)} ${scheme ?? ''}`);
  expect(new Set(keys).size).toBe(keys.length);
});

test('every bit table lies within the length of its objects, and no bit is named twice', () => {
  for (const entry of tagDictionary)
    if (entry.bits !== undefined)
      for (const { byte } of bitTables[entry.bits]) expect(byte).toBeLessThanOrEqual(entry.lengthMax);
  for (const table of Object.values(bitTables)) {
    const places = table.map(({ byte, mask, value }) => `${byte} ${mask} ${value}`);
    expect(new Set(places).size).toBe(places.length);
  }
});

test('a scheme may give a tag its own meaning', () => {
  expect(tagEntry(0x9f53, 'jcb')?.en).toContain('Interchange Profile');
  expect(tagEntry(0x9f66)?.bits).toBe('ttq');
  expect(tagEntry(0x9f66, 'mastercard')?.en).toContain('PUNATC');
  expect(tagEntry(0xc1)).toBeUndefined();
});

test('bits are counted as EMV counts them', () => {
  const tvr = withBit(withBit(new Uint8Array(5), 1, 8), 4, 5);
  expect([...tvr]).toEqual([0x80, 0, 0, 0x10, 0]);
  expect(hasBit(tvr, 4, 5)).toBe(true);
  expect(meaningsOf('tvr', tvr).map(({ en }) => en)).toEqual([
    'Offline data authentication was not performed',
    'Selected at random for online processing',
  ]);
  expect(meaningsOf('cid', hex('80')).map(({ ja }) => ja)).toEqual(['ARQC（オンライン承認要求）']);
});

test('a cardholder verification method list is read into rules', () => {
  const list = unwrap(parseCvmList(hex('000003E8000000004203010600001F00')));
  expect(list).toMatchObject({ amountX: 1000, amountY: 0 });
  expect(list.rules.map(({ method, condition, continues }) => [method, condition, continues])).toEqual([
    ['encipheredPinOnline', 'ifSupported', true],
    ['plainPinOffline', 'underX', false],
    ['fail', 'always', false],
    ['none', 'always', false],
  ]);
  expect(cvmMethodOf(0x6a).name).toBe('unknown');
  expect(parseCvmList(hex('0000000000000000'))).toMatchObject({ fault: { code: 'EMV_VALUE_INVALID', field: '8E' } });
});

test('formats decide how an object is fitted into a list', () => {
  expect([dolFitOf(0x9f02), dolFitOf(0x5a), dolFitOf(0x95), dolFitOf(0xc1)]).toEqual([
    'numeric',
    'compressedNumeric',
    'other',
    'other',
  ]);
  expect([hasRightLength(0x95, 5), hasRightLength(0x95, 4), hasRightLength(0xc1, 77)]).toEqual([true, false, true]);
});
