import { join } from 'node:path';
import { readSales } from '@tsunagu/fleet-server/campaigns/sales';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, it, onTestFinished } from 'vitest';
import { openQuickly } from '../../empty-store.ts';
import { newFolder, removeFolder } from '../core/support.ts';

it('reads each sale once, a merchant centre’s thousands as well, and finds the terminal’s behind them', async () => {
  const folder = newFolder();
  onTestFinished(() => removeFolder(folder));
  const store = await openQuickly(join(folder, 'store.sqlite'), systemWorld(() => undefined).clock);
  onTestFinished(() => store.close());
  const sale = (seq: number, serial: string) => ({
    seq,
    id: `sale-${seq}`,
    serial,
    stan: `${seq}`,
    local_time: '250101000000',
    body_tag: '',
    received_at: seq,
    amount_minor: 100,
    currency: 'JPY',
    scheme: 'visa',
    entry: 'contact',
    pan_token: '',
    last_four: '1111',
    routing_version: 1,
    kind: 'sale' as const,
    state: 'approved' as const,
  });
  const centres = 5_000;
  await store.write(async (tx) => {
    const place = { merchant: 'm', shop: 's', lane: '1', parent: null, relay_port: null };
    await tx
      .insertInto('terminals')
      .values({ serial: 'SALES-0001', model: 'CT-5100', ...place, registered_at: 1, enrolled_at: 1 })
      .execute();
    await tx.insertInto('terminal_ordinals').values({ serial: 'SALES-0001', ordinal: 7 }).execute();
    const rows = Array.from({ length: centres }, (_, index) => sale(index + 1, 'CENTRE-01'));
    rows.push(sale(centres + 1, 'SALES-0001'), sale(centres + 2, 'CENTRE-01'));
    for (let from = 0; from < rows.length; from += 500)
      await tx
        .insertInto('switch_sales')
        .values(rows.slice(from, from + 500))
        .execute();
  });
  const seen: number[] = [];
  const ends: number[] = [];
  for (let cursors = { seq: 0, at: 0, id: '' }; ends.at(-1) !== ends.at(-2) || ends.length < 2; ) {
    const look = await readSales(store.db, cursors, centres + 1);
    seen.push(...look.sales.map(({ ordinal }) => ordinal));
    ends.push(look.cursors.seq);
    cursors = look.cursors;
  }
  expect(seen).toEqual([7]);
  // Each look goes on where the one before it ended; what is too young is left for a later one.
  expect(ends).toEqual([2_000, 4_000, centres + 1, centres + 1]);
});
