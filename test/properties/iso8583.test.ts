import { errorTable } from '@tsunagu/protocols/errors';
import {
  compileProfile,
  dialectNames,
  type Dialect,
  encodeFrame,
  type FieldValue,
  type Frame,
  type FrameFormat,
  FrameReader,
  type LinkElement,
  leniencyNames,
  type MessageCodec,
  parseLinkProfile,
  parseOriginalData,
  parsePosDataCode,
  revealFields,
  validate,
} from '@tsunagu/protocols/iso8583';
import { concat, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const mti = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 5 }))
  .map((digits) => `1${digits.join('')}`);

const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index));
const alphabets: Readonly<Record<Exclude<LinkElement['type'], 'b' | 'xn'>, readonly string[]>> = {
  n: printable.filter((character) => /\d/.test(character)),
  a: printable.filter((character) => /[A-Za-z]/.test(character)),
  an: printable.filter((character) => /[0-9A-Za-z]/.test(character)),
  anp: printable.filter((character) => /[0-9A-Za-z ]/.test(character)),
  ans: printable,
  ns: printable.filter((character) => !/[A-Za-z]/.test(character)),
  z: [...'0123456789=D'],
};

const textOf = (type: keyof typeof alphabets, length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...alphabets[type]), minLength: length, maxLength: length });

/** Values of an element in plain form, at every length that it takes, short and longest ones more often. */
function plainValue({ type, kind, maxLength }: LinkElement): fc.Arbitrary<string | Uint8Array> {
  const least = type === 'xn' ? 1 : 0;
  const length =
    kind === 'fixed'
      ? fc.constant(maxLength)
      : fc.oneof(
          fc.integer({ min: least, max: Math.min(maxLength, 40) }),
          fc.integer({ min: least, max: maxLength }),
          fc.constant(maxLength),
        );
  return length.chain((count): fc.Arbitrary<string | Uint8Array> => {
    if (type === 'b') return fc.uint8Array({ minLength: count, maxLength: count });
    if (type !== 'xn') return textOf(type, count);
    return fc.tuple(fc.constantFrom('C', 'D'), textOf('n', count - 1)).map((parts) => parts.join(''));
  });
}

function wrapped({ secret }: LinkElement, value: string | Uint8Array): FieldValue {
  if (!secret) return value;
  return Secret.copy(secret, typeof value === 'string' ? Uint8Array.from(Buffer.from(value, 'latin1')) : value);
}

/** Messages of a codec: any message type, any set of elements. */
function messages(codec: MessageCodec) {
  return fc
    .uniqueArray(fc.integer({ min: 2, max: 128 }), { maxLength: 30 })
    .chain((numbers) =>
      fc.tuple(
        mti,
        ...numbers.map((number) => {
          const element = codec.element(number);
          if (!element) throw new Error(`no element ${number}`);
          return plainValue(element).map((value) => [number, wrapped(element, value)] as const);
        }),
      ),
    )
    .map(([type, ...entries]) => ({ mti: type, fields: Object.fromEntries(entries) }));
}

const anyDialect: fc.Arbitrary<Dialect> = fc.record({
  characters: fc.constantFrom('ascii', 'ebcdic-1047'),
  numbers: fc.constantFrom('text', 'bcd'),
  oddDigits: fc.constantFrom('left', 'right'),
  lengthIndicators: fc.constantFrom('text', 'bcd'),
  bitmap: fc.constantFrom('binary', 'hex'),
  fixedBinary: fc.constantFrom('raw', 'hex'),
  variableBinary: fc.constantFrom('raw', 'hex'),
  sign: fc.constantFrom('character', 'nibble'),
});

const plain = (codec: MessageCodec, message: Parameters<typeof revealFields>[0]): Record<string, string> =>
  revealFields(message, (element) => codec.element(element)?.type === 'b');

