import {
  caKeyHash,
  type CaPublicKey,
  decipherOfflinePin,
  encipherOfflinePin,
  hasBit,
  offlinePinBlock,
  readOfflinePinBlock,
  recoverIccKey,
  recoverIssuerKey,
  schemes,
  signCda,
  signDda,
  signFdda,
  staticDataToAuthenticate,
  verifyCda,
  verifyDda,
  verifyFdda,
  verifySda,
} from '@tsunagu/protocols/emv';
import { hex, Secret, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { cardSigner, personalise, type TestCard, testCaKeys, testCard, testCards } from '@tsunagu/protocols/test-cards';
import { decodeTlv, findTlvDeep, type Tlv } from '@tsunagu/protocols/tlv';
import { describe, expect, test } from 'vitest';

const today = { year: 2026, month: 11 };

// Visa's public test key 94, and a test issuer's certificate under it, as published in openemv/emv-utils, tests/emv_rsa_test.c.
const visa94: CaPublicKey = {
  rid: schemes.visa.rid,
  index: 0x94,
  exponent: 3,
  expiry: '2035-12-31',
  modulus: hex(
    'ACD2B12302EE644F3F835ABD1FC7A6F62CCE48FFEC622AA8EF062BEF6FB8BA8BC68BBF6AB5870EED579BC3973E121303D34841A796D6DCBC41DBF9E52C4609795C0CCF7EE86FA1D5CB041071ED2C51D2202F63F1156C58A92D38BC60BDF424E1776E2BC9648078A03B36FB554375FC53D57C73F5160EA59F3AFC5398EC7B67758D65C9BFF7828B6B82D4BE124A416AB7301914311EA462C19F771F31B3B57336000DFF732D3B83DE07052D730354D297BEC72871DCCF0E193F171ABA27EE464C6A97690943D59BDABB2A27EB71CEEBDAFA1176046478FD62FEC452D5CA393296530AA3F41927ADFE434A2DF2AE3054F8840657A26E0FC617',
  ),
};
const publishedCertificate = {
  certificate: hex(
    '665CD65C20DEAE638C7320EA011E5E2B33FC5070FF7D153D74FE9A01ABFF0B9587B3779C524577F8A57C19923B39CD3F5CCDD457D360DC2619CDBB94328777BB905E1CB79E280458F60C8C5593EFD22D6385512B11B7F2EAFE1184CF9066B9B47A0BF832045066359AE465473D31B9F830A6DE7D88E969CB456033F8073BEC512205920E3DEA773D3E36E1F46C2E8BDDC423FB675CA1710A3D0A06E9C757091973519' +
      '0BD6ED65BD5EF92C0416BFE4094EA96A218013838EF337151A8BE7222DCF0717399553C4DDA16EBABB2DD386A07BDF313D970C1324CAAB885067691E3EE5E5D8B912799BD53C8E1830237E9EC0A9254D80B2BD3622C',
  ),
  exponent: hex('03'),
};
const publishedIssuerModulus =
  'DDD9039ACC0BB00E8D6C1A11BD78C055758C5AB4CC6A3735A23DDFCF16A8F7BA72B7060FD4A77A8F6CA5FB4F11300A671BF14DF26647DCB2DC1D018A78D0F7CBCA854ECB03D32BEECEDFA849256CCB4B0392F3CC36B838EBFD244C11C58EF44ED63196E6CD55E0AC7BCA87ED2CC4F475DC9999BA88BA0E00FA860D7763996ED8A01701E2AC0D285B1198FC8485AADF043FAA3848ED869D6EB3D970F4AC08A97474278842C85584E34B6FACC07207BC41';

test('the checksum of a CA key is the published one', () => {
  expect(toHex(caKeyHash(visa94))).toBe('C4A3C43CCF87327D136B804160E47D43B60E6E0F');
});

test('recovers the issuer key of a published certificate', () => {
  const pan = secretPan('4761739001010119');
  const key = unwrap(recoverIssuerKey(visa94, publishedCertificate, pan, today));
  expect(toHex(key.modulus)).toBe(publishedIssuerModulus);
  const spoiled = { ...publishedCertificate, certificate: Uint8Array.from(publishedCertificate.certificate) };
  spoiled.certificate[247] = 0x2d;
  expect(recoverIssuerKey(visa94, spoiled, pan, today)).toMatchObject({ fault: { code: 'EMV_CERTIFICATE_WRONG' } });
  expect(recoverIssuerKey(visa94, { ...publishedCertificate, exponent: hex('010001') }, pan, today)).toMatchObject({
    fault: { facts: { step: 'hash' } },
  });
  expect(recoverIssuerKey(visa94, publishedCertificate, secretPan('5413330089010012'), today)).toMatchObject({
    fault: { facts: { step: 'issuer identifier' } },
  });
  expect(recoverIssuerKey(visa94, publishedCertificate, pan, { year: 2032, month: 1 })).toMatchObject({
    fault: { facts: { step: 'expiry' } },
  });
});

interface Read {
  readonly objects: readonly Tlv[];
  readonly value: (tag: number) => Uint8Array;
  readonly has: (tag: number) => boolean;
}

function readCard(card: TestCard): Read {
  const objects = personalise(card).records.flatMap(({ bytes }) => [...unwrap(decodeTlv(bytes))]);
  const value = (tag: number) => findTlvDeep(objects, tag)?.value ?? hex('');
  return { objects, value, has: (tag) => findTlvDeep(objects, tag) !== undefined };
}

const certificateOf = ({ value, has }: Read, certificate: number, remainder: number, exponent: number) =>
  has(remainder)
    ? { certificate: value(certificate), remainder: value(remainder), exponent: value(exponent) }
    : { certificate: value(certificate), exponent: value(exponent) };

function keysOf(card: TestCard) {
  const read = readCard(card);
  const ca = testCaKeys().find(({ rid, index }) => rid === schemes[card.scheme].rid && index === read.value(0x8f)[0]);
  const issuer = unwrap(recoverIssuerKey(ca!, certificateOf(read, 0x90, 0x92, 0x9f32), card.pan, today));
  return { read, issuer };
}

function iccKeyOf(card: TestCard) {
  const { read, issuer } = keysOf(card);
  const certificate = certificateOf(read, 0x9f46, 0x9f48, 0x9f47);
  return {
    certificate,
    issuer,
    icc: unwrap(recoverIccKey(issuer, certificate, card.pan, personalise(card).staticData, today)),
  };
}

const proving = testCards().filter(
  ({ aip }) => hasBit(hex(aip), 1, 7) || hasBit(hex(aip), 1, 6) || hasBit(hex(aip), 1, 1),
);

describe.each(proving.map((card) => [card.name, card] as const))('%s', (_, card) => {
  const image = personalise(card);
  const hasIccKey = hasBit(image.aip, 1, 6) || hasBit(image.aip, 1, 1);

  test('proves itself under the test CA by what its profile announces', () => {
    const { read, issuer } = keysOf(card);
    const signed = image.records.filter(({ sfi, record }) => {
      for (let at = 0; at < image.afl.length; at += 4)
        if (image.afl[at] === sfi << 3) return record <= (image.afl[at + 3] ?? 0);
      return false;
    });
    const staticData = unwrap(staticDataToAuthenticate(signed, image.aip, read.value(0x9f4a)));
    expect(staticData).toEqual(image.staticData);
    if (hasBit(image.aip, 1, 7)) {
      expect(toHex(unwrap(verifySda(issuer, read.value(0x93), staticData)).dataAuthenticationCode)).toBe('DAC1');
      staticData[0] = (staticData[0] ?? 0) ^ 1;
      expect(verifySda(issuer, read.value(0x93), staticData)).toMatchObject({ fault: { facts: { step: 'hash' } } });
    }
    if (hasIccKey) expect(iccKeyOf(card).icc).toEqual(cardSigner(card.name).publicKey);
    expect(hasIccKey).toBe(read.has(0x9f46));
  });
});

test('a dynamic signature holds for its own number alone', () => {
  const card = testCard('visa-contact');
  const { icc } = iccKeyOf(card);
  const signature = signDda(cardSigner(card.name), hex('0102030405060708'), hex('AABBCCDD'));
  expect(toHex(unwrap(verifyDda(icc, signature, hex('AABBCCDD'))).iccDynamicNumber)).toBe('0102030405060708');
  expect(verifyDda(icc, signature, hex('AABBCCDE'))).toMatchObject({
    fault: { code: 'EMV_CERTIFICATE_WRONG', field: '9F4B' },
  });
  expect(verifyDda(icc, signature.subarray(1), hex('AABBCCDD'))).toMatchObject({
    fault: { facts: { step: 'length' } },
  });
});

test('a combined signature brings the cryptogram and binds the transaction', () => {
  const card = testCard('mastercard-contact');
  const { icc } = iccKeyOf(card);
  const transaction = {
    unpredictableNumber: hex('01020304'),
    cryptogramInformation: 0x80,
    transactionData: hex('CAFE'),
  };
  const signature = signCda(cardSigner(card.name), hex('BEEF'), hex('1122334455667788'), transaction);
  expect(unwrap(verifyCda(icc, signature, transaction))).toEqual({
    iccDynamicNumber: hex('BEEF'),
    cryptogram: hex('1122334455667788'),
  });
  const step = (changed: Partial<typeof transaction>) => {
    const result = verifyCda(icc, signature, { ...transaction, ...changed });
    return result.ok ? 'none' : result.fault.facts?.['step'];
  };
  expect(step({ cryptogramInformation: 0x40 })).toBe('cryptogram information');
  expect(step({ transactionData: hex('CAFF') })).toBe('transaction data');
  expect(step({ unpredictableNumber: hex('01020305') })).toBe('hash');
  const plain = signDda(cardSigner(card.name), hex('BEEF'), hex('01020304'));
  expect(verifyCda(icc, plain, transaction)).toMatchObject({ fault: { facts: { step: 'dynamic data' } } });
});

test('a fast signature carries the transaction counter', () => {
  const card = testCard('visa-contactless');
  const { icc } = iccKeyOf(card);
  const transaction = {
    unpredictableNumber: hex('01020304'),
    amount: hex('000000001000'),
    currency: hex('0392'),
    cardAuthenticationData: hex('01C0FFEE012800'),
  };
  const signature = signFdda(cardSigner(card.name), hex('0002'), transaction);
  expect(unwrap(verifyFdda(icc, signature, transaction)).iccDynamicNumber).toEqual(hex('0002'));
  expect(verifyFdda(icc, signature, { ...transaction, amount: hex('000000001001') }).ok).toBe(false);
});

test('a changed record breaks the card certificate, and another PAN is named', () => {
  const card = testCard('jcb-contact');
  const { certificate, issuer } = iccKeyOf(card);
  const { staticData } = personalise(card);
  const other = secretPan('3569990010030012');
  expect(recoverIccKey(issuer, certificate, other, staticData, today)).toMatchObject({
    fault: { facts: { step: 'pan' } },
  });
  staticData[3] = (staticData[3] ?? 0) ^ 1;
  expect(recoverIccKey(issuer, certificate, card.pan, staticData, today)).toMatchObject({
    fault: { facts: { step: 'hash' } },
  });
});

test('records of high files are authenticated whole; tag lists may name the AIP alone', () => {
  const records = [
    { sfi: 2, bytes: hex('70035A0112') },
    { sfi: 11, bytes: hex('70035A0112') },
  ];
  expect(toHex(unwrap(staticDataToAuthenticate(records, hex('3900'), hex('82'))))).toBe('5A011270035A01123900');
  expect(toHex(unwrap(staticDataToAuthenticate([{ sfi: 1, bytes: hex('7081025A00') }], hex('3900'))))).toBe('5A00');
  expect(staticDataToAuthenticate(records, hex('3900'), hex('5A'))).toMatchObject({ fault: { field: '9F4A' } });
  expect(staticDataToAuthenticate([{ sfi: 1, bytes: hex('7700') }], hex('3900')).ok).toBe(false);
});

test('a PIN reaches the card enciphered, fresh, and in no other way', () => {
  const card = testCard('mastercard-contact');
  const { icc } = iccKeyOf(card);
  const challenge = hex('A1A2A3A4A5A6A7A8');
  const random = new Uint8Array(icc.modulus.length - 17).fill(9);
  const pin = Secret.take('pin', Uint8Array.from(Buffer.from('123456')));
  const sent = unwrap(encipherOfflinePin(icc, pin, challenge, random));
  const got = unwrap(decipherOfflinePin(cardSigner(card.name), sent, challenge));
  expect(got.use((digits) => Buffer.from(digits).toString())).toBe('123456');
  const refused = { ok: false, fault: { code: 'EMV_VALUE_INVALID', field: 'PIN' } };
  expect(decipherOfflinePin(cardSigner(card.name), sent, hex('A1A2A3A4A5A6A7A9'))).toMatchObject(refused);
  expect(decipherOfflinePin(cardSigner(card.name), icc.modulus, challenge)).toMatchObject(refused);
  unwrap(offlinePinBlock(pin)).use((block) => expect(toHex(block)).toBe('26123456FFFFFFFF'));
  for (const block of ['2312FFFFFFFFFFFF', '241234FFFFFFFF0F', '24123AFFFFFFFFFF', '141234FFFFFFFFFF', '24'])
    expect(readOfflinePinBlock(hex(block))).toMatchObject(refused);
});

test('a signer never shows its numbers', () => {
  const signer = cardSigner('visa-contact');
  expect(`${signer} ${JSON.stringify({ signer })}`).toBe('[key] {"signer":"[key]"}');
});
