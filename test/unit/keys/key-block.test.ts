import { splitIntoComponents } from '@tsunagu/protocols/components';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import {
  checkExport,
  type KeyAttributes,
  unwrapKeyBlock,
  type WrapRequest,
  wrapKeyBlock,
} from '@tsunagu/protocols/tr31';
import { expect, test } from 'vitest';
import { entropy } from '../../vectors/key-vectors.ts';

const kbpk = Secret.take('key', hex('88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6'));
const zoneKey = (): Secret<'key'> => Secret.take('key', hex('3F419E1CB7079442AA37474C2EFBF8B8'));
const attributes: KeyAttributes = {
  versionId: 'D',
  keyUsage: 'P0',
  algorithm: 'A',
  modeOfUse: 'E',
  keyVersion: '00',
  exportability: 'E',
  reserved: '00',
};
const wrap = (more: Partial<WrapRequest> = {}, under = kbpk): ReturnType<typeof wrapKeyBlock> =>
  wrapKeyBlock(under, { attributes, key: zoneKey(), entropy, ...more });
const codeOf = (result: { ok: boolean; fault?: { code: string } }): string => result.fault?.code ?? 'ok';

test('a wrapped key comes back with its attributes, in each version', () => {
  const tdes = Secret.take('key', hex('B8ED59E0A279A295E9F5ED7944FD06B9'));
  for (const [versionId, under, algorithm] of [
    ['B', tdes, 'T'],
    ['C', tdes, 'T'],
    ['D', kbpk, 'A'],
  ] as const) {
    const wanted = { ...attributes, versionId, algorithm };
    const block = unwrap(wrap({ attributes: wanted, optionalBlocks: [{ id: 'LB', data: 'lane 3' }] }, under));
    const back = unwrap(unwrapKeyBlock(under, block));
    expect(back.key.use(toHex)).toBe(zoneKey().use(toHex));
    expect(back.header).toMatchObject(wanted);
    expect(back.optionalBlocks[0]).toEqual({ id: 'LB', data: 'lane 3' });
    expect(back.header.headerString.length % (versionId === 'D' ? 16 : 8)).toBe(0);
  }
});

test('blocks of AES-128 and AES-256 keys are of one length unless that is asked for', () => {
  const long = Secret.take('key', entropy(32));
  const [short, same] = [unwrap(wrap()), unwrap(wrap({ key: long }))];
  expect(short.length).toBe(same.length);
  expect(unwrap(wrap({ hideKeyLength: false })).length).toBeLessThan(short.length);
});

test('optional blocks of every length fill up to whole cipher blocks', () => {
  for (let length = 0; length <= 600; length += 7) {
    const block = unwrap(wrap({ optionalBlocks: [{ id: 'LB', data: 'x'.repeat(length) }] }));
    const back = unwrap(unwrapKeyBlock(kbpk, block));
    expect(back.optionalBlocks[0]?.data).toHaveLength(length);
  }
});

test('a key that may not be exported is not wrapped again, wherever its secret was handed on to', () => {
  const arrived = (exportability: string): Secret<'key'> =>
    unwrap(unwrapKeyBlock(kbpk, unwrap(wrap({ attributes: { ...attributes, exportability } })))).key;
  expect(codeOf(wrap({ key: arrived('N') }))).toBe('TR31_NOT_EXPORTABLE');
  expect(codeOf(wrap({ key: arrived('E') }))).toBe('ok');
  expect(codeOf(wrap({ key: arrived('E'), attributes: { ...attributes, exportability: 'S' } }))).toBe(
    'TR31_NOT_EXPORTABLE',
  );
  expect(codeOf(wrap({ key: arrived('S'), attributes: { ...attributes, exportability: 'N' } }))).toBe('ok');
});

test('a key keeps its usage, algorithm and mode of use when it is wrapped again', () => {
  const { key } = unwrap(unwrapKeyBlock(kbpk, unwrap(wrap())));
  for (const change of [{ keyUsage: 'D0' }, { modeOfUse: 'B' }, { algorithm: 'T' }]) {
    expect(codeOf(wrap({ key, attributes: { ...attributes, ...change } }))).toBe('TR31_NOT_EXPORTABLE');
  }
});