function expectRoundTrip(codec: MessageCodec, message: Parameters<typeof revealFields>[0]): void {
  const bytes = unwrap(codec.encode(message));
  const decoded = codec.decode(bytes);
  if (!decoded.ok) throw new Error(`${decoded.fault.code} in ${decoded.fault.field}`);
  expect(decoded.value.mti).toBe(message.mti);
  expect(plain(codec, decoded.value)).toEqual(plain(codec, message));
  expect(decoded.value.values.map(revealed)).toEqual(
    decoded.value.elements.map((number) => revealed(decoded.value.value(number))),
  );
  expect(toHex(unwrap(codec.encode(decoded.value)))).toBe(toHex(bytes));
  expect(codec.decode(bytes.subarray(0, -1)).ok).toBe(false);
  const spans = Object.values(decoded.value.spans);
  expect(spans.reduce((sum, { length }) => sum + length, 0)).toBe(bytes.length);
}

const revealed = (value: FieldValue | undefined): unknown => (value instanceof Secret ? value.use(toHex) : value);

/** One of our codes at a place inside the bytes, or a message that reads whole and is written again without loss. */
function expectValueOrFault(codec: MessageCodec, bytes: Uint8Array): void {
  const before = toHex(bytes);
  const decoded = codec.decode(bytes);
  const message = decoded.ok ? decoded.value : decoded.partial;
  if (!decoded.ok) {
    expect(Object.keys(errorTable)).toContain(decoded.fault.code);
    expect(decoded.fault.offset).toBeGreaterThanOrEqual(0);
    expect(decoded.fault.offset).toBeLessThanOrEqual(bytes.length);
  }
  if (message) {
    const fields = plain(codec, message);
    expect(JSON.stringify(message).length).toBeLessThan(bytes.length * 4 + 8192);
    expect(Object.keys(fields).map(Number)).toEqual(message.elements);
    for (const { offset, length } of Object.values(message.spans)) {
      expect(length).toBeGreaterThanOrEqual(0);
      expect(offset + length).toBeLessThanOrEqual(bytes.length);
    }
    validate(message);
    if (decoded.ok) {
      const again = codec.decode(unwrap(codec.encode(decoded.value)));
      if (!again.ok) throw new Error(`${again.fault.code} in ${again.fault.field}`);
      expect(plain(codec, again.value)).toEqual(fields);
    }
  }
  expect(toHex(bytes)).toBe(before);
}

describe.each(dialectNames)('%s', (dialect) => {
  const codec = compileProfile({ dialect });

  test('every message comes back as it was', () => {
    fc.assert(
      fc.property(messages(codec), (message) => expectRoundTrip(codec, message)),
      { numRuns: 150 },
    );
  });

  const isLenientAscii = dialect !== 'iso93-ebcdic-binbm' && dialect !== 'iso93-ebcdic-hexbm';
  const lenient = compileProfile({
    dialect,
    allow: leniencyNames.filter((name) => isLenientAscii || name !== 'ans-8bit'),
  });

  test('any bytes are a message or one of our faults', () => {
    const head = unwrap(codec.encode({ mti: '1200', fields: {} }));
    const start = head.subarray(0, dialect.startsWith('iso93-bcd') ? 2 : 4);
    const bitmap = fc.uint8Array({ minLength: 8, maxLength: 16 });
    const written = bitmap.map((map) =>
      dialect.endsWith('hexbm') && isLenientAscii ? Uint8Array.from(Buffer.from(toHex(map), 'latin1')) : map,
    );
    const tail = fc.uint8Array({ maxLength: 600 });
    const likely = fc.tuple(written, tail).map(([map, rest]) => concat(start, map, rest));
    fc.assert(
      fc.property(fc.oneof(tail, likely), (bytes) => {
        expectValueOrFault(codec, bytes);
        expectValueOrFault(lenient, bytes);
      }),
      { numRuns: 400 },
    );
  });

  test('a message with some bytes changed, cut or put in is a message or one of our faults', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('set', 'cut', 'put')), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(messages(codec), changes, (message, wanted) => {
        const bytes = [...unwrap(codec.encode(message))];
        for (const [place, byte, change] of wanted) {
          const at = place % (bytes.length + 1);
          if (change === 'cut') bytes.splice(at, 1);
          else bytes.splice(at, change === 'set' ? 1 : 0, byte);
        }
        expectValueOrFault(codec, Uint8Array.from(bytes));
        expectValueOrFault(lenient, Uint8Array.from(bytes));
      }),
      { numRuns: 150 },
    );
  });
});

