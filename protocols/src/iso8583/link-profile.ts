import { z } from 'zod';
import { fail, ok, type Result } from '../kit/index.ts';
import { dialectNames } from './dialect.ts';
import type { LinkElement } from './layout.ts';
import { leniencyNames } from './leniency.ts';
import { type MessageCodec, readProfile } from './profile.ts';

const elementTypes = ['n', 'a', 'an', 'anp', 'ans', 'ns', 'b', 'z', 'xn'] as const;
const elementKinds = ['fixed', 'LLVAR', 'LLLVAR', 'LLLLVAR'] as const;
const bilingual = {
  en: z.string().min(1).max(200).describe('In English.'),
  ja: z.string().min(1).max(200).describe('In Japanese.'),
};
const elementNumber = z.int().min(2).max(128);
const elementKey = z.string().regex(/^([2-9]|[1-9]\d|1[01]\d|12[0-8])$/);
const mti = z.string().regex(/^1[1-8][0-4][0-5]$/);
const actionCode = z.string().regex(/^[0-9A-Za-z]{2,3}$/);
/** What a till shows: letters and digits, so that it fits any character set of DE44. */
const tillCode = z.string().regex(/^[A-Z0-9]{1,8}$/);
const milliseconds = z.int().min(1).max(86_400_000);

/** The shape of an element, as in the table of elements. */
export const elementShapeSchema = z.strictObject({
  type: z.enum(elementTypes).describe('What it is written with (ISO 8583:1993, 4.2).'),
  kind: z.enum(elementKinds).describe('Whether a length stands before it, and of how many digits.'),
  maxLength: z.int().min(1).max(9999).describe('In characters, digits or bytes, as its type counts.'),
});

/** Overrides of the table of elements, by element number. */
export const fieldOverridesSchema = z.record(elementKey, elementShapeSchema);

/** The form of a dialect that none of the shipped ones is. */
export const dialectSchema = z.strictObject({
  characters: z.enum(['ascii', 'ebcdic-1047']).describe('The character set of text.'),
  numbers: z.enum(['text', 'bcd']).describe('Digits as text, or two to a byte.'),
  oddDigits: z.enum(['left', 'right']).describe('The side on which an odd number of packed digits is filled up.'),
  lengthIndicators: z.enum(['text', 'bcd']).describe('How the length before an element is written.'),
  bitmap: z.enum(['binary', 'hex']).describe('Eight bytes, or sixteen characters.'),
  fixedBinary: z.enum(['raw', 'hex']).describe('Binary elements of one length.'),
  variableBinary: z.enum(['raw', 'hex']).describe('Binary elements with a length before them.'),
  sign: z
    .enum(['character', 'nibble'])
    .describe('The C or D before a signed amount (x+n): a character, or half a byte.'),
});

/** How messages are framed on the link. */
export const frameSchema = z.strictObject({
  prefix: z
    .enum(['bin2be', 'bcd2', 'ascii4'])
    .describe('The length before each message: two bytes, four packed digits, or four digits as text.'),
  inclusive: z.boolean().default(false).describe('Whether that length counts itself.'),
  header: z
    .enum(['none', 'tpdu', 'opaque'])
    .default('none')
    .describe(
      'What stands before the message: a TPDU is five bytes whose addresses an answer swaps; any other goes back as it came. A link of the switch has none.',
    ),
  headerBytes: z.int().min(0).max(64).default(0).describe('Its length.'),
  maxLengthBytes: z.int().min(16).max(65_535).default(8192).describe('A longer frame ends the connection.'),
  keepAlive: z.boolean().default(false).describe('Whether a frame of length 0 is a sign of life.'),
});

/** Retry of stored messages: after `firstMs`, then each time `factor` later up to `maxMs`; by hand after `manualAfter`. */
const storeAndForwardSchema = z.strictObject({
  firstMs: milliseconds.default(2000).describe('Before a message is sent again for the first time.'),
  factor: z.number().min(1).max(10).default(2).describe('So many times longer each time.'),
  maxMs: milliseconds.default(300_000).describe('No longer than that.'),
  manualAfter: z
    .int()
    .min(1)
    .max(1000)
    .default(6)
    .describe('Tries in vain after which it is shown to a person; it is still tried now and then.'),
  window: z.int().min(1).max(64).default(4).describe('So many are under way at once.'),
});

/**
 * All that makes one link: how its messages are written and framed, what repeats in answers, how it is signed on, its
 * timers and its codes. Data, from a file; nothing about a counter-party is ever code.
 */
