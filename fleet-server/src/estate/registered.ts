import type { Serial } from '@tsunagu/protocols/fleet';
import type { Queryable } from '../store/index.ts';

/** Whether a terminal of this serial was ever registered. */
export async function isRegistered(on: Queryable, serial: Serial): Promise<boolean> {
  const row = await on.selectFrom('terminals').select('serial').where('serial', '=', serial).executeTakeFirst();
  return row !== undefined;
}
