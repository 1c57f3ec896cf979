import { type KeyObject, sign } from 'node:crypto';
import type { JobId, Serial } from '@tsunagu/protocols/fleet';
import type { WipeProof } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { type Files, type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/**
 * A wipe that has begun. It is on the medium before anything goes: whenever power fails after that, the wipe goes on to its end.
 * `isTold`: the server has the proof, and the identity may go too.
 */
export const wipeRecord = sealedRecord(
  'wipe',
  z.object({ job: z.string(), attempt: z.number().int(), files: z.number().int(), isTold: z.boolean() }),
);

/** What stays until the server has the proof: the name, the ledger that holds the proof, the process that runs it, counters that never go back, and what runs. */
const stays = [
  'claim.json',
  'device.key',
  'identity.sealed',
  'jobs.sealed',
  'terminal.lock',
  'wipe.sealed',
  'tamper.sealed',
];
const countersStay = ['boot.sealed', 'stan.sealed', 'contact.sealed', 'rollback-counter.sealed'];
const softwareStays = (name: string): boolean => name.startsWith('software');
/** What goes after that: the terminal has to be enrolled again. */
const identityFiles = ['identity.sealed', 'identity-next.sealed'];

const mayStay = (name: string): boolean => stays.includes(name) || countersStay.includes(name) || softwareStays(name);

export interface WipeParts {
  readonly world: Pick<World, 'clock'>;
  readonly files: Files;
  readonly store: SealedStore;
  readonly serial: Serial;
  readonly boot: number;
  /** Signs the proof. */
  readonly privateKey: KeyObject;
  /** Sales, reversals and advices that a wipe would lose. */
  readonly undelivered: () => Promise<number>;
  readonly keys: { destroy(): Promise<Result<void, 'STORE_WRITE_FAILED'>>; slots(): readonly unknown[] };
}

type WipeFault =
  | 'SALES_UNDELIVERED'
  | 'STORE_WRITE_FAILED'
  | 'STORE_READ_FAILED'
  | 'STORE_RECORD_DAMAGED'
  | 'WIPE_INCOMPLETE';

/**
 * Empties a terminal. The first call removes everything but what is needed to tell of it and wants a restart, after which nothing in
 * memory knows what was there; the second one reads back what is left and swears to it.
 */
export async function wipe(
  parts: WipeParts,
  order: { readonly job: JobId; readonly attempt: number },
): Promise<Result<WipeProof | 'restarting', WipeFault>> {
  const { store, files, keys } = parts;
  const begun = await store.read(wipeRecord);
  if (!begun.ok) return begun;
  const facts = begun.value?.facts;
  if (facts?.job === order.job && facts.attempt === order.attempt) {
    // Power failed before the first call had destroyed all keys: it ends now, and the boot after it looks again.
    const isCut = keys.slots().length > 0;
    const destroyed = isCut ? await keys.destroy() : ok(undefined);
    if (!destroyed.ok) return destroyed;
    const emptied = await empty(parts);
    if (!emptied.ok) return emptied;
    return isCut && keys.slots().length === 0 ? ok('restarting') : prove(parts, order, facts.files);
  }
  if ((await parts.undelivered()) > 0)
    return fail('SALES_UNDELIVERED', { facts: { count: await parts.undelivered() } });
  let names: readonly string[];
  try {
    names = await files.list();
  } catch (cause) {
    return fail('STORE_READ_FAILED', { cause });
  }
  const count = names.filter((name) => !mayStay(name)).length;
  const written = await store.write(wipeRecord, { ...order, files: count, isTold: false });
  if (!written.ok) return written;
  const destroyed = await keys.destroy();
  if (!destroyed.ok) return destroyed;
  const emptied = await empty(parts);
  return emptied.ok ? ok('restarting') : emptied;
}

/** Removes every file that may not stay; done again it finds nothing to do. */
async function empty({ files }: Pick<WipeParts, 'files'>): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
  try {
    for (const name of await files.list()) if (!mayStay(name)) await files.remove(name);
    await files.syncFolder();
    return ok(undefined);
  } catch (cause) {
    return fail('STORE_WRITE_FAILED', { cause });
  }
}

async function prove(
  { world, files, serial, boot, privateKey, keys }: WipeParts,
  { job, attempt }: { readonly job: JobId; readonly attempt: number },
  removed: number,
): Promise<Result<WipeProof, 'WIPE_INCOMPLETE' | 'STORE_READ_FAILED'>> {
  let left: readonly string[];
  try {
    left = [...(await files.list())].toSorted();
  } catch (cause) {
    return fail('STORE_READ_FAILED', { cause });
  }
  const strange = left.filter((name) => !mayStay(name)).length;
  if (strange > 0 || keys.slots().length > 0) return fail('WIPE_INCOMPLETE', { facts: { files: strange } });
  const at = new Date(world.clock.now()).toISOString();
  const statement = JSON.stringify({ serial, job, attempt, boot, at, removed, keys: 0, left: left.slice(0, 32) });
  return ok({ statement, signature: sign('sha256', Buffer.from(statement, 'utf8'), privateKey).toString('base64') });
}

/**
 * What a boot finds of an earlier wipe. `open`: its proof is still to be told, and nothing is sold; `ended`: the identity is gone too, and
 * the terminal is as new.
 */
export async function endWipe(
  store: SealedStore,
  files: Files,
): Promise<Result<'none' | 'open' | 'ended', 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'>> {
  const found = await store.read(wipeRecord);
  if (!found.ok) return found;
  if (!found.value) return ok('none');
  if (!found.value.facts.isTold) return ok('open');
  // A boot between proof and acknowledgement made itself new, empty records.
  const emptied = await empty({ files });
  if (!emptied.ok) return emptied;
  try {
    for (const name of identityFiles) await files.remove(name);
    await files.syncFolder();
  } catch (cause) {
    return fail('STORE_WRITE_FAILED', { field: 'identity', cause });
  }
  // Last: until it is gone, a power loss begins here again.
  const removed = await store.remove(wipeRecord);
  return removed.ok ? ok('ended') : removed;
}

/** The server has the proof. The next boot ends the wipe. */
export async function wipeTold(
  store: SealedStore,
): Promise<Result<void, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'>> {
  const found = await store.read(wipeRecord);
  if (!found.ok) return found;
  return found.value ? store.write(wipeRecord, { ...found.value.facts, isTold: true }) : ok(undefined);
}
