import { expect, test } from 'vitest';
import { start } from '../campaigns/support.ts';
import { signedIn } from './support.ts';

interface Alarm {
  readonly id: string;
  readonly code: string;
  readonly from: string;
  readonly count: number;
  readonly facts: object;
}

test('alarms of all terminals are one list: counted until a person has seen them, filtered, paged', {
  timeout: 120_000,
}, async () => {
  const house = await start();
  for (const serial of ['ALRM-0001', 'ALRM-0002']) await house.register(serial);
  const raise = async (serial: string, code: string) => {
    expect((await house.call('POST', `/terminals/${serial}/trouble`, { code, record: 'identity' })).status).toBe(200);
  };
  const list = async (query = ''): Promise<{ items: Alarm[]; next: string | null }> =>
    (await house.call('GET', `/alarms${query}`)).body as never;
  const seen = async () => (await list()).items.map(({ code, from, count }) => `${from} ${code} ${count}`);

  expect(await seen()).toEqual([]);
  await raise('ALRM-0001', 'STORE_RECORD_DAMAGED');
  await raise('ALRM-0001', 'STORE_RECORD_DAMAGED');
  await raise('ALRM-0002', 'STORE_READ_FAILED');
  expect(await seen()).toEqual(['ALRM-0002 STORE_READ_FAILED 1', 'ALRM-0001 STORE_RECORD_DAMAGED 2']);
  expect((await list('?serial=ALRM-0001')).items.map(({ code }) => code)).toEqual(['STORE_RECORD_DAMAGED']);
  expect((await list('?code=STORE_READ_FAILED')).items.map(({ from, facts }) => [from, facts])).toEqual([
    ['ALRM-0002', { record: 'identity' }],
  ]);
  expect((await list('?shop=nowhere')).items).toEqual([]);
  const first = await list('?limit=1');
  expect((await list(`?limit=1&cursor=${first.next}`)).items.map(({ from }) => from)).toEqual(['ALRM-0001']);

  // A person has seen it: it leaves the list, and the next of its kind is another one.
  const operator = await signedIn(house, 'mori', 'operator');
  const id = (await list('?serial=ALRM-0001')).items[0]?.id ?? '';
  await operator(`/alarms/${id}/seen`, {});
  expect(await seen()).toEqual(['ALRM-0002 STORE_READ_FAILED 1']);
  expect(await operator(`/alarms/${id}/seen`, {})).toMatchObject({ code: 'TERMINAL_ALARM_UNKNOWN' });
  await raise('ALRM-0001', 'STORE_RECORD_DAMAGED');
  expect(await seen()).toContain('ALRM-0001 STORE_RECORD_DAMAGED 1');
});
