import { saleEvent, type SaleEvent } from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { type Link, pauseAfter } from '../link/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/** The most sales that wait for the link; the oldest are dropped, and said so in the log. */
const waitingMax = 500;
/** Between tries while the link says that it is up and takes nothing. */
const pauses = { firstMs: 1_000, maxMs: 60_000 } as const;
const outboxRecord = sealedRecord(
  'outbox',
  z.object({ waiting: z.array(z.object({ id: z.string(), event: saleEvent })).max(waitingMax) }),
);

/** Sales on their way to the server: kept until the broker has them, whatever happens to line and power. */
export interface Outbox {
  add(event: SaleEvent): Promise<void>;
  /** Sends what waits; called when the link comes up. */
  flush(): void;
  /** How many wait. */
  readonly waiting: number;
  idle(): Promise<void>;
  /** Tries no more by itself. */
  stop(): void;
}

/** Opens the outbox of a store. */
export async function openOutbox(
  world: World,
  store: SealedStore,
  link: () => Pick<Link, 'isUp' | 'publish'>,
): Promise<Result<Outbox, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const stored = await store.read(outboxRecord);
  if (!stored.ok) return stored;
  let waiting = stored.value?.facts.waiting ?? [];
  let flushing: Promise<void> | undefined;
  let failures = 0;
  let again: Timer | undefined;

  async function keep(): Promise<void> {
    const written = await store.write(outboxRecord, { waiting });
    if (!written.ok) world.log('error', 'saleNotStored', { fault: written.fault });
  }

  async function send(): Promise<void> {
    const before = waiting.length;
    while (waiting[0] && link().isUp) {
      const { id, event } = waiting[0];
      // A repetition keeps its id: the server knows it by it.
      const sent = await link().publish({ kind: 'event', event: 'sale' }, 'sale', event, { id });
      if (!sent.ok) {
        failures += 1;
        break;
      }
      failures = 0;
      waiting = waiting.filter((one) => one.id !== id);
    }
    if (waiting.length !== before) await keep();
  }

  const flush = (): void => {
    again?.cancel();
    again = undefined;
    flushing ??= send().finally(() => {
      flushing = undefined;
      // A link that is down flushes when it comes up.
      if (waiting.length === 0 || !link().isUp) return;
      if (failures === 0) flush();
      else again = world.timers.after(pauseAfter(failures, pauses, world), flush);
    });
  };

  return ok({
    async add(event) {
      if (waiting.length >= waitingMax) world.log('error', 'saleDropped', { waiting: waiting.length });
      waiting = [...waiting.slice(1 - waitingMax), { id: world.id(), event }];
      await keep();
      flush();
    },
    flush,
    get waiting() {
      return waiting.length;
    },
    idle: async () => flushing,
    stop: () => again?.cancel(),
  });
}
