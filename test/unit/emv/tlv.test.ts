import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import {
  buildDol,
  decodeTlv,
  encodeTlv,
  findTlvDeep,
  findTlvPath,
  parseDol,
  primitivesOf,
  tagName,
  tlv,
  valueInDol,
} from '@tsunagu/protocols/tlv';
import { expect, test } from 'vitest';

const fci = hex('6F1A840E315041592E5359532E4444463031A5088801015F2D02656E');

test('reads a template and what is inside it, as views with offsets', () => {
  const [template] = unwrap(decodeTlv(fci));
  expect(template?.tag).toBe(0x6f);
  expect(template?.children.map(({ tag }) => tagName(tag))).toEqual(['84', 'A5']);
  const language = findTlvPath([template!], 0x6f, 0xa5, 0x5f2d);
  expect(Buffer.from(language!.value).toString()).toBe('en');
  expect(language?.valueOffset).toBe(26);
  expect(language?.value.buffer).toBe(fci.buffer);
  expect(findTlvDeep([template!], 0x88)?.value).toEqual(hex('01'));
  expect([...primitivesOf([template!])].map(({ tag }) => tag)).toEqual([0x84, 0x88, 0x5f2d]);
});

test('writes what it reads, with lengths in their shortest form', () => {
  const long = new Uint8Array(200).fill(7);
  const bytes = encodeTlv([
    {
      tag: 0x70,
      value: [
        { tag: 0x90, value: long },
        { tag: 0x9f32, value: hex('03') },
      ],
    },
  ]);
  expect(toHex(bytes.subarray(0, 6))).toBe('7081CF9081C8');
  const [record] = unwrap(decodeTlv(bytes, { lengths: 'shortest' }));
  expect(record?.children[0]?.value).toEqual(long);
  expect(tlv(0x9f26, hex('01'), hex('02'))).toEqual(hex('9F26020102'));
});

test.each([
  ['a tag alone', '9F', 'TLV_TRUNCATED', 0],
  ['a tag without length', '9F26', 'TLV_TRUNCATED', 2],
  ['a value that is too short', '9F260801', 'TLV_TRUNCATED', 2],
  ['a length field that is too short', '5A82', 'TLV_TRUNCATED', 1],
  ['an inner length beyond its template', '700357039900', 'TLV_TRUNCATED', 3],
  ['an indefinite length', '7080', 'TLV_LENGTH_INVALID', 1],
  ['a length of five bytes', '5A850000000001', 'TLV_LENGTH_INVALID', 1],
  ['a tag of five bytes', '9F8181818101', 'TLV_TAG_INVALID', 0],
  ['a tag number with a leading zero', '9F800100', 'TLV_TAG_INVALID', 0],
])('refuses %s', (_, text, code, offset) => {
  const read = decodeTlv(hex(text));
  expect(read).toMatchObject({ ok: false, fault: { code, offset } });
});

test('zeros between objects are skipped, or refused on demand', () => {
  expect(unwrap(decodeTlv(hex('00009A03261123000000'))).map(({ tag }) => tag)).toEqual([0x9a]);
  expect(decodeTlv(hex('009A03261123'), { zeros: 'refuse' })).toMatchObject({ fault: { code: 'TLV_TAG_INVALID' } });
});

test('nesting, number and length of objects are bounded', () => {
  let nested = hex('5A00');
  for (let depth = 0; depth < 9; depth++) nested = tlv(0x70, nested);
  expect(decodeTlv(nested)).toMatchObject({ fault: { code: 'TLV_TOO_DEEP' } });
  expect(decodeTlv(nested, { depthMax: 10 }).ok).toBe(true);
  const many = new Uint8Array(2 * 600).map((_, index) => (index % 2 === 0 ? 0x5a : 0));
  expect(decodeTlv(many)).toMatchObject({ fault: { code: 'TLV_TOO_MANY' } });
  expect(decodeTlv(new Uint8Array(65537))).toMatchObject({ fault: { code: 'TLV_TOO_LONG' } });
});

test('a tag twice is kept or refused; directory entries and scripts may repeat', () => {
  const twice = hex('5A01015A0102');
  expect(unwrap(decodeTlv(twice))).toHaveLength(2);
  expect(decodeTlv(twice, { duplicates: 'refuse' })).toMatchObject({
    fault: { code: 'TLV_DUPLICATE', field: '5A', offset: 3 },
  });
  expect(decodeTlv(hex('61006100'), { duplicates: 'refuse' }).ok).toBe(true);
});

test('no truncation of a message is taken for the whole', () => {
  for (let length = 1; length < fci.length; length++)
    expect(decodeTlv(fci.subarray(0, length))).toMatchObject({ ok: false, fault: { code: 'TLV_TRUNCATED' } });
});

test('a data object list is built in the order and lengths that the card asks for', () => {
  const dol = unwrap(parseDol(hex('9F02069F6601 9F4C03 5A04 9F1A02 6F02'.replaceAll(' ', ''))));
  const values: Record<number, Uint8Array> = {
    0x9f02: hex('1234'),
    0x9f66: hex('36004000'),
    0x5a: hex('4761'),
    0x9f1a: hex('000392'),
    0x6f: hex('0102'),
  };
  const fit = (tag: number) =>
    tag === 0x5a ? 'compressedNumeric' : tag === 0x9f02 || tag === 0x9f1a ? 'numeric' : 'other';
  const data = buildDol(dol, (tag) => values[tag], fit);
  expect(toHex(data)).toBe('000000001234' + '36' + '000000' + '4761FFFF' + '0392' + '0000');
  expect(valueInDol(dol, data, 0x9f1a)).toEqual(hex('0392'));
  expect(valueInDol(dol, data, 0x9f37)).toBeUndefined();
});

test.each(['9F', '9F02', '9F0281', '5A', '0001'])('refuses %s as a data object list', (text) => {
  expect(parseDol(hex(text))).toMatchObject({ ok: false, fault: { code: 'DOL_INVALID' } });
});
