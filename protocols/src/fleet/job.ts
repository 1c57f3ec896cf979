import { z } from 'zod';
import { softwareBytesMax } from '../software/limits.ts';
import { keySlot } from './held-key.ts';
import { balanceUnit, cardHistoryLine, dcc, method, ownCurrency, paymentKind, serviceHours } from './payment.ts';

export const keyLoad = z
  .object({
    slot: keySlot,
    keyBlock: z
      .string()
      .regex(/^D[0-9A-Za-z ]{15,}$/)
      .max(1_024)
      .describe('TR-31 key block of version D, ASCII.'),
    kcv: z
      .string()
      .regex(/^([0-9A-F]{10}|[0-9A-F]{6})$/)
      .describe(
        'Key check value in hex (X9.24-1:2017, annex A). AES: 5 bytes of the CMAC of a zero block; TDES: 3 bytes of a zero block enciphered.',
      ),
  })
  .describe(
    "A key as it travels: a TR-31 key block (X9.143, version D) under the terminal's key-block protection key. `dukpt`: usage B1 (initial DUKPT key) with optional block IK (8-byte initial key id), or, for models that can do TDES only, algorithm T with KS (10-byte KSN, its counter cleared). `negative`, `negative/2`: usage M6 (CMAC).",
  );
export type KeyLoad = z.infer<typeof keyLoad>;

export const testSale = z
  .object({
    amountMinor: z
      .number()
      .int()
      .min(1)
      .max(99_999_999)
      .describe('Amount in minor units of the currency (JPY has none: yen).'),
    card: z
      .string()
      .regex(/^[a-z0-9-]{1,40}$/)
      .describe('Name of an emulated card, as listed in the hello.'),
    dcc,
    method,
  })
  .describe('A sale that the terminal makes by itself with a card of its emulated reader.');
export type TestSale = z.infer<typeof testSale>;

export const softwareInstall = z
  .object({
    version: z
      .string()
      .regex(/^[0-9A-Za-z.+-]{1,32}$/)
      .describe('Version that the image says of itself.'),
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('SHA-256 of the image in hex: its name on the device API, and what the terminal checks it against.'),
    size: z.number().int().min(1).max(softwareBytesMax).describe('Length of the image, bytes.'),
    counter: z
      .number()
      .int()
      .min(1)
      .max(0xffff_ffff)
      .describe("Rollback counter of the image's header: below its own the terminal takes none."),
    proofTimeoutMs: z
      .number()
      .int()
      .min(1_000)
      .max(600_000)
      .default(60_000)
      .describe(
        'Milliseconds from the first boot of the new software to an answer of the server; then the old one runs again.',
      ),
    allowDowngrade: z
      .boolean()
      .default(false)
      .describe('Whether an older version than the running one is meant. Below the rollback counter none is taken.'),
  })
  .describe('A software image of the device API, for the slot that does not run.');
export type SoftwareInstall = z.infer<typeof softwareInstall>;

/** The steps of one sale, in order, as they are shown to a technician. */
export const saleSteps = [
  'card-presented',
  'card-elsewhere',
  'card-again',
  'application-selected',
  'card-read',
  'negative-checked',
  'cryptogram-made',
  'rate-offered',
  'rate-chosen',
  'rate-not-offered',
  'request-sent',
  'answer-received',
  'card-completed',
  'card-settled',
  'reversal-queued',
  'finished',
] as const;
export const saleStep = z.enum(saleSteps).describe('A step of one sale.');
export type SaleStep = z.infer<typeof saleStep>;

/** How a sale ended. */
export const saleOutcomes = ['approved', 'declined', 'refused', 'reversed', 'failed'] as const;
export const saleOutcome = z.enum(saleOutcomes).describe('How a sale ended.');
export type SaleOutcome = z.infer<typeof saleOutcome>;

export const saleResult = z
  .object({
    kind: paymentKind.optional().describe('What was done with money; absent: a sale.'),
    outcome: saleOutcome,
    amountMinor: z.number().int().describe('Amount in minor units of the currency (JPY has none: yen).'),
    currency: z.string().length(3).describe('ISO 4217 alphabetic code.'),
    card: z.string().max(40).describe('Name of the card in the emulated reader; empty on a real one.'),
    scheme: z.string().max(20).describe('Card scheme of the application that was selected.'),
    entry: z
      .enum(['contact', 'contactless', 'stripe', 'stored'])
      .describe('How the card was read; `stored`: it was not, the terminal had it sealed.'),
    lastFour: z
      .string()
      .regex(/^\d{0,4}$/)
      .describe('Last four digits of the PAN; empty when no card was read.'),
    stan: z.string().max(6).describe('System trace audit number, six digits; empty when no message was made.'),
    rrn: z.string().max(12).optional().describe('Retrieval reference number of the answer.'),
    approvalCode: z.string().max(6).optional().describe('Approval code of the issuer (DE38).'),
    actionCode: z.string().max(3).optional().describe('ISO 8583:1993 action code (DE39), when there was an answer.'),
    tillCode: z
      .string()
      .max(8)
      .optional()
      .describe('What a till shows for the action code, as the list of the acquirer has it, such as `G12`.'),
    reason: z.string().max(64).optional().describe('Why it was refused or failed: a code of the error table.'),
    reasonFacts: z
      .record(z.string().max(32), z.union([z.string().max(200), z.number(), z.boolean()]))
      .optional()
      .describe('What the reason is about, such as what is left of a sale, or the STANs that share an RRN.'),
    decidedBy: z
      .literal('terminal')
      .optional()
      .describe('Who approved it: absent, the issuer; `terminal`, terminal and card alone, under the floor limit.'),
    isQueued: z
      .boolean()
      .optional()
      .describe('An advice that the switch has not taken yet: it is on the terminal, and is sent until it is taken.'),
    slip: z.number().int().min(1).max(99_999).optional().describe('Slip number.'),
    original: z.string().max(6).optional().describe('STAN of the transaction that it follows.'),
    balanceMinor: z.number().int().optional().describe('What the account has left, minor units: answer to an inquiry.'),
    balanceUnit: balanceUnit.optional(),
    serviceHours: serviceHours.optional(),
    ownCurrency: ownCurrency.optional(),
    method: method.describe('How the cardholder pays; absent: at once.'),
    history: z.array(cardHistoryLine).max(20).optional().describe('History of a transit card, newest first.'),
    durationMs: z.number().nonnegative().describe('Reader to answer, milliseconds.'),
  })
  .describe('What a finished payment looks like to a person: no PAN, only its last four digits.');
export type SaleResult = z.infer<typeof saleResult>;

export const runningSoftware = z
  .object({
    version: z.string().max(32).describe('Version of what runs.'),
    slot: z.enum(['A', 'B']).describe('The slot that it runs from.'),
  })
  .describe('What runs after a software job.');
