import { z } from 'zod';
import { settingValues } from './configuration.ts';
import { contact } from './contact.ts';
import { heldKey } from './held-key.ts';
import { saleResult } from './job.ts';
import { jobReport } from './job-kinds.ts';
import { layerHashes } from './layers.ts';
import { signedDocument } from './signed.ts';
import { setAsideRecord } from './trouble.ts';

const hash = z
  .string()
  .regex(/^[0-9a-f]{0,64}$/)
  .describe('What the values are told apart by (`configurationHash`): hex; empty before the first.');

const count = z.number().int().nonnegative().max(100_000);

export const hello = z
  .object({
    model: z.string().max(32).describe('Model id of the catalogue.'),
    software: z
      .object({
        version: z.string().max(32).describe('Version of the software.'),
        slot: z.enum(['A', 'B']).describe('The slot that it booted from.'),
      })
      .describe('What it runs.'),
    hardware: z.string().min(1).max(32).optional().describe('Revision of its hardware.'),
    battery: z.number().min(0).max(100).optional().describe('Charge of its battery, per cent; absent without one.'),
    configuration: z
      .object({
        version: z.number().int().nonnegative().describe('Version in force.'),
        hash,
        layers: layerHashes.optional(),
        answers: hash.optional().describe('Hash of the desired configuration that `drift` is about.'),
        drift: z
          .string()
          .max(64)
          .optional()
          .describe('Why the desired one is not in force: a code of the error table.'),
      })
      .describe('Version and hash of the configuration in force; 0 and "" before the first.'),
    keys: z.array(heldKey).max(16).describe('The keys that it holds, one a slot.'),
    negative: z
      .array(
        z.object({
          list: z.string().max(32).describe('Name of the negative list.'),
          version: z.number().int().nonnegative().describe('Version of its snapshot; 0 before the first.'),
          overlaySeq: z.number().int().nonnegative().describe('Sequence number of the newest emergency entry.'),
          freshAt: z
            .number()
            .int()
            .nonnegative()
            .describe("Terminal's time at which what it applies last equalled a signed head."),
        }),
      )
      .max(16)
      .describe('The negative lists that it holds.'),
    tampered: z
      .object({
        at: z.number().int().nonnegative().describe("Terminal's time, milliseconds since 1970."),
        sensor: z.string().max(32).describe('Which sensor spoke.'),
      })
      .optional()
      .describe('The case was opened or broken: the keys are gone for good, and none will be taken.'),
    setAside: z
      .array(setAsideRecord)
      .max(16)
      .optional()
      .describe('Damaged records that it set aside, the newest of them; it goes on without them.'),
    waiting: z
      .object({
        reversals: count.describe('Reversals that the switch still has to take.'),
        advices: count.describe('Advices that the switch still has to take.'),
        sales: count.describe('Sales that the fleet server still has to hear of.'),
      })
      .optional()
      .describe('What it has not delivered yet: who scraps it has to answer for that.'),
    cards: z
      .array(z.string().max(40))
      .max(64)
      .describe('Names of the cards in the emulated reader; empty on a real one.'),
    parent: z.string().max(32).optional().describe("The parent that carries this terminal's messages."),
    cardKeys: z
      .array(
        z.object({
          rid: z
            .string()
            .regex(/^[0-9A-F]{10}$/)
            .describe('Whose key, RID.'),
          index: z
            .string()
            .regex(/^[0-9A-F]{2}$/)
            .describe('Its index (8F).'),
          expiry: z.iso.date().describe('The last day on which it is used.'),
        }),
      )
      .max(16)
      .optional()
      .describe('Of the CA keys that it tells genuine chips by, the next of each scheme to end, or the last that did.'),
    trust: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Version of the trust anchors that it holds; 1 when absent.'),
  })
  .describe('Birth: everything the server needs to see whether there is work for this terminal.');
export type Hello = z.infer<typeof hello>;

export const presence = z
  .object({
    state: z
      .enum(['ready', 'lost', 'disconnected'])
      .describe('`ready` is said at birth, `lost` by the last will, `disconnected` before it goes on purpose.'),
  })
  .describe('Retained. The last will carries the same boot sequence, so a stale will is recognised.');

