import {
  compileProfile,
  dialectNames,
  encodeFrame,
  formatOriginalData,
  formatPosDataCode,
  formatTpdu,
  type FrameFormat,
  FrameReader,
  leniencyNames,
  linkProfileNames,
  linkProfiles,
  parseLinkProfile,
  linkCodec,
  parseOriginalData,
  parsePosDataCode,
  parseTpdu,
  validate,
} from '@tsunagu/protocols/iso8583';
import { fail, type Result, unwrap } from '@tsunagu/protocols/kit';
import { messagesIn } from '../seeds.ts';
import { decoder, expectOurs, expectSame, must, sizeOf, type Target, text } from '../target.ts';

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Messages in one dialect, strict or with every leniency: a message reads whole and is written again without loss. */
function messages(dialect: (typeof dialectNames)[number], isLenient: boolean): Target {
  const allow = leniencyNames.filter((name) => name !== 'ans-8bit' || !dialect.includes('ebcdic'));
  const codec = compileProfile({ dialect, ...(isLenient && { allow }) });
  return {
    name: `iso8583-${dialect.replace('iso93-', '')}${isLenient ? '-lenient' : ''}`,
    seeds: () => messagesIn(dialect),
    tokens: ['0', '\\', '99', '999', '1200', '1420', '1804'].map(text),
    run(input) {
      const decoding = codec.decode(input);
      if (!decoding.ok) expectOurs(decoding.fault, input.length);
      const message = decoding.ok ? decoding.value : decoding.partial;
      if (message === undefined) return false;
      must(JSON.stringify(message).length <= 8192 + 4 * input.length, 'what is shown is longer than its bytes can say');
      const { elements, values, fields, spans } = message;
      must(elements.length === values.length && elements.length <= 128, 'elements without values');
      for (const [index, number] of elements.entries())
        expectSame(values[index], fields[number], `element ${number} reads in two ways`);
      for (const { offset, length } of Object.values(spans))
        must(offset >= 0 && length >= 0 && offset + length <= input.length, 'a span leaves the bytes');
      validate(message);
      if (!decoding.ok) return false;
      const written = codec.encode(message);
      must(written.ok, 'what was read cannot be written');
      const again = codec.decode(written.value);
      must(again.ok, 'what was written cannot be read');
      expectSame(again.value.fields, fields, 'what was written reads otherwise');
      if (!isLenient) expectSame(written.value, input, 'what was written is not what was read');
      return true;
    },
  };
}

/** A stream of frames in chunks whose sizes the first byte gives: the same frames as in one piece, a bounded buffer. */
function frames(name: string, format: FrameFormat): Target {
  const frame = (lengthBytes: number): Uint8Array =>
    unwrap(encodeFrame(format, new Uint8Array(lengthBytes).fill(0x31)));
  return {
    name: `frames-${name}`,
    seeds: () => [
      Uint8Array.of(0, ...frame(12), ...frame(1)),
      Uint8Array.of(3, ...frame(300)),
      Uint8Array.of(1, ...frame(60)),
    ],
    run(input) {
      const [step = 0] = input;
      const stream = input.subarray(1);
      const whole = new FrameReader(format).push(stream);
      if (whole.fault) expectOurs(whole.fault, stream.length);
      must(sizeOf(whole.frames.map(({ message }) => message)) <= 16 + 3 * stream.length, 'more came out than went in');
      const reader = new FrameReader(format);
      const got: Uint8Array[] = [];
      const chunk = (step & 15) + 1;
      for (let at = 0; at < stream.length; at += chunk) {
        const { frames: some, fault } = reader.push(stream.subarray(at, at + chunk));
        got.push(...some.map(({ message }) => Uint8Array.from(message)));
        must(reader.pendingBytes <= Math.min(stream.length, (format.maxLengthBytes ?? 65_535) + 4), 'the buffer grows');
        if (fault) break;
      }
      expectSame(
        got,
        whole.frames.map(({ message }) => message),
        'chunks give other frames',
      );
      const ended = reader.end();
      if (!ended.ok) expectOurs(ended.fault, stream.length + 4);
      return whole.frames.length > 0;
    },
  };
}

const linkProfile = (input: Uint8Array): Result<unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(input).toString('utf8'));
  } catch {
    return fail('INPUT_INVALID');
  }
  const read = parseLinkProfile(value);
  if (read.ok) linkCodec(read.value).decode(new Uint8Array(20));
  return read;
};

export const targets: readonly Target[] = [
  ...dialectNames.map((dialect) => messages(dialect, false)),
  ...dialectNames.map((dialect) => messages(dialect, true)),
  frames('binary', { prefix: 'bin2be', headerBytes: 5, keepAlive: true, maxLengthBytes: 512 }),
  frames('packed', { prefix: 'bcd2', inclusive: true }),
  frames('ascii', { prefix: 'ascii4', headerBytes: 2 }),
  decoder({
    name: 'tpdu',
    seeds: () => [Uint8Array.of(0x60, 0, 1, 0, 2)],
    decode: parseTpdu,
    encode: formatTpdu,
  }),
  decoder({
    name: 'link-profile',
    seeds: () => linkProfileNames.map((name) => text(JSON.stringify(linkProfiles[name]))),
    tokens: [
      '"fieldOverrides"',
      '"__proto__"',
      '"allow"',
      '"12"',
      '"secretElements"',
      '{}',
      '[]',
      'null',
      '-1',
      '1e9',
    ].map(text),
    decode: linkProfile,
  }),
  decoder({
    name: 'original-data',
    seeds: () => [text('110000012306200153210006123456')],
    decode: (input) => parseOriginalData(latin(input)),
    encode: (value) => text(unwrap(formatOriginalData(value))),
  }),
  decoder({
    name: 'pos-data-code',
    seeds: () => [text('A1010151134C'), text('000000000000')],
    decode: (input) => parsePosDataCode(latin(input)),
    encode: (value) => text(unwrap(formatPosDataCode(value))),
  }),
];
