import { fail, ok, type Result, type SecretKind } from '../kit/index.ts';
import { dataElement, type ElementShape } from './data-elements.ts';
import { Decoder, type Decoding } from './decode.ts';
import { type Dialect, type DialectName, dialects, isDialectName } from './dialect.ts';
import { type EncodeCode, Encoder } from './encode.ts';
import { type LinkElement, layOut } from './layout.ts';
import { type Leniency, leniencies } from './leniency.ts';
import type { Message } from './message.ts';

/** What makes a codec: how a link writes things, and where its elements differ from the table. */
export interface MessageProfile {
  /** One of the shipped dialects by name, or a dialect as data. */
  readonly dialect: DialectName | Dialect;
  /** Elements 2 to 128 that have another shape on this link. */
  readonly fieldOverrides?: Readonly<Record<number, ElementShape>>;
  readonly allow?: readonly Leniency[];
  /** Elements that travel as secrets on this link beside those of the table, such as 72 where it holds card numbers. */
  readonly secretElements?: Readonly<Record<number, SecretKind>>;
}

/** Reads and writes the messages of one profile. Keeps nothing between calls. */
export interface MessageCodec {
  readonly dialect: Dialect;
  /** The element as this link has it; undefined outside 2 to 128. */
  element(number: number): LinkElement | undefined;
  /**
   * Reads one message, from the MTI on, without frame or header.
   * Binary values are views into `bytes`. On a fault, `partial` holds what stood before it.
   */
  decode(bytes: Uint8Array): Decoding;
  /** Writes one message; a fault names the element. */
  encode(message: Message): Result<Uint8Array, EncodeCode>;
}

const indicatorMax = { fixed: 999, LLVAR: 99, LLLVAR: 999, LLLLVAR: 9999 } as const;

/** Checks a profile and compiles it. PROFILE_INVALID names the element or property. */
export function readProfile(profile: MessageProfile): Result<MessageCodec, 'PROFILE_INVALID'> {
  const dialect = typeof profile.dialect === 'string' ? namedDialect(profile.dialect) : profile.dialect;
  if (!dialect) return fail('PROFILE_INVALID', { field: 'dialect' });
  const overrides = new Map<number, ElementShape>();
  for (const [key, shape] of Object.entries(profile.fieldOverrides ?? {})) {
    const number = elementNumber(key);
    if (number === undefined) return fail('PROFILE_INVALID', { field: 'fieldOverrides' });
    if (!isSound(shape)) return fail('PROFILE_INVALID', { field: number });
    overrides.set(number, { type: shape.type, kind: shape.kind, maxLength: shape.maxLength });
  }
  const secrets = new Map<number, SecretKind>();
  for (const [key, kind] of Object.entries(profile.secretElements ?? {})) {
    const number = elementNumber(key);
    if (number === undefined) return fail('PROFILE_INVALID', { field: 'secretElements' });
    secrets.set(number, kind);
  }
  const unknown = profile.allow?.find((name) => !Object.hasOwn(leniencies, name));
  if (unknown !== undefined) return fail('PROFILE_INVALID', { field: 'allow' });
  // The code page has no characters for those bytes; a leniency that is never used would be a promise not kept.
  if (dialect.characters !== 'ascii' && profile.allow?.includes('ans-8bit'))
    return fail('PROFILE_INVALID', { field: 'allow' });
  const layout = layOut(dialect, overrides, secrets, new Set(profile.allow));
  for (const element of layout.elements)
    if (element?.secret !== undefined && element.type === 'xn')
      return fail('PROFILE_INVALID', { field: element.number });
  const decoder = new Decoder(layout);
  const encoder = new Encoder(layout);
  return ok({
    dialect,
    element: (number) => (number === 1 ? undefined : layout.elements[number]),
    decode: (bytes) => decoder.decode(bytes),
    encode: (message) => encoder.encode(message),
  });
}

/** Compiles a profile of our own source; a slip in it throws. Profiles that come from outside go through `readProfile`. */
export function compileProfile(profile: MessageProfile): MessageCodec {
  const read = readProfile(profile);
  if (!read.ok) throw new Error(`the profile is not sound: ${read.fault.field}`);
  return read.value;
}

const namedDialect = (name: string): Dialect | undefined => (isDialectName(name) ? dialects[name] : undefined);

function elementNumber(key: string): number | undefined {
  const number = Number(key);
  return /^[1-9]\d{0,2}$/.test(key) && number !== 1 && dataElement(number) ? number : undefined;
}

function isSound({ type, kind, maxLength }: ElementShape): boolean {
  return Number.isInteger(maxLength) && maxLength >= (type === 'xn' ? 2 : 1) && maxLength <= indicatorMax[kind];
}
