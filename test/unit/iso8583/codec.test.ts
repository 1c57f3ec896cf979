import { compileProfile, dialectNames, type Fields, type FieldValue, macElement } from '@tsunagu/protocols/iso8583';
import { hex, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, test } from 'vitest';

const codec = compileProfile({ dialect: 'iso93-bcdR-binbm' });

describe('elements that are none', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['129', 129],
    ['-2', -2],
    ['2.5', -1],
    ['02', -1],
    ['1e1', -1],
    [' 3', -1],
    ['pan', -1],
  ])('%j is refused, not left out', (key, field) => {
    const fields: Record<string, FieldValue> = { 11: '000042', [key]: '000000' };
    expect(codec.encode({ mti: '1100', fields: fields satisfies Fields })).toMatchObject({
      fault: { code: 'FIELD_UNKNOWN', field },
    });
  });

  test('an element that is undefined is absent', () => {
    const fields = Object.assign<Fields, object>({ 11: '000042' }, { 12: undefined });
    expect(toHex(unwrap(codec.encode({ mti: '1100', fields })))).toBe('11000020000000000000000042');
  });

  test('the values of a decoded message can be handed on as they are', () => {
    const decoded = codec.decode(hex('1100 0020000000000000 000042'));
    if (!decoded.ok) throw new Error(decoded.fault.code);
    expect(unwrap(codec.encode({ mti: '1110', fields: { ...decoded.value.fields, 39: '000' } }))).toHaveLength(15);
  });
});

describe('another edition', () => {
  test.each(dialectNames)('is told with its message type, and nothing behind that is read: %s', (dialect) => {
    const own = compileProfile({ dialect });
    const bytes = Uint8Array.from(unwrap(own.encode({ mti: '1100', fields: { 11: '000042' } })));
    const isPacked = dialect.startsWith('iso93-bcd');
    bytes[0] = isPacked ? 0x01 : (bytes[2] ?? 0);
    const read = own.decode(bytes);
    if (read.ok) throw new Error('taken');
    expect(read.fault).toMatchObject({ code: 'MTI_VERSION', field: 0, offset: 0, facts: { edition: '1987' } });
    expect(read.partial?.mti).toBe('0100');
    expect(read.partial?.elements).toEqual([]);
    expect(read.partial?.spans).toEqual({ 0: { offset: 0, length: isPacked ? 2 : 4, valueOffset: 0 } });
  });

  test('has no message type where its digits did not arrive', () => {
    const read = codec.decode(hex('01'));
    if (read.ok) throw new Error('taken');
    expect(read.fault.code).toBe('MTI_VERSION');
    expect(read.partial?.mti).toBe('01??');
    expect(read.partial?.spans).toEqual({ 0: { offset: 0, length: 1, valueOffset: 0 } });
  });
});

test('a refusal to write leaves nothing for the next message', () => {
  expect(codec.encode({ mti: '1100', fields: { 2: secretPan('352800000000007x') } }).ok).toBe(false);
  const bytes = unwrap(codec.encode({ mti: '1100', fields: { 55: new Uint8Array(12) } }));
  expect(toHex(bytes)).toBe('1100000000000000020000120' + '0'.repeat(23));
});

test('the MAC stands in 128 as soon as there is an element above 64', () => {
  expect(macElement({ mti: '1100', fields: { 64: new Uint8Array(8) } })).toBe(64);
  expect(macElement({ mti: '1100', fields: { 65: new Uint8Array(8) } })).toBe(128);
});
