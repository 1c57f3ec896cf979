import { balanceUnit, paymentKind, saleMethod, saleOutcome, serviceHours } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { chipReceipt, sealedCard } from '../secure/index.ts';
import { signature } from '../signature/index.ts';

/** Slip numbers (伝票番号) run from 1 to this and begin again; five digits are what a slip shows. */
export const slipMax = 99_999;

/** What a transaction is in the cardholder's own currency, as its message says it: DE51, DE6, DE10, and the mark-up that was shown. */
export const ownCurrency = z.object({
  currency: z.string().regex(/^\d{3}$/),
  amountMinor: z.number().int().nonnegative(),
  rate: z.string().regex(/^\d{8}$/),
  markUpBasisPoints: z.number().int().nonnegative(),
});
export type OwnCurrency = z.infer<typeof ownCurrency>;

/** A transaction as the terminal keeps it: what its slip shows, and what a void, refund or completion of it needs. */
export const transaction = z.object({
  v: z.literal(1),
  slip: z.number().int().min(1).max(slipMax),
  /** Business day of this terminal. */
  day: z.number().int().min(1),
  kind: paymentKind,
  /** Terminal's time, milliseconds since 1970. */
  at: z.number().int().nonnegative(),
  outcome: saleOutcome,
  /** Yen; 0 for a balance. */
  amountMinor: z.number().int().nonnegative(),
  entry: z.enum(['contact', 'contactless', 'stripe', 'stored']),
  verification: z.enum([
    'none',
    'signature',
    'offlinePin',
    'offlinePinAndSignature',
    'onlinePin',
    'onlinePinAndSignature',
    'onDevice',
  ]),
  card: sealedCard.optional(),
  /** DE11, DE12, DE22 and MTI of its message; empty when there was none. */
  stan: z.string().max(6),
  localTime: z.string().max(12),
  posDataCode: z.string().max(12),
  mti: z.string().max(4),
  rrn: z.string().max(12).optional(),
  approvalCode: z.string().max(6).optional(),
  actionCode: z.string().max(3).optional(),
  /** What the acquirer has a till show for the action code. */
  tillCode: z.string().max(8).optional(),
  reason: z.string().max(64).optional(),
  /** Approved by terminal and card alone. */
  isOffline: z.boolean().default(false),
  /** STAN and local time of what it follows. */
  original: z
    .object({
      slip: z.number().int(),
      stan: z.string().max(6),
      localTime: z.string().max(12),
      /** What it was; records of before do not have it. */
      kind: paymentKind.optional(),
    })
    .optional(),
  chip: chipReceipt.optional(),
  balanceMinor: z.number().int().optional(),
  balanceUnit: balanceUnit.optional(),
  serviceHours: serviceHours.optional(),
  ownCurrency: ownCurrency.optional(),
  /** How the cardholder pays; absent: at once. */
  method: saleMethod.optional(),
  signature: signature.optional(),
});
export type Transaction = z.infer<typeof transaction>;

/** Transactions that follow another one and stand: they are what makes it voided, refunded or completed. */
export const followersOf = (all: readonly Transaction[], { stan, localTime }: Transaction): readonly Transaction[] =>
  all.filter(
    ({ original, outcome }) =>
      original !== undefined && outcome === 'approved' && original.stan === stan && original.localTime === localTime,
  );

/** Whether a transaction was taken back. */
export const isVoided = (all: readonly Transaction[], one: Transaction): boolean =>
  followersOf(all, one).some(({ kind }) => kind === 'void');

const refundsOf = (all: readonly Transaction[], one: Transaction): readonly Transaction[] =>
  followersOf(all, one).filter((follower) => follower.kind === 'refund' && !isVoided(all, follower));

/** What was given back of a sale, yen. */
export const refundedMinor = (all: readonly Transaction[], one: Transaction): number =>
  refundsOf(all, one).reduce((sum, { amountMinor }) => sum + amountMinor, 0);

/** What was given back of a sale in the cardholder's own currency, minor units. */
export const refundedOwnMinor = (all: readonly Transaction[], one: Transaction): number =>
  refundsOf(all, one).reduce((sum, refund) => sum + (refund.ownCurrency?.amountMinor ?? 0), 0);
