import { z } from 'zod';
import { currencies } from '../acquiring/currencies.ts';
import { operationNames } from '../acquiring/operations.ts';
import { acquirerName } from './held-key.ts';
import { reasonText } from './reason.ts';

/**
 * The rules of the switch that operators change while it runs. Each kind is one document with a stream of versions: a change names the version that it
 * was made over, and every transaction says by which version it went.
 */
export const switchRuleKinds = ['routing', 'stand-in', 'contracts', 'rates'] as const;
export const switchRuleKind = z.enum(switchRuleKinds).describe('Which rules of the switch.');
export type SwitchRuleKind = z.infer<typeof switchRuleKind>;

const yen = z.number().int().min(0).max(999_999_999_999);
const prefix = z.string().regex(/^\d{1,11}$/);
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/);
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
const hours = z
  .strictObject({ from: clockTime, until: clockTime })
  .describe('Local time (Japan) of day; `until` is not in it, and may lie on the next day.');
const operation = z.enum(operationNames);
const entry = z.enum(['stripe', 'contact', 'contactless', 'stored', 'keyed', 'e-commerce']);

export const routeRule = z
  .strictObject({
    prefix: prefix.describe('Leading digits of the card number. The longest that fits is tried first.'),
    scheme: name.describe('What the card counts as.'),
    brand: name.optional().describe('A product of the scheme.'),
    link: name.describe('The link that takes it.'),
    acquirer: acquirerName
      .optional()
      .describe(
        'The card company whose keys a terminal has to use for these cards, once it proved that it holds them.',
      ),
    priority: z.number().int().min(0).max(99).default(50).describe('Of rules with one prefix: the lowest first.'),
    operations: z.array(operation).min(1).optional().describe('What the link can do; everything where absent.'),
    entries: z.array(entry).min(1).optional().describe('How the card may have been read.'),
    amountMinor: z.strictObject({ least: yen.default(0), most: yen }).optional(),
    hours: hours.optional(),
    days: z.array(z.number().int().min(0).max(6)).min(1).optional().describe('Days of the week; 0 is Sunday.'),
    cost: z
      .strictObject({ fixedMinor: yen.default(0), basisPoints: z.number().int().min(0).max(10_000).default(0) })
      .optional()
      .describe('What a transaction costs over this link: of rules with one prefix and priority the cheapest first.'),
  })
  .describe('Where cards go, and when.');
export type RouteRule = z.infer<typeof routeRule>;
export const routingRules = z
  .strictObject({
    routes: z.array(routeRule).max(5_000),
    failover: z.boolean().default(true).describe('Whether the next rule that fits is taken when a link is down.'),
  })
  .describe('The routing table.');
export type RoutingRules = z.infer<typeof routingRules>;

export const standInRule = z
  .strictObject({
    link: name.describe('The issuer in whose place the switch answers.'),
    when: z
      .array(z.enum(['down', 'signed-off', 'busy']))
      .min(1)
      .default(['down', 'signed-off'])
      .describe('Only before anything was sent: what may have reached the issuer is reversed and never stood in for.'),
    schemes: z.array(name).min(1).optional(),
    operations: z.array(operation).min(1).default(['sale', 'authorisation']),
    entries: z.array(entry).min(1).default(['contact', 'contactless', 'stripe']),
    ranges: z
      .array(z.strictObject({ prefix, isExcluded: z.boolean().default(false) }))
      .max(1_000)
      .default([])
      .describe('Card ranges: the longest prefix decides. Without one that is not excluded, all are in.'),
    hasPin: z.enum(['refuse', 'ignore']).default('refuse').describe('The switch cannot check a PIN.'),
    saleMaxMinor: yen.describe('The most of one transaction.'),
    cardDay: z
      .strictObject({ minor: yen, count: z.number().int().min(1).max(10_000) })
      .describe('Of one card and day.'),
    merchantDayMinor: yen.optional().describe('Of one merchant and day.'),
    issuerDayMinor: yen.describe('Of the whole issuer and day.'),
    velocity: z
      .strictObject({ count: z.number().int().min(1).max(1_000), minutes: z.number().int().min(1).max(1_440) })
      .optional()
      .describe('Of one card.'),
    shares: z
      .record(name, z.number().min(0).max(1))
      .default({ main: 1 })
      .describe(
        'What each node of the switch may give away of every limit by itself, in shares that sum to one at most: two nodes that do not see each other cannot exceed a limit together.',
      ),
  })
  .refine(({ shares }) => Object.values(shares).reduce((sum, share) => sum + share, 0) <= 1.000_001, {
    path: ['shares'],
  })
  .describe('How the switch answers in the place of one issuer.');
