import { ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

const bootRecord = sealedRecord('boot', z.object({ seq: z.number().int().nonnegative() }));

/** Counts this boot. It is on disk before anything is sent, so that no two boots have one number. */
export async function nextBoot(
  store: SealedStore,
): Promise<Result<number, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'>> {
  const stored = await store.read(bootRecord);
  if (!stored.ok) return stored;
  const seq = (stored.value?.facts.seq ?? 0) + 1;
  const written = await store.write(bootRecord, { seq });
  return written.ok ? ok(seq) : written;
}
