import { z } from 'zod';

/** Names and figures that may be shown to anybody. */
const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional();
const hexText = z.string().regex(/^([0-9A-F]{2})*$/);

/** A text in both languages. */
export const bilingual = z.object({ en: z.string(), ja: z.string() });

/** A reader, as the bridge found it. */
export const readerSeen = z.object({
  id: z.string(),
  vendorId: z.number(),
  productId: z.number(),
  /** What the family's driver calls it; absent when it could not be opened. */
  name: z.string().optional(),
  kind: z.enum(['contact', 'contactless', 'stripe', 'felica', 'other']).optional(),
  /** Why it cannot be used. */
  code: z.string().optional(),
});
export type ReaderSeen = z.infer<typeof readerSeen>;

/** An application of a card, as the directory or selection told it. Nothing of the account. */
export const applicationSeen = z.object({
  aid: hexText,
  label: z.string().optional(),
  name: bilingual.optional(),
  priority: z.number().optional(),
});
export type ApplicationSeen = z.infer<typeof applicationSeen>;

/** What lies in a reader. */
export const cardSeen = z.object({
  atr: hexText,
  /** The ATR explained, a line each. */
  explained: z.array(bilingual).max(40),
  applications: z.array(applicationSeen).max(40),
});
export type CardSeen = z.infer<typeof cardSeen>;

/** How a step of a script ended. */
export const stepVerdicts = ['passed', 'failed', 'skipped'] as const;

/** One step of a self-test or a certification. */
export const stepResult = z.object({
  step: z.string(),
  title: bilingual,
  /** What the step is held to, such as "CCID 1.1, 6.1.1". */
  clause: z.string(),
  verdict: z.enum(stepVerdicts),
  /** Of the error table, when a fault was met. */
  code: z.string().optional(),
  /** What was met: a value that stands for itself, or a sentence. */
  detail: z.union([z.string().max(400), bilingual]).optional(),
  tookMs: z.number().optional(),
});
export type StepResult = z.infer<typeof stepResult>;

/**
 * What the bridge program says on its standard output, one JSON object a line: the wire between it and whoever started it.
 */
export const bridgeEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('ready') }),
  z.object({
    event: z.literal('failed'),
    code: z.string(),
    field: z.union([z.string(), z.number()]).optional(),
    facts,
  }),
  // Readers lent over USB/IP.
  z.object({
    event: z.literal('exported'),
    reader: z.string(),
    busId: z.string(),
    host: z.string(),
    port: z.number(),
    vendorId: z.number(),
    productId: z.number(),
  }),
  z.object({ event: z.enum(['imported', 'released']), busId: z.string(), peer: z.string() }),
  z.object({ event: z.literal('clientRefused'), peer: z.string(), code: z.string() }),
  z.object({ event: z.enum(['cardInserted', 'cardRemoved']), card: z.string() }),
  z.object({ event: z.enum(['cablePulled', 'cablePlugged']), busId: z.string() }),
  z.object({ event: z.literal('faultSet'), fault: z.string() }),
  z.object({ event: z.literal('commandUnknown'), says: z.string() }),
  // Cards lent to pcscd or QEMU.
  z.object({ event: z.enum(['cardConnected', 'cardDisconnected']), peer: z.string() }),
  z.object({ event: z.literal('cardPower'), power: z.enum(['on', 'off', 'reset']) }),
  z.object({ event: z.literal('cardCommand'), instruction: z.string(), sw: z.string() }),
  // Readers looked at.
  z.object({ event: z.enum(['readerFound', 'readerGone']), reader: readerSeen }),
  z.object({ event: z.literal('slotEmpty'), reader: z.string() }),
  z.object({ event: z.literal('cardFound'), reader: z.string(), card: cardSeen }),
  z.object({ event: z.literal('cardUnread'), reader: z.string(), code: z.string(), facts }),
  z.object({ event: z.literal('listed'), readers: z.number() }),
  // Scripts.
  z.object({ event: z.literal('scriptStarted'), script: z.string(), reader: z.string(), steps: z.number() }),
  z.object({ event: z.literal('step'), result: stepResult }),
  z.object({ event: z.literal('askedOfPerson'), ask: z.enum(['insertCard', 'removeCard']) }),
  z.object({
    event: z.literal('scriptEnded'),
    script: z.string(),
    reader: z.string(),
    passed: z.number(),
    failed: z.number(),
    skipped: z.number(),
    /** SHA-256 of the trace of the session. */
    traceHash: z.string().optional(),
  }),
  z.object({
    event: z.literal('recorded'),
    file: z.string(),
    steps: z.number(),
    sealed: z.boolean(),
    hash: z.string(),
  }),
  z.object({ event: z.literal('replayed'), file: z.string(), steps: z.number(), hash: z.string() }),
  z.object({
    event: z.literal('attested'),
    file: z.string(),
    kid: z.string(),
    runs: z.number(),
    passed: z.number(),
    failed: z.number(),
    /** Readers that were tried in earnest with enough cards, and how many of them were needed. */
    readers: z.number().default(1),
    readersNeeded: z.number().default(1),
    cardsNeeded: z.number().default(1),
  }),
  z.object({
    event: z.literal('attestationOpened'),
    kid: z.string(),
    bridgeVersion: z.string(),
    madeAt: z.string(),
    runs: z.number(),
    passed: z.number(),
    failed: z.number(),
    isTrusted: z.boolean(),
  }),
]);
export type BridgeEvent = z.infer<typeof bridgeEvent>;
