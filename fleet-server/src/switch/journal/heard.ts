import type { Queryable } from '../../store/index.ts';

/** When a message of a terminal came last, and which of these trace numbers came since then, ms since 1970: what the switch can say of one that is to be scrapped. */
export async function heardAtSwitch(
  on: Queryable,
  serial: string,
  stans: readonly string[],
  since = 0,
): Promise<{ readonly at: number | null; readonly came: ReadonlySet<string> }> {
  const times: number[] = [];
  const came = new Set<string>();
  for (const [table, column] of [
    ['switch_sales', 'received_at'],
    ['switch_reversals', 'created_at'],
  ] as const) {
    const moment = on.dynamic.ref<string>(column);
    const row = await on
      .selectFrom(table)
      .select((all) => all.fn.max<number | null>(moment).as('at'))
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (row?.at != null) times.push(Number(row.at));
    if (stans.length === 0) continue;
    const rows = await on
      .selectFrom(table)
      .select('stan')
      .where('serial', '=', serial)
      .where('stan', 'in', stans)
      .where(moment, '>=', since)
      .execute();
    for (const { stan } of rows) if (stan !== null) came.add(stan);
  }
  return { at: times.length === 0 ? null : Math.max(...times), came };
}
