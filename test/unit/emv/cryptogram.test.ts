import {
  arpcMethod1,
  arpcMethod2,
  type CryptogramProfileName,
  cryptogramProfiles,
  deriveMasterKey,
  deriveSessionKey,
  generateCryptogram,
  issuerAuthenticationData,
  profileFor,
  tdesCheckValue,
  verifyCryptogram,
  verifyIssuerAuthenticationData,
} from '@tsunagu/protocols/emv';
import { hex, Secret, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

// Figures from the published tests of PyEMV 1.x (K. Novichikhin, MIT), test_cvn: issuer key and PAN are those.
const keys = {
  issuerMasterKey: Secret.take('key', hex('0123456789ABCDEFFEDCBA9876543210')),
  pan: secretPan('1234567890123456'),
  psn: 0,
};
const visa = {
  0x9f02: '000000004000',
  0x9f03: '000000000000',
  0x9f1a: '0124',
  0x95: '8000048000',
  0x5f2a: '0124',
  0x9a: '191105',
  0x9c: '01',
  0x9f37: '52BF4585',
  0x82: '1800',
  0x9f36: '001C',
};
const mastercard = {
  ...visa,
  0x9f02: '000000009999',
  0x95: '8000000000',
  0x9a: '209906',
  0x9c: '00',
  0x9f37: 'ABCDEF12',
};
const lookUp = (values: Record<number, string>, issuerData: string) => (tag: number) => {
  const text = tag === 0x9f10 ? issuerData : values[tag];
  return text === undefined ? undefined : hex(text);
};

test('derives the master key of a card by option A', () => {
  expect(tdesCheckValue(unwrap(deriveMasterKey(keys.issuerMasterKey, keys.pan, 0)))).toMatch(/^BAB0/);
});

test('option B equals A for short PANs and differs for long ones', () => {
  const long = secretPan('1234567890123456789');
  const value = (pan: typeof long, option: 'A' | 'B') =>
    tdesCheckValue(unwrap(deriveMasterKey(keys.issuerMasterKey, pan, 45, option)));
  expect(value(keys.pan, 'B')).toBe(value(keys.pan, 'A'));
  expect(value(long, 'B')).not.toBe(value(long, 'A'));
});

test.each([
  ['emvCommon', '22C8'],
  ['mastercard', '2FD5'],
] as const)('derives the session key by the method %s', (method, checkValue) => {
  const master = unwrap(deriveMasterKey(keys.issuerMasterKey, keys.pan, 0));
  const key = unwrap(deriveSessionKey(method, master, hex('001C'), hex('ABCDEF12')));
  expect(tdesCheckValue(key).slice(0, 4)).toBe(checkValue);
});

test.each([
  ['visa-cvn10', visa, '06010A03A06010', '29CCA15AE665FA2E'],
  ['visa-cvn18', visa, '06011203A0B800', '7A788EA6B8A3E733'],
  ['mastercard-cvn16', mastercard, '0110A00003220000000000000000000000FF', '24CCF3DEE3158C70'],
  ['mastercard-cvn17', mastercard, '0111A00003220000000000000000000322FF', 'EAE8A620A75648D8'],
] as const)('makes and checks the cryptogram of %s', (name, values, issuerData, expected) => {
  const profile = cryptogramProfiles[name];
  const valueOf = lookUp(values, issuerData);
  expect(toHex(unwrap(generateCryptogram(profile, keys, valueOf)))).toBe(expected);
  expect(verifyCryptogram(profile, keys, valueOf, hex(expected)).ok).toBe(true);
  const changed = lookUp({ ...values, 0x9f02: '000000004001' }, issuerData);
  expect(verifyCryptogram(profile, keys, changed, hex(expected))).toMatchObject({
    fault: { code: 'EMV_CRYPTOGRAM_WRONG' },
  });
  expect(profileFor(profile.scheme, hex(issuerData))).toBe(profile);
});

test.each([
  ['visa-cvn10', visa, '06010A03A06010', '29CCA15AE665FA2E', { responseCode: hex('3030') }, '28993816AFAE4AEB3030'],
  ['visa-cvn18', visa, '06011203A0B800', '7A788EA6B8A3E733', { cardStatusUpdate: hex('00000000') }, '9AF514C100000000'],
  [
    'mastercard-cvn16',
    mastercard,
    '0110A00003220000000000000000000000FF',
    '24CCF3DEE3158C70',
    { responseCode: hex('0010') },
    '73F6BBF389A6586C0010',
  ],
  [
    'mastercard-cvn17',
    mastercard,
    '0111A00003220000000000000000000322FF',
    'EAE8A620A75648D8',
    { responseCode: hex('0010') },
    '29CF11FBDB9CA6500010',
  ],
] as const)('answers the cryptogram of %s as its issuer', (name, values, issuerData, arqc, answer, expected) => {
  const profile = cryptogramProfiles[name];
  const valueOf = lookUp(values, issuerData);
  const data = unwrap(issuerAuthenticationData(profile, keys, valueOf, hex(arqc), answer));
  expect(toHex(data)).toBe(expected);
  expect(unwrap(verifyIssuerAuthenticationData(profile, keys, valueOf, hex(arqc), data))).toMatchObject(answer);
  data[0] = (data[0] ?? 0) ^ 1;
  expect(verifyIssuerAuthenticationData(profile, keys, valueOf, hex(arqc), data)).toMatchObject({
    fault: { code: 'EMV_CRYPTOGRAM_WRONG' },
  });
});

test('the two halves of the UnionPay session key come from the ATC and its complement', () => {
  const master = unwrap(deriveMasterKey(keys.issuerMasterKey, keys.pan, 0));
  const one = unwrap(deriveSessionKey('unionpay', master, hex('0001')));
  const other = unwrap(deriveSessionKey('unionpay', master, hex('FFFE')));
  one.use((a) =>
    other.use((b) =>
      expect([toHex(a.subarray(0, 8)), toHex(a.subarray(8))]).toEqual([toHex(b.subarray(8)), toHex(b.subarray(0, 8))]),
    ),
  );
});

test('a missing object, a short 9F10 and a wrong key length are named', () => {
  const profile = cryptogramProfiles['visa-cvn10'];
  const without = lookUp({ ...visa, 0x9f37: undefined as unknown as string }, '06010A03A06010');
  expect(generateCryptogram(profile, keys, without)).toMatchObject({
    fault: { code: 'EMV_DATA_MISSING', field: '9F37' },
  });
  expect(generateCryptogram(profile, keys, lookUp(visa, '06010A'))).toMatchObject({
    fault: { code: 'EMV_VALUE_INVALID', field: '9F10' },
  });
  const single = Secret.take('key', new Uint8Array(8));
  expect(deriveMasterKey(single, keys.pan, 0)).toMatchObject({ fault: { code: 'EMV_KEY_INVALID' } });
  expect(arpcMethod1(single, new Uint8Array(8), hex('3030'))).toMatchObject({ fault: { code: 'EMV_KEY_INVALID' } });
  expect(arpcMethod2(keys.issuerMasterKey, new Uint8Array(8), hex('00'))).toMatchObject({ fault: { field: '91' } });
});

test('no two profiles of a scheme share a version number', () => {
  const seen = Object.values(cryptogramProfiles).map(({ scheme, cvn }) => `${scheme} ${cvn}`);
  expect(new Set(seen).size).toBe(seen.length);
  const names: CryptogramProfileName[] = ['jcb-cvn01', 'amex-cvn01', 'unionpay-cvn01'];
  for (const name of names) expect(cryptogramProfiles[name].arpc.method).toBe(1);
});
