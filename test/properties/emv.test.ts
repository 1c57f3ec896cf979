import {
  chainCommand,
  type CommandApdu,
  continueChain,
  command,
  decodeCommand,
  decodeResponse,
  encodeCommand,
  encodeResponse,
  noChain,
} from '@tsunagu/protocols/apdu';
import {
  bitTables,
  buildTrack2,
  cryptogramInput,
  cryptogramProfiles,
  encodeAfl,
  encodeIssuerScript,
  generateCryptogram,
  issuerAuthenticationData,
  meaningsOf,
  offlinePinBlock,
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
  verifyCda,
  verifyDda,
  verifyIssuerAuthenticationData,
  verifySda,
} from '@tsunagu/protocols/emv';
import { concat, hex, Secret, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { caSigner, cardSigner, issuerSigner, personalise, testCard, testCards } from '@tsunagu/protocols/test-cards';
import {
  buildDol,
  decodeTlv,
  dolDataLength,
  encodeDol,
  encodeTag,
  encodeTlv,
  isTag,
  parseDol,
  type Tlv,
  type TlvInput,
} from '@tsunagu/protocols/tlv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byte, bytes, expectDecoder, expectOurs, mangled, took } from './any-bytes.ts';

const tagOf = (isTemplate: boolean): fc.Arbitrary<number> =>
  fc
    .tuple(byte, fc.uint8Array({ maxLength: 2 }), fc.nat(127))
    .map(([drawn, middle, last]) => {
      const first = isTemplate ? drawn | 0x20 : drawn & ~0x20;
      if ((first & 0x1f) !== 0x1f) return first;
      return [...middle.map((value) => value | 0x80), last].reduce((sum, value) => sum * 256 + value, first);
    })
    .filter(isTag);

const { objects } = fc.letrec<{ objects: TlvInput[]; object: TlvInput }>((tie) => ({
  objects: fc.array(tie('object'), { maxLength: 5 }),
  object: fc.oneof(
    { depthSize: 'small', maxDepth: 6 },
    fc.record({ tag: tagOf(false), value: fc.oneof(bytes(0, 12), bytes(120, 300)) }),
    fc.record({ tag: tagOf(true), value: tie('objects') }),
  ),
}));

const tlvCodes = [
  'TLV_TRUNCATED',
  'TLV_TAG_INVALID',
  'TLV_LENGTH_INVALID',
  'TLV_TOO_DEEP',
  'TLV_TOO_MANY',
  'TLV_TOO_LONG',
  'TLV_DUPLICATE',
] as const;

const asInput = (read: readonly Tlv[]): readonly TlvInput[] =>
  read.map(({ tag, isConstructed, children, value }) => ({ tag, value: isConstructed ? asInput(children) : value }));
const depthOf = (read: readonly Tlv[]): number =>
  read.reduce((depth, { isConstructed, children }) => Math.max(depth, isConstructed ? 1 + depthOf(children) : 1), 0);
const countOf = (read: readonly Tlv[]): number => read.reduce((sum, { children }) => sum + 1 + countOf(children), 0);

describe('TLV', () => {
  test('objects of any tags, lengths and nesting come back as they were written', () => {
    fc.assert(
      fc.property(objects, (written) => {
        const whole = encodeTlv(written);
        const read = unwrap(decodeTlv(whole, { zeros: 'refuse', lengths: 'shortest' }));
        expect(encodeTlv(asInput(read))).toEqual(whole);
        expect(read.map(({ tag }) => tag)).toEqual(written.map(({ tag }) => tag));
        let end = 0;
        for (const object of read) {
          expect(object.offset).toBe(end);
          expect(object.whole.length).toBe(object.end - object.offset);
          end = object.end;
        }
        expect(end).toBe(whole.length);
      }),
    );
  });

  test('any bytes are objects within the limits, or a fault with its place', () => {
    const options = fc.record(
      {
        depthMax: fc.integer({ min: 1, max: 5 }),
        objectsMax: fc.integer({ min: 1, max: 8 }),
        zeros: fc.constantFrom('skip' as const, 'refuse' as const),
        lengths: fc.constantFrom('any' as const, 'shortest' as const),
        duplicates: fc.constantFrom('keep' as const, 'refuse' as const),
      },
      { requiredKeys: ['depthMax', 'objectsMax'] },
    );
    fc.assert(
      fc.property(mangled(objects.map(encodeTlv)), options, (outside, limits) => {
        const read = decodeTlv(outside, limits);
        expectOurs(read, tlvCodes, outside.length);
        if (!read.ok) return;
        expect(depthOf(read.value)).toBeLessThanOrEqual(limits.depthMax);
        expect(countOf(read.value)).toBeLessThanOrEqual(limits.objectsMax);
        const again = decodeTlv(encodeTlv(asInput(read.value)), limits);
        expect(again.ok && encodeTlv(asInput(again.value))).toEqual(encodeTlv(asInput(read.value)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('the worst messages of 65536 bytes take no more than a moment', () => {
    const filled = (...pattern: readonly number[]): Uint8Array =>
      Uint8Array.from({ length: 65_536 }, (_, index) => pattern[index % pattern.length] ?? 0);
    const unbounded = { objectsMax: 65_536, depthMax: 8, duplicates: 'refuse' } as const;
    for (const worst of [filled(0), filled(0xe0, 0x00), filled(0x5a, 0x00), filled(0xe0, 0x7f), filled(0x9f, 0x81)]) {
      expect(took(() => decodeTlv(worst))).toBeLessThan(250);
      expect(took(() => decodeTlv(worst, { ...unbounded, duplicates: 'keep' }))).toBeLessThan(500);
    }
    // All tags differ, so that each is looked for among all before it.
    const tags = Array.from(
      { length: 127 * 120 },
      (_, index) => 0x9f8100 + 256 * (index % 120) + Math.floor(index / 120),
    );
    const distinct = encodeTlv(tags.filter(isTag).map((tag) => ({ tag, value: new Uint8Array(0) })));
    expect(distinct.length).toBeGreaterThan(50_000);
    expect(took(() => unwrap(decodeTlv(distinct, unbounded)))).toBeLessThan(500);
  });
});

describe('data object lists', () => {
  const entries = fc.array(fc.record({ tag: fc.oneof(tagOf(false), tagOf(true)), length: fc.nat(127) }), {
    maxLength: 40,
  });

  test('a list comes back as it was written, and is built in the lengths it asks for', () => {
    fc.assert(
      fc.property(
        entries,
        fc.constantFrom('numeric' as const, 'compressedNumeric' as const, 'other' as const),
        bytes(0, 140),
        (list, fit, value) => {
          const parsed = unwrap(parseDol(encodeDol(list)));
          expect(parsed.map(({ tag, length }) => ({ tag, length }))).toEqual(list);
          const built = buildDol(
            parsed,
            () => value,
            () => fit,
          );
          expect(built.length).toBe(dolDataLength(parsed));
        },
      ),
    );
  });

  test('any bytes are a list or a fault', () => {
    expectDecoder(mangled(entries.map(encodeDol), 300), parseDol, encodeDol, ['DOL_INVALID']);
  });
});

const commandOf = (dataMax: number): fc.Arbitrary<CommandApdu> =>
  fc
    .tuple(
      byte,
      byte,
      byte,
      byte,
      bytes(0, dataMax),
      fc.option(fc.integer({ min: 1, max: 65_536 }), { nil: undefined }),
    )
    .map(([cla, ins, p1, p2, data, le]) => command(cla, ins, p1, p2, data, le));

describe('APDU', () => {
  test('a command of any of the seven cases comes back as it was written', () => {
    fc.assert(
      fc.property(commandOf(600), fc.boolean(), (apdu, extended) => {
        const read = unwrap(decodeCommand(unwrap(encodeCommand({ ...apdu, extended }))));
        expect({ ...read, extended: undefined }).toEqual({ ...apdu, extended: undefined });
      }),
    );
  });

  test('any bytes are a command or a fault', () => {
    expectDecoder(
      mangled(commandOf(300).map((apdu) => unwrap(encodeCommand(apdu)))),
      decodeCommand,
      (apdu) => unwrap(encodeCommand(apdu)),
      ['APDU_LENGTH_INVALID'],
      1_000,
    );
  });

  test('any bytes are an answer or a fault', () => {
    const answer = fc
      .tuple(bytes(0, 300), fc.constantFrom(0x9000, 0x6100, 0x6a82, 0x9f10))
      .map(([data, sw]) => encodeResponse({ data, sw }));
    expectDecoder(mangled(answer), decodeResponse, encodeResponse, ['APDU_LENGTH_INVALID', 'APDU_VALUE_INVALID']);
  });

  test('a command cut into a chain of any step is put together again', () => {
    fc.assert(
      fc.property(commandOf(900), fc.integer({ min: 1, max: 255 }), (drawn, step) => {
        const whole = { ...drawn, cla: drawn.cla & 0x0f };
        let state = noChain;
        let complete: CommandApdu | undefined;
        for (const part of chainCommand(whole, step)) {
          expect(complete).toBeUndefined();
          ({ state, complete } = { complete: undefined, ...unwrap(continueChain(state, part)) });
        }
        expect(complete).toEqual(whole);
        expect(state).toEqual(noChain);
      }),
    );
  });

  test('a chain that never ends is held in bounded memory', () => {
    let state = noChain;
    for (let count = 0; count < 20_000; count++) state = unwrap(continueChain(state, command(0x10, 0xe2, 0, 0))).state;
    expect(state.parts.length).toBeLessThanOrEqual(1);
    const full = command(0x10, 0xe2, 0, 0, new Uint8Array(255));
    for (let count = 0; count < 257; count++) state = unwrap(continueChain(state, full)).state;
    expect(continueChain(state, full)).toMatchObject({ ok: false, fault: { code: 'APDU_CHAIN_BROKEN' } });
  });
});

describe('EMV data', () => {
  const digits = (min: number, max: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });
  const secretText = (value: Secret): string => value.use((read) => Buffer.from(read).toString('latin1'));

  test('application file locators', () => {
    const entry = fc
      .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 255 }), fc.nat(20), fc.nat(21))
      .map(([sfi, first, more, signed]) => {
        const last = Math.min(255, first + more);
        return { sfi, first, last, authenticated: Math.min(signed, last - first + 1) };
      });
    const list = fc.array(entry, { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(list, (entries) => {
        expect(unwrap(parseAfl(encodeAfl(entries)))).toEqual(entries);
      }),
    );
    expectDecoder(mangled(list.map(encodeAfl)), parseAfl, encodeAfl, ['EMV_AFL_INVALID']);
  });

  test('track 2 and card numbers, with no digit of them in a fault', () => {
    const track = fc.tuple(digits(8, 19), digits(7, 7), digits(0, 11)).filter((parts) => parts.join('D').length <= 38);
    fc.assert(
      fc.property(track, ([pan, middle, more]) => {
        const built = unwrap(
          buildTrack2({
            pan: secretPan(pan),
            expiry: middle.slice(0, 4),
            serviceCode: middle.slice(4),
            discretionary: secretPan(more),
          }),
        );
        const read = unwrap(parseTrack2(built));
        expect([secretText(read.pan), read.expiry + read.serviceCode, secretText(read.discretionary)]).toEqual([
          pan,
          middle,
          more,
        ]);
        expect(secretText(unwrap(panFromCn(panToCn(secretPan(pan)))))).toBe(pan);
      }),
    );
    const pan = hex('4999888877776666');
    const almost = fc
      .tuple(bytes(0, 12), fc.boolean())
      .map(([more, first]) => concat(...(first ? [pan, more] : [more, pan])));
    fc.assert(
      fc.property(mangled(almost, 30), (outside) => {
        for (const read of [parseTrack2(outside), panFromCn(outside)]) {
          expectOurs(read, ['EMV_TRACK2_INVALID', 'EMV_VALUE_INVALID'], outside.length);
          expect(JSON.stringify(read)).not.toContain('8888777');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('PIN blocks of format 2: every malformed one is one and the same fault', () => {
    fc.assert(
      fc.property(digits(4, 12), (pin) => {
        const block = unwrap(offlinePinBlock(Secret.take('pin', Uint8Array.from(Buffer.from(pin)))));
        expect(secretText(unwrap(block.use(readOfflinePinBlock)))).toBe(pin);
      }),
    );
    const wrong = new Set<string>();
    fc.assert(
      fc.property(mangled(fc.constant(Uint8Array.from(Buffer.from('241234FFFFFFFFFF', 'hex'))), 10), (outside) => {
        const read = readOfflinePinBlock(outside);
        if (!read.ok) wrong.add(JSON.stringify(read));
      }),
    );
    expect([...wrong]).toEqual([JSON.stringify({ ok: false, fault: { code: 'EMV_VALUE_INVALID', field: 'PIN' } })]);
  });

  test('issuer scripts, method lists and bit tables', () => {
    const script = fc.record(
      {
        template: fc.constantFrom(0x71 as const, 0x72 as const),
        identifier: bytes(4),
        commands: fc.array(commandOf(40), { minLength: 1, maxLength: 5 }),
      },
      { requiredKeys: ['template', 'commands'] },
    );
    fc.assert(
      fc.property(script, (written) => {
        const [object] = unwrap(decodeTlv(unwrap(encodeIssuerScript(written))));
        if (object === undefined) throw new Error('nothing was written');
        const read = unwrap(parseIssuerScript(object));
        expect(unwrap(encodeIssuerScript(read))).toEqual(unwrap(encodeIssuerScript(written)));
      }),
    );
    fc.assert(
      fc.property(mangled(script.map((written) => unwrap(encodeIssuerScript(written)))), (outside) => {
        const read = decodeTlv(outside);
        for (const object of read.ok ? read.value : [])
          expectOurs(parseIssuerScript(object), ['EMV_SCRIPT_INVALID'], outside.length);
        expectOurs(parseCvmList(outside), ['EMV_VALUE_INVALID']);
        for (const table of ['tvr', 'tsi', 'aip', 'cvmResult', 'ttq'] as const)
          expect(bitTables[table].length).toBeGreaterThanOrEqual(meaningsOf(table, outside).length);
      }),
      { numRuns: 500 },
    );
  });

  test('records to be signed are taken whole, or refused when their template is not what they are', () => {
    fc.assert(
      fc.property(bytes(0, 300), fc.integer({ min: 1, max: 30 }), (content, sfi) => {
        const record = encodeTlv([{ tag: 0x70, value: content }]);
        const data = unwrap(staticDataToAuthenticate([{ sfi, bytes: record }], Uint8Array.of(1, 2)));
        expect(data).toEqual(sfi <= 10 ? content : record);
        for (const wrong of [record.subarray(0, -1), concat(record, Uint8Array.of(0))])
          expect(staticDataToAuthenticate([{ sfi, bytes: wrong }], Uint8Array.of(1, 2)).ok).toBe(false);
      }),
    );
    fc.assert(
      fc.property(mangled(bytes(0, 200).map((content) => encodeTlv([{ tag: 0x70, value: content }]))), (outside) =>
        expectOurs(staticDataToAuthenticate([{ sfi: 1, bytes: outside }], new Uint8Array(2)), ['EMV_VALUE_INVALID']),
      ),
    );
  });
});

describe('EMV signatures and cryptograms', () => {
  const card = testCard('visa-contact');
  const image = personalise(card);
  const values = new Map<number, Uint8Array>();
  const collect = (read: readonly Tlv[]): void => {
    for (const { tag, value, children } of read) {
      values.set(tag, value);
      collect(children);
    }
  };
  for (const record of image.records) collect(unwrap(decodeTlv(record.bytes)));
  const issuerCertificate = values.get(0x90) ?? new Uint8Array(0);
  const iccCertificate = values.get(0x9f46) ?? new Uint8Array(0);

  test('any certificate or signature is accepted only when it is the one that was signed', () => {
    const today = { year: 2026, month: 11 };
    const codes = ['EMV_CERTIFICATE_WRONG', 'EMV_KEY_INVALID'] as const;
    const ca = caSigner('visa').publicKey;
    const issuer = issuerSigner('visa').publicKey;
    const icc = cardSigner(card.name).publicKey;
    const either = (tag: number, lengthMax: number): fc.Arbitrary<Uint8Array> =>
      fc.oneof(fc.constant(values.get(tag) ?? new Uint8Array(0)), bytes(0, lengthMax));
    let accepted = 0;
    fc.assert(
      fc.property(
        mangled(fc.constant(issuerCertificate), 260),
        mangled(fc.constant(iccCertificate), 260),
        either(0x92, 60),
        either(0x9f32, 4),
        (certificate, iccOutside, remainder, exponent) => {
          const recovered = recoverIssuerKey(ca, { certificate, remainder, exponent }, card.pan, today);
          expectOurs(recovered, codes);
          if (recovered.ok) {
            accepted++;
            expect(toHex(certificate)).toBe(toHex(issuerCertificate));
            expect(toHex(recovered.value.modulus)).toBe(toHex(issuer.modulus));
          }
          expectOurs(
            recoverIccKey(issuer, { certificate: iccOutside, remainder, exponent }, card.pan, remainder, today),
            codes,
          );
          expectOurs(verifySda(issuer, iccOutside, remainder), codes);
          expectOurs(verifyDda(icc, iccOutside, remainder), codes);
          const cda = { unpredictableNumber: exponent, cryptogramInformation: 0x80, transactionData: remainder };
          expectOurs(verifyCda(icc, iccOutside, cda), codes);
          // A key that is none at all.
          expectOurs(verifyDda({ modulus: certificate, exponent: 3 }, certificate, remainder), codes);
        },
      ),
      { numRuns: 300 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  test('values of any length give a cryptogram, or a fault that shows nothing of the key', () => {
    const codes = ['EMV_KEY_INVALID', 'EMV_VALUE_INVALID', 'EMV_DATA_MISSING', 'EMV_CRYPTOGRAM_WRONG'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(cryptogramProfiles)),
        fc.array(fc.option(bytes(0, 40), { nil: undefined }), { minLength: 1, maxLength: 30 }),
        fc.oneof(bytes(16), bytes(0, 40)),
        bytes(0, 20),
        fc.integer({ min: 0, max: 99 }),
        (profile, drawn, key, data, psn) => {
          const valueOf = (tag: number): Uint8Array | undefined => drawn[tag % drawn.length];
          const keys = { issuerMasterKey: Secret.copy('key', key), pan: secretPan('4999888877776666'), psn };
          for (const result of [
            cryptogramInput(profile, valueOf),
            generateCryptogram(profile, keys, valueOf),
            issuerAuthenticationData(profile, keys, valueOf, data, { responseCode: data }),
            verifyIssuerAuthenticationData(profile, keys, valueOf, data, data),
          ]) {
            expectOurs(result, codes);
            if (!result.ok && key.length >= 8) expect(JSON.stringify(result)).not.toContain(toHex(key).slice(0, 12));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('every record of every test card, cut at each byte, is a fault and never a value', () => {
    for (const each of testCards())
      for (const { bytes: record } of personalise(each).records)
        for (let end = 1; end < record.length; end++)
          expect(decodeTlv(record.subarray(0, end)), `${each.name} ${end}`).toMatchObject({
            ok: false,
            fault: { code: 'TLV_TRUNCATED' },
          });
    expect(toHex(encodeTag(0x9f26))).toBe('9F26');
  });
});
