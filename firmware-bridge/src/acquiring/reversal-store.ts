import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type ReversalImage, type ReversalQueue, reversalImage, reversalsMax } from '../payment/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/** All reversals in one record, so that no moment knows half of one and a sale waits for one write. */
const reversalsRecord = sealedRecord('reversals', z.object({ images: z.array(reversalImage).max(reversalsMax) }));

/** The store's queue of reversals, oldest first. */
export function openReversalStore(store: SealedStore): ReversalQueue {
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work, work);
    tail = turn.catch(() => undefined);
    return turn;
  };

  /** `work` says what is to be kept, or undefined when nothing changes. */
  const change = (
    work: (kept: readonly ReversalImage[]) => Result<readonly ReversalImage[] | undefined, 'REVERSAL_NOT_STORED'>,
  ): Promise<Result<void, 'REVERSAL_NOT_STORED'>> =>
    inTurn(async () => {
      const kept = await read(store);
      if (!kept.ok) return kept;
      const next = work(kept.value);
      const written = next.ok && next.value ? await store.write(reversalsRecord, { images: [...next.value] }) : next;
      return written.ok ? ok(undefined) : fail('REVERSAL_NOT_STORED', { cause: written.fault });
    });

  return {
    put: (reversal) =>
      change((kept) => {
        if (kept.some(({ id }) => id === reversal.id))
          return ok(kept.map((one) => (one.id === reversal.id ? reversal : one)));
        if (kept.length >= reversalsMax) return fail('REVERSAL_NOT_STORED', { facts: { kept: kept.length } });
        return ok([...kept, reversal]);
      }),
    remove: (id) =>
      change((kept) => ok(kept.some((one) => one.id === id) ? kept.filter((one) => one.id !== id) : undefined)),
    list: () =>
      inTurn(async () => {
        const kept = await read(store);
        // A queue that cannot be read must not look like an empty one: a sale would stay charged.
        if (!kept.ok) throw new Error('the reversals cannot be read', { cause: kept.fault });
        return kept.value;
      }),
  };
}

async function read(store: SealedStore): Promise<Result<readonly ReversalImage[], 'REVERSAL_NOT_STORED'>> {
  const stored = await store.read(reversalsRecord);
  if (!stored.ok) return fail('REVERSAL_NOT_STORED', { cause: stored.fault });
  return ok(stored.value?.facts.images ?? []);
}
