import { z } from 'zod';
import type { ErrorCode } from '../errors/index.ts';
import { fail, fromHex, ok, type Result, Secret, toHex, unwrap } from '../kit/index.ts';
import { computeMac, type MacAlgorithm } from '../mac/index.ts';
import { dialectNames } from './dialect.ts';
import { encodeFrame, FrameReader } from './frame.ts';
import { fieldOverridesSchema } from './link-profile.ts';
import { type MacFunction, sealMac, verifyMac } from './mac.ts';
import { type FieldValue, revealFields } from './message.ts';
import { type MessageCodec, readProfile } from './profile.ts';
import { validate } from './validate.ts';

/** One operation of the workbench: what a request asks, and the outputs or a refusal. */
export type Iso8583Operation = (request: Record<string, unknown>) => Result<Record<string, unknown>, ErrorCode>;

const link = {
  dialect: z.enum(dialectNames),
  fieldOverrides: fieldOverridesSchema.optional(),
  frame: z.object({ prefix: z.enum(['bin2be', 'bcd2', 'ascii4']), inclusive: z.boolean().exactOptional() }).optional(),
  mac: z
    .object({
      field: z.union([z.literal(64), z.literal(128)]),
      algorithm: z.enum(['AES-CMAC', 'ISO9797-1-ALG3']),
      key: z.string(),
    })
    .optional(),
};

const decodeRequest = z.object({
  ...link,
  hex: z.string(),
  headerBytes: z.int().min(0).max(64).default(0),
  validate: z.boolean().default(false),
});

const encodeRequest = z.object({ ...link, mti: z.string(), fields: z.record(z.string(), z.string()) });

const macAlgorithms = {
  'AES-CMAC': { kind: 'CMAC', cipher: 'AES' },
  'ISO9797-1-ALG3': { kind: 'ISO9797-1-ALG3', padding: 1 },
} as const satisfies Record<string, MacAlgorithm>;

type LinkRequest = z.output<typeof encodeRequest> | z.output<typeof decodeRequest>;

/** The MAC of a request: nothing where it asks for none, a fault where its key is none. */
function macOf({ mac }: LinkRequest): Result<MacFunction | undefined, 'HEX_INVALID' | 'KEY_LENGTH_INVALID'> {
  if (!mac) return ok(undefined);
  const bytes = fromHex(mac.key);
  if (!bytes.ok) return bytes;
  const key = Secret.take('key', bytes.value);
  const algorithm = macAlgorithms[mac.algorithm];
  const trial = computeMac(algorithm, key, new Uint8Array(0));
  return trial.ok ? ok((data) => unwrap(computeMac(algorithm, key, data))) : trial;
}

function codecOf({ dialect, fieldOverrides }: LinkRequest): Result<MessageCodec, 'PROFILE_INVALID'> {
  return readProfile({ dialect, ...(fieldOverrides && { fieldOverrides }) });
}

const isBinary =
  (codec: MessageCodec) =>
  (element: number): boolean =>
    codec.element(element)?.type === 'b';

function parse<S extends z.ZodType>(schema: S, request: unknown): Result<z.output<S>, 'INPUT_INVALID'> {
  const parsed = schema.safeParse(request);
  if (parsed.success) return ok(parsed.data);
  const path = parsed.error.issues[0]?.path ?? [];
  return fail('INPUT_INVALID', { field: path.join('.') });
}

const decode: Iso8583Operation = (raw) => {
  const request = parse(decodeRequest, raw);
  if (!request.ok) return request;
  const codec = codecOf(request.value);
  if (!codec.ok) return codec;
  const mac = macOf(request.value);
  if (!mac.ok) return mac;
  const bytes = fromHex(request.value.hex);
  if (!bytes.ok) return bytes;
  const unframed = takeMessage(request.value, bytes.value);
  if (!unframed.ok) return unframed;
  const { message, rest } = unframed.value;
  const decoded = codec.value.decode(message);
  if (!decoded.ok) return fail(decoded.fault.code, decoded.fault);
  if (rest > 0) return fail('TRAILING_BYTES', { offset: bytes.value.length - rest, facts: { bytes: rest } });
  const options = request.value.mac && { element: request.value.mac.field };
  const verified = mac.value ? verifyMac(decoded.value, mac.value, options) : ok(undefined);
  if (!verified.ok) return verified;
  const outputs = { mti: decoded.value.mti, fields: revealFields(decoded.value, isBinary(codec.value)) };
  return ok(request.value.validate ? { ...outputs, findings: validate(decoded.value) } : outputs);
};

