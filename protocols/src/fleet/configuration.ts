import { createHash } from 'node:crypto';
import { z } from 'zod';

export const configuration = z
  .strictObject({
    language: z.enum(['ja', 'en']).default('ja').describe('Language of screen and slips.'),
    floorLimitMinor: z
      .number()
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe('Amounts in minor units (JPY has none: yen). Below it a terminal may approve offline; 0 forbids it.'),
    offlineCountMax: z
      .number()
      .int()
      .min(0)
      .max(200)
      .default(20)
      .describe('How many sales a terminal may approve offline before the switch has taken them.'),
    offlineAmountMaxMinor: z
      .number()
      .int()
      .min(0)
      .max(10_000_000)
      .default(100_000)
      .describe('How much these may come to together, minor units.'),
    completionPercentMax: z
      .number()
      .int()
      .min(1)
      .max(200)
      .default(100)
      .describe('The most that may be posted of an authorisation, per cent of what was authorised.'),
    taxPercent: z
      .number()
      .int()
      .min(0)
      .max(50)
      .default(10)
      .describe('Consumption tax that amounts include, per cent, as the slip shows it.'),
    amountMaxMinor: z
      .number()
      .int()
      .min(1)
      .max(99_999_999)
      .default(5_000_000)
      .describe('The most one sale may be, minor units.'),
    answerTimeoutMs: z
      .number()
      .int()
      .min(1_000)
      .max(60_000)
      .default(8_000)
      .describe('How long the terminal waits for the switch before it reverses, milliseconds.'),
    heartbeatMs: z
      .number()
      .int()
      .min(5_000)
      .max(3_600_000)
      .default(60_000)
      .describe('How often it says that it is there, milliseconds.'),
    contactFallback: z
      .boolean()
      .default(true)
      .describe('Whether a card that could not be finished without contacts may be inserted.'),
    stripeFallback: z
      .boolean()
      .default(false)
      .describe(
        'Whether the stripe of a chip that cannot be read may be drawn, flagged as technical fallback to the issuer. Card companies forbid it more and more.',
      ),
    merchantName: z.string().max(40).default('喫茶つなぐ').describe('Merchant name on the slip.'),
  })
  .describe('The desired configuration of a terminal: one layer for now, versioned as a whole.');
export type Configuration = z.infer<typeof configuration>;

/** What a configuration is told apart by: SHA-256 of its JSON with sorted keys, first 16 hex digits. */
export function configurationHash(value: Configuration): string {
  const sorted = Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}
