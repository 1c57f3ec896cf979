import {
  actionCodes,
  checkMti,
  describeActionCode,
  describeFunctionCode,
  describeMti,
  describeReasonCode,
  expectsResponse,
  formatOriginalData,
  formatPosDataCode,
  functionCodes,
  isApproval,
  nextAfterActionCode,
  isRepeat,
  messageClasses,
  originalDataOf,
  originalMti,
  parseOriginalData,
  parsePosDataCode,
  posDataPositions,
  reasonCodes,
  repeatMti,
  responseMti,
} from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, test } from 'vitest';

describe('a message type', () => {
  test.each([
    ['1100', '1110', '1101'],
    ['1101', '1110', '1101'],
    ['1120', '1130', '1121'],
    ['1200', '1210', '1201'],
    ['1221', '1230', '1221'],
    ['1304', '1314', '1305'],
    ['1305', '1314', '1305'],
    ['1420', '1430', '1421'],
    ['1421', '1430', '1421'],
    ['1422', '1432', '1423'],
    ['1500', '1510', '1501'],
    ['1604', '1614', '1605'],
    ['1804', '1814', '1805'],
    ['1820', '1830', '1821'],
  ])('%s is answered by %s and repeated as %s', (mti, response, repeat) => {
    expect(responseMti(mti)).toBe(response);
    expect(repeatMti(mti)).toBe(repeat);
    expect(expectsResponse(mti)).toBe(true);
    expect(isRepeat(repeat)).toBe(true);
    expect(isRepeat(originalMti(repeat))).toBe(false);
    expect(responseMti(repeat)).toBe(response);
    expect(expectsResponse(response)).toBe(false);
  });

  test.each(['1440', '1644', '1110', '1230', '', '1'])('%j is never answered', (mti) => {
    expect(responseMti(mti)).toBeUndefined();
    expect(expectsResponse(mti)).toBe(false);
  });

  test('is told in words, and only where it is one of the 240', () => {
    expect(describeMti('1421')).toEqual({
      en: 'Reversal or chargeback advice, acquirer repeat',
      ja: '取消・チャージバック通知・取得機関(再送)',
    });
    let known = 0;
    for (let number = 0; number < 10_000; number++) {
      const mti = String(number).padStart(4, '0');
      const isKnown = checkMti(mti).ok;
      if (isKnown) known++;
      expect(describeMti(mti) !== undefined).toBe(isKnown);
    }
    expect(known).toBe(Object.keys(messageClasses).length * 5 * 6);
    for (const odd of ['', '110', '11000', 'toString']) expect(describeMti(odd)).toBeUndefined();
  });

  test.each([
    ['', 'FIELD_LENGTH', undefined, undefined],
    ['11000', 'FIELD_LENGTH', undefined, undefined],
    ['x100', 'BAD_CHARSET', 0, undefined],
    ['110Ａ', 'BAD_CHARSET', 3, undefined],
    ['0100', 'MTI_VERSION', 0, '1987'],
    ['2100', 'MTI_VERSION', 0, '2003'],
    ['3100', 'MTI_VERSION', 0, 'unknown'],
    ['1000', 'MTI_INVALID', 1, undefined],
    ['1900', 'MTI_INVALID', 1, undefined],
    ['1150', 'MTI_INVALID', 2, undefined],
    ['1106', 'MTI_INVALID', 3, undefined],
  ] as const)('%j is %s', (mti, code, offset, edition) => {
    const read = checkMti(mti);
    if (read.ok) throw new Error('taken');
    expect(read.fault).toMatchObject({ code, field: 0 });
    expect(read.fault.offset).toBe(offset);
    if (edition) expect(read.fault.facts).toEqual({ edition });
  });
});

describe('codes in words', () => {
  test('are there in both languages, and have the form of their element', () => {
    for (const [table, form] of [
      [actionCodes, /^\d{3}$/],
      [functionCodes, /^\d{3}$/],
      [reasonCodes, /^\d{4}$/],
    ] as const)
      for (const [code, { en, ja }] of Object.entries(table)) {
        expect(code).toMatch(form);
        expect(en && ja).toBeTruthy();
      }
  });

  test('the outcome of an action code goes by its first digit', () => {
    for (const [code, { outcome, keepCard }] of Object.entries(actionCodes)) {
      expect(isApproval(code)).toBe(outcome === 'approved');
      expect(keepCard === true).toBe(code.startsWith('2'));
      if (/^[12]/.test(code)) expect(outcome).toBe('declined');
    }
    for (const code of ['', '00', '0000', '0x0', '100', '900']) expect(isApproval(code)).toBe(false);
  });

  test('every "no" to a sale has a next step in both languages; a "yes" and an answer to something else have none', () => {
    for (const [code, { outcome }] of Object.entries(actionCodes)) {
      const next = nextAfterActionCode(code);
      const isNo = /^[129]/.test(code) && outcome !== 'accepted';
      expect([code, next !== undefined]).toEqual([code, isNo]);
      if (next !== undefined) expect(next.ja).toMatch(/[ぁ-ん].*。$/);
      if (next !== undefined) expect(next.en).toMatch(/^[A-Z].*\.$/);
    }
    // A code of a network's own is a "no" like the others of its digit.
    expect(nextAfterActionCode('199')).toBe(nextAfterActionCode('100'));
    expect(nextAfterActionCode('911')?.en).toMatch(/does not stand.*try again/);
    // Nothing of an inquiry is taken back.
    expect(nextAfterActionCode('911', 'inquiry')?.en).toMatch(/^Nothing was booked/);
    expect(nextAfterActionCode('116', 'inquiry')).toBe(nextAfterActionCode('116'));
    for (const code of ['', '9', '0911', 'constructor']) expect(nextAfterActionCode(code)).toBeUndefined();
  });

  test('those of a link come first', () => {
    const own = { '100': { en: 'Ours', ja: '当社', outcome: 'failed' } } as const;
    expect(describeActionCode('100', own)?.en).toBe('Ours');
    expect(describeActionCode('101', own)).toBe(actionCodes['101']);
    expect(describeReasonCode('4021')).toBe(reasonCodes['4021']);
    expect(describeFunctionCode('831')?.en).toBe('Echo test');
  });

  test.each(['constructor', 'toString', '__proto__', ''])('%j has no meaning', (code) => {
    expect(describeActionCode(code)).toBeUndefined();
    expect(describeFunctionCode(code)).toBeUndefined();
    expect(describeReasonCode(code)).toBeUndefined();
  });
});

