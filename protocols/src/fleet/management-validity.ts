import { z } from 'zod';
import { validityLineFaults, validityFileLimits, validityVerdictNames } from '../validity/index.ts';

/* W5: files of validity checks. */

const time = z.iso.datetime();
const count = z.number().int().min(0);

/** Paths of validity checks below the management API. */
export const validityPaths = {
  files: '/api/v1/switch/validity-files',
  file: (id: string) => `/api/v1/switch/validity-files/${encodeURIComponent(id)}`,
  answers: (id: string) => `/api/v1/switch/validity-files/${encodeURIComponent(id)}/answers`,
} as const;

/** The body of a file that is handed in. */
export const handInValidity = z
  .object({
    link: z.string().max(31).describe('The link of the merchant centre that made the file.'),
    text: z
      .string()
      .max(validityFileLimits.bytesMax)
      .describe('The file: header, records with sealed cards, trailer (`protocols/src/validity`).'),
  })
  .describe('A file of validity checks. The same file again is the same file: nothing is asked twice.');

export const validityFile = z
  .object({
    id: z.string().describe('Id of the file here.'),
    link: z.string().describe('The link that it came for.'),
    fileId: z.string().describe('Its number by its sender.'),
    acquirer: z.string().describe('For whom it asks (DE32).'),
    state: z.enum(['asking', 'done']).describe('`done`: every card has its answer.'),
    records: count.describe('Cards that were taken.'),
    waiting: count.describe('Cards that still wait for their issuer.'),
    refused: count.describe('Lines that were not taken, and records that no line has.'),
    at: time.describe('When it came.'),
    doneAt: time.nullable().describe('When the last answer was there.'),
  })
  .describe('A file of validity checks.');
export type ValidityFileView = z.infer<typeof validityFile>;

export const validityFileDetail = validityFile
  .extend({
    verdicts: z
      .object(
        Object.fromEntries(validityVerdictNames.map((name) => [name, count])) as Record<
          (typeof validityVerdictNames)[number],
          typeof count
        >,
      )
      .describe('Answered cards by what became of them.'),
    waitingFor: z
      .array(z.object({ link: z.string(), cards: count, isUp: z.boolean() }))
      .describe('Issuer links that cards wait for.'),
    faults: z
      .array(
        z.object({
          code: z.enum(validityLineFaults).describe('Code of the error table.'),
          line: z.number().int().nullable().describe('Counted from 1; null for a record that is missing.'),
          sequence: z.number().int().nullable().describe('Number of the record, where it is known.'),
        }),
      )
      .describe('The first hundred lines that were not taken; all of them stand in the answers.'),
  })
  .describe('A file of validity checks, and how far it is.');
export type ValidityFileDetail = z.infer<typeof validityFileDetail>;

export const validityAnswers = z
  .object({ name: z.string().describe('A name for the file.'), text: z.string().describe('The file of answers.') })
  .describe('Answers to a file, sealed for its sender.');
