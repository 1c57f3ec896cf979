import { existsSync, readFileSync } from 'node:fs';
import { errorTable } from '@tsunagu/protocols/errors';
import { fromHex, toHex, unwrap } from '@tsunagu/protocols/kit';
import {
  answerIso8583,
  compileProfile,
  dataElements,
  FrameReader,
  fieldOverridesSchema,
  type MessageCodec,
  revealFields,
} from '@tsunagu/protocols/iso8583';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

const dialectName = z.enum([
  'iso93-ascii-hexbm',
  'iso93-ascii-binbm',
  'iso93-bcdL-binbm',
  'iso93-bcdR-binbm',
  'iso93-ebcdic-binbm',
  'iso93-ebcdic-hexbm',
]);

const messageVector = z.object({
  name: z.string(),
  category: z.enum(['valid', 'malformed', 'semantic', 'frame']),
  dialect: dialectName,
  hex: z.string(),
  mti: z.string().optional(),
  fields: z.record(z.string(), z.string()).optional(),
  fieldOverrides: fieldOverridesSchema.optional(),
  frame: z.object({ prefix: z.enum(['bin2be', 'bcd2', 'ascii4']) }).optional(),
  headerBytes: z.number().optional(),
  mac: z.object({ field: z.union([z.literal(64), z.literal(128)]), algorithm: z.string(), key: z.string() }).optional(),
  error: z.string().optional(),
  errorField: z.number().nullish(),
  severity: z.enum(['error', 'warn']).optional(),
  anyField: z.boolean().optional(),
  anyError: z.boolean().optional(),
  acceptEither: z.array(z.string()).optional(),
  independent: z.boolean().optional(),
});
type MessageVector = z.output<typeof messageVector>;

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const messagesIn = (path: string): MessageVector[] =>
  z.object({ messages: z.array(messageVector) }).parse(read(path)).messages;

const here = messagesIn('iso8583-messages.json');
const publishedUrl = new URL('../../../shared/vectors/published/iso8583-messages.json', import.meta.url);
const isPublishedHere = existsSync(publishedUrl);
const published = isPublishedHere ? messagesIn(publishedUrl.href) : [];

const codecOf = ({ dialect, fieldOverrides }: MessageVector): MessageCodec =>
  compileProfile({ dialect, ...(fieldOverrides && { fieldOverrides }) });

/** The bytes from the MTI on. */
function bareMessage({ hex, frame, headerBytes = 0 }: MessageVector): Uint8Array {
  const bytes = unwrap(fromHex(hex));
  const message = frame ? new FrameReader(frame).push(bytes).frames[0]?.message : bytes;
  if (!message) throw new Error('the vector holds no whole frame');
  return message.subarray(headerBytes);
}

const linkOf = ({ dialect, fieldOverrides, frame, headerBytes, mac }: MessageVector): Record<string, unknown> => ({
  family: 'iso8583',
  id: '1',
  ...JSON.parse(JSON.stringify({ dialect, fieldOverrides, frame, headerBytes, mac })),
});

const ask = (op: 'decode' | 'encode', request: Record<string, unknown>) => {
  const answer = answerIso8583(op, request);
  if (!answer) throw new Error(`no operation ${op}`);
  return answer;
};

