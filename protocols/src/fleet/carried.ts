import { z } from 'zod';
import { jobIdSchema, serialSchema } from './identity.ts';
import { jobReport, jobTypeSchema, type JobType } from './job-kinds.ts';
import { signedDocument } from './signed.ts';

/**
 * Kinds whose order has all that the terminal needs: somebody can carry it to one that has no line, and carry back what came of it. The others
 * ask the server something, or have somebody stand by with a card.
 */
export const carriedKinds: readonly JobType[] = [
  'key.load',
  'key.erase',
  'terminal.wipe',
  'terminal.diagnose',
  'terminal.reboot',
  'terminal.test',
  'slip.print',
  'trace.show',
];

/** The most terminals of one file. */
export const carriedTerminalsMax = 100;
/** The most orders of one terminal: as many as may wait for it. */
export const carriedOrdersMax = 40;

export const carriedJobs = z
  .object({
    serial: serialSchema,
    orders: z
      .array(
        z.object({
          job: jobIdSchema,
          type: jobTypeSchema,
          until: z.iso.datetime().describe('The order has no effect after this.'),
          document: signedDocument.describe(
            'The order, purpose `tsunagu-job-v1`: the same that the terminal would pull.',
          ),
        }),
      )
      .max(carriedOrdersMax),
    left: z.array(jobTypeSchema).max(carriedOrdersMax).describe('Kinds that wait as well, and cannot be carried.'),
  })
  .describe('What waits for one terminal, to be carried to it.');
export type CarriedJobs = z.infer<typeof carriedJobs>;

export const carryJobs = z
  .object({ serials: z.array(serialSchema).min(1).max(carriedTerminalsMax) })
  .describe('Hands out what waits for these terminals. It may be done again: an order has its effect once.');
export const carriedJobsOfMany = z.object({ items: z.array(carriedJobs) }).describe('Jobs to be carried, by terminal.');

/** What a terminal signs for whoever carries its word, parsed out of the text. */
export const carriedStatement = z.object({
  purpose: z.literal('tsunagu-carried-report-v1'),
  serial: serialSchema,
  job: jobIdSchema,
  report: jobReport,
});

export const carriedReport = z
  .object({
    statement: z
      .string()
      .max(65_536)
      .describe('JSON, exactly as it was signed: purpose `tsunagu-carried-report-v1`, serial, job, report.'),
    signature: z
      .string()
      .regex(/^[A-Za-z0-9+/]+=*$/)
      .max(200)
      .describe('ECDSA with SHA-256 over the statement, by the device key of its certificate: DER, base64.'),
  })
  .describe('What a terminal says of a job, signed for whoever carries it to the server.');
export type CarriedReport = z.infer<typeof carriedReport>;

/** The file that `tsunagu job carry` writes. */
export const carriedJobsFile = z.object({ format: z.literal('tsunagu-carried-jobs-v1'), items: z.array(carriedJobs) });
/** The file that a terminal hands back. */
export const carriedReportsFile = z.object({
  format: z.literal('tsunagu-carried-reports-v1'),
  reports: z.array(carriedReport).max(carriedTerminalsMax * carriedOrdersMax),
});
/** The longest file, characters. */
export const carriedCharactersMax = 64 * 1024 * 1024;

export const takeReports = z
  .object({
    reports: z
      .array(carriedReport)
      .min(1)
      .max(carriedOrdersMax * 10),
  })
  .describe('Reports that somebody carried here.');
export const takenReports = z
  .object({
    items: z.array(
      z.object({
        serial: z.string().describe('Empty where the statement is none.'),
        job: z.string(),
        ok: z.boolean().describe('Whether the report is on disk; also where it changed nothing.'),
        code: z.string().nullable().describe('Why not: a code of the error table.'),
        state: z.string().nullable().describe('How far the job is now.'),
      }),
    ),
  })
  .describe('What became of each report, in their order.');
