import { z } from 'zod';
import {
  type FrameFormat,
  type LinkProfile,
  linkCodec,
  linkProfileNames,
  linkProfileSchema,
  linkProfiles,
  type MessageCodec,
  parseLinkProfile,
} from '../iso8583/index.ts';
import { fail, ok, type Result } from '../kit/index.ts';
import type { MacAlgorithm } from '../mac/index.ts';

/** What is at the far end of a link. */
export const linkKinds = {
  acquirer: ['pos', 'ec', 'ticket-window', 'travel-centre'],
  issuer: ['credit', 'unionpay', 'j-debit', 'gift', 'points', 'e-money'],
} as const;

const institution = z.string().regex(/^\d{1,11}$/);
const milliseconds = z.int().min(1).max(86_400_000);

/**
 * One link of the switch: who is there, how the two sides come together, and the profile of what they say. Data, from a
 * file `DIR/links/NAME.json` or from the shipped ones; a counter-party is never code.
 */
const linkSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/),
    name: z.strictObject({ en: z.string().min(1).max(80), ja: z.string().min(1).max(80) }),
    /** `issuer`: requests go out over it, and we dial. `acquirer`: a merchant centre dials us, and requests come in. */
    side: z.enum(['acquirer', 'issuer']),
    kind: z.enum([...linkKinds.acquirer, ...linkKinds.issuer]),
    profile: linkProfileSchema,
    /** Where an issuer listens; the house's own card company where it is absent. */
    address: z.strictObject({ host: z.string().min(1).max(253), port: z.int().min(1).max(65_535) }).exactOptional(),
    /** DE93 and DE94 of network management, and the acquirers (DE32) that a centre may speak for. */
    parties: z.strictObject({
      own: institution,
      far: institution,
      acquirers: z.array(institution).max(64).default([]),
    }),
    session: z
      .strictObject({
        /** Who signs on, and who makes the working keys of a connection. */
        signOn: z.enum(['ours', 'theirs', 'none']).default('ours'),
        keys: z.enum(['ours', 'theirs', 'none']).default('ours'),
        /** A key that has been in force for so long is changed on the running connection; 0 for never. */
        keyChangeMs: z.int().min(0).max(86_400_000).default(86_400_000),
        /** Whether each whole message is enciphered under the zone's data key, as soon as there is one. */
        encrypt: z.boolean().default(false),
        dialMs: milliseconds.default(5_000),
        signOnMs: milliseconds.default(5_000),
        reconnect: z
          .strictObject({ firstMs: milliseconds, factor: z.number().min(1).max(10), mostMs: milliseconds })
          .default({ firstMs: 250, factor: 2, mostMs: 30_000 }),
      })
      .prefault({}),
    /** Connections that are kept open at once (issuer), or may be (acquirer). */
    connections: z.int().min(1).max(16).default(1),
    /** Requests that may wait for an answer at once, over all connections. */
    inFlightMax: z.int().min(1).max(4_096).default(256),
    /** Advices that a centre may bring of what it decided itself: offline, by voice, or in the issuer's place. A completion is a 1220. */
    advices: z.array(z.enum(['1120', '1220'])).default(['1120', '1220']),
    /** The private element in which an issuer is told of a signature beside a PIN (`cardholder-rules.ts`); null where it wants to hear none. */
    verificationElement: z.int().min(60).max(63).nullable().default(63),
    /** At which pace an issuer is asked about what comes in files, beside the sales of the day. */
    batch: z
      .strictObject({
        perSecond: z.number().min(0.1).max(1_000).default(50),
        inFlightMax: z.int().min(1).max(64).default(4),
      })
      .prefault({}),
    /** A frame that was begun has to be complete within this time. */
    frameDeadlineMs: milliseconds.default(5_000),
    /** What becomes of bytes that are no message: a 1644 or an answer with 904, or the end of the connection. */
    unreadable: z.enum(['answer', 'close']).default('answer'),
    /** When the business day of the link begins, in its own time; and whether DE28 tells it on every message. */
    calendar: z
      .strictObject({
        cutover: z
          .string()
          .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
          .default('00:00'),
        offsetMinutes: z.int().min(-720).max(840).default(540),
        stamped: z.boolean().default(true),
        /** Minutes after the cut-over at which the day that ended is reconciled by itself; 0 for by hand alone. */
        reconcileAfterMinutes: z.int().min(0).max(1_440).default(30),
      })
      .prefault({}),
  })
  .refine(({ side, kind }) => linkKinds[side].some((known) => known === kind), { path: ['kind'] });

/** What a link file may hold, for its JSON Schema (`docs/wire/schemas/link.schema.json`): as `parseLink` reads it. */
export const linkFile = z
  .strictObject({ ...linkSchema.shape, profile: z.union([z.enum(linkProfileNames), linkProfileSchema]) })
  .describe('A link of the switch, DIR/links/NAME.json: who is there, how the two sides come together, what they say.');

