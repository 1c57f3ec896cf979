import { z } from 'zod';
import { claimBundle } from './device-api.ts';
import { serialSchema } from './identity.ts';
import { jobState } from './job-kinds.ts';
import {
  jobQuery,
  linkState,
  place,
  startPayment,
  startSlip,
  startTestSale,
  startTotals,
  startTrace,
  terminalSummary,
} from './management.ts';
import { logPull, noParams } from './maintenance.ts';

const tag = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,31}$/u)
  .describe('A label: up to 32 letters, digits, ".", "_" and "-".');

/** What terminals are looked for by: in lists as a query, in bulk as targets. */
export const terminalFilter = {
  model: z.string().max(32).optional().describe('Model id of the catalogue.'),
  link: linkState.optional(),
  merchant: z.string().max(60).optional().describe('Name of the merchant.'),
  shop: z.string().max(60).optional().describe('Name of the shop.'),
  parent: serialSchema.optional().describe('Serial of the parent.'),
  tag: tag.optional(),
  search: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,32}$/)
    .optional()
    .describe('What the serial begins with.'),
};
/** By what a list of terminals is put in order; `-` in front turns it round. */
export const terminalSorts = ['serial', '-serial', 'registered', '-registered'] as const;

/** The most terminals of one request in bulk. */
export const bulkTargetsMax = 10_000;
/** What makes a terminal do something, or ends its certificate. */
export const bulkActsMax = 1_000;

/** What may be ordered of many terminals at once. */
export const jobOfMany = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('sale.test'), params: startTestSale }),
  z.strictObject({ type: z.literal('payment.run'), params: startPayment }),
  z.strictObject({ type: z.literal('payment.totals'), params: startTotals }),
  z.strictObject({ type: z.literal('slip.print'), params: startSlip }),
  z.strictObject({ type: z.literal('trace.show'), params: startTrace }),
  // Another software needs a campaign, and a wipe a second person for each.
  z.strictObject({ type: z.literal('configuration.apply'), params: noParams }),
  z.strictObject({ type: z.literal('certificate.renew'), params: noParams }),
  z.strictObject({ type: z.literal('negative.fetch'), params: noParams }),
  z.strictObject({ type: z.literal('terminal.diagnose'), params: noParams }),
  z.strictObject({ type: z.literal('terminal.test'), params: noParams }),
  z.strictObject({ type: z.literal('terminal.reboot'), params: noParams }),
  z.strictObject({ type: z.literal('log.pull'), params: logPull }),
]);

/** What may be ordered of many terminals at once. */
export type JobOfMany = z.input<typeof jobOfMany>;

export const bulkAction = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('status') }).describe('Read how each stands.'),
    z.strictObject({ type: z.literal('place'), place }).describe('Say where they stand.'),
    z
      .strictObject({
        type: z.literal('tags'),
        add: z.array(tag).max(20).default([]).describe('Labels to put on.'),
        remove: z.array(tag).max(20).default([]).describe('Labels to take off.'),
      })
      .describe('Label them.'),
    z
      .strictObject({ type: z.literal('revoke') })
      .describe('End their certificates, on live connections too. More than 10 within a day wait for a second person.'),
    z
      .strictObject({ type: z.literal('job'), job: jobOfMany })
      .describe('Have each do something: what a payment is about, or maintenance. Software goes by campaigns.'),
  ])
  .describe('What is done to each.');
export const bulkRequest = z
  .strictObject({
    targets: z
      .union([
        z.strictObject({ serials: z.array(serialSchema).min(1).max(bulkTargetsMax) }),
        z.strictObject({ query: z.strictObject(terminalFilter) }),
      ])
      .describe('Which terminals: these, or whatever a filter finds now.'),
    action: bulkAction,
    dryRun: z.boolean().default(false).describe('Say what would be done, and do nothing.'),
  })
  .describe('One thing for many terminals. Each has its own outcome; one that fails stops no other.');

const outcome = {
  ok: z.boolean().describe('Whether it was, or would be, done.'),
  code: z.string().nullable().describe('Code of the error table when it was not.'),
};
const totals = {
  dryRun: z.boolean().describe('Nothing was done.'),
  total: z.number().int().describe('How many there were.'),
  succeeded: z.number().int().describe('For how many it went well.'),
  failed: z.number().int().describe('For how many it did not.'),
};
export const bulkAnswer = z
  .object({
    ...totals,
    approval: z
      .string()
      .optional()
      .describe('Nothing is done yet: the request that a second person has to approve. In a dry run it is empty.'),
    items: z
      .array(
        z.object({
          serial: serialSchema,
          ...outcome,
          job: z.string().optional().describe('Id of the job.'),
          terminal: terminalSummary.optional().describe('How it stands, where that was asked.'),
        }),
      )
      .describe('One outcome each, in the order of the targets.'),
  })
  .describe('What became of it.');

export const heldRevocation = z
  .object({ approval: z.string().describe('The request that a second person has to approve: nothing is revoked yet.') })
  .describe('A revocation that waits for a second person.');

export const importTerminals = z
  .strictObject({
    csv: z
      .string()
      .max(1_048_576)
      .describe('CSV (RFC 4180) with a head: serial, model, merchant, shop; and lane, parent, relayPort where wanted.'),
    dryRun: z.boolean().default(false).describe('Say what would be done, and do nothing.'),
  })
  .describe('Terminals to be put on the inventory, 2,000 at most.');
export const importedTerminals = z
  .object({
    ...totals,
    items: z
      .array(
        z.object({
          line: z.number().int().describe('Line of the file, counted from 1.'),
          serial: z.string().describe('Serial, as far as the line has one.'),
          ...outcome,
          field: z.string().nullable().describe('The column at fault.'),
          claim: claimBundle.optional().describe('What the terminal enrols with, shown this once.'),
        }),
      )
      .describe('One outcome each, in the order of the file.'),
  })
  .describe('What became of an import.');

/** The most jobs that one request takes back; ask again for the rest. */
export const jobsCancelledMax = 1_000;
export const cancelJobs = z
  .strictObject({
    ...jobQuery.pick({ serial: true, type: true, state: true, reference: true }).shape,
    dryRun: z.boolean().default(false).describe('Say which would be taken back, and do nothing.'),
  })
  .refine(({ serial, type, state, reference }) => [serial, type, state, reference].some((one) => one !== undefined), {
    path: ['reference'],
    message: 'by something',
  })
  .describe('Open jobs to be taken back: all to which what is given applies. At least one of them has to be.');
/** Open jobs to be taken back. */
export type CancelJobs = z.input<typeof cancelJobs>;
export const cancelledJobs = z
  .object({
    ...totals,
    hasMore: z.boolean().describe('There are more than one request takes: ask again.'),
    items: z
      .array(
        z.object({
          job: z.string().describe('Id of the job.'),
          serial: serialSchema,
          type: z.string().describe('What kind of job.'),
          state: jobState.describe('Where it stands now. One that the terminal may have is asked back.'),
          ...outcome,
        }),
      )
      .describe('One outcome each, newest first.'),
  })
  .describe('What became of it.');
