import { Secret, secretPan } from '../kit/index.ts';
import type { Fate } from './card-data.ts';

/** Where a bank keeps a fictional account. Digits. */
export interface BankAccountData {
  /** 4 digits; 9999 belongs to no bank. */
  readonly bank: string;
  /** 3 digits. */
  readonly branch: string;
  /** 7 digits. */
  readonly account: string;
}

/** A fictional account whose card has a stripe and no chip. */
export interface StripeAccountData {
  readonly name: string;
  readonly kind: 'gift' | 'cash' | 'points';
  readonly fate: Fate;
  /** Digits. "9" and a country's number begin what a country assigns for itself (ISO/IEC 7812-1): no scheme has such numbers. */
  readonly pan: string;
  /** YYMMDD. */
  readonly expiry: string;
  /** 7xx: no interchange except under bilateral agreement; of the middle digit 2: authorised by the issuer. ISO/IEC 7813, table 2. */
  readonly serviceCode: string;
  readonly discretionary: string;
  /** PIN online (a cash card), or the code under the scratch film (a gift card). */
  readonly pin: string;
  readonly bankAccount?: BankAccountData;
  /** Yen, or points of a yen each, that a gift or points card was handed out with; absent where a till has to issue it first. */
  readonly openingMinor?: number;
}

/**
 * Gift and points cards, and cash cards as J-Debit takes them. Numbers, service codes and the layout of both tracks are our assumption: the banks' own
 * specification is not public, and no application identifier of a J-Debit chip is in a public source that we could name.
 */
export const stripeAccountData = [
  {
    name: 'gift-card',
    kind: 'gift',
    fate: { kind: 'approved' },
    pan: '9392010000000014',
    expiry: '301231',
    serviceCode: '721',
    discretionary: '0050000000000',
    pin: '482913',
    openingMinor: 10_000,
  },
  {
    name: 'gift-card-declined',
    kind: 'gift',
    fate: { kind: 'declined', actionCode: 116 },
    pan: '9392010000000022',
    expiry: '301231',
    serviceCode: '721',
    discretionary: '0000000000000',
    pin: '110027',
    openingMinor: 0,
  },
  {
    name: 'gift-card-new',
    kind: 'gift',
    fate: { kind: 'approved' },
    pan: '9392010000000030',
    expiry: '301231',
    serviceCode: '721',
    discretionary: '0000000000000',
    pin: '220931',
  },
  {
    name: 'points-card',
    kind: 'points',
    fate: { kind: 'approved' },
    pan: '9392030000000012',
    expiry: '491231',
    serviceCode: '721',
    discretionary: '0000000000000',
    pin: '0000',
    openingMinor: 3_000,
  },
  {
    name: 'cash-card',
    kind: 'cash',
    fate: { kind: 'approved' },
    pan: '9392020000000013',
    expiry: '491231',
    serviceCode: '726',
    discretionary: '0000000000000',
    pin: '1234',
    bankAccount: { bank: '9999', branch: '001', account: '0000001' },
  },
  {
    name: 'cash-card-declined',
    kind: 'cash',
    fate: { kind: 'declined', actionCode: 116 },
    pan: '9392020000000021',
    expiry: '491231',
    serviceCode: '726',
    discretionary: '0000000000000',
    pin: '1234',
    bankAccount: { bank: '9999', branch: '001', account: '0000002' },
  },
] as const satisfies readonly StripeAccountData[];

/** Names of the stripe accounts. */
export type StripeAccountName = (typeof stripeAccountData)[number]['name'];

/** A stripe account, its numbers as secrets. */
export interface StripeAccount
  extends Omit<StripeAccountData, 'name' | 'pan' | 'discretionary' | 'pin' | 'bankAccount'> {
  readonly name: StripeAccountName;
  readonly pan: Secret<'pan'>;
  readonly discretionary: Secret<'pan'>;
  readonly pin: Secret<'pin'>;
  /** The front stripe of a cash card (JIS X 6302-2, annex JA): 69 characters between start, end and check. */
  readonly frontStripe?: Secret<'pan'>;
}

/** Names of all stripe accounts. */
export const stripeAccountNames: readonly StripeAccountName[] = stripeAccountData.map(({ name }) => name);

/** Whether a text is the name of a stripe account. */
export const isStripeAccountName = (name: string): name is StripeAccountName =>
  stripeAccountNames.some((known) => known === name);

/** A stripe account by its name, made afresh. */
export function stripeAccount(name: StripeAccountName): StripeAccount {
  const data = stripeAccountData.find((known) => known.name === name);
  if (data === undefined) throw new Error(`no such card: ${name}`);
  return fromData(data);
}

/** The stripe account with this PAN, as its issuer looks it up. */
export function findStripeAccount(pan: Secret<'pan'>): StripeAccount | undefined {
  const digits = pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
  const data = stripeAccountData.find((known) => known.pan === digits);
  return data === undefined ? undefined : fromData(data);
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

function fromData(data: StripeAccountData & { readonly name: StripeAccountName }): StripeAccount {
  const { pan, discretionary, pin, bankAccount, ...open } = data;
  return {
    ...open,
    pan: secretPan(pan),
    discretionary: Secret.take('pan', ascii(discretionary)),
    pin: Secret.take('pin', ascii(pin)),
    ...(bankAccount !== undefined && { frontStripe: Secret.take('pan', ascii(frontStripeOf(bankAccount))) }),
  };
}

/** Characters that are free on the one track of a front stripe: 72 less start, end and check. JIS X 6302-2, annex JA. */
const frontCharacters = 69;

/** Ours: kind of business (1, banks), bank, branch, kind of account (1, ordinary), number, zeros. A PIN never stands on a stripe. */
const frontStripeOf = ({ bank, branch, account }: BankAccountData): string =>
  `1${bank}${branch}1${account}`.padEnd(frontCharacters, '0');
