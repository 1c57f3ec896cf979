import type { DukptScheme } from '../dukpt/index.ts';
import { compileProfile, type FrameFormat, type MessageCodec } from '../iso8583/index.ts';

/**
 * Link profiles: what two sides agree on, as data. The figures of `terminalLink` are for both ends of W3, those of
 * `issuerLink` for both ends of W4. Another network is another profile, never another branch in code.
 */

/** W3: terminal ↔ switch. */
export const terminalLink = {
  id: 'terminal-93',
  dialect: 'iso93-bcdR-binbm',
  /** The most a frame may hold after its length, bytes: a message of 1,999 and what wraps it, rounded up. */
  frameLengthMax: 2_048,
  /** A frame that was begun has to be complete within this time. */
  frameDeadlineMs: 5_000,
  /** A connection on which nothing was said for so long is ended; the terminal connects again when it has a sale. */
  idleMs: 300_000,
  /** Requests of one connection that may be in hand at once. */
  inFlightMax: 8,
  /** Our institution: DE32 towards the issuer and the acquirer part of DE56. */
  acquirerId: '39200012345',
  /** Elements that make a request unique, together with the terminal: STAN and local time. */
  keyElements: [11, 12],
  /** Elements of the request that its answer repeats unchanged. The PAN stays away: the terminal knows it. */
  echoElements: [3, 4, 7, 11, 12, 41, 42, 49],
  /** The most that may be posted of an authorisation, per cent: the network's bound; a terminal's own may be lower. */
  completionPercentMax: 120,
  /** Currency of the house: yen, which has no minor unit. */
  currency: '392',
  /** Where the house is. ISO 3166-1. */
  country: '392',
} as const;

/** W4: switch ↔ card company. */
export const issuerLink = {
  id: 'card-company-1',
  name: { en: 'Card company 1 (emulated)', ja: '模擬カード会社1' },
  dialect: 'iso93-ascii-binbm',
  frameLengthMax: 4_096,
  frameDeadlineMs: 5_000,
  acquirerId: terminalLink.acquirerId,
  /** DE93/94 of network management. */
  switchId: '39200012345',
  issuerId: '39200088001',
  echoElements: [3, 4, 7, 11, 12, 32, 37, 41, 42, 49],
  /** An answer belongs to the request with the same class and these elements. */
  matchElements: [11, 12, 32],
  /** AES-CMAC, leftmost 8 bytes, in DE64 (DE128 when there is a secondary bitmap), over everything before it. */
  mac: { lengthBytes: 8 },
  timers: {
    dialMs: 5_000,
    signOnMs: 5_000,
    /** How long the issuer may take. Shorter than the terminal's own patience (8 s), so that 911 still reaches it. */
    requestMs: 5_000,
    /** Silence after which the line is tried with 831. */
    echoAfterMs: 60_000,
    echoMs: 5_000,
    /** Echoes without an answer after which the line counts as dead. */
    echoesMissedMax: 2,
    /** Pauses between attempts to connect. */
    reconnect: { firstMs: 250, factor: 2, mostMs: 30_000 },
    /** Pauses between attempts to deliver a reversal; after `attemptsBeforeAlarm` an operator is told, and it goes on. */
    reversal: { firstMs: 2_000, factor: 2, mostMs: 300_000, attemptsBeforeAlarm: 6 },
  },
  /** Requests that may wait for an answer at once. */
  inFlightMax: 256,
} as const;

/** DE101 of a file action that changes the list of refused cards: our name for it, since networks name their files themselves. */
export const negativeFileName = 'NEGATIVE';

/** How frames of W3 are told from each other. */
export const terminalFrame: FrameFormat = { prefix: 'bin2be', maxLengthBytes: terminalLink.frameLengthMax };

/** How frames of W4 are told from each other. */
export const issuerFrame: FrameFormat = { prefix: 'bin2be', maxLengthBytes: issuerLink.frameLengthMax };

/** DE52 on both links: a PIN block of format 4 is one AES block (ISO 9564-1:2017, 9.4); ISO 8583:1993 knew blocks of eight bytes, as TDES has them. */
const fieldOverrides = { 52: { type: 'b', kind: 'fixed', maxLength: 16 } } as const;

/** Reads and writes the messages inside the frames of W3. */
export const terminalCodec = compileProfile({ dialect: terminalLink.dialect, fieldOverrides });

/** By the keys of the frame: under TDES DUKPT, DE52 is a PIN block of format 0, eight bytes. */
export const terminalCodecs = {
  aes: terminalCodec,
  tdes: /* @__PURE__ */ compileProfile({ dialect: terminalLink.dialect }),
} as const satisfies Record<DukptScheme, MessageCodec>;

/** Reads and writes the messages of W4. */
export const issuerCodec = compileProfile({ dialect: issuerLink.dialect, fieldOverrides });
/** The same with half-width kana (JIS X 0201) in texts, for what lies in the journal: a link whose profile allows them may have brought some. */
export const wideIssuerCodec = compileProfile({ dialect: issuerLink.dialect, fieldOverrides, allow: ['ans-8bit'] });

/** Pause before attempt `attempt` (0 is the first repetition), milliseconds. */
export const backOffMs = (
  plan: { readonly firstMs: number; readonly factor: number; readonly mostMs: number },
  attempt: number,
): number => Math.min(plan.mostMs, plan.firstMs * plan.factor ** Math.min(attempt, 32));