test('every message comes back as it was in any hybrid of the dialects', () => {
  const cases = anyDialect.chain((dialect) => {
    const codec = compileProfile({ dialect });
    return messages(codec).map((message) => ({ dialect, codec, message }));
  });
  fc.assert(
    fc.property(cases, ({ codec, message }) => expectRoundTrip(codec, message)),
    { numRuns: 200 },
  );
});

test('a length that lies is told within the bytes that are there', () => {
  const codec = compileProfile({ dialect: 'iso93-ascii-binbm', fieldOverrides: { 48: longest } });
  const started = process.memoryUsage().arrayBuffers;
  const bytes = concat(Buffer.from('1200'), Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0), Buffer.from('9999x'));
  for (let count = 0; count < 10_000; count++)
    expect(codec.decode(bytes)).toMatchObject({ ok: false, fault: { code: 'TRUNCATED', field: 48, offset: 17 } });
  expect(process.memoryUsage().arrayBuffers - started).toBeLessThan(50_000_000);
});
const longest = { type: 'ans', kind: 'LLLLVAR', maxLength: 9999 } as const;

const frameFormat: fc.Arbitrary<FrameFormat> = fc.record({
  prefix: fc.constantFrom('bin2be', 'bcd2', 'ascii4'),
  inclusive: fc.boolean(),
  headerBytes: fc.constantFrom(0, 5, 12),
  keepAlive: fc.boolean(),
  maxLengthBytes: fc.constantFrom(16, 300, 8192),
});

test('frames come out as they went in, however the stream is cut', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });
  const bodies = fc.array(fc.uint8Array({ maxLength: 290 }), { maxLength: 6 });
  fc.assert(
    fc.property(frameFormat, bodies, cuts, (format, all, sizes) => {
      const roomy = { ...format, maxLengthBytes: 8192 };
      const sent = all.filter((body) => body.length > 0);
      const stream = concat(...sent.map((body) => unwrap(encodeFrame(roomy, body))));
      const reader = new FrameReader(roomy);
      const frames: Frame[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        frames.push(...reader.push(stream.subarray(at, at + size)).frames);
        at += size;
      }
      expect(frames.map(({ message }) => toHex(message))).toEqual(sent.map(toHex));
      expect(reader.end().ok).toBe(true);
    }),
  );
});

test('any stream gives frames within the bound, or a fault, the same in one piece as in many', () => {
  fc.assert(
    fc.property(frameFormat, fc.uint8Array({ maxLength: 400 }), (format, stream) => {
      const whole = new FrameReader(format);
      const { frames, fault } = whole.push(stream);
      const single = new FrameReader(format);
      const batches = Array.from(stream, (byte) => single.push(Uint8Array.of(byte)));
      const asHex = (list: readonly Frame[]): string[] =>
        list.map(({ header, message }) => toHex(header) + toHex(message));
      expect(asHex(batches.flatMap((batch) => batch.frames))).toEqual(asHex(frames));
      expect(batches.at(-1)?.fault).toEqual(fault);
      for (const { header, message } of frames)
        expect(header.length + message.length).toBeLessThanOrEqual(format.maxLengthBytes ?? 0);
      expect(single.end()).toEqual(whole.end());
      expect(whole.pendingBytes).toBeLessThanOrEqual((format.maxLengthBytes ?? 0) + 4);
    }),
    { numRuns: 400 },
  );
});

test('anything is a link profile or refused by name', () => {
  fc.assert(
    fc.property(fc.anything(), (input) => {
      const read = parseLinkProfile(input);
      expect(read.ok || read.fault.code === 'PROFILE_INVALID').toBe(true);
    }),
  );
});

test('any text is original data, a point of service code, or refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'01234567891C '), maxLength: 40 }), (text) => {
      const original = parseOriginalData(text);
      if (original.ok) {
        const { mti: type, stan, localTime, acquirer } = original.value;
        expect(`${type}${stan}${localTime}${String(acquirer.length).padStart(2, '0')}${acquirer}`).toBe(text);
      } else expect(original.fault.code).toBe('BAD_ORIGINAL_DATA');
      const code = parsePosDataCode(text);
      expect(code.ok).toBe(/^[0-9A-Za-z]{12}$/.test(text));
    }),
    { numRuns: 500 },
  );
});
