import { z } from 'zod';
import { leniencyNames } from '../iso8583/leniency.ts';
import { serialSchema } from './identity.ts';
import { ownCurrency, saleMethod } from './payment.ts';
import { reasonText } from './reason.ts';

/* W5: what an operator of the switch sees and does. */

const time = z.iso.datetime();
const linkState = z.enum(['up', 'signed-on', 'down']);
const day = z
  .string()
  .regex(/^\d{6}$/)
  .describe('A business day of the link: YYMMDD, as DE28 has it.');

/** Whether YYMMDD is a day that there is; of this century, as DE28 is. */
function isOfCalendar(text: string): boolean {
  const [, year = '', month = '', date = ''] = /^(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
  const at = new Date(Date.UTC(2_000 + Number(year), Number(month) - 1, Number(date)));
  return at.getUTCMonth() + 1 === Number(month) && at.getUTCDate() === Number(date);
}

/** A business day that somebody names. */
export const namedDay = z
  .string()
  .regex(/^\d{6}$/, 'SWITCH_DAY_INVALID')
  .refine(isOfCalendar, 'SWITCH_DAY_INVALID')
  .describe('A business day of the link: YYMMDD, as DE28 has it.');

/** Paths of the switch below the management API. */
export const switchPaths = {
  links: '/api/v1/switch/links',
  linkOrders: (id: string) => `/api/v1/switch/links/${encodeURIComponent(id)}/orders`,
  transactions: '/api/v1/switch/transactions',
  transaction: (id: string) => `/api/v1/switch/transactions/${encodeURIComponent(id)}`,
  advices: '/api/v1/switch/advices',
  adviceRetry: (id: string) => `/api/v1/switch/advices/${encodeURIComponent(id)}/retry`,
  daySettlement: (link: string, day: string) =>
    `/api/v1/switch/reconciliations/${encodeURIComponent(link)}/${encodeURIComponent(day)}/settlement`,
  adviceSettlement: (id: string) => `/api/v1/switch/advices/${encodeURIComponent(id)}/settlement`,
  alarms: '/api/v1/switch/alarms',
  alarmsSeen: '/api/v1/switch/alarms/seen',
  alarmSeen: (id: string) => `/api/v1/switch/alarms/${encodeURIComponent(id)}/seen`,
  reconciliations: '/api/v1/switch/reconciliations',
  differences: (link: string, day: string) =>
    `/api/v1/switch/reconciliations/${encodeURIComponent(link)}/${encodeURIComponent(day)}/differences`,
} as const;

export const switchLink = z
  .object({
    id: z.string().describe('Id of the link.'),
    name: z
      .object({ en: z.string().describe('In English.'), ja: z.string().describe('In Japanese.') })
      .describe('Name of the link.'),
    side: z.enum(['acquirer', 'issuer']).describe('Whether requests come in over it, or go out.'),
    kind: z
      .string()
      .describe(
        'What is at the far end: pos, ec, ticket-window, travel-centre, credit, unionpay, j-debit, gift, points or e-money.',
      ),
    parties: z
      .object({
        own: z.string().describe('Our institution (DE94 of what we send).'),
        far: z.string().describe('That of the far side (DE93 of what we send).'),
        acquirers: z.array(z.string()).describe('The acquirers (DE32) that a centre may speak for.'),
      })
      .describe('Who speaks to whom over it.'),
    profile: z.string().describe('Name of its profile.'),
    state: linkState.describe('The best of its connections; `signed-on` takes payments.'),
    since: time.describe('Since when, RFC 3339 UTC.'),
    businessDay: day,
    advices: z.number().int().describe('Advices that its far end still has to take.'),
    lines: z
      .array(
        z.object({
          state: linkState.describe('How this connection is.'),
          since: time.describe('Since when.'),
          inFlight: z.number().int().describe('Requests that wait for an answer on it.'),
        }),
      )
      .describe('Its connections.'),
    mismatches: z
      .array(
        z.object({
          at: time.describe('When it came.'),
          mti: z.string().describe('Its message type.'),
          stan: z.string().nullable().describe('DE11 of it, null where it says none.'),
          rrn: z
            .string()
            .nullable()
            .describe('DE37 of it, which transactions are searched by; null where it says none.'),
          why: z.string().describe('How many requests waited, and in which elements the nearest one differs.'),
          waiting: z.number().int().describe('How many requests waited.'),
          differs: z
            .array(z.number().int())
            .describe('In which elements the nearest one differs; 0 stands for the class of the message.'),
        }),
      )
      .describe('The last answers that matched no request, newest first.'),
    lenient: z
      .array(
        z.object({
          leniency: z.enum(leniencyNames).describe('What its profile allows (`allow`).'),
          count: z.number().int().describe('Messages that made use of it since the switch was opened.'),
          lastAt: time.describe('When one did last.'),
        }),
      )
      .describe('How often its far end needed what is allowed beyond the strict reading of ISO 8583:1993.'),
  })
  .describe('A link of the switch, live.');
export type SwitchLink = z.infer<typeof switchLink>;
export const switchLinks = z.object({ items: z.array(switchLink) }).describe('The links of the switch.');

/** The body of an order to a link. */
export const switchLinkOrder = z
  .object({
    verb: z
      .enum(['sign-on', 'sign-off', 'change-key', 'echo'])
      .describe('Sign on or off (801, 802), new working keys (811), or a test (831), on every connection.'),
  })
  .describe('What an operator wants of a link.');

/** What became of an order to a link. */
export const switchLinkOrdered = z
  .object({
    echo: z
      .object({
        sent: z.number().int().describe('Connections that were tested.'),
        answered: z.number().int().describe('Those whose answer came in time.'),
      })
      .nullable()
      .describe('What a test found; null for any other order, which goes on by itself.'),
  })
  .describe('What became of an order to a link.');
export type SwitchLinkOrdered = z.infer<typeof switchLinkOrdered>;

/** The query of a search in the journal. */
export const switchSearch = z.object({
  token: z.string().max(64).optional(),
  lastFour: z
    .string()
    .regex(/^\d{4}$/)
    .optional(),
  rrn: z.string().max(12).optional(),
  terminal: z.string().max(40).optional(),
  amount: z.coerce.number().int().min(0).optional(),
  link: z.string().max(40).optional(),
  origin: z.string().max(40).optional(),
  /** `unknown`: those whose outcome the issuer has not told, or that are on their way back. */
  state: z.enum(['approved', 'declined', 'reversed', 'unknown']).optional(),
});
export type SwitchSearch = z.infer<typeof switchSearch>;

/**
 * Whether anything that is searched by looks like a card number, as cards print it, too. It would stand in an address, and so in histories and logs: whoever
 * asks looks first. A token is never digits alone; a RRN (DE37) may be twelve of them.
 */
export const hasCardNumber = (search: { readonly [by: string]: unknown }): boolean =>
  Object.entries(search).some(([by, typed]) => {
    const digits = String(typed).replaceAll(/[\s-]/g, '');
    return by === 'token' ? /^\d{12,19}$/.test(digits) : /^\d{13,19}$/.test(digits);
  });

export const switchTransaction = z
  .object({
    id: z.string().describe('Id in the journal.'),
    at: time.describe('When it came, RFC 3339 UTC.'),
    origin: z.string().describe('`terminals`, or the acquirer link that it came over.'),
    from: z.string().describe('Serial of the terminal, or link and acquirer of the centre.'),
    terminal: z.string().nullable().describe('Card acceptor terminal identification (DE41).'),
    merchant: z.string().nullable().describe('Card acceptor identification (DE42).'),
    kind: z.string().describe('What was asked, such as sale, refund or authorisation.'),
    state: z.string().describe('State in the journal.'),
    amountMinor: z.number().int().describe('Amount in minor units (JPY has none: yen).'),
    currency: z.string().describe('ISO 4217 alphabetic code.'),
    ownCurrency: ownCurrency.optional(),
    method: saleMethod.optional(),
    scheme: z.string().describe('Card scheme.'),
    entry: z.string().describe('How the card was read.'),
    lastFour: z.string().describe('Last four digits of the PAN.'),
    token: z.string().describe('Stands for the PAN.'),
    stan: z.string().describe('Trace number of whoever asked (DE11).'),
    outStan: z.string().nullable().describe('Trace number towards the issuer (DE11).'),
    rrn: z.string().nullable().describe('Retrieval reference number (DE37).'),
    link: z.string().nullable().describe('The issuer link it went over; null when it went nowhere.'),
    issuerDay: z.string().nullable().describe('Business day on the issuer link: YYMMDD.'),
    acquirerDay: z.string().nullable().describe('Business day on the side it came from: YYMMDD.'),
    decidedBy: z.enum(['issuer', 'switch']).nullable().describe('Whose decision it was.'),
    actionCode: z.string().nullable().describe('Action code of the answer (DE39).'),
    approvalCode: z.string().nullable().describe('Approval code (DE38).'),
    reason: z.string().nullable().describe('Why: a code of the error table.'),
    routingVersion: z.number().int().describe('Version of the routing table by which it went.'),
  })
  .describe('A transaction of the journal.');
export type SwitchTransaction = z.infer<typeof switchTransaction>;

export const switchTransactionDetail = switchTransaction
  .extend({
    entries: z
      .array(
        z.object({
          at: time.describe('When it was written.'),
          entry: z.string().describe('What happened.'),
          facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).describe('Facts about it.'),
        }),
      )
      .describe('What the journal says of it, oldest first.'),
    postings: z
      .array(
        z.object({
          side: z.enum(['acquirer', 'issuer']).describe('On which side it counts.'),
          kind: z.enum(['taken', 'given-back']).describe('Whether it was taken, or given back.'),
          class: z.enum(['debit', 'credit']).describe('From the cardholder, or to them.'),
          amountMinor: z.number().int().describe('Amount in minor units.'),
          link: z.string().describe('On which link.'),
          day: day,
          saidDay: day,
        }),
      )
      .describe('What it counts for on the business days of both sides.'),
  })
  .describe('A transaction with all that the journal says of it.');
