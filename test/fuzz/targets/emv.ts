import {
  continueChain,
  decodeCommand,
  decodeResponse,
  encodeCommand,
  encodeResponse,
  noChain,
} from '@tsunagu/protocols/apdu';
import {
  buildTrack2,
  dolFitOf,
  encodeAfl,
  encodeIssuerScript,
  panFromCn,
  panToCn,
  parseAfl,
  parseCvmList,
  parseIssuerScript,
  parseTrack2,
  readOfflinePinBlock,
  recoverIccKey,
  recoverIssuerKey,
  staticDataToAuthenticate,
  verifyDda,
  verifySda,
} from '@tsunagu/protocols/emv';
import { concat, fail, hex, unwrap } from '@tsunagu/protocols/kit';
import { caSigner, issuerSigner, personalise, testCard } from '@tsunagu/protocols/test-cards';
import {
  buildDol,
  decodeTlv,
  encodeDol,
  encodeTlv,
  findTlvDeep,
  parseDol,
  type Tlv,
  type TlvInput,
} from '@tsunagu/protocols/tlv';
import { decoder, expectOurs, expectSame, must, type Target } from '../target.ts';

const records = (): readonly Uint8Array[] => personalise(testCard('visa-contact')).records.map(({ bytes }) => bytes);

const asInput = (objects: readonly Tlv[]): readonly TlvInput[] =>
  objects.map(({ tag, value, children }) => ({ tag, value: children.length > 0 ? asInput(children) : value }));

const messages = (): readonly Uint8Array[] => [
  ...records(),
  hex('770E82021C0094080801010010010301'),
  hex('9F2701809F360200019F26081122334455667788'),
  hex('6F1A840E315041592E5359532E4444463031A5088801025F2D02656E'),
];

/** A command a piece: the first byte of each is its length. */
function chain(input: Uint8Array): boolean {
  let state = noChain;
  let isComplete = false;
  for (let at = 0; at < input.length; ) {
    const length = input[at] ?? 0;
    const read = decodeCommand(input.subarray(at + 1, at + 1 + length));
    at += 1 + length;
    if (!read.ok) continue;
    const step = continueChain(state, read.value, 300);
    if (!step.ok) {
      expectOurs(step.fault, input.length);
      state = noChain;
      continue;
    }
    state = step.value.state;
    must(state.lengthBytes <= 300, 'a chain grows beyond its bound');
    isComplete ||= step.value.complete !== undefined;
  }
  return isComplete;
}

const today = { year: 2026, month: 11 };

/** Certificates and signatures: issuer certificate, then the card's, each behind its length in two bytes; the rest is static data. */
function certificates(input: Uint8Array): boolean {
  const length = ((input[0] ?? 0) << 8) | (input[1] ?? 0);
  const certificate = input.subarray(2, 2 + length);
  const rest = input.subarray(2 + length);
  const card = testCard('visa-contact');
  const parts = { certificate, remainder: rest.subarray(0, 36), exponent: Uint8Array.of(3) };
  const issuer = issuerSigner('visa').publicKey;
  const outcomes = [
    recoverIssuerKey(caSigner('visa').publicKey, parts, card.pan, today),
    recoverIccKey(issuer, parts, card.pan, rest, today),
    verifySda(issuer, certificate, rest),
    verifyDda(issuer, certificate, rest),
    verifyDda({ modulus: certificate, exponent: 3 }, certificate, rest),
  ];
  for (const outcome of outcomes) if (!outcome.ok) expectOurs(outcome.fault, input.length);
  return outcomes.some(({ ok: isGood }) => isGood);
}

/** An issuer certificate with its remainder, as `certificates` wants it. */
function certificateSeeds(): readonly Uint8Array[] {
  const objects = records().flatMap((record) => [...unwrap(decodeTlv(record))]);
  const value = (tag: number): Uint8Array => findTlvDeep(objects, tag)?.value ?? new Uint8Array(0);
  return [0x90, 0x9f46].map((tag) => {
    const certificate = value(tag);
    return concat(Uint8Array.of(certificate.length >> 8, certificate.length & 255), certificate, value(0x92));
  });
}

