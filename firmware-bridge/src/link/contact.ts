import { type Contact, contact, defaultContact } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

const contactRecord = sealedRecord('contact', contact);

/** When this terminal comes to its server. */
export interface ContactKeeper {
  readonly current: Contact;
  /** Takes what the server handed out. */
  keep(next: Contact): void;
}

/** Follows a contact that is kept nowhere. */
export function contactInMemory(start: Contact = defaultContact): ContactKeeper {
  let current = start;
  return {
    get current() {
      return current;
    },
    keep(next) {
      current = next;
    },
  };
}

/**
 * The contact that the server handed out last, kept over power cuts. One that cannot be written is followed until the next boot; for one
 * that is damaged the server hands out another.
 */
export async function openContact(
  store: SealedStore,
  world: Pick<World, 'log'>,
): Promise<Result<ContactKeeper, 'STORE_READ_FAILED'>> {
  const stored = await store.read(contactRecord);
  if (!stored.ok && stored.fault.code === 'STORE_READ_FAILED') return fail('STORE_READ_FAILED', stored.fault);
  if (!stored.ok) world.log('warn', 'contactForgotten', { fault: stored.fault });
  const kept = contactInMemory(stored.ok ? stored.value?.facts : undefined);
  return ok({
    get current() {
      return kept.current;
    },
    keep(next) {
      if (JSON.stringify(next) === JSON.stringify(kept.current)) return;
      kept.keep(next);
      void store.write(contactRecord, next).then((done) => {
        if (!done.ok) world.log('warn', 'contactNotStored', { fault: done.fault });
      });
    },
  });
}
