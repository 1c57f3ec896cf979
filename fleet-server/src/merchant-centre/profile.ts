import { ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { readProfile } from '../card-company/profile.ts';
import { wireFaults } from '../emulation/wire-faults.ts';

const share = z.number().min(0).max(1);

/** What a merchant centre may ask, in shares of one; the rest are sales. The last two it decided itself, and tells by an advice (1120, 1220). */
const mix = z
  .strictObject({
    authorisation: share,
    balance: share,
    validity: share,
    offlineAuthorisation: share,
    offlineSale: share,
  })
  .partial();

/** How an emulated merchant centre behaves: data, so that a ticket window is another file. */
export const centreProfile = z.strictObject({
  name: z.string().min(1).max(40),
  /** DE42. */
  merchant: z
    .string()
    .regex(/^[A-Z0-9]{1,15}$/)
    .default('CENTRE'),
  /** How many terminals stand behind it: DE41 counts through them. */
  terminals: z.number().int().min(1).max(100_000).default(10),
  ratePerSecond: z.number().min(0.01).max(100_000).default(2),
  /** No more requests than these wait for an answer at once; what falls due meanwhile waits. */
  inFlightMax: z.number().int().min(1).max(10_000).default(64),
  /** Names of test cards, or a range whose numbers it goes through. */
  cards: z
    .union([
      z.strictObject({ names: z.array(z.string().max(40)).min(1).max(100) }),
      z.strictObject({
        prefix: z.string().regex(/^\d{2,11}$/),
        length: z.number().int().min(12).max(19).default(16),
        count: z.number().int().min(1).max(1_000_000),
      }),
    ])
    .default({ names: ['visa-contactless', 'mastercard-contact', 'jcb-contact', 'amex-contact'] }),
  amountMinor: z
    .strictObject({ least: z.number().int().min(1), most: z.number().int().max(999_999_999_999) })
    .default({ least: 100, most: 20_000 }),
  mix: mix.default({}),
  /** Approved sales that the customer walks away from: a 1420 with reason 4000. */
  cancelled: share.default(0),
  /** Approved sales whose goods come back, whole or in part: a 1200 of DE3 20 that names the sale. */
  refunded: share.default(0),
  /** How cardholders show that they are the ones; a PIN is that of the test card, so that cards of a range have none. */
  verification: z.enum(['signature', 'pin', 'pinAndSignature']).default('signature'),
  /** PINs that are mistyped. After three in a row an issuer says 106 to the card for good. */
  wrongPin: share.default(0),
  /** Requests that are sent once more, as 1201, before their answer can be there. */
  repeated: share.default(0),
  /** A request without an answer by then is reversed until that is taken. */
  timeoutMs: z.number().int().min(100).max(120_000).default(8_000),
  /** A request under another trace number would be another request: `wrongStan` befalls answers alone. */
  faults: wireFaults
    .refine(({ rates }) => rates.wrongStan === undefined, { path: ['rates', 'wrongStan'] })
    .default({ rates: {}, lateMs: 7_000, dripMs: 20 }),
  /** `disk`: what counts on a business day is kept, for its reconciliation. `none`: it is forgotten, for loads. */
  books: z.enum(['disk', 'none']).default('disk'),
});
export type CentreProfile = z.infer<typeof centreProfile>;

const whole = (profile: z.input<typeof centreProfile>): CentreProfile => centreProfile.parse(profile);

/** The centres that come with the house. Rates and amounts are ours, chosen to differ from one another. */
export const centreProfiles = {
  /** A chain's tills. */
  pos: whole({
    name: 'pos',
    ratePerSecond: 5,
    terminals: 200,
    amountMinor: { least: 100, most: 8_000 },
    repeated: 0.01,
    refunded: 0.02,
  }),
  /** A shop in the net: an authorisation now, the goods later, cards on file that are checked before. */
  ec: whole({ name: 'ec', terminals: 1, mix: { authorisation: 0.5, validity: 0.1 }, cancelled: 0.02, refunded: 0.05 }),
  /** Ticket windows of a railway: many small sales at once, and some that are taken back at the window. */
  'ticket-window': whole({
    name: 'ticket-window',
    ratePerSecond: 20,
    terminals: 60,
    amountMinor: { least: 150, most: 15_000 },
    cancelled: 0.05,
  }),
  /** A travel agency's centre: few and large. */
  travel: whole({
    name: 'travel',
    ratePerSecond: 0.5,
    terminals: 20,
    amountMinor: { least: 20_000, most: 900_000 },
    mix: { authorisation: 0.3 },
    cancelled: 0.1,
    refunded: 0.05,
  }),
  /** Shops that take UnionPay alone, by PIN and signature; goes with `emulate issuer --link unionpay-1`. */
  unionpay: whole({
    name: 'unionpay',
    cards: { names: ['unionpay-contact', 'unionpay-contactless'] },
    verification: 'pinAndSignature',
    repeated: 0.01,
    refunded: 0.02,
  }),
  /** Shops that take J-Debit alone: a PIN each time, taken back on the same day, and no refunds; goes with `emulate issuer --link j-debit-1`. */
  'j-debit': whole({
    name: 'j-debit',
    cards: { names: ['cash-card'] },
    amountMinor: { least: 100, most: 5_000 },
    verification: 'pin',
    cancelled: 0.05,
    repeated: 0.01,
  }),
  /** As fast as the far side answers, over many accounts; goes with the issuer profile `load`. */
  load: whole({
    name: 'load',
    ratePerSecond: 100_000,
    terminals: 1_000,
    inFlightMax: 256,
    cards: { prefix: '476173', count: 100_000 },
    books: 'none',
  }),
  /** All that a line does to a request, now and then. */
  flaky: whole({
    name: 'flaky',
    ratePerSecond: 10,
    mix: { offlineSale: 0.1 },
    cancelled: 0.05,
    refunded: 0.05,
    repeated: 0.05,
    faults: {
      rates: {
        drop: 0.02,
        duplicate: 0.02,
        reorder: 0.02,
        late: 0.01,
        halfClose: 0.002,
        slowDrip: 0.01,
        wrongMac: 0.01,
        signOff: 0.002,
      },
    },
  }),
} as const satisfies Record<string, CentreProfile>;

/** A profile by its name, or out of a JSON file. */
export async function readCentreProfile(
  nameOrPath: string,
): Promise<Result<CentreProfile, 'EMULATOR_PROFILE_INVALID'>> {
  const known = Object.entries(centreProfiles).find(([name]) => name === nameOrPath)?.[1];
  return known ? ok(known) : await readProfile(nameOrPath, centreProfile);
}
