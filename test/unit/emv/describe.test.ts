import { readFileSync } from 'node:fs';
import { refusalFrame, sealFrame } from '@tsunagu/protocols/acquiring';
import { encodeBulkIn, encodeBulkOut } from '@tsunagu/protocols/ccid';
import { type Description, describeBytes, describeText, mayHoldCardNumber } from '@tsunagu/protocols/describe';
import { concat, hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { personalise, testCards } from '@tsunagu/protocols/test-cards';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { took } from '../../properties/any-bytes.ts';

interface Vector {
  readonly name: string;
  readonly dialect: string;
  readonly hex: string;
  readonly mti: string;
  readonly fields: Readonly<Record<string, string>>;
}

const all: readonly Partial<Vector>[] = JSON.parse(
  readFileSync(new URL('../../vectors/iso8583-messages.json', import.meta.url), 'utf8'),
).messages;
/** Those that are whole: the others are there to be refused. */
const vectors = all.filter((each): each is Vector => each.fields !== undefined && each.mti !== undefined);
const keyBlock =
  'D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34';

/** Pieces lie within the bytes, in order, and inside those that they are deeper than. */
function expectSound({ lines, lengthBytes, kind }: Description): void {
  expect(kind === 'unknown').toBe(lines.length === 0);
  const open: { readonly to: number; readonly depth: number }[] = [];
  let before = 0;
  for (const { from, to, depth, name, meaning } of lines) {
    expect(from).toBeGreaterThanOrEqual(before);
    expect(to).toBeGreaterThanOrEqual(from);
    expect(to).toBeLessThanOrEqual(lengthBytes);
    while ((open.at(-1)?.depth ?? -1) >= depth) open.pop();
    expect(to).toBeLessThanOrEqual(open.at(-1)?.to ?? lengthBytes);
    open.push({ to, depth });
    before = from;
    for (const both of [name, ...(meaning === undefined ? [] : [meaning])]) {
      expect(both.en).not.toBe('');
      expect(both.ja).not.toBe('');
    }
  }
}

describe('what bytes are taken for', () => {
  const seal = (kind: 'request' | 'answer'): Uint8Array => {
    const key = (): Secret<'key'> => Secret.take('key', new Uint8Array(16));
    return sealFrame(kind, new Uint8Array(12), new Uint8Array(40), { encryption: key(), mac: key() });
  };
  const withLength = (body: Uint8Array): Uint8Array => concat(Uint8Array.of(body.length >> 8, body.length & 255), body);
  const message = hex(vectors[0]?.hex ?? '');

  test.each([
    ['a SELECT', hex('00A4040007A000000003101000'), 'apduCommand'],
    ['a GENERATE AC', hex('80AE80000400000000'), 'apduCommand'],
    ['a status word', hex('6A82'), 'apduResponse'],
    ['an answer with objects', hex('9F170103 9000'), 'apduResponse'],
    ['a template', hex('6F10840E325041592E5359532E4444463031'), 'tlv'],
    ['an object alone', hex('9F360200FF'), 'tlv'],
    ['a command to a reader', encodeBulkOut({ type: 'iccPowerOn', slot: 0, seq: 1, power: '3V' }), 'ccid'],
    [
      'an answer of a reader',
      encodeBulkIn({ type: 'slotStatus', slot: 0, seq: 1, icc: 'absent', status: 'ok', error: 0, clock: 'running' }),
      'ccid',
    ],
    ['a key block as bytes', Uint8Array.from(Buffer.from(keyBlock)), 'keyBlock'],
    ['a request to the switch', seal('request'), 'secureFrame'],
    ['an answer without its length', seal('answer').subarray(2), 'secureFrame'],
    ['a refusal', refusalFrame('ACQUIRING_BUSY'), 'secureFrame'],
    ['a message with a length in front', withLength(message), 'iso8583'],
    ['a message cut in the middle', message.subarray(0, -20), 'iso8583'],
    ['nothing', new Uint8Array(0), 'unknown'],
    ['rubbish', hex('FFFFFFFFFFFFFFFFFFFFFFFF'), 'unknown'],
  ])('%s', (_, bytes, kind) => {
    const description = describeBytes(bytes);
    expect(description.kind).toBe(kind);
    expectSound(description);
  });

  test('every message of the vectors, in its dialect, each element where it stands', () => {
    expect(vectors.length).toBeGreaterThan(20);
    for (const { name, dialect, hex: text, mti, fields } of vectors) {
      const described = describeBytes(hex(text));
      expect([described.dialect, ...(described.alsoFits ?? [])], name).toContain(dialect);
      expect(described.title.en, name).toContain(mti);
      const elements = described.lines.filter(({ name: { en } }) => /^DE\d+ /.test(en));
      expect(elements.length, name).toBe(Object.keys(fields).length);
      expectSound(described);
    }
  });

  test('text may have spaces, colons, line ends and 0x; a key block is taken as it is', () => {
    for (const text of ['9F36 02 00FF', '9f:36:02:00:ff', '0x9F360200FF\n', '9F36\n0200FF'])
      expect(unwrap(describeText(text)).lines[0]).toMatchObject({ from: 0, to: 5, value: '00FF' });
    expect(unwrap(describeText(` ${keyBlock}\n`)).kind).toBe('keyBlock');
    expect(describeText('9F3')).toMatchObject({ ok: false, fault: { code: 'HEX_INVALID' } });
    expect(describeText('terminal')).toMatchObject({ ok: false, fault: { code: 'HEX_INVALID' } });
  });

  test('a message that breaks off says where and why, and shows what stood before', () => {
    const { fault, lines } = describeBytes(message.subarray(0, -20));
    expect(fault).toMatchObject({ code: 'TRUNCATED' });
    expect(lines.length).toBeGreaterThan(5);
  });
});

describe('what is hidden', () => {
  const shown = (bytes: Uint8Array, reveal = false): string => JSON.stringify(describeBytes(bytes, { reveal }));
  const digits = (value: Secret): string => value.use((bytes) => Buffer.from(bytes).toString('latin1'));

  test('no record of a test card shows its number, its track or its holder', () => {
    for (const card of testCards()) {
      const [pan, discretionary] = [digits(card.pan), digits(card.discretionary)];
      for (const { bytes } of personalise(card).records) {
        const text = shown(bytes);
        expect(text).not.toContain(pan);
        expect(text).not.toContain(card.cardholder.trim());
        if (discretionary.length > 5) expect(text).not.toContain(discretionary);
        if (toHex(bytes).includes(pan)) expect(shown(bytes, true)).toContain(pan);
      }
    }
  });

  test('no message of the vectors shows a card number, a track or a PIN block', () => {
    let seen = 0;
    for (const { hex: text, fields, name } of vectors) {
      const described = shown(hex(text));
      for (const number of ['2', '34', '35', '36', '45', '52']) {
        const value = fields[number]?.replace(/^hex:/, '') ?? '';
        if (value.length < 8) continue;
        seen++;
        expect(described, `${name} DE${number}`).not.toContain(value);
      }
    }
    expect(seen).toBeGreaterThan(10);
  });

  test('PINs and keys in commands, alone and inside a reader message', () => {
    const verify = hex('0020008008241234FFFFFFFFFF');
    const loadKey = hex('FF82000006A0A1A2A3A4A5');
    for (const [command, secret] of [
      [verify, '241234FFFFFFFFFF'],
      [loadKey, 'A0A1A2A3A4A5'],
    ] as const) {
      const message = encodeBulkOut({ type: 'xfrBlock', slot: 0, seq: 1, bwi: 0, level: 0, data: command });
      const broken = encodeBulkOut({
        type: 'xfrBlock',
        slot: 0,
        seq: 1,
        bwi: 0,
        level: 0,
        data: command.subarray(0, -1),
      });
      for (const bytes of [command, message, broken]) expect(shown(bytes)).not.toContain(secret.slice(0, -2));
      for (const bytes of [command, message]) expect(shown(bytes, true)).toContain(secret);
    }
    expect(shown(Uint8Array.from(Buffer.from(keyBlock)))).not.toContain(keyBlock.slice(16, 40));
    expect(JSON.stringify(unwrap(describeText(keyBlock, { reveal: true })))).toContain(keyBlock.slice(16, 40));
  });

  test('what nobody vouches for, when it may hold a card number', () => {
    expect(mayHoldCardNumber('A4761739001010010B')).toBe(true);
    expect(mayHoldCardNumber('4761 7390 0101 0010')).toBe(true);
    expect(mayHoldCardNumber('4761739001010011')).toBe(false);
    expect(mayHoldCardNumber('000000001000000000000000')).toBe(false);
    // An unknown object: as packed digits, as ASCII and as EBCDIC text.
    const ebcdic = '4761739001010010'.replaceAll(/./g, 'F$&');
    for (const value of ['0A4761739001010010', toHex(Buffer.from('x4761739001010010')), ebcdic]) {
      const bytes = hex(`700F9F36020001DF7F${(value.length / 2).toString(16).padStart(2, '0')}${value}`);
      bytes[1] = bytes.length - 2;
      expect(describeBytes(bytes).lines.at(-1)).toMatchObject({ masked: true });
      expect(shown(bytes)).not.toContain(value.slice(-16));
      expect(shown(bytes, true)).toContain(value);
    }
  });
});

test.each([
  ['PIN CHANGE', '710F860D8424000008241234FFFFFFFFFF'],
  ['VERIFY', '720F860D0020008008241234FFFFFFFFFF'],
])('the data of %s inside an issuer script are hidden, its header is not', (_, script) => {
  const shown = JSON.stringify(describeBytes(hex(script)));
  expect(shown).not.toContain('241234');
  expect(shown).toContain(script.slice(8, 16));
  expect(JSON.stringify(describeBytes(hex(script), { reveal: true }))).toContain('241234');
});

test('any bytes at all are described soundly, and in a moment', () => {
  const likely = fc
    .tuple(
      fc.constantFrom('70', '6F', '00A404', '80AE', '6F00', '80', '0100', '31313030', '1100', 'D0', '62'),
      fc.uint8Array({ maxLength: 60 }),
    )
    .map(([head, rest]) => concat(hex(head.padEnd(head.length + (head.length % 2), '0')), rest));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), likely), (bytes) => {
      const before = Uint8Array.from(bytes);
      expectSound(describeBytes(bytes));
      expect(bytes).toEqual(before);
    }),
    { numRuns: 2_000 },
  );
  const long = new Uint8Array(60_000).fill(0x44);
  expect(took(() => describeBytes(concat(long, hex('9000'))))).toBeLessThan(3_000);
});