describe.each([
  ['our own', here],
  ['published', published],
] as const)('ISO 8583 messages, %s', (_, vectors) => {
  const valid = vectors.filter(({ category }) => category === 'valid');
  test.skipIf(valid.length === 0)('there are messages to test with (skipped: not here)', () => {
    expect(valid.length).toBeGreaterThan(0);
  });

  test.each(valid.map((vector) => [vector.name, vector] as const))(
    'decodes and finds nothing wrong: %s',
    (__, vector) => {
      const answer = ask('decode', { ...linkOf(vector), hex: vector.hex, validate: true });
      const value = unwrap(answer);
      expect(value).toMatchObject({ mti: vector.mti, fields: vector.fields });
      if (vector.independent) return;
      const findings = z.array(z.object({ severity: z.string() })).parse(value['findings']);
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    },
  );

  test.each(valid.filter(({ headerBytes }) => !headerBytes).map((vector) => [vector.name, vector] as const))(
    'encodes to the same bytes: %s',
    (__, vector) => {
      const fields = { ...vector.fields };
      if (vector.mac) delete fields[vector.mac.field];
      expect(unwrap(ask('encode', { ...linkOf(vector), mti: vector.mti, fields }))).toEqual({ hex: vector.hex });
    },
  );

  test.each(valid.map((vector) => [vector.name, vector] as const))('round trips by the typed API: %s', (__, vector) => {
    const codec = codecOf(vector);
    const bytes = bareMessage(vector);
    const decoded = codec.decode(bytes);
    if (!decoded.ok) throw new Error(decoded.fault.code);
    expect(toHex(unwrap(codec.encode(decoded.value)))).toBe(toHex(bytes));
    expect(revealFields(decoded.value, (element) => codec.element(element)?.type === 'b')).toEqual(vector.fields);
  });

  test.each(valid.map((vector) => [vector.name, vector] as const))('spans tile the whole message: %s', (__, vector) => {
    const bytes = bareMessage(vector);
    const decoded = codecOf(vector).decode(bytes);
    if (!decoded.ok) throw new Error(decoded.fault.code);
    let end = 0;
    for (const span of Object.values(decoded.value.spans)) {
      expect(span.offset).toBe(end);
      end += span.length;
    }
    expect(end).toBe(bytes.length);
  });

  test.each(valid.map((vector) => [vector.name, vector] as const))('refuses every truncation: %s', (__, vector) => {
    const codec = codecOf(vector);
    const bytes = bareMessage(vector);
    const whole = codec.decode(bytes);
    if (!whole.ok) throw new Error(whole.fault.code);
    const { spans } = whole.value;
    for (let length = 0; length < bytes.length; length++) {
      const cut = codec.decode(bytes.subarray(0, length));
      if (cut.ok) throw new Error(`accepted ${length} of ${bytes.length} bytes`);
      expect(cut.fault.code).toBe('TRUNCATED');
      expect(cut.fault.offset).toBe(length);
      const span = spans[Number(cut.fault.field)];
      expect(span && span.offset <= length && length < span.offset + span.length).toBe(true);
      const before = Object.keys(spans)
        .map(Number)
        .filter((element) => element > 1 && element < Number(cut.fault.field));
      expect(cut.partial?.elements ?? []).toEqual(before);
    }
  });

  test.each(vectors.filter(({ hex }) => hex).map((vector) => [vector.name, vector] as const))(
    'is an error or sound as it came over the link, cut at every byte: %s',
    (__, vector) => {
      for (let length = 0; length < vector.hex.length; length += 2) {
        const answer = ask('decode', { ...linkOf(vector), hex: vector.hex.slice(0, length), validate: true });
        // With a frame or a MAC gone wrong nothing is sound; a message with something behind it may be, without that.
        if (answer.ok) expect(vector.category, `${length / 2} bytes`).toBe('malformed');
        else expect(Object.hasOwn(errorTable, answer.fault.code)).toBe(true);
      }
    },
  );

  const sealed = vectors.filter(({ mac }) => mac);
  test.each(sealed.map((vector) => [vector.name, vector] as const))('refuses a forged MAC: %s', (__, vector) => {
    const last = Number.parseInt(vector.hex.slice(-1), 16) ^ 1;
    const forged = vector.hex.slice(0, -1) + last.toString(16).toUpperCase();
    expect(ask('decode', { ...linkOf(vector), hex: forged })).toMatchObject({
      ok: false,
      fault: { code: 'BAD_MAC', field: vector.mac?.field },
    });
  });

  const refused = vectors.filter(({ category }) => category === 'malformed' || category === 'frame');
  test.each(refused.map((vector) => [vector.name, vector] as const))('refuses: %s', (__, vector) => {
    const answer = ask('decode', { ...linkOf(vector), hex: vector.hex });
    if (answer.ok) throw new Error('accepted');
    if (!vector.anyError) expect(vector.acceptEither ?? [vector.error]).toContain(answer.fault.code);
    if (!vector.anyField && vector.errorField != null) expect(answer.fault.field).toBe(vector.errorField);
  });

  const findings = vectors.filter(({ category }) => category === 'semantic');
  test.each(findings.map((vector) => [vector.name, vector] as const))('finds: %s', (__, vector) => {
    const value = unwrap(ask('decode', { ...linkOf(vector), hex: vector.hex, validate: true }));
    expect(value['findings']).toContainEqual({
      code: vector.error,
      field: vector.errorField,
      severity: vector.severity ?? 'error',
    });
  });
});

test('the table of data elements is the one that four implementations agree on', () => {
  const row = z.object({
    number: z.number(),
    type: z.string(),
    kind: z.string(),
    maxLength: z.number(),
    dateFormat: z.string().optional(),
  });
  const { fields } = z.object({ fields: z.array(row) }).parse(read('iso8583-1993-fields.json'));
  expect(
    dataElements.map(({ number, type, kind, maxLength, date }) => ({ number, type, kind, maxLength, date })),
  ).toEqual(fields.map(({ dateFormat, ...rest }) => ({ ...rest, date: dateFormat })));
});
