import { inspect } from 'node:util';
import { describeBytes, describeText } from '@tsunagu/protocols/describe';
import { errorTable } from '@tsunagu/protocols/errors';
import { compileProfile, dialectNames } from '@tsunagu/protocols/iso8583';
import { hex, type Result, Secret, unwrap } from '@tsunagu/protocols/kit';
import { answerLine, families } from 'tsunagu/commands/wire';
import { describe, expect, test } from 'vitest';
import { type Case, casesOf, entropy, workbench } from './key-vectors.ts';

/** Names under which the vectors hold keys, components, card numbers, PINs and clear text, as inputs and as results. */
const secretName =
  /^(?:kbpk|bdk|ik|pan|pin|krdKey|key|components|contentKey|plaintext|clearData|clearPinBlock|pinField|panField|futureKeys|workingKeys|derivationKey|initialKey|updateKey|privateKeysPkcs8|transactionKey|\w*(?:pin|mac|data)\w*Key)$/i;

/** Every text below a secret name, and for a long one its beginning and its end too: half a key is a leak. */
function marksOf(value: unknown, isSecret = false): readonly string[] {
  if (typeof value === 'string') {
    if (!isSecret || value.length < 4 || /[^0-9A-Za-z+/=]/.test(value)) return [];
    const text = value.toUpperCase();
    return text.length < 16 ? [text] : [text.slice(0, 8), text.slice(-8)];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => marksOf(part, isSecret || secretName.test(name)));
}

/** All that a refusal shows: its code, what the table says to a person in both languages, and its own parts, to any depth. */
function shownBy(answer: Result<unknown>): string {
  if (answer.ok) return '';
  const { fault } = answer;
  const deep = inspect(fault, { depth: 20, showHidden: true, getters: true, maxStringLength: null });
  return [deep, JSON.stringify(fault), JSON.stringify(errorTable[fault.code])].join('\n').toUpperCase();
}

function expectNone(said: string, marks: readonly string[]): void {
  for (const mark of marks) expect(said).not.toContain(mark);
}

/** One input in every way in which it can be wrong. */
function broken(value: unknown): readonly unknown[] {
  const kinds = [undefined, null, 7, -1, true, '', 'G', [], {}, [value], { value }];
  if (typeof value !== 'string') return [...kinds, String(value)];
  const middle = value.length >> 1;
  return [
    ...kinds,
    value.slice(1),
    value.slice(0, -1),
    value.slice(0, -2),
    `${value}${value}`,
    `${value} `,
    `${value.slice(0, middle)}G${value.slice(middle)}`,
    `${value.slice(0, middle)}\0${value.slice(middle + 1)}`,
    value.replace(/^./, (first) => (first === '1' ? '2' : '1')),
    value.replace(/.$/, (last) => (last === '1' ? '2' : '1')),
  ];
}

/** A request with each of its values, at any depth, broken one at a time; texts change places with each other too. */
function* brokenOnes(request: unknown, others: readonly unknown[] = []): Generator<unknown> {
  if (typeof request !== 'object' || request === null) return;
  const all = [...others, ...Object.values(request).filter((value) => typeof value === 'string')];
  for (const [name, value] of Object.entries(request)) {
    const put = (other: unknown): unknown =>
      Array.isArray(request)
        ? request.map((part, index) => (String(index) === name ? other : part))
        : { ...request, [name]: other };
    for (const other of [...broken(value), ...all]) yield put(other);
    for (const inner of brokenOnes(value, all)) yield put(inner);
  }
}

test('the search finds what is planted, so that it would find what leaks', () => {
  const key = '5EC2E75E5EC2E75E0123456789ABCDEF';
  const marks = marksOf({ key, from: { pan: '4929777766665555' }, components: [key] });
  expect(marks).toContain('49297777');
  const fail = (facts: object): Result<never> => ({ ok: false, fault: { code: 'INPUT_INVALID', ...facts } });
  expect(() => expectNone(shownBy(fail({ facts: { got: key } })), marks)).toThrow();
  expect(() => expectNone(shownBy(fail({ field: '4929777766665555' })), marks)).toThrow();
  expect(() => expectNone(shownBy(fail({ cause: new Error(`near ${key}`) })), marks)).toThrow();
  expect(() => expectNone(shownBy(fail({})), marks)).not.toThrow();
});

const known = families({ entropy });

