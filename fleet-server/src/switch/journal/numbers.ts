import type { Store } from '../../store/index.ts';

const block = 200;
const highest = 999_999;

/** Hands out trace numbers of a link: six digits, none twice on one business day, not even across a restart. */
export interface Numbers {
  next(): Promise<string>;
}

/** Reserves numbers in blocks: a restart skips the rest of a block rather than using a number twice. */
export function openNumbers(store: Pick<Store, 'write'>, name: string): Numbers {
  let from = 0;
  let until = 0;
  let reserving: Promise<void> | undefined;

  const reserve = () =>
    store.write(async (tx) => {
      const row = await tx.selectFrom('switch_numbers').select('next').where('name', '=', name).executeTakeFirst();
      const first = row === undefined || row.next + block > highest ? 1 : row.next;
      await tx
        .insertInto('switch_numbers')
        .values({ name, next: first + block })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ next: first + block }))
        .execute();
      from = first;
      until = first + block;
    });

  return {
    async next() {
      while (from >= until) {
        reserving ??= reserve().finally(() => {
          reserving = undefined;
        });
        await reserving;
      }
      const number = from;
      from += 1;
      return String(number).padStart(6, '0');
    },
  };
}
