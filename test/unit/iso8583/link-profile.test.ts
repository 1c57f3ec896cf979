import {
  compileProfile,
  dialectNames,
  dialects,
  type FieldValue,
  linkCodec,
  type LinkProfile,
  linkProfileNames,
  linkProfiles,
  type LinkProfileText,
  type MessageCodec,
  parseLinkProfile,
  readProfile,
  revealFields,
  sealMac,
  sealWritten,
  verifyMac,
} from '@tsunagu/protocols/iso8583';
import { Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { computeMac } from '@tsunagu/protocols/mac';
import { describe, expect, test } from 'vitest';

const smallest = { name: 'a', title: { en: 'A', ja: 'ア' }, dialect: 'iso93-ascii-binbm' } as const;
const shipped = linkProfileNames.map((name) => [name, unwrap(parseLinkProfile(linkProfiles[name]))] as const);

/** A value of some length that an element takes, told from its neighbours by its number. */
function sample(codec: MessageCodec, number: number, length: number): FieldValue {
  const element = codec.element(number);
  if (!element) throw new Error(`no element ${number}`);
  const digits = String(number).padStart(length, '0').slice(-length);
  const text = element.type === 'a' ? 'x'.repeat(length) : element.type === 'xn' ? `D${digits.slice(1)}` : digits;
  if (element.type === 'b') {
    const bytes = new Uint8Array(length).fill(number);
    return element.secret ? Secret.take(element.secret, bytes) : bytes;
  }
  return element.secret ? Secret.take(element.secret, Uint8Array.from(Buffer.from(text, 'latin1'))) : text;
}

function everyElement(codec: MessageCodec, last: number): Record<number, FieldValue> {
  const numbers = Array.from({ length: last - 1 }, (_, index) => index + 2);
  return Object.fromEntries(
    numbers.map((number) => {
      const length = Math.min(codec.element(number)?.maxLength ?? 0, 40);
      const isFixed = codec.element(number)?.kind === 'fixed';
      return [number, sample(codec, number, isFixed ? (codec.element(number)?.maxLength ?? 0) : length)];
    }),
  );
}

describe.each(shipped)('the shipped profile %s', (name, profile) => {
  const codec = linkCodec(profile);
  const isBinary = (element: number): boolean => codec.element(element)?.type === 'b';

  test('has its own name and a title in both languages', () => {
    expect(profile.name).toBe(name);
    expect(profile.title.en).not.toBe('');
    expect(profile.title.ja).not.toBe('');
  });

  test('is what it says when it is written to a file and read again', () => {
    expect(unwrap(parseLinkProfile(JSON.parse(JSON.stringify(profile))))).toEqual(profile);
  });

  test.each([64, 128])('carries every element up to %i there and back', (last) => {
    const fields = everyElement(codec, last);
    const decoded = codec.decode(unwrap(codec.encode({ mti: '1200', fields })));
    if (!decoded.ok) throw new Error(`${decoded.fault.code} ${decoded.fault.field}`);
    expect(revealFields(decoded.value, isBinary)).toEqual(revealFields({ mti: '1200', fields }, isBinary));
  });

  test('seals and verifies', () => {
    const key = Secret.take('key', new Uint8Array(16).fill(7));
    const mac = (bytes: Uint8Array): Uint8Array => unwrap(computeMac({ kind: 'CMAC', cipher: 'AES' }, key, bytes));
    for (const last of [63, 127]) {
      const sealed = unwrap(sealMac(codec, { mti: '1200', fields: everyElement(codec, last) }, mac));
      const decoded = codec.decode(sealed);
      if (!decoded.ok) throw new Error(decoded.fault.code);
      expect(verifyMac(decoded.value, mac).ok).toBe(true);
      const forged = Uint8Array.from(sealed);
      forged.set([(forged[60] ?? 0) ^ 1], 60);
      const read = codec.decode(forged);
      expect(read.ok && verifyMac(read.value, mac).ok).toBe(false);
    }
  });

  test('seals what is written already to the same bytes', () => {
    const key = Secret.take('key', new Uint8Array(16).fill(7));
    const mac = (bytes: Uint8Array): Uint8Array => unwrap(computeMac({ kind: 'CMAC', cipher: 'AES' }, key, bytes));
    for (const [last, options] of [
      [63, {}],
      [127, {}],
      [63, { element: 128 }],
      [63, { lengthBytes: 4 }],
    ] as const) {
      const message = { mti: '1210', fields: everyElement(codec, last) };
      const written = unwrap(codec.encode(message));
      expect(unwrap(sealWritten(codec, written, mac, options))).toEqual(unwrap(sealMac(codec, message, mac, options)));
    }
    const sealed = unwrap(sealMac(codec, { mti: '1210', fields: { 11: '000001' } }, mac));
    expect(sealWritten(codec, sealed, mac)).toMatchObject({ ok: false, fault: { code: 'FIELD_KIND' } });
  });
});

describe('what sets the shipped profiles apart', () => {
  const of = (name: string): LinkProfile => {
    const found = shipped.find(([known]) => known === name);
    if (!found) throw new Error(name);
    return found[1];
  };

  test('payex-like: four digits of length, characters in the card number, echo by advice', () => {
    const profile = of('payex-like');
    expect(profile.frame).toMatchObject({ prefix: 'ascii4', inclusive: false });
    expect(linkCodec(profile).element(2)).toMatchObject({ type: 'ans', kind: 'LLVAR', maxLength: 19, secret: 'pan' });
    expect(profile.networkManagement).toMatchObject({ mti: '1820', signOn: false });
  });

  test('elavon-like: own action codes, no sign-on, the faulty element in DE38', () => {
    const profile = of('elavon-like');
    expect(profile.codes.actions['133']?.standsFor).toBe('503');
    expect(profile.networkManagement.signOn).toBe(false);
    expect(profile.formatErrorElement).toBe(38);
    expect(profile.reconciliation).toEqual({ netRule: 'cancelled', outOfBalance: 'settle-theirs' });
  });

  test('nyce-like: hexadecimal bitmap and elements of up to 9999', () => {
    const codec = linkCodec(of('nyce-like'));
    const fields = { 62: '000062', 63: '0063', 95: 'y'.repeat(9999) };
    const decoded = codec.decode(unwrap(codec.encode({ mti: '1420', fields })));
    expect(decoded.ok && decoded.value.text(95)?.length).toBe(9999);
    expect(codec.encode({ mti: '1420', fields: { 62: '62' } })).toMatchObject({ fault: { code: 'FIELD_LENGTH' } });
  });

  test('cardnet-like: assumed, data record as a secret, a key by name', () => {
    const profile = of('cardnet-like');
    expect(profile.assumed).toBe(true);
    expect(shipped.filter(([, { assumed }]) => assumed)).toHaveLength(1);
    expect(linkCodec(profile).element(72)?.secret).toBe('pan');
    expect(profile.mac).toMatchObject({ algorithm: 'AES-CMAC', lengthBytes: 8 });
    expect(profile.codes.till['117']).toBe('G42');
  });

  test('generic-93 is the defaults', () => {
    const { name, title, ...rest } = of('generic-93');
    expect(unwrap(parseLinkProfile(smallest))).toMatchObject(rest);
    expect([name, title.en.length > 0]).toEqual(['generic-93', true]);
  });
});

describe('a profile is refused by the name of what is wrong in it', () => {
  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ['name', { name: 'Über' }],
    ['title.ja', { title: { en: 'A' } }],
    ['version', { version: 1987 }],
    ['dialect', { dialect: 'iso87-ascii' }],
    ['dialect', { dialect: { ...dialects['iso93-ascii-hexbm'], characters: 'ebcdic-500' } }],
    ['fieldOverrides.1', { fieldOverrides: { '1': { type: 'b', kind: 'fixed', maxLength: 8 } } }],
    ['fieldOverrides.129', { fieldOverrides: { '129': { type: 'b', kind: 'fixed', maxLength: 8 } } }],
    ['fieldOverrides.48.kind', { fieldOverrides: { '48': { type: 'ans', kind: 'LVAR', maxLength: 9 } } }],
    ['48', { fieldOverrides: { '48': { type: 'ans', kind: 'LLVAR', maxLength: 100 } } }],
    ['97', { fieldOverrides: { '97': { type: 'xn', kind: 'fixed', maxLength: 1 } } }],
    ['97', { secretElements: { '97': 'key' } }],
    ['secretElements.72', { secretElements: { '72': 'card' } }],
    ['allow.0', { allow: ['be-nice'] }],
    ['frame.prefix', { frame: { prefix: 'none' } }],
    ['frame.headerBytes', { frame: { prefix: 'bin2be', header: 'tpdu' } }],
    ['frame.headerBytes', { frame: { prefix: 'bin2be', header: 'tpdu', headerBytes: 4 } }],
    ['frame.headerBytes', { frame: { prefix: 'bin2be', header: 'none', headerBytes: 5 } }],
    ['frame.headerBytes', { frame: { prefix: 'bin2be', header: 'opaque' } }],
    ['mac.algorithm', { mac: {} }],
    ['mac.keyRef', { mac: { algorithm: 'AES-CMAC', keyRef: 'a' } }],
    ['mac.key', { mac: { algorithm: 'AES-CMAC', key: '00' } }],
    ['mac.element', { mac: { algorithm: 'AES-CMAC', element: 65 } }],
    [
      'mac.element',
      {
        mac: { algorithm: 'AES-CMAC' },
        fieldOverrides: { '64': { type: 'ans', kind: 'fixed', maxLength: 8 } },
      },
    ],
    [
      'mac.element',
      {
        mac: { algorithm: 'AES-CMAC', element: 128 },
        fieldOverrides: { '128': { type: 'b', kind: 'LLVAR', maxLength: 8 } },
      },
    ],
    ['mac.exempt.0', { mac: { algorithm: 'AES-CMAC', exempt: ['0800'] } }],
    ['matchKeys', { matchKeys: [] }],
    ['echo.0', { echo: [1] }],
    ['timers.requestMs', { timers: { requestMs: 0 } }],
    ['codes.till.1', { codes: { till: { '1': 'G12' } } }],
    ['codes.till.100', { codes: { till: { '100': 'G;2' } } }],
    ['timers.idleMs', { timers: { idleMs: 30_000 } }],
    ['colour', { colour: 'blue' }],
    ['frame.size', { frame: { prefix: 'bin2be', size: 2 } }],
  ];
  test.each(wrong)('%s (%#)', (field, change) => {
    const read = parseLinkProfile({ ...smallest, ...change });
    if (read.ok) throw new Error('taken');
    expect(read.fault.code).toBe('PROFILE_INVALID');
    expect(String(read.fault.field)).toBe(field);
  });

  test.each([[undefined], [null], ['x'], [[]], [42]])('anything but an object: %j', (input) => {
    expect(parseLinkProfile(input)).toMatchObject({ ok: false, fault: { code: 'PROFILE_INVALID', field: '' } });
  });
});

