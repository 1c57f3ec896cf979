import { z } from 'zod';
import { fail, ok, type Result } from '../kit/index.ts';
import { dialectNames } from './dialect.ts';
import type { LinkElement } from './layout.ts';
import { leniencyNames } from './leniency.ts';
import { type MessageCodec, readProfile } from './profile.ts';

const elementTypes = ['n', 'a', 'an', 'anp', 'ans', 'ns', 'b', 'z', 'xn'] as const;
const elementKinds = ['fixed', 'LLVAR', 'LLLVAR', 'LLLLVAR'] as const;
const bilingual = { en: z.string().min(1).max(200), ja: z.string().min(1).max(200) };
const elementNumber = z.int().min(2).max(128);
const elementKey = z.string().regex(/^([2-9]|[1-9]\d|1[01]\d|12[0-8])$/);
const mti = z.string().regex(/^1[1-8][0-4][0-5]$/);
const actionCode = z.string().regex(/^[0-9A-Za-z]{2,3}$/);
/** What a till shows: letters and digits, so that it fits any character set of DE44. */
const tillCode = z.string().regex(/^[A-Z0-9]{1,8}$/);
const milliseconds = z.int().min(1).max(86_400_000);

/** The shape of an element, as in the table of elements. */
export const elementShapeSchema = z.strictObject({
  type: z.enum(elementTypes),
  kind: z.enum(elementKinds),
  maxLength: z.int().min(1).max(9999),
});

/** Overrides of the table of elements, by element number. */
export const fieldOverridesSchema = z.record(elementKey, elementShapeSchema);

/** The form of a dialect that none of the shipped ones is. */
export const dialectSchema = z.strictObject({
  characters: z.enum(['ascii', 'ebcdic-1047']),
  numbers: z.enum(['text', 'bcd']),
  oddDigits: z.enum(['left', 'right']),
  lengthIndicators: z.enum(['text', 'bcd']),
  bitmap: z.enum(['binary', 'hex']),
  fixedBinary: z.enum(['raw', 'hex']),
  variableBinary: z.enum(['raw', 'hex']),
  sign: z.enum(['character', 'nibble']),
});

/** How messages are framed on the link. */
export const frameSchema = z.strictObject({
  prefix: z.enum(['bin2be', 'bcd2', 'ascii4']),
  inclusive: z.boolean().default(false),
  /** `tpdu` is five bytes whose addresses an answer swaps; any other header is sent back as it came. */
  header: z.enum(['none', 'tpdu', 'opaque']).default('none'),
  headerBytes: z.int().min(0).max(64).default(0),
  maxLengthBytes: z.int().min(16).max(65_535).default(8192),
  keepAlive: z.boolean().default(false),
});

/** Retry of stored messages: after `firstMs`, then each time `factor` later up to `maxMs`; by hand after `manualAfter`. */
const storeAndForwardSchema = z.strictObject({
  firstMs: milliseconds.default(2000),
  factor: z.number().min(1).max(10).default(2),
  maxMs: milliseconds.default(300_000),
  manualAfter: z.int().min(1).max(1000).default(6),
  window: z.int().min(1).max(64).default(4),
});

/**
 * All that makes one link: how its messages are written and framed, what repeats in answers, how it is signed on, its
 * timers and its codes. Data, from a file; nothing about a counter-party is ever code.
 */
