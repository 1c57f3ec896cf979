import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { ReversalImage, StanCounter } from '../payment/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

const stanMax = 999_999;
const stanRecord = sealedRecord('stan', z.object({ last: z.number().int().min(0).max(stanMax) }));
/** Numbers that leave no record behind: inquiries, and reversals that were acknowledged since. */
const unrecorded = 1_000;

/**
 * The store's counter of system trace audit numbers: a number is stored before it is given. Where its record is damaged or lost, it goes
 * on past the numbers that sales, advices and reversals still name.
 * @param used those numbers
 */
export async function openStanCounter(
  store: SealedStore,
  world: Pick<World, 'log'>,
  used: readonly number[],
): Promise<Result<StanCounter, 'STORE_READ_FAILED'>> {
  const stored = await store.read(stanRecord);
  if (!stored.ok && stored.fault.code === 'STORE_READ_FAILED') return fail('STORE_READ_FAILED', stored.fault);
  let last = stored.ok && stored.value ? stored.value.facts.last : past(used);
  if (!stored.ok) world.log('error', 'stanCounterRaised', { fault: stored.fault, last });
  let tail: Promise<unknown> = Promise.resolve();
  const next: StanCounter['next'] = async () => {
    const given = (last % stanMax) + 1;
    const written = await store.write(stanRecord, { last: given });
    if (!written.ok) return fail('STAN_NOT_STORED', { cause: written.fault });
    last = given;
    return ok(given);
  };
  return ok({
    next: () => {
      const turn = tail.then(next);
      tail = turn;
      return turn;
    },
  });
}

/** The trace numbers that transactions, advices and reversals name. */
export const stansOf = (
  sales: readonly { readonly stan: string }[],
  advices: readonly { readonly stan: string }[],
  reversals: readonly ReversalImage[],
): readonly number[] => [
  ...[...sales, ...advices].flatMap(({ stan }) => (stan === '' ? [] : [Number(stan)])),
  ...reversals.flatMap(({ stan, original }) => [stan, original.stan]),
];

/** A number well after the newest of those that are known; after 999999 they begin again, so that the newest may be a small one. */
function past(used: readonly number[]): number {
  if (used.length === 0) return 0;
  const hasBegunAgain = used.some((one) => one > stanMax * 0.75) && used.some((one) => one < stanMax * 0.25);
  const newest = Math.max(...used.filter((one) => !hasBegunAgain || one < stanMax / 2));
  return (newest + unrecorded) % stanMax;
}
