import { unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { SmallCentre } from './small-centre.ts';
import { openSmallHouse, until } from './small-house.ts';

test('an alarm about a centre or a terminal is there for an operator until somebody has seen it, however often it is raised', async () => {
  const house = await openSmallHouse();
  const { operator } = house.sw;
  const alarms = async (limit = 10, cursor?: string) =>
    unwrap(await operator.alarms({ limit, ...(cursor && { cursor }) }));
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
  const terminal = await house.terminal('CT5100-0001');
  try {
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    // Another body under a used key: from a centre nobody heard of it.
    const sale = centre.sale('jcb-contact', 800);
    expect((await centre.ask(sale)).text(39)).toBe('000');
    const other = centre.sale('jcb-contact', 900);
    const reused = { ...other, fields: { ...other.fields, 11: sale.fields[11] ?? '', 12: sale.fields[12] ?? '' } };
    for (let again = 0; again < 2; again += 1) expect((await centre.ask(reused)).text(39)).toBe('913');
    await until(async () => (await alarms()).items[0]?.count === 2);
    const from = `ec-centre-1/${centre.link.parties.own}`;
    const [known] = (await alarms()).items;
    expect(known).toMatchObject({ code: 'SWITCH_DUPLICATE_DIFFERS', from, facts: { stan: sale.fields[11] } });
    const first = terminal.sale('visa-contact', 801);
    expect((await terminal.ask(first)).text(39)).toBe('000');
    const second = terminal.sale('visa-contact', 901);
    const again = { ...second, fields: { ...second.fields, 11: first.fields[11] ?? '', 12: first.fields[12] ?? '' } };
    expect((await terminal.ask(again)).text(39)).toBe('913');
    await until(async () => (await alarms()).items.length === 2);
    // By pages, newest first.
    const page = await alarms(1);
    expect(page.items.map((alarm) => alarm.from)).toEqual(['CT5100-0001']);
    expect((await alarms(1, page.next ?? '')).items.map((alarm) => alarm.from)).toEqual([from]);
    expect(JSON.stringify(await alarms())).not.toMatch(/\d{13,19}/);
    // Seen once; the next one of its kind is new.
    expect(await operator.seen(known?.id ?? '', 'person/1')).toMatchObject({ ok: true });
    expect(await operator.seen(known?.id ?? '', 'person/2')).toMatchObject({ fault: { code: 'SWITCH_ALARM_UNKNOWN' } });
    expect((await alarms()).items.map((alarm) => alarm.from)).toEqual(['CT5100-0001']);
    expect((await centre.ask(reused)).text(39)).toBe('913');
    await until(async () => (await alarms()).items.length === 2);
    expect((await alarms()).items[0]).toMatchObject({ from, count: 1 });
  } finally {
    terminal.close();
    await centre.close();
    await house.close();
  }
});