export const twinReport = z
  .object({
    base: z.number().int().nonnegative().describe('Version of the desired configuration that this answers.'),
    answers: hash.default('').describe('Hash of the desired configuration that this answers.'),
    version: z.number().int().nonnegative().describe('Version in force.'),
    hash,
    layers: layerHashes.optional(),
    values: settingValues,
    drift: z.string().max(64).optional().describe('Why the desired one is not in force: a code of the error table.'),
    field: z.string().max(40).optional().describe('The setting that is at fault.'),
    unknown: z
      .array(z.string().max(40))
      .max(128)
      .optional()
      .describe('Settings that are kept and not honoured: the software does not know them.'),
    local: z
      .object({
        by: z.string().max(40).describe('The technician, as entered.'),
        at: z.number().int().nonnegative().describe("When, by the terminal's clock, milliseconds since 1970."),
        settings: z.array(z.string().max(40)).max(128).describe('What was changed.'),
      })
      .optional()
      .describe('What a technician changed at the terminal.'),
  })
  .describe(
    'Reported configuration: what is in force now, whole, and why the desired one is not when it is not. The newest by boot and sequence of its envelope counts, in whatever order they arrive.',
  );
export type TwinReport = z.infer<typeof twinReport>;

export const request = z
  .discriminatedUnion('pull', [
    z.object({ pull: z.literal('twin') }),
    z.object({ pull: z.literal('job') }),
    z.object({ pull: z.literal('cancellation') }),
    z.object({ pull: z.literal('time') }),
  ])
  .describe('A pull.');
export type Request = z.infer<typeof request>;

export const response = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('twin'),
      version: z.number().int().nonnegative().describe('Version of the desired configuration.'),
      hash: hash.describe('Hash of the values: what arrived is compared with it.'),
      layers: layerHashes.optional(),
      values: settingValues,
    }),
    z
      .object({
        kind: z.literal('job'),
        order: signedDocument.nullable().describe('The signed order; its payload is a `jobOrder`.'),
      })
      .describe('The next job, or null when there is none.'),
    z.object({
      kind: z.literal('time'),
      now: z.number().int().nonnegative().describe("The server's time of day, milliseconds since 1970."),
    }),
    z
      .object({
        kind: z.literal('acknowledged'),
        job: z.string().max(64).describe('Id of the job.'),
        state: z.string().max(16).describe('The state that was reported.'),
      })
      .describe('A job report is on disk: the terminal may forget it.'),
    z
      .object({
        kind: z.literal('refused'),
        code: z.string().max(64).describe('Code of the error table.'),
        field: z.string().max(64).optional().describe('The property that is at fault.'),
      })
      .describe('The request was understood and refused, or not understood.'),
  ])
  .describe('The answer to a pull or to a job report.');
export type Response = z.infer<typeof response>;

export const notify = z
  .object({
    configuration: z
      .number()
      .int()
      .nonnegative()
      .optional()
      .describe("Version of the desired configuration, when it is another than the terminal's."),
    jobs: z.number().int().nonnegative().optional().describe('How many jobs wait.'),
    trust: z
      .number()
      .int()
      .positive()
      .optional()
      .describe("Version of the trust anchors, when it is above the terminal's."),
    contact: contact.optional(),
    hello: z
      .literal(true)
      .optional()
      .describe('Say hello at once: what it is to hold has changed, and what it shows decides what it is ordered.'),
  })
  .describe('"You have work." Small, and losing it costs only time: hello makes up for it.');
export type Notify = z.infer<typeof notify>;

export const saleEvent = z
  .object({
    at: z.number().int().nonnegative().describe("When it ended by the terminal's clock, milliseconds since 1970."),
    sale: saleResult,
  })
  .describe('A sale that a terminal ended, whoever decided it.');
export type SaleEvent = z.infer<typeof saleEvent>;

export const alarmEvent = z
  .object({
    at: z.number().int().nonnegative().describe("When, by the terminal's clock, milliseconds since 1970."),
    code: z.string().max(64).describe('Code of the error table.'),
    detail: z.string().max(200).optional().describe('More about it, without a secret.'),
  })
  .describe('An alarm of the terminal itself.');
export type AlarmEvent = z.infer<typeof alarmEvent>;

/** The schema of a body by its envelope's `ct`. All of W1 is here: the documents in `docs/wire` are made of it. */
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
} as const;
export type MessageName = keyof typeof messages;
