import { z } from 'zod';
import { configuration } from './configuration.ts';
import { jobReport, keySlot, saleResult } from './job.ts';
import { signedDocument } from './signed.ts';

const hash = z.string().regex(/^[0-9a-f]{0,64}$/);

/** Birth: everything the server needs to see whether there is work for this terminal. */
export const hello = z.object({
  model: z.string().max(32),
  software: z.object({ version: z.string().max(32), slot: z.enum(['A', 'B']) }),
  /** Version and hash of the configuration in force; 0 and "" before the first. */
  configuration: z.object({ version: z.number().int().nonnegative(), hash }),
  keys: z.array(z.object({ slot: keySlot, kcv: z.string().max(10), ksn: z.string().max(24).optional() })).max(16),
  negative: z
    .array(
      z.object({
        list: z.string().max(32),
        version: z.number().int().nonnegative(),
        overlaySeq: z.number().int().nonnegative(),
        /** Terminal's time at which what it applies last equalled a signed head. */
        freshAt: z.number().int().nonnegative(),
      }),
    )
    .max(16),
  /** The case was opened or broken: the keys are gone for good, and none will be taken. */
  tampered: z.object({ at: z.number().int().nonnegative(), sensor: z.string().max(32) }).optional(),
  /** Names of the cards in the emulated reader; empty on a real one. */
  cards: z.array(z.string().max(40)).max(64),
  /** The parent that carries this terminal's messages. */
  parent: z.string().max(32).optional(),
});
export type Hello = z.infer<typeof hello>;

/** Retained. The last will carries the same boot sequence, so a stale will is recognised. */
export const presence = z.object({ state: z.enum(['ready', 'lost', 'disconnected']) });

/** Reported configuration: what is in force now, and why the desired one is not when it is not. */
export const twinReport = z.object({
  base: z.number().int().nonnegative(),
  version: z.number().int().nonnegative(),
  hash,
  values: configuration,
  drift: z.string().max(64).optional(),
});
export type TwinReport = z.infer<typeof twinReport>;

/** A pull. */
export const request = z.discriminatedUnion('pull', [
  z.object({ pull: z.literal('twin') }),
  z.object({ pull: z.literal('job') }),
  z.object({ pull: z.literal('time') }),
]);
export type Request = z.infer<typeof request>;

/** The answer to a pull or to a job report. */
export const response = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('twin'), version: z.number().int().nonnegative(), values: configuration }),
  /** The next job, or null when there is none. */
  z.object({ kind: z.literal('job'), order: signedDocument.nullable() }),
  z.object({ kind: z.literal('time'), now: z.number().int().nonnegative() }),
  /** A job report is on disk: the terminal may forget it. */
  z.object({ kind: z.literal('acknowledged'), job: z.string().max(64), state: z.string().max(16) }),
  /** The request was understood and refused, or not understood. */
  z.object({ kind: z.literal('refused'), code: z.string().max(64), field: z.string().max(64).optional() }),
]);
export type Response = z.infer<typeof response>;

/** "You have work." Small, and losing it costs only time: hello makes up for it. */
export const notify = z.object({
  configuration: z.number().int().nonnegative().optional(),
  jobs: z.number().int().nonnegative().optional(),
});
export type Notify = z.infer<typeof notify>;

/** A sale that a terminal ended, whoever decided it. */
export const saleEvent = z.object({ at: z.number().int().nonnegative(), sale: saleResult });
export type SaleEvent = z.infer<typeof saleEvent>;

/** An alarm of the terminal itself. */
export const alarmEvent = z.object({
  at: z.number().int().nonnegative(),
  code: z.string().max(64),
  detail: z.string().max(200).optional(),
});
export type AlarmEvent = z.infer<typeof alarmEvent>;

/** The schema of a body by its envelope's `ct`. */
export const messages = {
  hello,
  presence,
  twin: twinReport,
  job: jobReport,
  request,
  response,
  notify,
  sale: saleEvent,
  alarm: alarmEvent,
  'negative-head': signedDocument,
} as const;
export type MessageName = keyof typeof messages;