describe('a profile of our own source', () => {
  test('throws on a slip', () => {
    expect(() => compileProfile({ dialect: 'iso93-ascii-binbm', fieldOverrides: { 1: shape(8) } })).toThrow(/sound/);
  });

  test('is refused for an element that is none', () => {
    for (const number of [0, 1, 129, 1.5, -2])
      expect(readProfile({ dialect: 'iso93-ascii-binbm', fieldOverrides: { [number]: shape(8) } })).toMatchObject({
        fault: { code: 'PROFILE_INVALID', field: 'fieldOverrides' },
      });
    expect(readProfile({ dialect: 'iso93-ascii-binbm', secretElements: { 1: 'key' } })).toMatchObject({
      fault: { code: 'PROFILE_INVALID', field: 'secretElements' },
    });
  });

  test.each(dialectNames)('a hybrid of %s and raw, packed and variable parts is data too', (name) => {
    const dialect = { ...dialects[name], variableBinary: 'hex', fixedBinary: 'hex', oddDigits: 'left' } as const;
    const codec = compileProfile({ dialect });
    const fields = { 32: '12345', 53: Uint8Array.of(1, 171), 64: new Uint8Array(8).fill(255) };
    const bytes = unwrap(codec.encode({ mti: '1100', fields }));
    const decoded = codec.decode(bytes);
    if (!decoded.ok) throw new Error(decoded.fault.code);
    expect(decoded.value.text(32)).toBe('12345');
    expect(toHex(decoded.value.binary(53) ?? new Uint8Array(0))).toBe('01AB');
    expect(toHex(decoded.value.binary(64) ?? new Uint8Array(0))).toBe('F'.repeat(16));
  });

  const shape = (maxLength: number) => ({ type: 'b', kind: 'fixed', maxLength }) as const;
});

test('a text of a profile is checked by the compiler too', () => {
  const text: LinkProfileText = { ...smallest, frame: { prefix: 'bcd2', header: 'tpdu', headerBytes: 5 } };
  expect(unwrap(parseLinkProfile(text)).frame).toEqual({
    prefix: 'bcd2',
    inclusive: false,
    header: 'tpdu',
    headerBytes: 5,
    maxLengthBytes: 8192,
    keepAlive: false,
  });
});