test('a protection key weaker than the key is refused, both ways', () => {
  const weak = Secret.take('key', entropy(16));
  expect(codeOf(wrap({ key: Secret.take('key', entropy(32)) }, weak))).toBe('TR31_KBPK_TOO_WEAK');
  expect(codeOf(wrap({}, weak))).toBe('ok');
});

test('version A may be read but is no longer made', () => {
  expect(codeOf(wrap({ attributes: { ...attributes, versionId: 'A', algorithm: 'T' } }))).toBe('TR31_VERSION_RETIRED');
});

test('usages, algorithms and modes that do not belong together are refused with the field named', () => {
  const field = (change: Partial<KeyAttributes>): unknown => {
    const result = wrap({ attributes: { ...attributes, ...change } });
    return result.ok ? 'ok' : result.fault.field;
  };
  expect(field({ keyUsage: 'Z9' })).toBe('keyUsage');
  expect(field({ algorithm: 'R' })).toBe('algorithm');
  expect(field({ modeOfUse: 'G' })).toBe('modeOfUse');
  expect(field({ exportability: 'X' })).toBe('exportability');
  expect(field({ keyUsage: '17' })).toBe('ok');
});

test('faults are told in their order: version, header, length, hexadecimal, authentication, rules', () => {
  const good = unwrap(wrap());
  const steps: readonly [string, string][] = [
    ['TR31_LENGTH_INVALID', 'F00'],
    ['TR31_VERSION_UNKNOWN', `F${good.slice(1, 5)}p?${good.slice(7, -1)}Z0`],
    ['TR31_HEADER_INVALID', `${good.slice(0, 5)}p?${good.slice(7, -1)}Z0`],
    ['TR31_LENGTH_INVALID', `${good.slice(0, -1)}Z0`],
    ['TR31_ENCODING_INVALID', `${good.slice(0, -1)}Z`],
    ['TR31_NOT_AUTHENTIC', `${good.slice(0, 5)}D0${good.slice(7)}`],
    ['ok', good],
  ];
  for (const [code, block] of steps) expect(codeOf(unwrapKeyBlock(kbpk, block))).toBe(code);
});

test('a TDES KBPK counts by what it is worth, not by its length', () => {
  const key = Secret.copy('key', hex('0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123'));
  const wrap = (kbpk: string) =>
    wrapKeyBlock(Secret.copy('key', hex(kbpk)), {
      attributes: {
        versionId: 'B',
        keyUsage: 'P0',
        algorithm: 'T',
        modeOfUse: 'E',
        keyVersion: '00',
        exportability: 'E',
        reserved: '00',
      },
      key,
      entropy: (length) => new Uint8Array(length),
    });
  const [first, second, third] = ['1111111111111111', '2323232323232323', '4545454545454545'];
  expect(wrap(`${first}${second}${third}`).ok).toBe(true);
  // K1 K2 K1 has the strength of two keys, three times the same one of single DES.
  for (const weak of [`${first}${second}${first}`, `${first}${first}${first}`, `${first}${first}${second}`])
    expect(wrap(weak)).toMatchObject({ fault: { code: 'TR31_KBPK_TOO_WEAK' } });
});

test('a key that may not leave does not leave by another door', () => {
  const kbpk = Secret.copy('key', hex('00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF'));
  const wrapped = unwrap(
    wrapKeyBlock(kbpk, {
      attributes: {
        versionId: 'D',
        keyUsage: 'P0',
        algorithm: 'A',
        modeOfUse: 'E',
        keyVersion: '00',
        exportability: 'N',
        reserved: '00',
      },
      key: Secret.copy('key', hex('0F0E0D0C0B0A09080706050403020100')),
      entropy: (length) => new Uint8Array(length),
    }),
  );
  const { key, header } = unwrap(unwrapKeyBlock(kbpk, wrapped));
  expect(splitIntoComponents(key, 2, (length) => new Uint8Array(length))).toMatchObject({
    fault: { code: 'TR31_NOT_EXPORTABLE' },
  });
  // What a TR-34 token asks before it seals a key.
  expect(checkExport({ ...header, keyUsage: 'D0', modeOfUse: 'B', exportability: 'E' }, key)).toMatchObject({
    fault: { code: 'TR31_NOT_EXPORTABLE' },
  });
});