export const targets: readonly Target[] = [
  decoder({
    name: 'tlv',
    seeds: messages,
    tokens: ['70', '77', '9F', 'BF0C', '81', '82', '80', '0000', 'DF8129'].map(hex),
    decode: (input) => decodeTlv(input),
    check(objects, input) {
      must(
        objects.every(({ offset, end }) => offset >= 0 && end <= input.length),
        'an object leaves the bytes',
      );
      const written = encodeTlv(asInput(objects));
      const again = decodeTlv(written);
      must(again.ok, 'what was written cannot be read');
      expectSame(encodeTlv(asInput(again.value)), written, 'what was written reads otherwise');
      for (const object of objects) {
        const script = parseIssuerScript(object);
        if (script.ok) encodeIssuerScript(script.value);
        else expectOurs(script.fault, input.length);
      }
    },
  }),
  decoder({
    name: 'tlv-strict',
    seeds: messages,
    tokens: ['70', '77', '81', '00'].map(hex),
    decode: (input) =>
      decodeTlv(input, { zeros: 'refuse', lengths: 'shortest', duplicates: 'refuse', depthMax: 4, objectsMax: 24 }),
    check: (objects, input) => expectSame(encodeTlv(asInput(objects)), input, 'what is strict is written otherwise'),
  }),
  decoder({
    name: 'static-data',
    seeds: () => records().map((record) => concat(Uint8Array.of(1), record)),
    decode: (input) => staticDataToAuthenticate([{ sfi: (input[0] ?? 0) & 31, bytes: input.subarray(1) }], hex('1C00')),
  }),
  decoder({
    name: 'dol',
    seeds: () => [hex('9F02069F03069F1A0295055F2A029A039C019F3704'), hex('9F3704'), hex('8A0295059F37049F4C08')],
    tokens: ['9F', '5F', '81', '7F', 'FF'].map(hex),
    decode: parseDol,
    encode: encodeDol,
    check(entries) {
      const built = buildDol(entries, (tag) => Uint8Array.of(tag & 255), dolFitOf);
      must(built.length <= 127 * entries.length, 'a list asks for more than its lengths');
    },
  }),
  decoder({
    name: 'apdu-command',
    seeds: () =>
      ['00A4040007A000000003101000', '00B2011400', '80A8000002830000', '00A40400', '00B0000000FFFF'].map(hex),
    decode: decodeCommand,
    encode: encodeCommand,
  }),
  decoder({
    name: 'apdu-response',
    seeds: () => ['9000', '6A82', '770E82021C00940808010100100103019000'].map(hex),
    decode: decodeResponse,
    encode: encodeResponse,
  }),
  { name: 'apdu-chain', seeds: () => [hex('0710DA9F58020102 0700DA9F58020304')], run: chain },
  decoder({
    name: 'track2',
    seeds: () => ['4761739001010010D22122011758900540000F', '3528000000000007D2912201000000'].map(hex),
    tokens: ['D2', 'F0', '0D', '1F'].map(hex),
    decode: parseTrack2,
    encode: buildTrack2,
  }),
  decoder({ name: 'pan-cn', seeds: () => [hex('4761739001010010FFFF')], decode: panFromCn, encode: panToCn }),
  decoder({ name: 'afl', seeds: () => [hex('0801010010010301')], decode: parseAfl, encode: encodeAfl }),
  decoder({ name: 'cvm-list', seeds: () => [hex('000000000000000042035E031F02')], decode: parseCvmList }),
  decoder({
    name: 'offline-pin-block',
    seeds: () => [hex('241234FFFFFFFFFF')],
    decode: (input) => {
      const read = readOfflinePinBlock(input);
      return read.ok || read.fault.offset === undefined ? read : fail('INPUT_INVALID', { field: 'tells where' });
    },
  }),
  { name: 'emv-certificates', seeds: certificateSeeds, run: certificates },
];
