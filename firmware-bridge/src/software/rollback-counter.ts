import { ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/**
 * The anti-rollback counter, in a record of its own: what wipes a terminal back to its factory state leaves it alone (NIST SP 800-193, 4.2.1.2),
 * or an old and broken image would come back with it. On a real terminal it is a counter of the secure element.
 */
export const rollbackCounterRecord = sealedRecord(
  'rollback-counter',
  z.object({ counterMin: z.number().int().min(1).max(0xffff_ffff) }),
);

export async function readRollbackCounter(
  store: SealedStore,
): Promise<Result<number, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const stored = await store.read(rollbackCounterRecord);
  return stored.ok ? ok(stored.value?.facts.counterMin ?? 1) : stored;
}

/** Raises the counter; it never falls. */
export async function raiseRollbackCounter(
  store: SealedStore,
  counterMin: number,
): Promise<Result<void, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'>> {
  const known = await readRollbackCounter(store);
  if (!known.ok) return known;
  return known.value >= counterMin ? ok(undefined) : store.write(rollbackCounterRecord, { counterMin });
}
