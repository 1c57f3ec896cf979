import { z } from 'zod';

const time = z.iso.datetime().describe('RFC 3339, UTC.');

/**
 * Records that a terminal can do without: a damaged one is set aside under another name, and the terminal goes on. Each by its name without
 * the number, with the code that says what a person then looks at. Every other record tells who the terminal is, holds its keys, or keeps it
 * from going back: with one of those damaged it does not run.
 */
export const setAsideCodes = {
  sale: 'SALE_RECORD_SET_ASIDE',
  sales: 'SALE_RECORD_SET_ASIDE',
  advice: 'ADVICE_RECORD_SET_ASIDE',
  advices: 'ADVICE_RECORD_SET_ASIDE',
  reversals: 'REVERSAL_RECORD_SET_ASIDE',
  jobs: 'JOB_RECORD_SET_ASIDE',
  outbox: 'RESULT_RECORD_SET_ASIDE',
  configuration: 'CONFIGURATION_RECORD_SET_ASIDE',
  'configuration-next': 'CONFIGURATION_RECORD_SET_ASIDE',
} as const;
export type SetAsideCode = (typeof setAsideCodes)[keyof typeof setAsideCodes];

const codes: Readonly<Record<string, SetAsideCode>> = setAsideCodes;

/** What is said of a record that is set aside when it is damaged; undefined for one without which a terminal does not run. */
export function setAsideCode(record: string): SetAsideCode | undefined {
  const name = record.replace(/-\d+$/, '');
  return Object.hasOwn(codes, name) ? codes[name] : undefined;
}

const code = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
  .describe('Code of the error table.');
const record = z
  .string()
  .regex(/^[a-z0-9.-]{1,64}$/)
  .describe('Name of the record in the store of the terminal.');

/** A record that a terminal set aside, as its hello tells it. */
export const setAsideRecord = z.object({
  record,
  code,
  at: z.number().int().nonnegative().describe("When, by the terminal's clock, milliseconds since 1970."),
});
export type SetAsideRecord = z.infer<typeof setAsideRecord>;

/** What whoever runs a terminal says of one that does not run, and so cannot say it itself. */
export const reportTrouble = z
  .object({ code, record: record.optional() })
  .describe('Why a terminal does not run. Its next hello ends it.');
export type ReportTrouble = z.infer<typeof reportTrouble>;

/** What is wrong with a terminal, as it stands in a list. */
export const trouble = z
  .object({
    code,
    record: record.nullable().describe('The record at fault; null when it is none.'),
    at: time.describe('Since when.'),
    isRunning: z.boolean().describe('Whether it runs all the same.'),
  })
  .describe('Something that a person has to look at.');
export type Trouble = z.infer<typeof trouble>;
