import {
  compileProfile,
  type Dialect,
  type DialectName,
  dialects,
  type Leniency,
  leniencies,
  leniencyNames,
  readProfile,
  revealText,
} from '@tsunagu/protocols/iso8583';
import { concat, hex, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, test } from 'vitest';

const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const codecs = (dialect: DialectName | Dialect, name: Leniency) => ({
  strict: compileProfile({ dialect }),
  lenient: compileProfile({ dialect, allow: [name] }),
});

test('every leniency has its reason in both languages', () => {
  expect(Object.keys(leniencies)).toEqual([...leniencyNames]);
  for (const { en, ja } of Object.values(leniencies)) expect(en.length * ja.length).toBeGreaterThan(0);
});

test('a leniency that does not exist is refused', () => {
  const allow: readonly string[] = ['be-nice'];
  expect(readProfile(JSON.parse(JSON.stringify({ dialect: 'iso93-ascii-binbm', allow })))).toMatchObject({
    fault: { code: 'PROFILE_INVALID', field: 'allow' },
  });
});

describe('trailing-lf', () => {
  const { strict, lenient } = codecs('iso93-ascii-hexbm', 'trailing-lf');
  const message = latin('11000020000000000000000042');

  test('nothing is used where nothing trails', () => {
    expect(lenient.decode(message)).toMatchObject({ ok: true, value: { leniencies: [] } });
  });

  test.each(['\n', '\r\n'])('takes one end of line %j, and says so', (end) => {
    const bytes = concat(message, latin(end));
    expect(lenient.decode(bytes)).toMatchObject({ ok: true, value: { leniencies: ['trailing-lf'] } });
    expect(strict.decode(bytes)).toMatchObject({ fault: { code: 'TRAILING_BYTES', offset: 26 } });
  });

  test.each(['\r', '\n\n', '\n\r', '\r\n\n', ' ', '\n0'])('still refuses %j', (end) => {
    expect(lenient.decode(concat(message, latin(end)))).toMatchObject({
      fault: { code: 'TRAILING_BYTES', offset: 26, facts: { bytes: end.length } },
    });
  });
});

describe('f-pad', () => {
  const pan = '352800000000007';
  test.each([
    ['iso93-bcdL-binbm', '1100 4000000000000000 15 352800000000007', 'F', ''],
    ['iso93-bcdR-binbm', '1100 4000000000000000 15', 'F', ' 352800000000007'],
  ] as const)('reads F beside an odd number of digits, and writes 0: %s', (dialect, before, pad, after) => {
    const { strict, lenient } = codecs(dialect, 'f-pad');
    const bytes = hex(before + pad + after);
    const read = lenient.decode(bytes);
    if (!read.ok) throw new Error(read.fault.code);
    expect(read.value.leniencies).toEqual(['f-pad']);
    expect(revealText(read.value.value(2))).toBe(pan);
    expect(toHex(unwrap(lenient.encode(read.value)))).toBe((before + '0' + after).replaceAll(' ', ''));
    const offset = dialect === 'iso93-bcdL-binbm' ? 18 : 11;
    expect(strict.decode(bytes)).toMatchObject({ fault: { code: 'BAD_PAD_NIBBLE', field: 2, offset } });
    expect(lenient.decode(hex(before + 'E' + after))).toMatchObject({
      fault: { code: 'BAD_PAD_NIBBLE', field: 2, offset },
    });
  });

  test('does not make a digit of F', () => {
    const { lenient } = codecs('iso93-bcdR-binbm', 'f-pad');
    expect(lenient.decode(hex('1100 0020000000000000 0000F2'))).toMatchObject({
      fault: { code: 'BAD_BCD_NIBBLE', field: 11, offset: 12 },
    });
    expect(lenient.decode(hex('1100 4000000000000000 03 FF 12'))).toMatchObject({
      fault: { code: 'BAD_BCD_NIBBLE', field: 2, offset: 11 },
    });
  });
});

