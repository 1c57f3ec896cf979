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
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,30}$/)
      .describe('How commands, logs and other rules call it.'),
    name: z
      .strictObject({
        en: z.string().min(1).max(80).describe('In English.'),
        ja: z.string().min(1).max(80).describe('In Japanese.'),
      })
      .describe('How people call it.'),
    side: z
      .enum(['acquirer', 'issuer'])
      .describe(
        'issuer: requests go out over it, and we dial. acquirer: a merchant centre dials us, and requests come in.',
      ),
    kind: z
      .enum([...linkKinds.acquirer, ...linkKinds.issuer])
      .describe('What is at the far end; the first four are centres, the others issuers.'),
    profile: linkProfileSchema.describe('What the two sides say and how they write it.'),
    address: z
      .strictObject({
        host: z.string().min(1).max(253).describe('A name or an address.'),
        port: z.int().min(1).max(65_535).describe('TCP.'),
      })
      .exactOptional()
      .describe('Where an issuer listens; the emulated one of the house where it is absent.'),
    parties: z
      .strictObject({
        own: institution.describe('Our institution (DE94 of what we send).'),
        far: institution.describe('That of the far side (DE93 of what we send).'),
        acquirers: z
          .array(institution)
          .max(64)
          .default([])
          .describe('The acquirers (DE32) that a centre may speak for.'),
      })
      .describe('Who speaks to whom in network management.'),
    session: z
      .strictObject({
        signOn: z.enum(['ours', 'theirs', 'none']).default('ours').describe('Which side signs on.'),
        keys: z
          .enum(['ours', 'theirs', 'none'])
          .default('ours')
          .describe('Which side makes the working keys of a connection.'),
        keyChangeMs: z
          .int()
          .min(0)
          .max(86_400_000)
          .default(86_400_000)
          .describe('A key that has been in force for so long is changed on the running connection; 0 for never.'),
        encrypt: z
          .boolean()
          .default(false)
          .describe(
            'Whether each whole message is enciphered under the data key of the zone, as soon as there is one.',
          ),
        dialMs: milliseconds.default(5_000).describe('So long a connection may take to be made.'),
        signOnMs: milliseconds.default(5_000).describe('So long after it the sign-on may take.'),
        reconnect: z
          .strictObject({
            firstMs: milliseconds.describe('Before the first try.'),
            factor: z.number().min(1).max(10).describe('So many times longer each time.'),
            mostMs: milliseconds.describe('No longer than that.'),
          })
          .default({ firstMs: 250, factor: 2, mostMs: 30_000 })
          .describe('How soon a lost connection is dialled again.'),
      })
      .prefault({})
      .describe('How the two sides come together.'),
    connections: z
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe('Connections that are kept open at once (issuer), or may be (acquirer).'),
    inFlightMax: z
      .int()
      .min(1)
      .max(4_096)
      .default(256)
      .describe('Requests that may wait for an answer at once, over all connections.'),
    advices: z
      .array(z.enum(['1120', '1220']))
      .default(['1120', '1220'])
      .describe(
        'Advices that a centre may bring of what it decided itself: offline, by voice, or for the issuer. A completion is a 1220.',
      ),
    verificationElement: z
      .int()
      .min(60)
      .max(63)
      .nullable()
      .default(63)
      .describe(
        'The private element in which an issuer is told of a signature beside a PIN; null where it wants to hear none.',
      ),
    batch: z
      .strictObject({
        perSecond: z.number().min(0.1).max(1_000).default(50).describe('Requests a second.'),
        inFlightMax: z.int().min(1).max(64).default(4).describe('Of them without an answer.'),
      })
      .prefault({})
      .describe('At which pace an issuer is asked about what comes in files, beside the sales of the day.'),
    frameDeadlineMs: milliseconds
      .default(5_000)
      .describe('A frame that was begun has to be complete within this time.'),
    unreadable: z
      .enum(['answer', 'close'])
      .default('answer')
      .describe(
        'What becomes of bytes that are no message: an answer with 904, or the end of the connection; that in any case where too little of them can be read for an answer.',
      ),
    calendar: z
      .strictObject({
        cutover: z
          .string()
          .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
          .default('00:00')
          .describe('When it begins, in the time of the link.'),
        offsetMinutes: z.int().min(-720).max(840).default(540).describe('That time against UTC; 540 is Japan.'),
        stamped: z.boolean().default(true).describe('Whether DE28 tells the day on every message.'),
        reconcileAfterMinutes: z
          .int()
          .min(0)
          .max(1_440)
          .default(30)
          .describe(
            'Minutes after the cut-over at which the day that ended is reconciled by itself; 0 for by hand alone.',
          ),
      })
      .prefault({})
      .describe('The business day of the link.'),
  })
  .refine(({ side, kind }) => linkKinds[side].some((known) => known === kind), { path: ['kind'] });

/** What a link file may hold, for its JSON Schema (`docs/wire/schemas/link.schema.json`): as `parseLink` reads it. */
export const linkFile = z
  .strictObject({
    ...linkSchema.shape,
    profile: z
      .union([z.enum(linkProfileNames), linkProfileSchema])
      .describe('A shipped profile by name, or one of its own.'),
  })
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
