import { fail, ok } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { StanCounter } from '../payment/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

const stanRecord = sealedRecord('stan', z.object({ last: z.number().int().min(0).max(999_999) }));

/** The store's counter of system trace audit numbers: a number is stored before it is given. */
export function openStanCounter(store: SealedStore): StanCounter {
  let tail: Promise<unknown> = Promise.resolve();
  let last: number | undefined;
  const next: StanCounter['next'] = async () => {
    if (last === undefined) {
      const stored = await store.read(stanRecord);
      if (!stored.ok) return fail('STAN_NOT_STORED', { cause: stored.fault });
      last = stored.value?.facts.last ?? 0;
    }
    const given = (last % 999_999) + 1;
    const written = await store.write(stanRecord, { last: given });
    if (!written.ok) return fail('STAN_NOT_STORED', { cause: written.fault });
    last = given;
    return ok(given);
  };
  return {
    next: () => {
      const turn = tail.then(next);
      tail = turn;
      return turn;
    },
  };
}