export type StandInRule = z.infer<typeof standInRule>;
export const standInRules = z.strictObject({ issuers: z.array(standInRule).max(200) }).describe('Stand-in, by issuer.');
export type StandInRules = z.infer<typeof standInRules>;

/** Japanese payment methods (shiharai kubun). */
export const paymentMethods = ['10', '21', '22', '23', '24', '31', '32', '33', '34', '61', '80'] as const;
export const paymentMethod = z
  .enum(paymentMethods)
  .describe('10 at once; 21-24 with the bonus; 31-34 bonus and instalments; 61 instalments; 80 revolving.');
export type PaymentMethodCode = z.infer<typeof paymentMethod>;

export const contract = z
  .strictObject({
    scheme: name,
    link: name.optional().describe('Of this issuer link alone.'),
    merchant: z.string().max(15).optional().describe('Of this merchant (DE42) alone.'),
    operations: z.array(operation).min(1).optional().describe('What may be asked; everything where absent.'),
    methods: z.array(paymentMethod).min(1).default(['10']),
    instalments: z
      .array(z.number().int().min(2).max(99))
      .default([])
      .describe('How many there may be, for 31-34 and 61.'),
    methodMinMinor: yen.default(0).describe('The least amount for anything but 10.'),
    pin: z
      .enum(['never', 'optional', 'in-person', 'required'])
      .default('optional')
      .describe('Whether the request holds a PIN; in-person: where chip or stripe of the card were read.'),
    signature: z
      .enum(['optional', 'required'])
      .default('optional')
      .describe(
        'Whether DE22, or DE63 beside it, has to say that the cardholder signed (UnionPay: PIN and signature); not for small amounts without contact.',
      ),
    signatureOnly: z.array(prefix).default([]).describe('Cards that are signed for and have no PIN.'),
    hours: hours.optional(),
    refund: z.enum(['allowed', 'never']).default('allowed'),
    cancelSameDay: z.boolean().default(false).describe('Taken back on its own business day alone.'),
    dccCurrencies: z
      .array(z.string().regex(/^\d{3}$/))
      .default([])
      .describe('ISO 4217 numbers that the cardholder may pay in instead.'),
  })
  .describe('What was agreed about a scheme: the most particular contract counts (merchant, then link, then scheme).');
export type Contract = z.infer<typeof contract>;
export const contractRules = z
  .strictObject({ contracts: z.array(contract).max(5_000) })
  .describe('Contracts, by scheme.');
export type ContractRules = z.infer<typeof contractRules>;

const foreignCurrency = z
  .string()
  .refine((number) => number !== '392' && currencies[number] !== undefined, {
    message: 'no foreign currency of ISO 4217',
  })
  .describe('ISO 4217 number; not the yen.');
export const rateRules = z
  .strictObject({
    source: z.string().min(1).max(60).describe('Who set the rates.'),
    at: z.iso.datetime().describe('When they were set, RFC 3339, UTC.'),
    validMinutes: z
      .number()
      .int()
      .min(1)
      .max(10_080)
      .default(1_440)
      .describe('How long after that they may be offered: stale rates offer nothing.'),
    offerMinutes: z.number().int().min(1).max(60).default(10).describe('How long an offer stands.'),
    markUpBasisPoints: z
      .number()
      .int()
      .min(0)
      .max(2_000)
      .describe('What the cardholder pays above the rate, hundredths of a per cent. It is shown with every offer.'),
    rates: z
      .array(
        z.strictObject({
          currency: foreignCurrency,
          yen: z
            .string()
            .regex(/^(?=.*[1-9])\d{1,7}(\.\d{1,6})?$/)
            .describe('Yen for one unit of the currency, decimal.'),
        }),
      )
      .max(200),
    cards: z
      .array(z.strictObject({ prefix, currency: foreignCurrency }))
      .max(5_000)
      .default([])
      .describe(
        'The currency of cards by their leading digits, the longest first; of others what the chip says counts.',
      ),
  })
  .describe('Rates at which cardholders may pay in their own currency (DCC).');
export type RateRules = z.infer<typeof rateRules>;

