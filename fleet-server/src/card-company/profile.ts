import { readFile } from 'node:fs/promises';
import { parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { wireFaults } from '../emulation/wire-faults.ts';

const digits = (least: number, most: number) => z.string().regex(new RegExp(`^\\d{${least},${most}}$`));
const yen = z.number().int().min(0).max(999_999_999_999);
const actionCode = digits(3, 3);
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

/** What an account of a profile is: credit is taken back later; cash and debit pay at once; gift and points hold a balance of their own. */
export const cardKinds = ['credit', 'cash', 'gift', 'points'] as const;

/** A card that the profile adds to the test cards of the house. Its number has to be of a test range. */
const profileCard = z.strictObject({
  name: z.string().min(1).max(40),
  kind: z.enum(cardKinds).default('credit'),
  pan: digits(12, 19),
  /** YYMM. */
  expiry: digits(4, 4).default('4912'),
  pin: digits(4, 12).default('1234'),
  /** Declines everything with this action code. */
  actionCode: actionCode.optional(),
  /** Nobody ever answers. */
  isSilent: z.boolean().default(false),
  /** What a gift or points card has at first; nothing, and it is not issued yet, where absent. */
  openingMinor: yen.optional(),
  limits: z.strictObject({ saleMax: yen, dayMax: yen }).partial().default({}),
  /** What a validity check tells: the card was replaced by this one. */
  replacedBy: z.strictObject({ pan: digits(12, 19).optional(), expiry: digits(4, 4) }).optional(),
});
export type ProfileCard = z.infer<typeof profileCard>;

/** All numbers of a prefix and a length whose check digit is right are cards: for loads of many accounts. */
const profileRange = z.strictObject({
  prefix: digits(2, 11),
  length: z.number().int().min(12).max(19).default(16),
  kind: z.enum(cardKinds).default('credit'),
  expiry: digits(4, 4).default('4912'),
});

/** Declines requests that look like this, before anything else is asked. */
const refusal = z.strictObject({
  prefix: digits(1, 11).optional(),
  amountMinor: yen.optional(),
  merchant: z.string().max(15).optional(),
  /** As a share of one, of the requests that look so. */
  share: z.number().min(0).max(1).default(1),
  actionCode,
});

/** How an emulated issuer behaves: data, so that another bank is another file. */
export const issuerProfile = z.strictObject({
  name: z.string().min(1).max(40),
  cards: z.array(profileCard).max(10_000).default([]),
  ranges: z.array(profileRange).max(100).default([]),
  /** Whether it knows the test cards of the house as well, transit cards included. */
  hasTestCards: z.boolean().default(true),
  /** Of those cards only the ones of these schemes (`visa`, `unionpay` …) and kinds (`cash`, `gift`, `points`); all of them where absent. */
  testCardsOf: z.array(z.string().max(20)).max(20).optional(),
  limits: z.strictObject({ saleMax: yen, dayMax: yen }).default({ saleMax: 5_000_000, dayMax: 50_000_000 }),
  delayMs: z
    .strictObject({ least: z.number().int().min(0).max(60_000), most: z.number().int().min(0).max(60_000) })
    .default({ least: 15, most: 75 }),
  refusals: z.array(refusal).max(100).default([]),
  /** The fewest digits that a PIN of it has; a shorter one is 127, and no wrong try. */
  pinDigitsLeast: z.number().int().min(4).max(12).default(4),
  /** Local time of day at which cash cards are served; always where absent. */
  hours: z.strictObject({ from: clockTime, until: clockTime }).optional(),
  /** What befalls its answers. */
  faults: wireFaults.default({ rates: {}, lateMs: 7_000, dripMs: 20 }),
  /** `disk`: each decision is on disk before it is told. `memory`: it is forgotten at the end, for loads. */
  books: z.enum(['disk', 'memory']).default('disk'),
});
export type IssuerProfile = z.infer<typeof issuerProfile>;

const whole = (profile: z.input<typeof issuerProfile>): IssuerProfile => issuerProfile.parse(profile);

/** The profiles that come with the house. */
export const issuerProfiles = {
  /** The card company of `npm start`. */
  'card-company': whole({ name: 'card-company' }),
  /** The issuers of the other links of `npm start`: each knows the cards of its scheme, and nobody else's. */
  unionpay: whole({ name: 'unionpay', testCardsOf: ['unionpay'], pinDigitsLeast: 6 }),
  'j-debit': whole({ name: 'j-debit', testCardsOf: ['cash'], delayMs: { least: 80, most: 200 } }),
  gift: whole({ name: 'gift', testCardsOf: ['gift'] }),
  points: whole({ name: 'points', testCardsOf: ['points'] }),
  'e-money': whole({ name: 'e-money', testCardsOf: ['transit'] }),
  /** A bank of J-Debit with the hours of one. */
  bank: whole({ name: 'bank', hours: { from: '08:00', until: '21:00' }, delayMs: { least: 80, most: 300 } }),
  /** Gift and points cards: a number that is not issued yet, and ones with a balance. Numbers of our own test range. */
  prepaid: whole({
    name: 'prepaid',
    hasTestCards: false,
    cards: [
      { name: 'gift-new', kind: 'gift', pan: '9392010000000113' },
      { name: 'gift-5000', kind: 'gift', pan: '9392010000000121', openingMinor: 5_000 },
      { name: 'points-300', kind: 'points', pan: '9392010000000139', openingMinor: 300 },
    ],
  }),
  /** Everything that a line does to a message, now and then. */
  flaky: whole({
    name: 'flaky',
    faults: {
      rates: {
        drop: 0.02,
        duplicate: 0.02,
        reorder: 0.02,
        late: 0.01,
        halfClose: 0.002,
        slowDrip: 0.005,
        wrongMac: 0.005,
        wrongStan: 0.005,
        signOff: 0.001,
      },
    },
  }),
  /** Many accounts, no thinking time, books in memory: the issuer is not what is measured. */
  load: whole({
    name: 'load',
    hasTestCards: false,
    ranges: [{ prefix: '476173', length: 16 }],
    limits: { saleMax: 999_999_999, dayMax: 999_999_999_999 },
    delayMs: { least: 0, most: 0 },
    books: 'memory',
  }),
} as const satisfies Record<string, IssuerProfile>;

/** A profile by its name, or out of a JSON file. EMULATOR_PROFILE_INVALID says where it is wrong. */
export async function readIssuerProfile(
  nameOrPath: string,
): Promise<Result<IssuerProfile, 'EMULATOR_PROFILE_INVALID'>> {
  const known = Object.entries(issuerProfiles).find(([name]) => name === nameOrPath)?.[1];
  return known ? ok(known) : await readProfile(nameOrPath, issuerProfile);
}

const profileLengthMax = 4_194_304;

/** A profile out of a JSON file. */
export async function readProfile<T>(
  path: string,
  schema: z.ZodType<T>,
): Promise<Result<T, 'EMULATOR_PROFILE_INVALID'>> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return fail('EMULATOR_PROFILE_INVALID', { facts: { profile: path, problem: 'not found' } });
  const read = parseJson(schema, text, profileLengthMax, { namesUnknown: true });
  if (read.ok) return ok(read.value);
  const { field, facts = {} } = read.fault;
  return fail('EMULATOR_PROFILE_INVALID', {
    ...(field !== undefined && { field }),
    facts: { ...facts, profile: path },
  });
}
