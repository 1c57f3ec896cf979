import {
  advanceAesKsn,
  aesDukptHost,
  type AesDukptState,
  deriveAesInitialKey,
  deriveAesTransactionKey,
  deriveTdesInitialKey,
  deriveTdesTransactionKey,
  formatAesKsn,
  formatTdesKsn,
  isUsableAesKsn,
  oneBits,
  parseAesTerminal,
  parseTdesKsn,
  parseTdesTerminal,
  serialiseAesTerminal,
  serialiseTdesTerminal,
  takeAesTransactionKey,
  takeTdesTransactionKey,
  type TdesDukptState,
  tdesDukptHost,
} from '@tsunagu/protocols/dukpt';
import { errorTable } from '@tsunagu/protocols/errors';
import { decryptFf1, encryptFf1 } from '@tsunagu/protocols/fpe';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { decipherPin, encipherPin } from '@tsunagu/protocols/pinblock';
import { acceptCredentialToken, acceptKeyToken, parseCertificate } from '@tsunagu/protocols/tr34';
import { unwrapKeyBlock, wrapKeyBlock } from '@tsunagu/protocols/tr31';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entropy, workbench } from '../vectors/key-vectors.ts';
import { ourPki } from '../vectors/tr34-pki.ts';

const bytes = (lengthBytes: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: lengthBytes, maxLength: lengthBytes });
const key = (value: Uint8Array): Secret<'key'> => Secret.copy('key', value);

/** A counter of so many bits with 1 to `onesMax` one-bits, as likely near the limit as anywhere. */
const counter = (bits: number, onesMax: number): fc.Arbitrary<number> =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: bits - 1 }), { minLength: 1, maxLength: onesMax })
    .map((ones) => ones.reduce((sum, bit) => sum + 2 ** bit, 0));

// The registers that a terminal holds before a counter, from the host's side.
function registersBefore<T>(
  value: number,
  bits: number,
  onesMax: number,
  keyOf: (counter: number) => T,
): Map<number, T> {
  const registers = new Map<number, T>();
  const own = 31 - Math.clz32(value & -value);
  let ones = 0;
  for (let bit = bits - 1; bit >= own; bit -= 1) {
    const isSet = ((value >>> bit) & 1) === 1;
    const above = bit === 31 ? 0 : Math.floor(value / 2 ** (bit + 1)) * 2 ** (bit + 1);
    if (isSet && bit !== own) ones += 1;
    else if (ones < onesMax) registers.set(bit, keyOf(above + 2 ** bit));
  }
  return registers;
}

