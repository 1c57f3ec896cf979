import type { Queryable } from '../../store/index.ts';

/** When a message of a terminal came last, and which of these trace numbers came: what the switch can say of one that is to be scrapped. */
export async function heardAtSwitch(
  on: Queryable,
  serial: string,
  stans: readonly string[],
): Promise<{ readonly at: number | null; readonly came: ReadonlySet<string> }> {
  const last = async (table: 'switch_sales' | 'switch_reversals', column: 'received_at' | 'created_at') => {
    const row = await on
      .selectFrom(table)
      .select((all) => all.fn.max<number | null>(on.dynamic.ref(column)).as('at'))
      .where('serial', '=', serial)
      .executeTakeFirst();
    return row?.at == null ? [] : [Number(row.at)];
  };
  const times = [...(await last('switch_sales', 'received_at')), ...(await last('switch_reversals', 'created_at'))];
  const came = new Set<string>();
  for (const table of ['switch_sales', 'switch_reversals'] as const) {
    if (stans.length === 0) break;
    const rows = await on
      .selectFrom(table)
      .select('stan')
      .where('serial', '=', serial)
      .where('stan', 'in', stans)
      .execute();
    for (const { stan } of rows) if (stan !== null) came.add(stan);
  }
  return { at: times.length === 0 ? null : Math.max(...times), came };
}