/** The document of each kind. */
export const switchRuleDocuments = {
  routing: routingRules,
  'stand-in': standInRules,
  contracts: contractRules,
  rates: rateRules,
} as const;

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const versionFields = {
  kind: switchRuleKind,
  version: z.number().int().describe('Counts changes: the ETag.'),
  at: time.nullable().describe('When it was written; null for what the house began with.'),
  by: z.string().describe('Who wrote it.'),
  reason: z.string(),
};
export const switchRuleVersion = z.object(versionFields).describe('One version of the rules of a kind.');
export type SwitchRuleVersion = z.infer<typeof switchRuleVersion>;
export const switchRulesView = z
  .object({ ...versionFields, rules: z.union([routingRules, standInRules, contractRules, rateRules]) })
  .describe('The rules of a kind at a version.');
export type SwitchRulesView = z.infer<typeof switchRulesView>;
export const changeSwitchRules = z
  .strictObject({ rules: z.unknown(), reason: reasonText() })
  .describe('New rules of a kind, whole.');

export const routeQuestion = z
  .strictObject({
    digits: z
      .string()
      .regex(/^\d{6,11}$/)
      .describe('Leading digits of a card number, never the whole.'),
    operation: operation.default('sale'),
    entry: entry.default('contact'),
    amountMinor: yen.default(1_000),
    at: time.optional().describe('When; now where absent.'),
    merchant: z.string().max(15).optional(),
  })
  .describe('A transaction that is not made.');
export type RouteQuestion = z.infer<typeof routeQuestion>;

/** What became of a rule when a route was looked for. */
export const routeVerdicts = [
  'taken',
  'next',
  'link-down',
  'link-unknown',
  'operation',
  'entry',
  'amount',
  'hours',
  'day',
] as const;
export const routeExplanation = z
  .object({
    version: z.number().int().describe('Of the routing table.'),
    link: z.string().nullable().describe('Where it would go; null for nowhere (action code 908, 912).'),
    scheme: z.string().nullable(),
    steps: z
      .array(
        z.object({
          prefix: z.string(),
          scheme: z.string(),
          link: z.string(),
          priority: z.number(),
          costMinor: z.number().describe('Of this transaction, yen; may have parts of one.'),
          verdict: z.enum(routeVerdicts),
        }),
      )
      .describe('Every rule whose prefix fits, in the order in which they are tried.'),
    standIn: z.string().nullable().describe('Without a link: what stand-in would say (`approve`, or why not).'),
  })
  .describe('Why a transaction goes where it goes.');
export type RouteExplanation = z.infer<typeof routeExplanation>;

export const standInUse = z
  .object({
    sale: z.string(),
    at: time,
    link: z.string(),
    rule: z.number().int().describe('Version of the stand-in rules.'),
    lastFour: z.string(),
    amountMinor: z.number().int(),
    node: z.string(),
    state: z.enum(['advising', 'taken', 'refused']).describe('What the issuer said of it later.'),
    actionCode: z.string().nullable().describe('Of the issuer, when it refused.'),
  })
  .describe('An approval in the place of an issuer.');
export type StandInUse = z.infer<typeof standInUse>;

/** How cards of a scheme may be paid with at a shop, by its contract. */
export const paymentMethodOffer = z
  .object({
    scheme: z.string().describe('Card scheme.'),
    link: z.string().describe('The issuer link that its cards go to first.'),
    methods: z.array(paymentMethod).describe('What the contract allows for.'),
    instalments: z.array(z.number().int()).describe('How many there may be, for 31-34 and 61.'),
    methodMinMinor: yen.describe('The least amount for anything but 10.'),
  })
  .describe('How cards of a scheme may be paid with.');
export type PaymentMethodOffer = z.infer<typeof paymentMethodOffer>;
export const paymentMethodOffers = z
  .object({
    merchant: z.string().describe('The shop that the contracts are with (DE42).'),
    items: z.array(paymentMethodOffer),
  })
  .describe('How may be paid at a shop, by card scheme.');
export type PaymentMethodOffers = z.infer<typeof paymentMethodOffers>;

/** Where the management API has these. */
export const switchRulePaths = {
  paymentMethods: '/api/v1/switch/payment-methods',
  rules: (kind: SwitchRuleKind) => `/api/v1/switch/rules/${kind}`,
  versions: (kind: SwitchRuleKind) => `/api/v1/switch/rules/${kind}/versions`,
  version: (kind: SwitchRuleKind, version: number) => `/api/v1/switch/rules/${kind}/versions/${version}`,
  explanations: '/api/v1/switch/routing/explanations',
  standIn: '/api/v1/switch/stand-in',
} as const;
