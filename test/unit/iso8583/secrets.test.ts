import { inspect } from 'node:util';
import {
  compileProfile,
  describeFields,
  dialectNames,
  type Fields,
  readFields,
  validate,
} from '@tsunagu/protocols/iso8583';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, test } from 'vitest';

const pan = '4929777766665555';
const pin = 'B16B00B5CAFED00D';
const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const secret = (text: string): Secret<'pan'> => Secret.take('pan', latin(text));

/** Marked values in every element that may hold a card number or a PIN, and in free text, where people put them too. */
const planted = (): Fields => ({
  2: secret(pan),
  4: '000000001980',
  11: '000042',
  34: secret(pan),
  35: secret(`${pan}=29121010000000000`),
  36: secret(`01${pan}=392392`),
  45: secret(`B${pan}^YAMADA/TARO^2912101`),
  48: `note ${pan}`,
  52: Secret.take('pin', hex(pin)),
  55: hex(`5A08${pan}`),
  72: `record ${pan}`,
  102: pan,
});

/** Everything that a value shows to whoever prints, logs, joins or serialises it. */
function landings(value: unknown): string {
  const deep = inspect(value, { depth: 20, showHidden: true, getters: true, maxStringLength: null });
  return [deep, JSON.stringify(value), String(value), new Error('x', { cause: value }).stack].join('\n');
}

function expectNothingShown(value: unknown): void {
  const text = landings(value).toUpperCase().replaceAll(/\s+/g, ' ');
  const marks = [pan, `4${[...pan].join('3')}`, pin, ...[pan, pin].map((mark) => mark.slice(0, 8)), 'YAMADA'];
  // An array of bytes prints as decimal numbers, and characters of EBCDIC as other bytes.
  const decimals = [hex(pan), latin(pan), hex(pin)].map((bytes) => [...bytes.subarray(0, 4)].join(', '));
  for (const mark of [...marks, ...decimals]) expect(text).not.toContain(mark);
}

test('the search finds what is planted, so that it would find what leaks', () => {
  expect(() => expectNothingShown({ note: pan })).toThrow();
  expect(() => expectNothingShown({ bytes: hex(pan) })).toThrow();
  expect(() => expectNothingShown({ bytes: latin(pan) })).toThrow();
  expect(() => expectNothingShown([hex(pin)])).toThrow();
});

describe.each(dialectNames)('no card number and no PIN of a message in %s', (dialect) => {
  const codec = compileProfile({ dialect });
  const bytes = unwrap(codec.encode({ mti: '1200', fields: planted() }));

  test('is printed with the message', () => {
    const decoding = codec.decode(bytes);
    if (!decoding.ok) throw new Error(decoding.fault.code);
    expectNothingShown(decoding);
    expectNothingShown(decoding.value.spans);
    expect(decoding.value.value(2) instanceof Secret).toBe(true);
    expectNothingShown(decoding.value);
    expect(decoding.value.fields[11]).toBe('000042');
    expectNothingShown(decoding.value);
    expectNothingShown(describeFields({ mti: '1200', fields: planted() }));
    expectNothingShown(validate(decoding.value));
    expect(decoding.value.toJSON().fields).toMatchObject({ 2: '[pan]', 11: '000042', 52: '[pin]', 55: '[10 bytes]' });
  });

  test('stands in a refusal, wherever the message is cut or spoilt', () => {
    for (let at = 0; at < bytes.length; at++) {
      const cut = codec.decode(bytes.subarray(0, at));
      const spoilt = Uint8Array.from(bytes);
      spoilt[at] = (bytes[at] ?? 0) ^ 0xff;
      const other = codec.decode(spoilt);
      if (at % 7 === 0 || (!other.ok && other.fault.offset === at)) {
        const { value: _, ...rest } = { value: undefined, ...cut };
        expectNothingShown(rest);
        if (!other.ok) expectNothingShown(other);
      }
    }
  });

  test('stands in a refusal to write', () => {
    const wrong: Fields[] = [
      { 2: secret(`${pan}9999`) },
      { 2: secret(`${pan}x`) },
      { 2: pan },
      { 35: secret(`${pan}?`) },
      { 52: Secret.take('pin', hex(`${pin}00`)) },
      { 11: pan },
      { 37: `${pan}€` },
      { 48: `${pan}€` },
      { 129: pan },
    ];
    for (const fields of wrong) {
      const written = codec.encode({ mti: '1200', fields });
      expect(written.ok).toBe(false);
      expectNothingShown(written);
    }
    const plain = ['2', '35', '45', '52', 'x'].map((key) => readFields(codec, { [key]: `hex:${pan}€` }));
    for (const read of plain) if (!read.ok) expectNothingShown(read);
    expectNothingShown(readFields(codec, { 2: pan, 52: `hex:${pin}` }));
  });
});

test('what a link declares secret is as secret as the table', () => {
  const codec = compileProfile({ dialect: 'iso93-bcdR-binbm', secretElements: { 37: 'pan', 48: 'pan', 55: 'key' } });
  const fields = { 37: secret(pan.slice(0, 12)), 48: secret(pan), 55: Secret.take('key', hex(pan)) };
  const decoding = codec.decode(unwrap(codec.encode({ mti: '1200', fields })));
  if (!decoding.ok) throw new Error(decoding.fault.code);
  expectNothingShown(decoding);
  expectNothingShown(decoding.value.fields);
  expect(decoding.value.toJSON().fields).toEqual({ 37: '[pan]', 48: '[pan]', 55: '[key]' });
});

test('a secret of a message outlives the bytes it came from, and can be wiped without harm to them', () => {
  const codec = compileProfile({ dialect: 'iso93-ascii-binbm' });
  const bytes = unwrap(codec.encode({ mti: '1200', fields: planted() }));
  const decoding = codec.decode(bytes);
  if (!decoding.ok) throw new Error(decoding.fault.code);
  const block = decoding.value.secret(52);
  decoding.value.secret(2)?.wipe();
  expect(codec.decode(bytes).ok).toBe(true);
  bytes.fill(0);
  expect(block?.use((value) => [...value])).toEqual([...hex(pin)]);
});
