import { z } from 'zod';
import { formatPaymentMethod } from '../acquiring/payment-method.ts';
import { isInquiry, isTopUp, paymentKinds, signOf } from './payment-kinds.ts';
import { paymentMethod } from './switch-rules.ts';

export { isInquiry, isTopUp, paymentKinds, signOf };

/** A name in `paymentKinds`. */
export const paymentKind = z
  .enum(paymentKinds)
  .describe(
    'What a terminal does with money: sale, void, refund, authorisation, completion of it, balance inquiry; charge, issue and history of a prepaid card.',
  );
/** A name in `paymentKinds`. */
export type PaymentKind = z.infer<typeof paymentKind>;

const amountMinor = z
  .number()
  .int()
  .min(1)
  .max(99_999_999)
  .describe('Amount in minor units of the currency (JPY has none: yen).');
/** The name of no card: at real readers the chip or transit card that comes to any of them. */
export const realCard = 'reader';
/** The name of no card: at real readers the stripe that is drawn. */
export const realStripe = 'reader-stripe';

const card = z
  .string()
  .regex(/^[a-z0-9-]{1,40}$/)
  .describe(
    'Name of an emulated card, as listed in the hello. A terminal with real readers takes `reader`, the chip or transit card that comes to any of them, and `reader-stripe`.',
  );
const application = z
  .string()
  .min(1)
  .max(16)
  .optional()
  .describe('Which application the emulated cardholder chooses where a card asks, by its label; without it the first.');
/** What an emulated cardholder does at the PIN pad. */
export const pinHabits = ['right', 'wrong', 'wrongOnce', 'short', 'bypass', 'cancel', 'timeout'] as const;
const pin = z
  .enum(pinHabits)
  .optional()
  .describe('What the emulated cardholder does at the PIN pad; without it the right PIN is typed.');
/** What an emulated cardholder chooses when an amount in the own currency is offered. */
export const dccChoices = ['accept', 'decline'] as const;
/** What the cardholder chooses where the own currency is offered, in an order. */
export const dcc = z
  .enum(dccChoices)
  .optional()
  .describe(
    'What the emulated cardholder chooses when the own currency is offered; without it nothing: the sale is in yen.',
  );
const month = z.number().int().min(1).max(12);
/** How the cardholder pays. */
export const saleMethod = z
  .object({
    code: paymentMethod,
    instalments: z.number().int().min(2).max(99).optional().describe('How many, for 31 to 34 and 61.'),
    firstMonth: month.optional().describe('Month of the first instalment, 1 to 12.'),
    bonus: z
      .array(
        z.object({
          month: month.describe('1 to 12.'),
          amountMinor: z.number().int().min(0).max(99_999_999).describe('Yen; 0 for the issuer to divide.'),
        }),
      )
      .min(1)
      .max(6)
      .optional()
      .describe('Bonus months, for 21 to 24 and 31 to 34.'),
  })
  .refine((method) => formatPaymentMethod(method).ok)
  .describe('How the cardholder pays (shiharai kubun, DE48). The contract of shop and card company says what may be.');
/** How the cardholder pays. */
export type SaleMethod = z.infer<typeof saleMethod>;
/** The same in an order or a result. */
export const method = saleMethod.optional();

const original = z
  .string()
  .regex(/^(\d{1,6}|[0-9A-Z]{12})$/)
  .describe('STAN (up to six digits) or RRN (twelve characters) of the transaction that it follows.');
const kind = <K extends PaymentKind>(name: K) => z.literal(name).describe('What is done.');

/** A payment to make. */
export const paymentOrder = z
  .discriminatedUnion('kind', [
    z.object({ kind: kind('sale'), amountMinor, card, application, pin, dcc, method }),
    z.object({ kind: kind('preauth'), amountMinor, card, application, pin, dcc }),
    z.object({ kind: kind('balance'), card, application, pin }),
    z.object({ kind: kind('charge'), amountMinor, card }),
    z.object({ kind: kind('issue'), amountMinor, card }),
    z.object({ kind: kind('history'), card }),
    z.object({ kind: kind('void'), original }),
    z.object({ kind: kind('refund'), original, amountMinor }),
    z.object({ kind: kind('complete'), original, amountMinor }),
  ])
  .describe(
    'A payment to make. A sale, an authorisation, an inquiry, a charge and the issue of a gift or points card present a card of the emulated reader; what follows up an earlier transaction names it and needs no card, since the terminal keeps it sealed.',
  );
/** A payment to make. */
export type PaymentOrder = z.infer<typeof paymentOrder>;

/** An amount in the cardholder's own currency, at the rate that was agreed. */
export const ownCurrency = z
  .object({
    currency: z.string().length(3).describe('ISO 4217 alphabetic code.'),
    amountMinor: z.number().int().describe('Amount in minor units of that currency.'),
    rate: z
      .string()
      .regex(/^\d{1,7}(\.\d{1,9})?$/)
      .describe('Units of that currency for one of the transaction’s, decimal (DE10).'),
    markUpBasisPoints: z
      .number()
      .int()
      .nonnegative()
      .optional()
      .describe('What the rate is above the provider’s, hundredths of a per cent.'),
  })
  .describe('What the cardholder pays in the own currency (DCC): DE6, DE10 and DE51.');
/** An amount in the cardholder's own currency. */
export type OwnCurrency = z.infer<typeof ownCurrency>;