/** A link, parsed, with its defaults. */
export type LinkSettings = z.output<typeof linkSchema>;
/** A link as it is written in a file; its profile may be the name of a shipped one. */
export type LinkText = Omit<z.input<typeof linkSchema>, 'profile'> & {
  readonly profile: z.input<typeof linkProfileSchema> | string;
};

/** A link that is ready to speak: its settings and what was compiled of them. */
export interface Link extends LinkSettings {
  readonly codec: MessageCodec;
  readonly frame: FrameFormat;
}

/** Reads the parsed JSON of a link file. PROFILE_INVALID names the property that is wrong. */
export function parseLink(input: unknown): Result<Link, 'PROFILE_INVALID'> {
  const named = z.looseObject({ profile: z.string() }).safeParse(input);
  const text = named.success ? { ...named.data, profile: shipped(named.data.profile) } : input;
  const parsed = linkSchema.safeParse(text);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])];
    return fail('PROFILE_INVALID', { field: path.join('.'), facts: { expected: issue?.code ?? '' } });
  }
  // What has no key bears no MAC: such a link would sign on, and every answer over it be refused.
  const { profile: said, session } = parsed.data;
  if (session.keys === 'none' && (said.mac || session.encrypt))
    return fail('PROFILE_INVALID', { field: 'session.keys', facts: { expected: 'ours or theirs' } });
  const profile = parseLinkProfile(parsed.data.profile);
  if (!profile.ok) return fail('PROFILE_INVALID', { ...profile.fault, field: `profile.${profile.fault.field ?? ''}` });
  // Whoever asks over a TPDU wants its addresses swapped in the answer, which no line does: better no link than one that is answered nothing.
  if (profile.value.frame.header !== 'none')
    return fail('PROFILE_INVALID', { field: 'profile.frame.header', facts: { expected: 'none' } });
  return ok({ ...parsed.data, codec: linkCodec(profile.value), frame: frameOf(profile.value) });
}

/** Compiles a link of our own source; a slip in it throws. */
export function compileLink(text: LinkText): Link {
  const parsed = parseLink(text);
  if (!parsed.ok) throw new Error(`the link ${text.id} is not sound: ${parsed.fault.field}`);
  return parsed.value;
}

const shipped = (name: string): unknown => Object.entries(linkProfiles).find(([known]) => known === name)?.[1];

const frameOf = ({ frame }: LinkProfile): FrameFormat => ({
  prefix: frame.prefix,
  inclusive: frame.inclusive,
  headerBytes: frame.headerBytes,
  maxLengthBytes: frame.maxLengthBytes,
  keepAlive: frame.keepAlive,
});

/** The MAC algorithms of a link profile, and the bytes of their keys. */
export const linkMacs = {
  'AES-CMAC': { algorithm: { kind: 'CMAC', cipher: 'AES' }, tr31: { algorithm: 'A', keyUsage: 'M6' } },
  'TDES-CMAC': { algorithm: { kind: 'CMAC', cipher: 'TDES' }, tr31: { algorithm: 'T', keyUsage: 'M6' } },
  'ISO9797-1-ALG3': {
    algorithm: { kind: 'ISO9797-1-ALG3', padding: 1 },
    tr31: { algorithm: 'T', keyUsage: 'M3' },
  },
} as const satisfies Record<
  NonNullable<LinkProfile['mac']>['algorithm'],
  { algorithm: MacAlgorithm; tr31: { algorithm: 'A' | 'T'; keyUsage: string } }
>;

/** The MAC algorithm of a link; undefined for one without. */
export const linkMacOf = ({ profile }: Pick<Link, 'profile'>): MacAlgorithm | undefined =>
  profile.mac && linkMacs[profile.mac.algorithm].algorithm;

/**
 * Whether PINs can go over an issuer link: its DE52 holds one AES block (ISO 9564-1, format 4), and the issuer is handed the PIN key of the zone with
 * the working keys that we make.
 */
export function carriesPins({ codec, profile, session }: Link): boolean {
  const block = codec.element(52);
  const isAesBlock = block?.type === 'b' && block.kind === 'fixed' && block.maxLength === 16;
  return isAesBlock && session.keys === 'ours' && (profile.mac !== undefined || session.encrypt);
}

/** The business day of a moment on a link: YYMMDD (DE28). There is no pause at the cut-over: a message has one day or the next. */
export function businessDay({ calendar }: Pick<LinkSettings, 'calendar'>, nowMs: number): string {
  const minute = Math.floor(nowMs / 60_000);
  const known = days.get(calendar);
  if (known?.minute === minute) return known.day;
  const [hours = 0, minutes = 0] = calendar.cutover.split(':').map(Number);
  const at = new Date(nowMs + (calendar.offsetMinutes - hours * 60 - minutes) * 60_000);
  const day = [at.getUTCFullYear() % 100, at.getUTCMonth() + 1, at.getUTCDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('');
  days.set(calendar, { minute, day });
  return day;
}

/** The day of the minute that was asked for last: a busy link asks several times for each message, and days change on whole minutes. */
const days = new WeakMap<LinkSettings['calendar'], { readonly minute: number; readonly day: string }>();