describe('DUKPT', () => {
  test('an AES terminal walks the same keys as the host from any counter on, near 16 one-bits too', () => {
    fc.assert(
      fc.property(counter(32, 16), bytes(16), (start, bdk) => {
        const initialKey = unwrap(deriveAesInitialKey(key(bdk), hex('1234567890123456')));
        const keyOf = (value: number): Secret<'key'> =>
          unwrap(deriveAesTransactionKey(initialKey, value)).derivationKey;
        let state: AesDukptState = {
          initialKeyId: initialKey.initialKeyId,
          type: initialKey.type,
          counter: start,
          futureKeys: registersBefore(start, 32, 16, keyOf),
        };
        const host = unwrap(aesDukptHost(key(bdk), { devicesMax: 1 }));
        for (let step = 0; step < 6 && state.counter !== undefined; step += 1) {
          state = unwrap(parseAesTerminal(serialiseAesTerminal(state)));
          const { transactionKey, next } = unwrap(takeAesTransactionKey(state));
          const { ksn } = transactionKey;
          expect(isUsableAesKsn(ksn)).toBe(true);
          expect(transactionKey.derivationKey.use(toHex)).toBe(keyOf(ksn.counter).use(toHex));
          const cached = unwrap(host.transactionKey(formatAesKsn(ksn)));
          expect(cached.derivationKey.use(toHex)).toBe(keyOf(ksn.counter).use(toHex));
          const advanced = advanceAesKsn(ksn);
          expect(next.counter).toBe(advanced.ok ? advanced.value.counter : undefined);
          state = next;
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a TDES terminal walks the same keys as the host from any counter on, near 10 one-bits too', () => {
    const base = unwrap(parseTdesKsn(hex('FFFF9876543210E00000')));
    fc.assert(
      fc.property(counter(21, 10), bytes(16), (start, bdk) => {
        const initialKey = unwrap(deriveTdesInitialKey(key(bdk), base));
        const keyOf = (value: number): Secret<'key'> => unwrap(deriveTdesTransactionKey(initialKey, value)).key;
        let state: TdesDukptState = {
          initialKsn: base.initialKsn,
          counter: start,
          futureKeys: registersBefore(start, 21, 10, keyOf),
        };
        const host = unwrap(tdesDukptHost(key(bdk), { devicesMax: 1 }));
        for (let step = 0; step < 6 && state.counter !== undefined; step += 1) {
          state = unwrap(parseTdesTerminal(serialiseTdesTerminal(state)));
          const { transactionKey, next } = unwrap(takeTdesTransactionKey(state));
          expect(oneBits(transactionKey.ksn.counter)).toBeLessThanOrEqual(10);
          expect(transactionKey.key.use(toHex)).toBe(keyOf(transactionKey.ksn.counter).use(toHex));
          const cached = unwrap(host.transactionKey(formatTdesKsn(transactionKey.ksn)));
          expect(cached.key.use(toHex)).toBe(keyOf(transactionKey.ksn.counter).use(toHex));
          state = next;
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a host with a cache of few devices gives the same keys as one without, whoever comes in whatever order', () => {
    const bdk = key(hex('FEDCBA9876543210F1F1F1F1F1F1F1F1'));
    const few = unwrap(aesDukptHost(bdk, { devicesMax: 2 }));
    const none = unwrap(aesDukptHost(bdk, { devicesMax: 0 }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), counter(32, 16), (device, value) => {
        const ksn = formatAesKsn({ initialKeyId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, device), counter: value });
        const [a, b] = [unwrap(few.transactionKey(ksn)), unwrap(none.transactionKey(ksn))];
        expect(a.derivationKey.use(toHex)).toBe(b.derivationKey.use(toHex));
      }),
    );
  });
});

describe('round trips', () => {
  test('a key block gives back the key and the optional blocks that it was made of', () => {
    const data = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 400,
    });
    fc.assert(
      fc.property(
        bytes(32),
        fc.constantFrom(16, 24, 32),
        bytes(32),
        data,
        fc.boolean(),
        (kbpk, length, value, label, hide) => {
          const attributes = {
            versionId: 'D',
            keyUsage: 'D0',
            algorithm: 'A',
            modeOfUse: 'B',
            keyVersion: '00',
            exportability: 'E',
            reserved: '00',
          } as const;
          const wanted = key(value.subarray(0, length));
          const block = unwrap(
            wrapKeyBlock(key(kbpk), {
              attributes,
              key: wanted,
              optionalBlocks: [{ id: 'LB', data: label }],
              entropy,
              hideKeyLength: hide,
            }),
          );
          const back = unwrap(unwrapKeyBlock(key(kbpk), block));
          expect(back.key.use(toHex)).toBe(wanted.use(toHex));
          expect(back.optionalBlocks[0]).toEqual({ id: 'LB', data: label });
        },
      ),
    );
  });

  test('a PIN comes out of its PIN block as it went in', () => {
    const digits = (min: number, max: number): fc.Arbitrary<string> =>
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 2, 3, 4),
        digits(4, 12),
        digits(13, 19),
        bytes(16),
        (format, pin, pan, value) => {
          const secretPan = Secret.take('pan', Uint8Array.from(Buffer.from(pan)));
          const secretPin = Secret.take('pin', Uint8Array.from(Buffer.from(pin)));
          const block = unwrap(encipherPin({ format, pin: secretPin, pan: secretPan, key: key(value), entropy }));
          const back = unwrap(decipherPin(format, key(value), block, secretPan));
          expect(back.use((read) => Buffer.from(read).toString())).toBe(pin);
        },
      ),
    );
  });

  test('FF1 deciphers what it enciphered, in any alphabet', () => {
    const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz';
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 36 }),
        bytes(16),
        fc.uint8Array({ maxLength: 40 }),
        fc.array(fc.nat(35), { minLength: 20, maxLength: 60 }),
        (radix, value, tweak, drawn) => {
          const parameters = { key: key(value), tweak, alphabet: alphabet.slice(0, radix) };
          const text = drawn.map((digit) => alphabet[digit % radix]).join('');
          expect(unwrap(decryptFf1(parameters, unwrap(encryptFf1(parameters, text))))).toBe(text);
        },
      ),
    );
  });
});