export type SwitchTransactionDetail = z.infer<typeof switchTransactionDetail>;

export const switchAdvice = z
  .object({
    id: z.string().describe('Id of the advice.'),
    transaction: z.string().nullable().describe('Id of its transaction.'),
    kind: z.enum(['reversal', 'posting']).describe('What the issuer has to be told.'),
    link: z.string().describe('The issuer link.'),
    state: z.enum(['queued', 'dead']).describe('`dead`: a person has to look; it is tried rarely.'),
    reason: z.string().describe('Reason code of a reversal (DE25).'),
    attempts: z.number().int().describe('How often it was sent.'),
    lastActionCode: z.string().nullable().describe('What the issuer said last (DE39).'),
    createdAt: time.describe('When it came to be.'),
    nextAt: time.describe('When it is tried next.'),
    amountMinor: z.number().int().nullable().describe('Amount of its transaction.'),
    lastFour: z.string().nullable().describe('Last four digits of its card.'),
  })
  .describe('An advice that an issuer has not taken yet.');
export type SwitchAdvice = z.infer<typeof switchAdvice>;

export const switchAlarmView = z
  .object({
    id: z.string().describe('Id of the alarm.'),
    code: z.string().describe('What is wrong: a code of the error table.'),
    from: z.string().describe('Serial of a terminal, link and acquirer of a centre, or an issuer link.'),
    facts: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .describe('Facts about the last time, such as the trace number.'),
    count: z.number().int().describe('How often it was raised.'),
    firstAt: time.describe('When it was raised first.'),
    lastAt: time.describe('When it was raised last.'),
  })
  .describe('An alarm of the switch, or of a terminal, that nobody has seen yet.');
