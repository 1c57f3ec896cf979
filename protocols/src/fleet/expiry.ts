import { z } from 'zod';
import { serialSchema } from './identity.ts';

/**
 * What can end so that a terminal is lost, deepest first: of two that end at the same moment the first is the cause. `warnDays` and `urgentDays`:
 * how long before the last day somebody is told. What a root or a maker of keys has to do takes months; a certificate renews by itself.
 */
export const expiryKinds = {
  root: { warnDays: 365, urgentDays: 90, isLoss: true },
  'issuing-authority': { warnDays: 180, urgentDays: 60, isLoss: true },
  'software-signing': { warnDays: 45, urgentDays: 14, isLoss: false },
  'job-signing': { warnDays: 45, urgentDays: 14, isLoss: true },
  'negative-signing': { warnDays: 45, urgentDays: 14, isLoss: true },
  'server-certificate': { warnDays: 30, urgentDays: 10, isLoss: true },
  'terminal-certificate': { warnDays: 45, urgentDays: 14, isLoss: true },
  // What nobody renews from afar: another model has to be bought, or its maker to be asked. The terminal goes on meanwhile.
  'pts-approval': { warnDays: 365, urgentDays: 90, isLoss: false },
  'software-support': { warnDays: 365, urgentDays: 90, isLoss: false },
  'card-key': { warnDays: 180, urgentDays: 60, isLoss: false },
} as const satisfies Record<
  string,
  { readonly warnDays: number; readonly urgentDays: number; readonly isLoss: boolean }
>;
export type ExpiryKind = keyof typeof expiryKinds;

const isKind = (text: string): text is ExpiryKind => Object.hasOwn(expiryKinds, text);
/** Every kind, in the order of the table. */
export const expiryKindNames: readonly ExpiryKind[] = Object.keys(expiryKinds).filter(isKind);

/** How near the last day is. */
export const expiryLevels = ['fine', 'near', 'urgent', 'passed'] as const;
export type ExpiryLevel = (typeof expiryLevels)[number];

const kind = z.enum(expiryKindNames).describe('What ends.');
const time = z.iso.datetime().describe('RFC 3339, UTC.');
const day = z.iso.date().describe('A day in UTC.');

export const expiryReason = z
  .object({
    kind,
    name: z.string().describe('Which one.'),
    level: z.enum(expiryLevels).describe('How near it is, by the thresholds of its kind.'),
    endsAt: time.nullable().describe('When it ends; null: never.'),
    lastDay: day
      .nullable()
      .describe('The last whole day on which this can be repaired with the terminal still to come.'),
  })
  .describe('One thing that the terminal hangs on.');

export const expiryEntry = z
  .object({
    serial: serialSchema,
    level: z.enum(expiryLevels).describe('The nearest of all that it hangs on.'),
    lastDay: day.describe('The last whole day on which it can still be saved from afar.'),
    until: time.describe(
      'The moment that the day comes from: end, less the longest silence, less the time of a renewal.',
    ),
    first: kind,
    endsAt: time.describe('When the first thing ends.'),
    silence: z
      .object({
        longestHours: z.number().describe('The longest pause between two contacts that has to be reckoned with.'),
        contacts: z.number().int().describe('Pauses that it was learned from; below two it is assumed.'),
        isAssumed: z.boolean().describe('Whether it is an assumption, for want of contacts.'),
        lastContact: time.nullable().describe('The last day that it was heard of.'),
      })
      .describe("The terminal's own rhythm."),
    reasons: z.array(expiryReason).describe('Everything that it hangs on, what ends first at the head.'),
  })
  .describe('How long a terminal can be saved from afar.');
export type ExpiryEntry = z.infer<typeof expiryEntry>;

export const expirySummary = z
  .object({
    earliest: z
      .object({ serial: serialSchema, lastDay: day, first: kind })
      .nullable()
      .describe('The terminal whose last day is the first; null without terminals.'),
    near: z.number().int().describe('Terminals that are near.'),
    urgent: z.number().int().describe('Terminals that are urgent.'),
    passed: z.number().int().describe('Terminals whose day is over.'),
  })
  .describe('The expiry horizon of the fleet.');
export type ExpirySummary = z.infer<typeof expirySummary>;