export const linkProfileSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  title: z.strictObject(bilingual),
  /** The specification of the counter-party is not public, and this profile is an assumption about it. */
  assumed: z.boolean().default(false),
  version: z.literal(1993).default(1993),
  dialect: z.union([z.enum(dialectNames), dialectSchema]),
  fieldOverrides: fieldOverridesSchema.default({}),
  secretElements: z.record(elementKey, z.enum(['pan', 'pin', 'key'])).default({}),
  allow: z.array(z.enum(leniencyNames)).max(16).default([]),
  frame: frameSchema.default(frameSchema.parse({ prefix: 'bin2be' })),
  mac: z
    .strictObject({
      algorithm: z.enum(['AES-CMAC', 'TDES-CMAC', 'ISO9797-1-ALG3']),
      element: z.union([z.literal(64), z.literal(128)]).exactOptional(),
      lengthBytes: z.union([z.literal(4), z.literal(8)]).default(8),
      /** Messages that go without: sign-on before there is a key. */
      exempt: z.array(mti).max(32).default([]),
    })
    .exactOptional(),
  /** Elements that tell an answer to its request. */
  matchKeys: z.array(elementNumber).min(1).max(16).default([11, 12, 32]),
  /** Elements that an answer repeats as they came. */
  echo: z.array(elementNumber).max(64).default([2, 3, 4, 7, 11, 12, 32, 33, 37, 41, 42, 49, 59]),
  networkManagement: z
    .strictObject({
      mti: z.enum(['1804', '1820']).default('1804'),
      signOn: z.boolean().default(true),
      /** Seconds of silence before an echo test; 0 for none. */
      echoSeconds: z.int().min(0).max(86_400).default(300),
      missedEchoesMax: z.int().min(1).max(20).default(2),
    })
    .prefault({}),
  timers: z
    .strictObject({
      requestMs: milliseconds.default(10_000),
      echoMs: milliseconds.default(10_000),
      storeAndForward: storeAndForwardSchema.prefault({}),
    })
    .prefault({}),
  reconciliation: z
    .strictObject({
      netRule: z.enum(['own-side', 'cancelled']).default('own-side'),
      outOfBalance: z.enum(['settle-theirs', 'settle-ours', 'hold']).default('hold'),
    })
    .prefault({}),
  /** Where the number of the faulty element stands in an answer with action code 904. */
  formatErrorElement: z.union([z.literal(38), z.literal(44)]).exactOptional(),
  codes: z
    .strictObject({
      /** Action codes of the counter-party alone: each stands for one of ISO 8583:1993, A.1, which is told in its place to whoever asked. */
      actions: z
        .record(actionCode, z.strictObject({ ...bilingual, standsFor: z.string().regex(/^\d{3}$/) }))
        .default({}),
      /** Action code of ISO 8583:1993, A.1 → code on the till, such as G12 (DE44 of the answer); what is absent shows the action code itself. */
      till: z.record(z.string().regex(/^\d{3}$/), tillCode).default({}),
    })
    .prefault({}),
});

/** A link profile, parsed, with its defaults filled in. */
export type LinkProfile = z.output<typeof linkProfileSchema>;

/** A link profile as it is written in a file. */
export type LinkProfileText = z.input<typeof linkProfileSchema>;

/** Reads the parsed JSON of a profile file. PROFILE_INVALID names the property that is wrong. */
export function parseLinkProfile(input: unknown): Result<LinkProfile, 'PROFILE_INVALID'> {
  const parsed = linkProfileSchema.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])];
    return fail('PROFILE_INVALID', { field: path.join('.'), facts: { expected: issue?.code ?? '' } });
  }
  const codec = readProfile(parsed.data);
  if (!codec.ok) return codec;
  const { mac } = parsed.data;
  const macElements = mac ? [mac.element ?? [64, 128]].flat() : [];
  if (!macElements.every((number) => holdsMac(codec.value.element(number))))
    return fail('PROFILE_INVALID', { field: 'mac.element' });
  const headerBytes = parsed.data.frame.headerBytes;
  const isHeaderSound = { none: headerBytes === 0, tpdu: headerBytes === 5, opaque: headerBytes > 0 };
  return isHeaderSound[parsed.data.frame.header]
    ? ok(parsed.data)
    : fail('PROFILE_INVALID', { field: 'frame.headerBytes' });
}

/** A MAC is eight bytes that may be seen; an override can make 64 or 128 something else. */
const holdsMac = (element: LinkElement | undefined): boolean =>
  element?.type === 'b' && element.kind === 'fixed' && element.maxLength === 8 && element.secret === undefined;

/** The codec of a link. */
export function linkCodec(profile: LinkProfile): MessageCodec {
  const codec = readProfile(profile);
  if (!codec.ok) throw new Error(`parseLinkProfile let ${codec.fault.field} pass`);
  return codec.value;
}