/** Two cases of each operation: what breaks them breaks their likes. */
const some = (all: readonly Case[]): readonly Case[] =>
  all.filter((each, index) => all.slice(0, index).filter(({ op }) => op === each.op).length < 2);

describe.each(['components', 'dukpt-aes', 'dukpt-tdes', 'fpe', 'kcv', 'mac', 'pinblock', 'tr31'])(
  'no refusal of %s shows a key, a component, a card number or a PIN',
  (family) => {
    test.each(some(casesOf(family, 'ours')).map((each) => [each.id, each] as const))('%s', (id, each) => {
      const op = each.op.replace(/Reject$/, '');
      const operation = workbench.get(family)?.get(op);
      if (!operation) return;
      // Only what it reads is worth breaking.
      const read = new Set<string>();
      operation(new Proxy(each, { get: (target, name) => (read.add(String(name)), target[String(name)]) }));
      const request = Object.fromEntries(Object.entries(each).filter(([name]) => read.has(name)));
      const marks = marksOf(each);
      let refused = 0;
      for (const wrong of brokenOnes(request)) {
        const answer = operation(Object(wrong));
        if (answer.ok) continue;
        refused += 1;
        expectNone(shownBy(answer), marks);
        const line = JSON.stringify(answerLine(known, JSON.stringify({ ...Object(wrong), id, family, op })));
        expectNone(line.replace(id, '').toUpperCase(), marks);
      }
      expect(refused).toBeGreaterThan(0);
    });
  },
);

// Its check digit is right: that is how a card number is known where no table says that one stands there.
const pan = '4929777766665551';
const pin = 'B16B00B5CAFED00D';
const key = '5EC2E75E5EC2E75E0123456789ABCDEF';
const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** The card number as digits or bytes, and as the hexadecimal of ASCII and EBCDIC. */
const plantedPan = [pan, pan.replaceAll(/./g, '3$&'), pan.replaceAll(/./g, 'F$&')];
const planted = [...plantedPan, ...plantedPan.map((mark) => mark.slice(0, -mark.length / 4)), pin, key.slice(0, 16)];

/** Messages with the planted values where such values belong. */
const messages: readonly (readonly [string, Uint8Array])[] = [
  ...dialectNames.map(
    (dialect) =>
      [
        dialect,
        unwrap(
          compileProfile({ dialect }).encode({
            mti: '1200',
            fields: {
              2: Secret.take('pan', latin(pan)),
              3: '000000',
              11: '000042',
              35: Secret.take('pan', latin(`${pan}=29121010000000000`)),
              52: Secret.take('pin', hex(pin)),
              55: hex(`5A08${pan}9F2701809F360200019F26081122334455667788`),
            },
          }),
        ),
      ] as const,
  ),
  ['TLV', hex(`70285A08${pan}5713${pan}D29121010000000000000F9F2701809F36020001`)],
  ['READ RECORD answered', hex(`700A5A08${pan}9000`)],
  ['VERIFY', hex(`0020008008${pin}`)],
  ['PC_to_RDR_XfrBlock', hex(`6F0D000000000300000000200080 08${pin}`)],
  ['RDR_to_PC_DataBlock', hex(`800E0000000003000000700A5A08${pan}9000`)],
];

const lines = (bytes: Uint8Array): string => JSON.stringify(describeBytes(bytes)).toUpperCase();

describe.each(messages)('%s with a planted card number or PIN', (_, whole) => {
  test('is described without it', () => {
    expect(describeBytes(whole).kind).not.toBe('unknown');
    expectNone(lines(whole), planted);
  });

  test('is described without it wherever it is cut', () => {
    for (let length = 0; length < whole.length; length += 1) expectNone(lines(whole.subarray(0, length)), planted);
  });

  test('is described without its card number whichever byte is spoilt', () => {
    for (let at = 0; at < whole.length; at += 1)
      for (const change of [0x01, 0x80, 0xff]) {
        const spoilt = Uint8Array.from(whole);
        spoilt[at] = (whole[at] ?? 0) ^ change;
        // Once the table is wrong a card number is still known by its check digit; an enciphered PIN by nothing.
        expectNone(lines(spoilt), plantedPan);
      }
  });
});

test('text that is no hexadecimal is refused without it', () => {
  for (const text of [`${pan}5`, `${pan}x`, `D0112P0AE00E0000${key}z`, `key ${key}`]) {
    const read = describeText(text);
    const said = read.ok ? JSON.stringify(read.value) : shownBy(read);
    expectNone(said.toUpperCase(), planted);
  }
});