describe('ans-8bit', () => {
  const { strict, lenient } = codecs('iso93-ascii-hexbm', 'ans-8bit');
  // ﾃｽﾄ in JIS X 0201, in the terminal identification (ans 8).
  const bytes = concat(latin('11000000000000800000'), hex('C3BDC4'), latin('SHOP1'));

  test('takes half-width kana in ans, says so, and writes the same bytes', () => {
    const read = lenient.decode(bytes);
    if (!read.ok) throw new Error(read.fault.code);
    expect(read.value.leniencies).toEqual(['ans-8bit']);
    expect(read.value.text(41)).toBe('\u00C3\u00BD\u00C4SHOP1');
    expect(toHex(unwrap(lenient.encode(read.value)))).toBe(toHex(bytes));
  });

  test('is refused where it was not allowed, both ways', () => {
    expect(strict.decode(bytes)).toMatchObject({ fault: { code: 'BAD_CHARSET', field: 41, offset: 20 } });
    const fields = { 41: '\u00C3\u00BD\u00C4SHOP1' };
    expect(strict.encode({ mti: '1100', fields })).toMatchObject({ fault: { code: 'BAD_CHARSET', field: 41 } });
  });

  test('does not reach other types, controls, or characters beyond a byte', () => {
    expect(lenient.decode(concat(latin('11000000000000008000'), hex('B1'), latin('PY')))).toMatchObject({
      fault: { code: 'BAD_CHARSET', field: 49 },
    });
    expect(lenient.decode(concat(latin('11000000000000800000'), hex('7F'), latin('SHOP123')))).toMatchObject({
      fault: { code: 'BAD_CHARSET', field: 41 },
    });
    for (const text of ['テストSHOP1', '\u0141SHOP123'])
      expect(lenient.encode({ mti: '1100', fields: { 41: text } }).ok).toBe(false);
  });

  test('cannot be promised on an EBCDIC link, which has no such bytes', () => {
    expect(readProfile({ dialect: 'iso93-ebcdic-binbm', allow: ['ans-8bit'] })).toMatchObject({
      fault: { code: 'PROFILE_INVALID', field: 'allow' },
    });
  });
});

describe('the sign of DE97', () => {
  const body = '1500 8000000000000000 0000000080000000';
  const nibble = compileProfile({ dialect: { ...dialects['iso93-bcdR-binbm'], sign: 'nibble' } });
  const character = compileProfile({ dialect: 'iso93-bcdR-binbm' });

  test.each([
    ['C', '0C', '43'],
    ['D', '0D', '44'],
  ])('%s is a byte %s or a character %s beside packed digits', (sign, asNibble, asCharacter) => {
    const text = `${sign}0000000000001980`;
    for (const [codec, written] of [
      [nibble, asNibble],
      [character, asCharacter],
    ] as const) {
      const bytes = hex(`${body}${written}0000000000001980`);
      const read = codec.decode(bytes);
      if (!read.ok) throw new Error(read.fault.code);
      expect(read.value.text(97)).toBe(text);
      expect(read.value.span(97)).toEqual({ offset: 18, length: 9, valueOffset: 18 });
      expect(toHex(unwrap(codec.encode({ mti: '1500', fields: { 97: text } })))).toBe(toHex(bytes));
    }
  });

  test.each([
    [nibble, '43'],
    [nibble, '0E'],
    [nibble, '1C'],
    [character, '0C'],
    [character, '63'],
  ])('is refused in any other form (%#)', (codec, written) => {
    expect(codec.decode(hex(`${body}${written}0000000000001980`))).toMatchObject({
      fault: { code: 'BAD_SIGN', field: 97, offset: 18 },
    });
  });

  test.each(['', 'X0000000000001980', '00000000000001980', 'c0000000000001980'])('%j is not written', (text) => {
    const code = text === '' ? 'FIELD_LENGTH' : 'BAD_SIGN';
    expect(nibble.encode({ mti: '1500', fields: { 97: text } })).toMatchObject({ fault: { code, field: 97 } });
  });

  test('stands before any number of digits where an override makes the amount variable', () => {
    const override = { fieldOverrides: { 97: { type: 'xn', kind: 'LLVAR', maxLength: 17 } } } as const;
    for (const dialect of ['iso93-bcdL-binbm', 'iso93-bcdR-binbm', 'iso93-ebcdic-binbm'] as const) {
      const codec = compileProfile({ dialect, ...override });
      for (const text of ['C', 'D7', 'C42', 'D123', 'C0000000000001980']) {
        const read = codec.decode(unwrap(codec.encode({ mti: '1500', fields: { 97: text } })));
        if (!read.ok) throw new Error(`${read.fault.code} ${text}`);
        expect(read.value.text(97)).toBe(text);
      }
    }
  });
});

test('a secret element cannot be given as text, nor another as a secret', () => {
  const codec = compileProfile({ dialect: 'iso93-ascii-binbm' });
  expect(codec.encode({ mti: '1100', fields: { 2: '3528000000000007' } })).toMatchObject({
    fault: { code: 'FIELD_KIND', field: 2 },
  });
  expect(codec.encode({ mti: '1100', fields: { 11: secretPan('000042') } })).toMatchObject({
    fault: { code: 'FIELD_KIND', field: 11 },
  });
});