export type SwitchAlarmView = z.infer<typeof switchAlarmView>;

const ofCode = z.string().max(64).optional().describe('Only those of this code.');
/** Which alarms of terminals are asked for. */
export const terminalAlarmFilter = z
  .object({
    code: ofCode,
    serial: serialSchema.optional().describe('Only those of this terminal.'),
    shop: z.string().max(128).optional().describe('Only those of terminals in this shop.'),
  })
  .describe('Which alarms of terminals are asked for.');
/** Which alarms of the switch are asked for. */
export const switchAlarmFilter = z
  .object({
    code: ofCode,
    from: z.string().max(200).optional().describe('Only those from this terminal, link or centre.'),
  })
  .describe('Which alarms of the switch are asked for.');
const seenUntil = {
  until: time.describe('What was raised later stays: when the newest that was looked at was raised last.'),
};
/** Which alarms of terminals a person has seen. */
export const seeTerminalAlarms = z
  .strictObject({ ...terminalAlarmFilter.shape, ...seenUntil })
  .describe('Which alarms of terminals a person has seen; without a filter, all of them.');
/** Which alarms of the switch a person has seen. */
export const seeSwitchAlarms = z
  .strictObject({ ...switchAlarmFilter.shape, ...seenUntil })
  .describe('Which alarms of the switch a person has seen; without a filter, all of them.');