/** A line of the history of a transit card. */
export const cardHistoryLine = z
  .object({
    on: z.iso.date().describe('Day of the use, YYYY-MM-DD.'),
    terminal: z.number().int().min(0).max(255).describe('Kind of terminal, as the card has it.'),
    process: z.number().int().min(0).max(255).describe('Kind of use, as the card has it.'),
    balanceMinor: z.number().int().nonnegative().describe('What was left after it, yen.'),
    serial: z.number().int().nonnegative().describe('Counts up with each use.'),
  })
  .describe('A line of the history of a transit card.');
/** A line of the history of a transit card. */
export type CardHistoryLine = z.infer<typeof cardHistoryLine>;

/** Daily totals, shown or closed. */
export const totalsOrder = z
  .object({
    close: z.boolean().default(false).describe('Whether the business day ends with it.'),
    last: z
      .boolean()
      .default(false)
      .describe('Those of the last business day that was closed, by a person or by the terminal itself, instead.'),
  })
  .refine(({ close, last }) => !(close && last))
  .describe('Daily totals, shown or closed.');
/** Daily totals, shown or closed. */
export type TotalsOrder = z.infer<typeof totalsOrder>;

const count = z.number().int().nonnegative();
const moment = z.number().int().nullable();

/** Totals of one business day of one terminal. */
export const terminalTotals = z
  .object({
    day: z.number().int().min(1).describe('Business day of this terminal, from 1. It ends when it is closed.'),
    isClosed: z.boolean().describe('Whether the day is closed.'),
    from: moment.describe('Terminal time of the first transaction, milliseconds since 1970; null when there is none.'),
    until: moment.describe('Terminal time of the last transaction or of the close, milliseconds since 1970.'),
    lines: z
      .array(
        z.object({
          company: z
            .string()
            .max(12)
            .optional()
            .describe('Card company, where the terminal’s settings say whose card it is.'),
          scheme: z.string().max(20).describe('Card scheme; empty for a card that is none of those known.'),
          kind: paymentKind,
          count: count.describe('How many stand: voided and reversed ones are left out.'),
          amountMinor: z.number().int().describe('What they come to, minor units.'),
        }),
      )
      .max(64)
      .describe('By card company, scheme and kind.'),
    companies: z
      .array(
        z.object({
          company: z.string().max(12).describe('Card company.'),
          netMinor: z.number().int().describe('As `netMinor`, of its cards.'),
        }),
      )
      .max(32)
      .optional()
      .describe('What each card company owes; absent where no card has one.'),
    netMinor: z.number().int().describe('Sales and completions less refunds and charges, minor units.'),
    waiting: count.describe('Advices that the switch still has to take.'),
    refused: z
      .array(
        z.object({
          stan: z.string().max(6).describe('STAN of the advice.'),
          actionCode: z.string().max(3).describe('What the switch said (DE39).'),
        }),
      )
      .max(32)
      .describe('Advices that the switch refused for good: a person has to look at these.'),
  })
  .describe('Totals of one business day of one terminal.');
/** Totals of one business day of one terminal. */
export type TerminalTotals = z.infer<typeof terminalTotals>;

/** What a slip can be printed as. */
export const slipFormats = ['text', 'escpos', 'pdf'] as const;
/** For whom a slip is. */
export const slipCopies = ['customer', 'merchant'] as const;

/** A slip to print again. */
export const slipOrder = z
  .object({
    stan: z
      .string()
      .regex(/^\d{1,6}$/)
      .optional()
      .describe('STAN of the transaction; without it the last one.'),
    what: z
      .enum(['payment', 'totals', 'last-totals'])
      .default('payment')
      .describe('The slip of a payment, the daily totals, or those of the last business day that was closed.'),
    format: z.enum(slipFormats).default('text').describe('UTF-8 text, bytes for an ESC/POS printer, or PDF.'),
    copy: z.enum(slipCopies).default('customer').describe('For whom it is.'),
    language: z.enum(['ja', 'en']).optional().describe('Language of the slip; without it that of the terminal.'),
    columns: z
      .union([z.literal(24), z.literal(32), z.literal(48)])
      .default(32)
      .describe('Half-width columns of the paper.'),
  })
  .describe('A slip to print again.');
/** A slip to print again. */
export type SlipOrder = z.infer<typeof slipOrder>;

/** RFC 4648, 4, as a pattern: `base64` is no format of JSON Schema. */
const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);

/** A printed slip as bytes. */
export const slipDocument = z
  .object({
    mediaType: z.string().max(60).describe('Media type of the bytes.'),
    base64: base64
      .max(56_000)
      .meta({ contentEncoding: 'base64' })
      .describe('The bytes, base64. They fit a message of the fleet.'),
  })
  .describe('A printed slip.');
/** A printed slip as bytes. */
export type SlipDocument = z.infer<typeof slipDocument>;

/** Hours of the day in which whoever refused serves, local time of Japan. */
export const serviceHours = z
  .object({
    from: z
      .string()
      .regex(/^\d\d:\d\d$/)
      .describe('hh:mm; served from then on.'),
    until: z
      .string()
      .regex(/^\d\d:\d\d$/)
      .describe('hh:mm; not served from then on. Before `from`: of the next day.'),
  })
  .describe('When whoever refused serves, as the answer said (a bank, by its hours); local time of Japan.');

/** What a balance counts: yen where nothing is said. */
export const balanceUnit = z.enum(['points']).describe('What `balanceMinor` counts, where that is not yen.');
