import { concat, fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type ReversalQueue, reversalImage, reversalsMax, type StoredReversal } from '../payment/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/** All reversals in one record, so that no moment knows half of one. Its secret: the PANs in the order of the images, each after its length in one byte. */
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
    work: (kept: readonly StoredReversal[]) => Result<readonly StoredReversal[] | undefined, 'REVERSAL_NOT_STORED'>,
  ): Promise<Result<void, 'REVERSAL_NOT_STORED'>> =>
    inTurn(async () => {
      const kept = await read(store);
      if (!kept.ok) return kept;
      const next = work(kept.value);
      const written = next.ok && next.value ? await write(store, next.value) : next;
      wipe(kept.value);
      return written.ok ? ok(undefined) : fail('REVERSAL_NOT_STORED', { cause: written.fault });
    });

  return {
    put: (reversal) =>
      change((kept) => {
        if (kept.some(({ image }) => image.id === reversal.image.id))
          return ok(kept.map((one) => (one.image.id === reversal.image.id ? reversal : one)));
        if (kept.length >= reversalsMax) return fail('REVERSAL_NOT_STORED', { facts: { kept: kept.length } });
        return ok([...kept, reversal]);
      }),
    remove: (id) =>
      change((kept) =>
        ok(kept.some(({ image }) => image.id === id) ? kept.filter(({ image }) => image.id !== id) : undefined),
      ),
    list: () =>
      inTurn(async () => {
        const kept = await read(store);
        // A queue that cannot be read must not look like an empty one: a sale would stay charged.
        if (!kept.ok) throw new Error('the reversals cannot be read', { cause: kept.fault });
        return kept.value;
      }),
  };
}

const wipe = (reversals: readonly StoredReversal[]): void => {
  for (const { pan } of reversals) pan.wipe();
};

async function read(store: SealedStore): Promise<Result<readonly StoredReversal[], 'REVERSAL_NOT_STORED'>> {
  const stored = await store.read(reversalsRecord);
  if (!stored.ok) return fail('REVERSAL_NOT_STORED', { cause: stored.fault });
  const images = stored.value?.facts.images ?? [];
  const secret = stored.value?.secret;
  const pans = secret?.use(splitPans) ?? [];
  secret?.wipe();
  return ok(images.map((image, index) => ({ image, pan: pans[index] ?? Secret.take('pan', new Uint8Array(0)) })));
}

function splitPans(bytes: Uint8Array): Secret<'pan'>[] {
  const pans: Secret<'pan'>[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + (bytes[at] ?? 0);
    pans.push(Secret.copy('pan', bytes.subarray(at + 1, end)));
    at = end;
  }
  return pans;
}

async function write(
  store: SealedStore,
  reversals: readonly StoredReversal[],
): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
  const parts = reversals.map(({ pan }) => pan.use((digits) => concat(Uint8Array.of(digits.length), digits)));
  const joined = Secret.take('key', concat(...parts));
  for (const part of parts) part.fill(0);
  const images = reversals.map(({ image }) => image);
  const written = await store.write(reversalsRecord, { images }, joined);
  joined.wipe();
  return written;
}