/** How many alarms were marked as seen. */
export const alarmsSeen = z
  .object({ seen: z.number().int().nonnegative().describe('How many left the list by this.') })
  .describe('How many alarms were marked as seen.');
export type AlarmsSeen = z.infer<typeof alarmsSeen>;

/** The body of a settlement by hand. */
export const settleAdvice = z
  .object({
    reason: reasonText(4).describe('How it is known that the issuer has it, or need not have it.'),
  })
  .describe('A person settles an advice by hand.');

const totals = z
  .object({
    credits: z.number().int().describe('Number of credits (DE74).'),
    creditsMinor: z.number().int().describe('Amount of credits (DE86).'),
    creditReversals: z.number().int().describe('Number of reversed credits.'),
    creditReversalsMinor: z.number().int().describe('Amount of reversed credits.'),
    debits: z.number().int().describe('Number of debits (DE76).'),
    debitsMinor: z.number().int().describe('Amount of debits (DE88).'),
    debitReversals: z.number().int().describe('Number of reversed debits.'),
    debitReversalsMinor: z.number().int().describe('Amount of reversed debits.'),
  })
  .describe('Totals of a business day.');

export const switchReconciliation = z
  .object({
    link: z.string().describe('The link.'),
    day,
    state: z.enum(['open', 'closed']).describe('A closed day takes nothing more.'),
    result: z
      .enum(['balanced', 'unbalanced', 'unanswered', 'held'])
      .describe('`held`: unbalanced, and not closed for it.'),
    ours: totals,
    theirs: totals.nullable(),
    differences: z.number().int().describe('Items that differ.'),
    at: time.describe('When it was compared last.'),
    counted: totals.describe('The totals that count: ours, or theirs where a closed day was settled on them.'),
    settled: z
      .object({
        figures: z
          .enum(['both', 'ours', 'theirs'])
          .nullable()
          .describe('Whose totals count; null of a day that was closed out of balance before this was written down.'),
        why: z
          .enum(['balanced', 'settle-ours', 'settle-theirs', 'by-hand'])
          .nullable()
          .describe(
            'Why: the totals agreed, `reconciliation.outOfBalance` of the link profile said so, or a person did (`by-hand`).',
          ),
        by: z.string().nullable().describe('Who had it closed: a person, `calendar`, or the link whose far side did.'),
        at: time.describe('When it was closed.'),
      })
      .nullable()
      .describe('How it was closed; null while it is open.'),
  })
  .describe('A business day of a link, as it was compared with the far side.');
export type SwitchReconciliation = z.infer<typeof switchReconciliation>;

/** The body of an order to compare. */
export const reconcileDay = z
  .object({
    link: z.string().max(40).describe('An issuer link.'),
    day: namedDay.optional().describe('The day; the current one where it is absent.'),
    close: z.boolean().default(false).describe('Whether the day is closed by it; else it is compared so far.'),
  })
  .describe('Compare a business day with an issuer now.');

/** The body of an order that settles a day which is held. */
export const settleDay = z
  .object({
    figures: z.enum(['ours', 'theirs']).describe('Whose totals count from now on.'),
    reason: reasonText(4).describe('What was agreed with the far side, and with whom.'),
  })
  .describe('A person closes a business day that is held.');

export const switchDifference = z
  .object({
    stan: z.string().describe('Trace number on the link (DE11).'),
    localTime: z.string().describe('Local time of the transaction (DE12).'),
    kind: z.enum(['debit', 'credit', 'debit-reversal', 'credit-reversal']).describe('What it is.'),
    oursMinor: z.number().int().nullable().describe('Our amount; null where we do not have it.'),
    theirsMinor: z.number().int().nullable().describe('Their amount; null where they do not have it.'),
    transaction: z.string().nullable().describe('Id of the transaction, where the journal knows it.'),
  })
  .describe('An item that one side has otherwise than the other.');
export type SwitchDifference = z.infer<typeof switchDifference>;
export const switchDifferences = z
  .object({ items: z.array(switchDifference) })
  .describe('The items of a business day that differ; at most ten thousand.');
