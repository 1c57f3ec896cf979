import { z } from 'zod';
import { serialSchema } from './identity.ts';
import { page } from './page.ts';
import { queryText } from './query.ts';

/**
 * Why a terminal has not got what it should have, in the order in which a cause decides: what needs a person, or makes all
 * else idle, comes first; what passes by itself comes last. `wait`: how it ends.
 */
export const causes = {
  TERMINAL_UNKNOWN: { wait: 'person' },
  TARGET_UNKNOWN: { wait: 'person' },
  DONE: { wait: 'none' },
  CAMPAIGN_NONE: { wait: 'person' },
  NOT_IN_COHORT: { wait: 'person' },
  LIFECYCLE: { wait: 'person' },
  TAMPERED: { wait: 'person' },
  NEVER_ENROLLED: { wait: 'person' },
  CERTIFICATE_ENDED: { wait: 'person' },
  CAMPAIGN_REJECTED: { wait: 'person' },
  CAMPAIGN_PROPOSED: { wait: 'person' },
  GATE_FAILED: { wait: 'person' },
  CAMPAIGN_ABORTED: { wait: 'person' },
  CAMPAIGN_ENDED: { wait: 'person' },
  FAILED: { wait: 'person' },
  MODEL_WITHOUT_IMAGE: { wait: 'person' },
  HARDWARE_UNFIT: { wait: 'person' },
  MODEL_CANNOT: { wait: 'person' },
  ALREADY_NEWER: { wait: 'person' },
  NOT_ATTESTED: { wait: 'person' },
  SOFTWARE_EXPIRED: { wait: 'person' },
  BEYOND_MODEL: { wait: 'person' },
  SETTING_OVERRIDDEN: { wait: 'person' },
  SETTING_CONTRADICTS: { wait: 'person' },
  DRIFT: { wait: 'person' },
  KEY_SLOT_EMPTY: { wait: 'other' },
  CAMPAIGN_PAUSED: { wait: 'person' },
  CAMPAIGN_NOT_STARTED: { wait: 'time' },
  GOES_BACK: { wait: 'other' },
  OTHER_CAMPAIGN_FIRST: { wait: 'other' },
  PREREQUISITE: { wait: 'other' },
  BATTERY_LOW: { wait: 'other' },
  NOT_IDLE: { wait: 'time' },
  RING_NOT_OPEN: { wait: 'other' },
  OFFLINE: { wait: 'other' },
  JOB_OPEN: { wait: 'other' },
  RETRY: { wait: 'time' },
  WINDOW_CLOSED: { wait: 'time' },
  PACE: { wait: 'time' },
  NEXT: { wait: 'time' },
} as const satisfies Record<string, { readonly wait: 'none' | 'person' | 'time' | 'other' }>;
/** A name in `causes`. */
export type CauseCode = keyof typeof causes;
/** The names in `causes`, in their order. */
export const causeCodes = Object.keys(causes) as readonly CauseCode[] as readonly [CauseCode, ...CauseCode[]];

const time = z.iso.datetime().describe('RFC 3339, UTC.');

/** What somebody asks about. */
export const whyTarget = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('campaign').describe('A campaign.'), id: z.string().max(64).describe('Its id.') }),
    z.object({
      kind: z.literal('software').describe('A version.'),
      version: z.string().max(32).describe('The version.'),
    }),
    z.object({ kind: z.literal('configuration').describe('The desired configuration.') }),
    z.object({
      kind: z.literal('key').describe('A key.'),
      slot: z.string().max(32).describe('The slot. One that a terminal does not have is `TARGET_UNKNOWN`.'),
    }),
  ])
  .describe('What a terminal should have.');
/** What somebody asks about. */
export type WhyTarget = z.infer<typeof whyTarget>;

/** The most terminals of one answer. */
export const whyTerminalsMax = 10_000;
/** Asks why terminals have not got something. */
export const askWhy = z
  .strictObject({
    target: whyTarget,
    serials: z.array(serialSchema).min(1).max(whyTerminalsMax).optional().describe('About whom; or `where`.'),
    where: queryText
      .optional()
      .describe('About whom, as a query of campaigns, in the order in which they came; empty is everybody.'),
    cursor: z
      .string()
      .regex(/^\d{1,15}$/)
      .optional()
      .describe('`next` of the answer before, of the same query.'),
    limit: z
      .int()
      .min(1)
      .max(whyTerminalsMax)
      .default(whyTerminalsMax)
      .describe('The most terminals of this answer, of a query.'),
  })
  .refine(({ serials, where }) => (serials === undefined) !== (where === undefined), {
    path: ['serials'],
    message: 'either serials or where',
  })
  .describe('Asks why terminals have not got something.');
/** Asks why terminals have not got something. */
export type AskWhy = z.infer<typeof askWhy>;

/** One cause. */
export const cause = z
  .object({
    code: z.enum(causeCodes).describe('What stands in the way.'),
    facts: z.record(z.string(), z.union([z.string(), z.number()])).describe('What belongs to it, by name.'),
    until: time.nullable().describe('When it passes, where that is known.'),
  })
  .describe('One cause.');
/** One cause. */
export type Cause = z.infer<typeof cause>;

/** An answer about one terminal. */
export const why = z
  .object({
    serial: serialSchema,
    causes: z
      .array(cause)
      .describe('All that stands in the way, the deciding one first; `DONE` alone when nothing does.'),
    nextTryAt: time
      .nullable()
      .describe('When it is tried next at the earliest; null while that hangs on a person or on the terminal.'),
  })
  .describe('Why a terminal has not got something.');
/** An answer about one terminal. */
export type Why = z.infer<typeof why>;

/** Answers about terminals, in the order of the question. */
export const whyAnswer = page(why).describe('Answers, one a terminal.');
