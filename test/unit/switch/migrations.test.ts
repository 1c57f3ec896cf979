import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';

const { clock } = systemWorld(() => undefined);
const until = (name: string) => migrations.slice(0, migrations.findIndex((step) => step.name === name) + 1);

test('a store of before counts what went onto gift and points cards as credits from then on; a day that was closed stays as it was agreed on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  const file = join(folder, 'store.sqlite');
  const common = { serial: 'CT5100-0001', local_time: '261101120000', body_tag: '', received_at: 1, currency: 'JPY' };
  const kept = { scheme: 'gift', entry: 'stripe', pan_token: 't', last_four: '0010', routing_version: 1 };
  const sales = [
    { id: 'charge-open', kind: 'charge', stan: '000001', day: '261102' },
    { id: 'issue-open', kind: 'issue', stan: '000002', day: '261102' },
    { id: 'sale-open', kind: 'sale', stan: '000003', day: '261102' },
    { id: 'charge-closed', kind: 'charge', stan: '000004', day: '261101' },
    { id: 'refund-open', kind: 'refund', stan: '000005', day: '261102' },
  ] as const;
  try {
    // As a release before wrote them: everything that was taken or put there was a debit, but for refunds.
    const old = unwrap(await openStore(file, until('switch-0008-log-beside'), clock));
    await old.write(async (tx) => {
      for (const { id, kind, stan, day } of sales) {
        const sale = { ...common, ...kept, id, kind, stan, amount_minor: 1_000, link: 'gift-1', state: 'approved' };
        await tx
          .insertInto('switch_sales')
          .values({ ...sale, state: 'approved', origin: 'terminals' })
          .execute();
        const posting = { sale_id: id, kind: 'taken', class: kind === 'refund' ? 'credit' : 'debit' } as const;
        const place = { link: 'gift-1', side: 'issuer', day, said_day: day, stan, local_time: '261101120000' } as const;
        await tx
          .insertInto('switch_postings')
          .values({ ...posting, ...place, amount_minor: 1_000, at: 1 })
          .execute();
        // The other side of it has a day of its own, that nobody closed.
        await tx
          .insertInto('switch_postings')
          .values({ ...posting, ...place, link: 'ec-centre-1', side: 'acquirer', amount_minor: 1_000, at: 1 })
          .execute();
      }
      const compared = { link: 'gift-1', ours: '{}', theirs: '{}', differences: 0, at: 1, result: 'balanced' } as const;
      // Written as the tables were then: whose figures counted, nobody wrote down.
      await tx
        .insertInto('switch_days')
        .values({ ...compared, day: '261101', state: 'closed' } as never)
        .execute();
      await tx
        .insertInto('switch_days')
        .values({ ...compared, day: '261102', state: 'open' } as never)
        .execute();
    });
    await old.close();

    const now = unwrap(await openStore(file, migrations, clock));
    const rows = await now.db
      .selectFrom('switch_postings')
      .select(['sale_id', 'side', 'class'])
      .orderBy('sale_id')
      .orderBy('side')
      .execute();
    expect(rows.map((row) => [row.sale_id, row.side, row.class])).toEqual([
      ['charge-closed', 'acquirer', 'credit'],
      ['charge-closed', 'issuer', 'debit'],
      ['charge-open', 'acquirer', 'credit'],
      ['charge-open', 'issuer', 'credit'],
      ['issue-open', 'acquirer', 'credit'],
      ['issue-open', 'issuer', 'credit'],
      ['refund-open', 'acquirer', 'credit'],
      ['refund-open', 'issuer', 'credit'],
      ['sale-open', 'acquirer', 'debit'],
      ['sale-open', 'issuer', 'debit'],
    ]);
    const days = await now.db
      .selectFrom('switch_days')
      .select(['day', 'figures', 'settled_why'])
      .orderBy('day')
      .execute();
    expect(days).toEqual([
      { day: '261101', figures: 'both', settled_why: 'balanced' },
      { day: '261102', figures: null, settled_why: null },
    ]);
    await now.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