export const linkProfileSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .describe('What it is called in texts.'),
  title: z.strictObject(bilingual).describe('Whose specification it is.'),
  assumed: z
    .boolean()
    .default(false)
    .describe('The specification of the counter-party is not public, and this profile is an assumption about it.'),
  version: z.literal(1993).default(1993).describe('Of ISO 8583.'),
  dialect: z
    .union([z.enum(dialectNames), dialectSchema])
    .describe('How elements are written: one of ours by name, or a form of its own.'),
  fieldOverrides: fieldOverridesSchema.default({}).describe('Elements that have another form here, by number.'),
  secretElements: z
    .record(elementKey, z.enum(['pan', 'pin', 'key']))
    .default({})
    .describe('Private elements that hold what nobody may see, by number.'),
  allow: z
    .array(z.enum(leniencyNames))
    .max(16)
    .default([])
    .describe('Where the counter-party is not held to the standard; each use is counted.'),
  frame: frameSchema
    .default(frameSchema.parse({ prefix: 'bin2be' }))
    .describe('How messages are told apart on a connection.'),
  mac: z
    .strictObject({
      algorithm: z
        .enum(['AES-CMAC', 'TDES-CMAC', 'ISO9797-1-ALG3'])
        .describe('How it is reckoned; the key has that algorithm, too.'),
      element: z
        .union([z.literal(64), z.literal(128)])
        .exactOptional()
        .describe('Where it stands; otherwise in 64, or in 128 where a message has elements above 64.'),
      lengthBytes: z
        .union([z.literal(4), z.literal(8)])
        .default(8)
        .describe('How much of it counts; the rest of the element is 0.'),
      exempt: z.array(mti).max(32).default([]).describe('Messages that go without: sign-on before there is a key.'),
    })
    .exactOptional()
    .describe('The message authentication code; none where it is absent.'),
  matchKeys: z
    .array(elementNumber)
    .min(1)
    .max(16)
    .default([11, 12, 32])
    .describe('Elements that tell an answer to its request.'),
  echo: z
    .array(elementNumber)
    .max(64)
    .default([2, 3, 4, 7, 11, 12, 32, 33, 37, 41, 42, 49, 59])
    .describe('Elements that an answer repeats as they came.'),
  networkManagement: z
    .strictObject({
      mti: z.enum(['1804', '1820']).default('1804').describe('A request that is answered, or an advice.'),
      signOn: z.boolean().default(true).describe('Whether there is a sign-on at all.'),
      echoSeconds: z
        .int()
        .min(0)
        .max(86_400)
        .default(300)
        .describe('Seconds of silence before an echo test; 0 for none.'),
      missedEchoesMax: z
        .int()
        .min(1)
        .max(20)
        .default(2)
        .describe('So many in a row without an answer end the connection.'),
    })
    .prefault({})
    .describe('Sign-on, echo test, key change, sign-off.'),
  timers: z
    .strictObject({
      requestMs: milliseconds
        .default(10_000)
        .describe('So long a request waits for its answer; then its outcome is unknown, and it is reversed.'),
      echoMs: milliseconds.default(10_000).describe('So long an echo test waits for its answer.'),
      storeAndForward: storeAndForwardSchema
        .prefault({})
        .describe('How stored messages (reversals, advices) are sent again.'),
    })
    .prefault({})
    .describe('How long things take.'),
  reconciliation: z
    .strictObject({
      netRule: z
        .enum(['own-side', 'cancelled'])
        .default('own-side')
        .describe(
          'What DE75, 77, 87 and 89 are: reversals of credits and of debits (own-side), or cancelled debits and credits (cancelled).',
        ),
      outOfBalance: z
        .enum(['settle-theirs', 'settle-ours', 'hold'])
        .default('hold')
        .describe('Whose totals count where a day does not agree; held days wait for a person.'),
    })
    .prefault({})
    .describe('How business days are compared (1520, 1530).'),
  formatErrorElement: z
    .union([z.literal(38), z.literal(44)])
    .exactOptional()
    .describe(
      'Where the number of the faulty element stands in an answer with action code 904; nowhere when it is absent.',
    ),
  codes: z
    .strictObject({
      actions: z
        .record(
          actionCode,
          z.strictObject({
            ...bilingual,
            standsFor: z
              .string()
              .regex(/^\d{3}$/)
              .describe('The code of ISO 8583:1993, A.1 that is told in its place to whoever asked.'),
          }),
        )
        .default({})
        .describe('Action codes of the counter-party alone.'),
      till: z
        .record(z.string().regex(/^\d{3}$/), tillCode)
        .default({})
        .describe(
          'Action code of ISO 8583:1993, A.1 → code on the till, such as G12 (DE44 of the answer); what is absent shows the action code itself.',
        ),
    })
    .prefault({})
    .describe('What codes mean here.'),
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
