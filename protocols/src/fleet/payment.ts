import { z } from 'zod';

/** What a terminal does with money. */
export const paymentKinds = ['sale', 'void', 'refund', 'preauth', 'complete', 'balance'] as const;
export const paymentKind = z.enum(paymentKinds);
export type PaymentKind = z.infer<typeof paymentKind>;

const amountMinor = z.number().int().min(1).max(99_999_999);
const card = z.string().regex(/^[a-z0-9-]{1,40}$/);
/**
 * How an emulated cardholder takes to a PIN pad: types the right PIN, a wrong one (again and again, or once), leaves it out, or walks away.
 * Default: the right one.
 */
export const pinHabits = ['right', 'wrong', 'wrongOnce', 'bypass', 'cancel', 'timeout'] as const;
export const pinHabit = z.enum(pinHabits);
export type PinHabit = z.infer<typeof pinHabit>;
const pin = pinHabit.optional();
/** STAN (six digits) or RRN (twelve characters) of the transaction that it follows. */
const original = z.string().regex(/^(\d{1,6}|[0-9A-Z]{12})$/);

/**
 * A payment to make. The first of a kind presents a card of the emulated reader; what follows up an earlier transaction names
 * it by STAN or RRN and needs no card, since the terminal keeps it sealed.
 */
export const paymentOrder = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sale'), amountMinor, card, pin }),
  z.object({ kind: z.literal('preauth'), amountMinor, card, pin }),
  z.object({ kind: z.literal('balance'), card }),
  z.object({ kind: z.literal('void'), original }),
  z.object({ kind: z.literal('refund'), original, amountMinor }),
  z.object({ kind: z.literal('complete'), original, amountMinor }),
]);
export type PaymentOrder = z.infer<typeof paymentOrder>;

/** Daily totals: shown, and with `close` the business day ends. */
export const totalsOrder = z.object({ close: z.boolean().default(false) });
export type TotalsOrder = z.infer<typeof totalsOrder>;

const count = z.number().int().nonnegative();

/** Totals of one business day of one terminal. */
export const terminalTotals = z.object({
  /** Number of the business day on this terminal, from 1. It ends when it is closed, not at midnight. */
  day: z.number().int().min(1),
  isClosed: z.boolean(),
  /** Terminal's time of the first and of the last transaction, and of the close, milliseconds since 1970. */
  from: z.number().int().nullable(),
  until: z.number().int().nullable(),
  /** By scheme and kind: what stands at the end, voided and reversed ones left out. */
  lines: z
    .array(z.object({ scheme: z.string().max(20), kind: paymentKind, count, amountMinor: z.number().int() }))
    .max(64),
  /** Sales and completions less refunds, yen. */
  netMinor: z.number().int(),
  /** Advices that the switch still has to take, and those that it refused: a person has to look at these. */
  waiting: count,
  refused: z.array(z.object({ stan: z.string().max(6), actionCode: z.string().max(3) })).max(32),
  /** Action code of the reconciliation with the switch (1520/1530): 500 in balance, 501 out of balance; absent when it was not asked. */
  reconciled: z.string().max(3).optional(),
});
export type TerminalTotals = z.infer<typeof terminalTotals>;

export const slipFormats = ['text', 'escpos', 'pdf'] as const;
export const slipCopies = ['customer', 'merchant'] as const;

/** A slip to print again. Without a number it is the last one. */
export const slipOrder = z.object({
  stan: z
    .string()
    .regex(/^\d{1,6}$/)
    .optional(),
  /** `totals` prints the daily totals instead. */
  what: z.enum(['payment', 'totals']).default('payment'),
  format: z.enum(slipFormats).default('text'),
  copy: z.enum(slipCopies).default('customer'),
  /** Language of the slip; without one it is that of the terminal. */
  language: z.enum(['ja', 'en']).optional(),
  /** Columns of the paper. */
  columns: z.union([z.literal(24), z.literal(32), z.literal(48)]).default(32),
});
export type SlipOrder = z.infer<typeof slipOrder>;

/** A printed slip as bytes, base64. It fits a message of the fleet's wire. */
export const slipDocument = z.object({ mediaType: z.string().max(60), base64: z.base64().max(56_000) });
export type SlipDocument = z.infer<typeof slipDocument>;
