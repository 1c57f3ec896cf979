import { join } from 'node:path';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TestHouse } from '../core/support.ts';
import { until } from '../core/support.ts';
import { act, detail, operators, propose, start, Terminal, why } from './support.ts';

const values = { taxPercent: 8 };
const asked = (more: object = {}) => ({
  name: 'tax',
  action: { kind: 'configuration', values },
  rings: [{ percent: 100 }],
  gate: null,
  ...more,
});
async function begun(house: TestHouse, spec: object): Promise<string> {
  const { id } = await propose(house, spec);
  expect((await act(house, id, 'approve')).status).toBe(200);
  return id;
}
const settingOf = async (house: TestHouse, serial: string) => {
  const { body } = await house.call('GET', `/terminals/${serial}/configuration`);
  const { settings } = body as unknown as {
    settings: { setting: string; value: unknown; from: string; reported: unknown }[];
  };
  return settings.find(({ setting }) => setting === 'taxPercent');
};
const taxes = (terminals: readonly Terminal[]) =>
  terminals.map(({ configuration }) => configuration.values['taxPercent']);

describe('a campaign of the configuration', { timeout: 120_000 }, () => {
  it('goes ring by ring, reaches nobody else, stores one row a terminal, and goes back on a person’s word', async () => {
    const { house, ...made } = await withTerminals('CONF-0001', 'CONF-0002', 'CONF-0003');
    const stranger = await Terminal.open(house, 'ELSE-0001');
    const id = await begun(house, asked({ target: 'serial ~ CONF', rings: [{ percent: 34 }, { percent: 100 }] }));
    await until('all are done', async () => {
      for (const terminal of [...made.terminals, stranger]) await terminal.work();
      return (await detail(house, id)).phase === 'completed';
    });
    await stranger.configure();
    expect(taxes(made.terminals)).toEqual([8, 8, 8]);
    expect(taxes([stranger])).toEqual([10]);
    expect(await settingOf(house, 'CONF-0001')).toMatchObject({ value: 8, reported: 8, from: 'campaign' });
    const layer = `/configuration?layer=campaign&campaign=${id}`;
    expect((await house.call('GET', layer)).body).toMatchObject({ version: 1, by: 'operator', reason: 'tax', values });
    const store = unwrap(await openStore(join(house.folder, 'server', 'store.sqlite'), migrations, house.world.clock));
    onTestFinished(() => store.close());
    const members = await store.db.selectFrom('configuration_members').selectAll().execute();
    expect(members).toHaveLength(3);
    expect(new Set(members.map(({ stack }) => stack)).size).toBe(1);
    expect(await store.db.selectFrom('configuration_paths').selectAll().where('stack', '>', 0).execute()).toHaveLength(
      1,
    );

    expect((await act(house, id, 'rollback', 'complaints')).body).toMatchObject({ phase: 'rollingBack' });
    await until('the way back', async () => {
      for (const terminal of made.terminals) await terminal.work();
      return (await detail(house, id)).phase === 'rolledBack';
    });
    expect(taxes(made.terminals)).toEqual([10, 10, 10]);
    expect(await store.db.selectFrom('configuration_members').selectAll().execute()).toEqual([]);
  });

  it('is stopped by its gate, and what it set is taken back', async () => {
    const { house, terminals } = await withTerminals('GATE-0001', 'GATE-0002', 'GATE-0003', 'GATE-0004');
    const gate = { metrics: ['refused'], salesMin: 5 };
    const id = await begun(house, asked({ gate, rings: [{ percent: 50, soakMs: 600_000 }, { percent: 100 }] }));
    await until('the first ring', async () => {
      for (const terminal of terminals) await terminal.work();
      return (await detail(house, id)).terminals.done === 2;
    });
    await until(
      'the gate',
      async () => {
        for (const terminal of terminals)
          for (let count = 0; count < 3; count++)
            await terminal.sale(terminal.configuration.values['taxPercent'] === 8 ? 'refused' : 'approved');
        return (await detail(house, id)).phase === 'rollingBack';
      },
      30_000,
    );
    await until('what was', async () => {
      for (const terminal of terminals) await terminal.work();
      return (await detail(house, id)).phase === 'rolledBack';
    });
    expect(await detail(house, id)).toMatchObject({ reason: 'CAMPAIGN_GATE_FAILED', terminals: { done: 2, back: 2 } });
    for (const { link } of terminals)
      expect(await settingOf(house, link.terminal.claim.serial)).toMatchObject({ value: 10 });
  });

  it('leaves nothing with a terminal that failed for good, and waits for one whose own window is shut', async () => {
    const { house, terminals } = await withTerminals('FAIL-0001', 'WAIT-0001');
    const [bad, late] = terminals as [Terminal, Terminal];
    const id = await begun(house, asked({ attemptsMax: 1, rings: [{ percent: 100, failures: { count: 9 } }] }));
    await until('a failure and a pause', async () => {
      await bad.work('fail');
      await late.work('wait');
      return (await detail(house, id)).terminals.failed === 1 && (await detail(house, id)).terminals.retrying === 1;
    });
    expect(await settingOf(house, 'FAIL-0001')).toMatchObject({ value: 10 });
    expect((await why(house, id, 'FAIL-0001')).causes[0]).toMatchObject({ code: 'FAILED' });
    // It is staged there, and no attempt was lost by that.
    expect(await settingOf(house, 'WAIT-0001')).toMatchObject({ value: 8, from: 'campaign' });
    expect((await why(house, id, 'WAIT-0001')).causes[0]).toMatchObject({
      code: 'RETRY',
      facts: { attempts: 0, fault: 'CONFIGURATION_WAITS' },
    });
    await late.configure();
    await late.hello();
    await until('the end', async () => (await detail(house, id)).terminals.done === 1);
    expect(await settingOf(house, 'WAIT-0001')).toMatchObject({ value: 8 });
  });

  it('takes back what waits when it is aborted', async () => {
    const { house, terminals } = await withTerminals('ABOR-0001');
    const id = await begun(house, asked());
    await until('the wait', async () => {
      await terminals[0]?.work('wait');
      return (await detail(house, id)).terminals.retrying === 1;
    });
    expect(await settingOf(house, 'ABOR-0001')).toMatchObject({ value: 8 });
    await act(house, id, 'abort');
    expect(await settingOf(house, 'ABOR-0001')).toMatchObject({ value: 10 });
  });

  it('stands below a terminal’s own layer, and below a newer campaign whichever comes first', async () => {
    const { house, terminals } = await withTerminals('OWNS-0001', 'OWNS-0002');
    await house.call(
      'PATCH',
      '/configuration?layer=terminal&serial=OWNS-0001',
      { taxPercent: 3 },
      { 'if-match': '"0"' },
    );
    const first = (await propose(house, asked())).id;
    const second = await begun(house, asked({ action: { kind: 'configuration', values: { taxPercent: 9 } } }));
    const work = async () => {
      for (const terminal of terminals) await terminal.work();
    };
    await until('the newer', async () => {
      await work();
      return (await detail(house, second)).terminals.done === 1;
    });
    expect((await why(house, second, 'OWNS-0001')).causes[0]).toMatchObject({
      code: 'SETTING_OVERRIDDEN',
      facts: { setting: 'taxPercent' },
    });
    await act(house, first, 'approve');
    await until('the older', async () => {
      await work();
      return (await detail(house, first)).terminals.done === 1;
    });
    expect(await settingOf(house, 'OWNS-0002')).toMatchObject({ value: 9 });
    await act(house, second, 'rollback');
    await until('the newer is gone', async () => {
      await work();
      return (await detail(house, second)).phase === 'rolledBack';
    });
    expect(await settingOf(house, 'OWNS-0002')).toMatchObject({ value: 8, reported: 8 });
  });

  it('refuses a layer of its own to everybody else, and a campaign that sets nothing', async () => {
    const { house } = await withTerminals('REFU-0001');
    expect(await propose(house, asked({ action: { kind: 'configuration', values: {} } }))).toMatchObject({
      code: 'INPUT_INVALID',
      field: 'action.values',
    });
    const { id } = await propose(house, asked());
    expect(operators.has(house)).toBe(true);
    const path = `/configuration?layer=campaign&campaign=${id}`;
    expect((await house.call('PATCH', path, { taxPercent: 9 }, { 'if-match': '"1"' })).body).toMatchObject({
      code: 'CAMPAIGN_OWNS_LAYER',
    });
  });
});

async function withTerminals(...serials: readonly string[]) {
  const house = await start();
  return { house, terminals: await Promise.all(serials.map((serial) => Terminal.open(house, serial))) };
}
