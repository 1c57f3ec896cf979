import { createHash } from 'node:crypto';
import { z } from 'zod';

/** The desired configuration of a terminal: one layer for now, versioned as a whole. */
export const configuration = z.strictObject({
  /** Language of screen and slips. */
  language: z.enum(['ja', 'en']).default('ja'),
  /** Amounts in minor units (JPY has none: yen). Below it a terminal may approve offline; 0 forbids it. */
  floorLimitMinor: z.number().int().min(0).max(1_000_000).default(0),
  /** How many sales, and how much of them together, a terminal may approve offline before the switch has taken them. */
  offlineCountMax: z.number().int().min(0).max(200).default(20),
  offlineAmountMaxMinor: z.number().int().min(0).max(10_000_000).default(100_000),
  /** The most that may be posted of an authorisation, per cent of what was authorised. */
  completionPercentMax: z.number().int().min(1).max(200).default(100),
  /** Consumption tax that amounts include, per cent: it is shown on the slip. */
  taxPercent: z.number().int().min(0).max(50).default(10),
  /** The most one sale may be. */
  amountMaxMinor: z.number().int().min(1).max(99_999_999).default(5_000_000),
  /** How long the terminal waits for the switch before it reverses. */
  answerTimeoutMs: z.number().int().min(1_000).max(60_000).default(8_000),
  /** How often it says that it is there. */
  heartbeatMs: z.number().int().min(5_000).max(3_600_000).default(60_000),
  /** Merchant name on the slip. */
  merchantName: z.string().max(40).default('喫茶つなぐ'),
});
export type Configuration = z.infer<typeof configuration>;

/** What a configuration is told apart by: SHA-256 of its JSON with sorted keys, first 16 hex digits. */
export function configurationHash(value: Configuration): string {
  const sorted = Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}
