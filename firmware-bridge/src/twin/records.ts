import { configurationHash, layerHashes, settingValues } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { sealedRecord } from '../sealed-store/index.ts';

const stored = z.object({
  version: z.number().int().nonnegative(),
  values: settingValues,
  layers: layerHashes.optional(),
});

/** The last good configuration: what is in force, and what the terminal goes back to. */
export const configurationRecord = sealedRecord(
  'configuration',
  stored.extend({
    /** What a technician changed at the terminal, on top of the desired configuration of that hash. */
    local: z
      .object({
        by: z.string().max(40),
        at: z.number().int().nonnegative(),
        settings: z.array(z.string()).max(128),
        over: z.string(),
      })
      .optional(),
  }),
);

/** A configuration that is not in force yet, or never will be. */
export const nextRecord = sealedRecord(
  'configuration-next',
  stored.extend({
    /** `staged` and `waits` for their moment; `trial`: in force, not proven; `refused` and `reverted`: until something else is desired. */
    state: z.enum(['staged', 'waits', 'trial', 'refused', 'reverted']),
    attempts: z.number().int().nonnegative(),
    /** Why it is not in force: a code of the error table, and the setting at fault. */
    code: z.string().optional(),
    field: z.string().optional(),
  }),
);

export type Committed = z.output<(typeof configurationRecord)['facts']>;
export type Next = z.output<(typeof nextRecord)['facts']>;

/** The hash of stored values; empty before the first. */
export const hashOf = (record: { readonly version: number; readonly values: Committed['values'] }): string =>
  record.version === 0 ? '' : configurationHash(record.values);