/** The message inside frame and header, and how many bytes stand behind its frame. */
function takeMessage(
  { frame, headerBytes }: z.output<typeof decodeRequest>,
  bytes: Uint8Array,
): Result<{ message: Uint8Array; rest: number }, 'FRAME_LENGTH' | 'FRAME_INCOMPLETE' | 'TRUNCATED'> {
  const body = frame ? firstFrame(frame, bytes) : ok(bytes);
  if (!body.ok) return body;
  if (body.value.length < headerBytes) return fail('TRUNCATED', { field: 0, offset: bytes.length });
  const rest = frame ? bytes.length - prefixBytes[frame.prefix] - body.value.length : 0;
  return ok({ message: body.value.subarray(headerBytes), rest });
}

const prefixBytes = { bin2be: 2, bcd2: 2, ascii4: 4 } as const;

function firstFrame(
  frame: NonNullable<z.output<typeof decodeRequest>['frame']>,
  bytes: Uint8Array,
): Result<Uint8Array, 'FRAME_LENGTH' | 'FRAME_INCOMPLETE'> {
  const reader = new FrameReader(frame);
  const { frames, fault } = reader.push(bytes);
  const [first] = frames;
  if (first) return ok(first.message);
  if (fault) return { ok: false, fault };
  const ended = reader.end();
  return ended.ok ? fail('FRAME_INCOMPLETE', { offset: 0 }) : ended;
}

const encode: Iso8583Operation = (raw) => {
  const request = parse(encodeRequest, raw);
  if (!request.ok) return request;
  const codec = codecOf(request.value);
  if (!codec.ok) return codec;
  const mac = macOf(request.value);
  if (!mac.ok) return mac;
  const fields = readFields(codec.value, request.value.fields);
  if (!fields.ok) return fields;
  const message = { mti: request.value.mti, fields: fields.value };
  const options = request.value.mac && { element: request.value.mac.field };
  const written = mac.value ? sealMac(codec.value, message, mac.value, options) : codec.value.encode(message);
  if (!written.ok) return written;
  const framed = request.value.frame ? encodeFrame(request.value.frame, written.value) : written;
  return framed.ok ? ok({ hex: toHex(framed.value) }) : framed;
};

/** Elements out of their plain form: text as it is, binary as `hex:`, secrets wrapped up. */
export function readFields(
  codec: MessageCodec,
  plain: Readonly<Record<string, string>>,
): Result<Record<number, FieldValue>, 'FIELD_UNKNOWN' | 'FIELD_KIND' | 'HEX_INVALID' | 'BAD_CHARSET'> {
  const fields: Record<number, FieldValue> = {};
  for (const [key, text] of Object.entries(plain)) {
    const number = /^[1-9]\d{0,2}$/.test(key) ? Number(key) : -1;
    const element = codec.element(number);
    if (!element) return fail('FIELD_UNKNOWN', number < 0 ? {} : { field: number });
    if (element.type === 'b') {
      if (!text.startsWith('hex:')) return fail('FIELD_KIND', { field: number });
      const bytes = fromHex(text.slice(4));
      if (!bytes.ok) return fail('HEX_INVALID', { ...bytes.fault, field: number });
      fields[number] = element.secret ? Secret.take(element.secret, bytes.value) : bytes.value;
    } else if (element.secret) {
      // Only Latin-1 characters have a byte of their own; any other would be cut to one that may look right.
      if (!/^[ -ÿ]*$/.test(text)) return fail('BAD_CHARSET', { field: number });
      fields[number] = Secret.take(element.secret, Uint8Array.from(Buffer.from(text, 'latin1')));
    } else fields[number] = text;
  }
  return ok(fields);
}

/** The `iso8583` family of the workbench, by operation. */
export const iso8583Workbench: Readonly<Record<'decode' | 'encode', Iso8583Operation>> = { decode, encode };

/** Answers one request of the `iso8583` family; undefined for an operation that does not exist. */
export function answerIso8583(
  op: string,
  request: Record<string, unknown>,
): Result<Record<string, unknown>, ErrorCode> | undefined {
  return op === 'decode' || op === 'encode' ? iso8583Workbench[op](request) : undefined;
}