describe('the point of service data code', () => {
  test('has twelve positions, in their order', () => {
    const code = unwrap(parsePosDataCode('51010151134C'));
    expect(Object.keys(code)).toEqual(Object.keys(posDataPositions));
    expect(code).toMatchObject({ cardDataInputCapability: '5', cardPresent: '1', pinCaptureCapability: 'C' });
    expect(Object.values(code).join('')).toBe('51010151134C');
    expect(unwrap(formatPosDataCode(code))).toBe('51010151134C');
  });

  test('each known character has a meaning in both languages, and is one character of an', () => {
    for (const { en, ja, values } of Object.values(posDataPositions)) {
      expect(en && ja).toBeTruthy();
      for (const [character, meaning] of Object.entries(values)) {
        expect(character).toMatch(/^[0-9A-Z]$/);
        expect(meaning.en && meaning.ja).toBeTruthy();
      }
    }
  });

  test('is read where a network uses a character of its own', () => {
    expect(unwrap(parsePosDataCode('ZZZZZZZZZZZZ')).cardPresent).toBe('Z');
  });

  test.each([
    ['', 'FIELD_LENGTH'],
    ['51010151134', 'FIELD_LENGTH'],
    ['51010151134C0', 'FIELD_LENGTH'],
    ['5101015 134C', 'BAD_CHARSET'],
    ['51010１51134', 'FIELD_LENGTH'],
    ['51010１51134C', 'BAD_CHARSET'],
  ])('%j is refused: %s', (text, code) => {
    expect(parsePosDataCode(text)).toMatchObject({ fault: { code, field: 22 } });
  });

  test('is not written when its parts are not one character each, even if twelve come out', () => {
    const code = unwrap(parsePosDataCode('51010151134C'));
    expect(formatPosDataCode({ ...code, cardPresent: '', cardDataInputMode: '15' })).toMatchObject({
      fault: { code: 'FIELD_LENGTH', field: 22 },
    });
    expect(formatPosDataCode({ ...code, cardPresent: ' ' })).toMatchObject({ fault: { code: 'BAD_CHARSET' } });
  });
});

describe('original data elements', () => {
  const original = { mti: '1100', stan: '000042', localTime: '261123110000', acquirer: '12345678901' };

  test.each(['', '1', '12345678901'])('are written and read with the acquirer %j', (acquirer) => {
    const text = unwrap(formatOriginalData({ ...original, acquirer }));
    expect(text).toBe(`1100000042261123110000${String(acquirer.length).padStart(2, '0')}${acquirer}`);
    expect(unwrap(parseOriginalData(text))).toEqual({ ...original, acquirer });
  });

  test.each([
    ['nothing', ''],
    ['a length that lies', '1100000042261123110000031234'],
    ['a length that is cut', '11000000422611231100000'],
    ['too long an acquirer', '110000004226112311000012123456789012'],
    ['a letter', '11000000422611231100000212x'],
    ['a message type of another edition', '010000004226112311000000'],
    ['a message type that does not exist', '199900004226112311000000'],
    ['digits of another script', '1100000042261123110000021１'],
    ['an end of line', '110000004226112311000000\n'],
  ])('are refused with %s', (_, text) => {
    expect(parseOriginalData(text)).toMatchObject({ fault: { code: 'BAD_ORIGINAL_DATA', field: 56 } });
  });

  test.each([
    ['too long a message type', { mti: '11000' }],
    ['too short a trace number', { stan: '42' }],
    ['a date without time', { localTime: '261123' }],
    ['too long an acquirer', { acquirer: '123456789012' }],
    ['a letter', { acquirer: 'x' }],
    // Shifted by one digit, these parts look like others that are well formed.
    [
      'parts that run into each other',
      { mti: '11001', stan: '111111', localTime: '111111111111', acquirer: '987654321' },
    ],
  ])('are not written with %s', (_, change) => {
    expect(formatOriginalData({ ...original, ...change })).toMatchObject({ fault: { code: 'BAD_ORIGINAL_DATA' } });
  });

  test('are made of the original message, and not of one that lacks them', () => {
    const fields = { 11: '000042', 12: '261123110000', 32: '12345' };
    expect(unwrap(originalDataOf({ mti: '1100', fields }))).toBe('11000000422611231100000512345');
    expect(unwrap(originalDataOf({ mti: '1100', fields: { 11: '000042', 12: '261123110000' } }))).toBe(
      '110000004226112311000000',
    );
    expect(originalDataOf({ mti: '1100', fields: { 12: '261123110000' } }).ok).toBe(false);
    expect(originalDataOf({ mti: '1100', fields: { ...fields, 32: new Uint8Array(5) } }).ok).toBe(false);
  });
});
