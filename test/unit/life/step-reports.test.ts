import { join } from 'node:path';
import { openAssessor } from '@tsunagu/fleet-server/assessor/index';
import { openLifecycle } from '@tsunagu/fleet-server/estate/index';
import { forgetJobs } from '@tsunagu/fleet-server/jobs/retention';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { sqliteTypes } from '@tsunagu/fleet-server/store/migration';
import { type AssessorLine, serialSchema } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import type { Kysely } from 'kysely';
import { ok } from '@tsunagu/protocols/kit';
import { afterAll, expect, it } from 'vitest';
import { openQuickly } from '../../empty-store.ts';
import { newFolder, removeFolder } from '../core/support.ts';
import { unheard } from './hands.ts';

const world = systemWorld(() => undefined);
const folder = newFolder();
afterAll(() => removeFolder(folder));
const serial = serialSchema.parse('CT5100-0001');
const dayMs = 86_400_000;

it('what a terminal reported and a step stands on outlives its job, for an assessor', async () => {
  const store = await openQuickly(join(folder, 'store.sqlite'), world.clock);
  const now = world.clock.now();
  const named = world.id();
  const place = { merchant: 'm', shop: 's', lane: '1', parent: null, relay_port: null };
  const terminal = { serial, model: 'CT-5100', ...place, registered_at: 0, enrolled_at: 0 };
  await store.db
    .insertInto('terminals')
    .values({ ...terminal, lifecycle: 'deployed' })
    .execute();
  const diagnostics = { queues: { reversals: 0, advices: 0, sales: 0, jobs: 0 } };
  const more = { at: now, uptimeMs: 1, boot: 1, software: { version: '1', slot: 'A' }, clockSkewMs: null, readers: [] };
  const rest = { storage: { files: 1, bytes: 1 }, keys: [], dropped: {}, memory: null, temperatureMilliC: null };
  const report = { attempt: 1, state: 'succeeded', diagnostics: { ...more, ...rest, ...diagnostics } };
  // Of two looks one is named by a step.
  for (const id of [named, world.id()])
    await store.db
      .insertInto('jobs')
      .values({
        id,
        serial,
        type: 'terminal.diagnose',
        subject: id,
        params: '{}',
        state: 'succeeded',
        attempt: 1,
        attempts_max: 3,
        created_at: now,
        deadline_at: now + 1,
        finished_at: now,
        fault: null,
        result: JSON.stringify(report),
        cancelled_at: null,
        ordered_by: 'mori',
        approved_by: null,
        approval: null,
        reference: null,
      })
      .execute();
  const lifecycle = openLifecycle({
    world,
    store,
    note: () => Promise.resolve(),
    approvals: {
      request: () => Promise.reject(new Error('nobody')),
      lapse: () => Promise.resolve(),
      onDecided: () => undefined,
    },
    keysDestroyed: () => Promise.resolve(),
    benchTestPassed: () => Promise.resolve(false),
    heardOf: unheard,
    disconnect: () => undefined,
    announce: () => undefined,
  });
  const evidence = { bagNumber: 'BAG-1', nothingOwed: { by: 'job', job: named } } as const;
  const moved = await lifecycle.move(serial, { to: 'returned', reason: 'worn', evidence }, { subject: 'mori' });
  expect(moved).toMatchObject({ ok: true, value: { state: 'returned' } });

  const later = { clock: { ...world.clock, now: () => now + 100 * dayMs } };
  const reports = async (): Promise<readonly AssessorLine[]> => {
    const found: AssessorLine[] = [];
    const assessor = openAssessor(
      world,
      store,
      {
        runs: { record: () => Promise.reject(new Error('no run')) },
        devices: () => Promise.resolve(ok({ items: [], next: null })),
        async *custody() {},
        async *audit() {},
        sign: () => ({ document: { payload: '', kid: '', sig: '' }, publicKey: '' }),
        death: () => Promise.reject(new Error('nobody died')),
      },
      'at-first-contact',
    );
    for await (const line of assessor.lines('1970-01-01', new Date(now + 200 * dayMs).toISOString().slice(0, 10)))
      if (line.kind === 'report') found.push(line);
    return found;
  };
  const kept = {
    kind: 'report',
    job: named,
    serial,
    type: 'terminal.diagnose',
    at: new Date(now).toISOString(),
    orderedBy: 'mori',
    report,
  };
  expect(await reports()).toEqual([kept]);

  // A store of before: what its jobs still have is taken over.
  await store.db.schema.dropTable('step_reports').execute();
  const step = migrations.find(({ name }) => name === 'estate-0104-step-reports');
  await step?.up(store.db as unknown as Kysely<unknown>, sqliteTypes);
  while (await forgetJobs(later, store));
  expect(await store.db.selectFrom('jobs').select('id').execute()).toEqual([]);
  expect(await reports()).toEqual([kept]);
  await store.close();
});