describe('any input gives a value or one of our errors', () => {
  const isOurs = (result: { readonly ok: boolean; readonly fault?: { readonly code: string } }): void => {
    if (!result.ok) expect(Object.hasOwn(errorTable, result.fault?.code ?? '')).toBe(true);
  };
  const pki = ourPki();
  const receiver = {
    trust: pki.trust,
    kdh: pki.certificate('kdh1'),
    krd: pki.certificate('krd1'),
    privateKey: pki.privateKey('krd1'),
  };

  test('key blocks, terminal states, certificates and tokens', () => {
    const shaped = fc.string({ unit: fc.constantFrom(...'ABCD0123456789KSPB04 é'), maxLength: 120 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), shaped, (outside, text) => {
        isOurs(unwrapKeyBlock(key(new Uint8Array(32)), text));
        isOurs(unwrapKeyBlock(key(outside), `D0112P0AE00E0000${toHex(outside)}`));
        isOurs(parseAesTerminal(key(outside)));
        isOurs(parseTdesTerminal(key(outside)));
        isOurs(parseCertificate(outside));
        isOurs(acceptKeyToken(receiver, outside, { passes: 1 }, pki.atMs));
        isOurs(acceptCredentialToken(pki.trust, 'kdh', outside, pki.atMs));
      }),
      { numRuns: 300 },
    );
  });

  test('every operation of the workbench, and none repeats a secret', () => {
    const marked = '5EC2E75EC2E75EC2E75EC2E75EC2E75E';
    const value = fc.oneof(
      fc.constant(marked),
      fc.constantFrom('AES', 'TDES', 'DES', 'legacy', 'cmac', '0123456789', ''),
      fc.integer({ min: -1, max: 20 }),
      fc.constant(null),
      fc.array(fc.constant(marked), { maxLength: 3 }),
    );
    const fields = [
      'algorithm',
      'kcvMethod',
      'components',
      'bdk',
      'ksn',
      'pin',
      'pan',
      'key',
      'kbpk',
      'keyBlock',
      'header',
      'optionalBlocks',
      'padding',
      'cipher',
      'dataHex',
      'mac',
      'method',
      'length',
      'format',
      'clearPinBlock',
      'pinField',
      'encryptedPinBlock',
      'token',
      'krdKey',
      'nonce',
      'tweak',
      'radix',
      'alphabet',
      'plaintext',
      'headerString',
    ];
    const request = fc.dictionary(fc.constantFrom(...fields), value);
    const operations = [...workbench.values()].flatMap((family) => [...family.values()]);
    fc.assert(
      fc.property(fc.constantFrom(...operations), request, (operation, input) => {
        const answer = operation(input);
        isOurs(answer);
        if (!answer.ok) expect(JSON.stringify(answer).toUpperCase()).not.toContain('5EC2E75E');
      }),
      { numRuns: 3000 },
    );
  });
});
