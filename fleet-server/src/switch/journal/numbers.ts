import type { Store } from '../../store/index.ts';

const block = 1_000;
/** When so few are left the next block is reserved, beside what goes on: a sale that waited for that would wait for whatever is written just then. */
const aheadAt = block / 2;
const highest = 999_999;

/** Hands out trace numbers of a link: six digits, none twice on one business day, not even across a restart. */
export interface Numbers {
  next(): Promise<string>;
}

/** Reserves numbers in blocks, one ahead: a restart skips what is left of two blocks rather than using a number twice. */
export function openNumbers(store: Pick<Store, 'write'>, name: string): Numbers {
  let from = 0;
  let until = 0;
  /** The first number of the next block, once it is reserved. */
  let ahead: number | undefined;
  let reserving: Promise<void> | undefined;

  const reserve = async (): Promise<void> => {
    ahead = await store.write(async (tx) => {
      const row = await tx.selectFrom('switch_numbers').select('next').where('name', '=', name).executeTakeFirst();
      const first = row === undefined || row.next + block > highest ? 1 : row.next;
      await tx
        .insertInto('switch_numbers')
        .values({ name, next: first + block })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ next: first + block }))
        .execute();
      return first;
    });
  };
  const reserved = (): Promise<void> =>
    (reserving ??= reserve().finally(() => {
      reserving = undefined;
    }));

  return {
    async next() {
      while (from >= until) {
        if (ahead === undefined) await reserved();
        else [from, until, ahead] = [ahead, ahead + block, undefined];
      }
      const number = from;
      from += 1;
      // Where that fails, whoever needs the block tries anew, and is told.
      if (until - from <= aheadAt && ahead === undefined) reserved().catch(() => undefined);
      return String(number).padStart(6, '0');
    },
  };
}
