import type { Transaction } from 'kysely';
import type { Database, Queryable } from '../store/index.ts';
import { type Actor, personOf } from './actor.ts';

/**
 * The owner of the machine: whoever holds the token in `access.json` or the link of the start. The owner lets people in, could
 * be any of them, and is therefore no side of an approval.
 */
export const owner = 'admin';

/** Keeps that `by` let somebody in: added them, or made a sign-in link for them. For good, for `by` could have been them. */
export async function letIn(tx: Transaction<Database>, person: string, by: Actor): Promise<void> {
  await tx
    .insertInto('let_in')
    .values({ person, by: personOf(by) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/**
 * Whether two are two people for an approval. Who lets somebody in counts as that somebody, and so does whoever let them in, up
 * to the owner: two whom one administrator let in are that administrator.
 */
export async function areApart(on: Queryable, one: string, other: string): Promise<boolean> {
  if (one === owner || other === owner) return false;
  const [ofOne, ofOther] = [await voicesOf(on, one), await voicesOf(on, other)];
  return ![...ofOne].some((each) => ofOther.has(each));
}

/** Somebody, and whoever could have been them. */
async function voicesOf(on: Queryable, person: string): Promise<ReadonlySet<string>> {
  const voices = new Set([person]);
  let asked = [person];
  while (asked.length > 0) {
    const rows = await on.selectFrom('let_in').select('by').where('person', 'in', asked).execute();
    asked = [...new Set(rows.map(({ by }) => by))].filter((by) => by !== owner && !voices.has(by));
    for (const by of asked) voices.add(by);
  }
  return voices;
}
