import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type ReversalImage, type ReversalQueue, reversalImage, reversalsMax } from '../payment/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/** All reversals in one record, so that no moment knows half of one and a sale waits for one write. */
const reversalsRecord = sealedRecord('reversals', z.object({ images: z.array(reversalImage).max(2 * reversalsMax) }));

/** The store's queue of reversals, oldest first. A record that was damaged does not look like an empty one: `isLost` says so. */
export async function openReversalStore(
  store: SealedStore,
): Promise<Result<ReversalQueue, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const stored = await store.read(reversalsRecord);
  if (!stored.ok) return stored;
  const aside = stored.value ? ok([]) : await store.setAside();
  if (!aside.ok) return aside;
  let isLost = aside.value.some(({ record }) => record === reversalsRecord.name);
  let kept: readonly ReversalImage[] = stored.value?.facts.images ?? [];
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work, work);
    tail = turn.catch(() => undefined);
    return turn;
  };

  const due = (): readonly ReversalImage[] => kept.filter(({ refused }) => refused === undefined);

  /** `work` says what is to be kept, or undefined when nothing changes. */
  const change = (
    work: () => Result<readonly ReversalImage[] | undefined, 'REVERSAL_NOT_STORED'>,
  ): Promise<Result<void, 'REVERSAL_NOT_STORED'>> =>
    inTurn(async () => {
      const next = work();
      if (!next.ok || next.value === undefined) return next.ok ? ok(undefined) : next;
      const written = await store.write(reversalsRecord, { images: [...next.value] });
      if (!written.ok) return fail('REVERSAL_NOT_STORED', { cause: written.fault });
      kept = next.value;
      isLost = false;
      return ok(undefined);
    });

  return ok({
    put: (reversal) =>
      change(() => {
        if (kept.some(({ id }) => id === reversal.id))
          return ok(kept.map((one) => (one.id === reversal.id ? reversal : one)));
        if (due().length >= reversalsMax) return fail('REVERSAL_NOT_STORED', { facts: { kept: kept.length } });
        return ok([...kept, reversal]);
      }),
    remove: (id) =>
      change(() => ok(kept.some((one) => one.id === id) ? kept.filter((one) => one.id !== id) : undefined)),
    putAside: (id, why) =>
      change(() => {
        const one = kept.find((image) => image.id === id);
        if (one === undefined) return ok(undefined);
        const aside = [...kept.filter((image) => image.refused !== undefined), { ...one, refused: why }];
        return ok([...aside.slice(-reversalsMax), ...due().filter((image) => image.id !== id)]);
      }),
    list: () => inTurn(() => Promise.resolve(due())),
    get isLost() {
      return isLost;
    },
    restore: (reversals) => change(() => ok([...kept, ...reversals.slice(-reversalsMax)])),
    aside: () => kept.filter(({ refused }) => refused !== undefined),
  });
}
