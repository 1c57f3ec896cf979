import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { AcquirerStanding } from '../payment/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

const standingRecord = sealedRecord('acquirer-standing', z.object({ isTurnedAway: z.boolean() }));

/**
 * What the switch said last about letting this terminal in, kept over power cuts: pulling line and plug does not open what it closed. A record
 * that is damaged counts as turned away, until the switch answers. One that cannot be written holds until the next boot.
 */
export async function openAcquirerStanding(
  store: SealedStore,
  world: Pick<World, 'log'>,
): Promise<Result<AcquirerStanding, 'STORE_READ_FAILED'>> {
  const stored = await store.read(standingRecord);
  if (!stored.ok && stored.fault.code === 'STORE_READ_FAILED') return fail('STORE_READ_FAILED', stored.fault);
  if (!stored.ok) world.log('warn', 'acquirerStandingForgotten', { fault: stored.fault });
  let isTurnedAway = stored.ok ? stored.value?.facts.isTurnedAway === true : true;
  return ok({
    get isTurnedAway() {
      return isTurnedAway;
    },
    async keep(next) {
      if (next === isTurnedAway) return;
      isTurnedAway = next;
      world.log(next ? 'warn' : 'info', next ? 'acquirerTurnsAway' : 'acquirerLetsInAgain');
      const written = await store.write(standingRecord, { isTurnedAway: next });
      if (!written.ok) world.log('error', 'acquirerStandingNotStored', { fault: written.fault });
    },
  });
}
