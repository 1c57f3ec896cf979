import { useSignal } from '@preact/signals';
import { managementPaths, type SwitchAlarmView, switchAlarmView, switchPaths } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { ask } from '../api.ts';
import { may } from '../me.ts';
import { More, useFresh, useGrowing, atLeast } from '../parts/growing.tsx';
import { Ago, Alert, Mark, Said } from '../parts/index.tsx';
import { Table } from '../parts/table.tsx';
import { useOrder } from '../parts/reload.ts';
import { count } from '../text/format.ts';
import { errorNext, errorText, t } from '../text/index.ts';

const reloadMs = 5_000;

/** Whose alarms: where they are read, and where one is marked as seen. */
const sources = {
  switch: { path: switchPaths.alarms, seen: switchPaths.alarmSeen, title: 'switch.alarms' },
  terminals: { path: managementPaths.alarms, seen: managementPaths.alarmSeen, title: 'fleet.alarms' },
} as const;

/** Alarms that nobody has seen yet: what is wrong, where, and what to do. Those of terminals can be asked for by terminal or code. */
export function Alarms({ of = 'switch' }: { of?: keyof typeof sources }) {
  const { path, seen, title } = sources[of];
  const wanted = useSignal('');
  const filter = of === 'switch' || wanted.value === '' ? '' : `&${filterOf(wanted.value)}`;
  const list = useGrowing(switchAlarmView, `${path}?limit=50${filter}`);
  useFresh(list, reloadMs);
  const alarms = list.entries;
  const { said, isSending, order } = useOrder();
  const see = ({ id }: SwitchAlarmView): void =>
    void order(async () => {
      await ask(z.object({}), seen(id), { method: 'POST', key: crypto.randomUUID() });
      await list.anew();
      return t('switch.alarmSeen');
    });
  return (
    <section class="panel" aria-labelledby="alarms-title">
      <header>
        <h2 id="alarms-title">{t(title)}</h2>
        {of === 'terminals' && (
          <input
            type="search"
            value={wanted.value}
            placeholder={t('fleet.alarmFilter')}
            aria-label={t('fleet.alarmFilter')}
            onChange={(event) => (wanted.value = event.currentTarget.value.trim())}
          />
        )}
        {alarms.value && (
          <Mark tone={alarms.value.length > 0 ? 'error' : 'ok'}>{atLeast(alarms.value.length, list.hasMore)}</Mark>
        )}
      </header>
      <Alert text={list.fault.value} />
      <Said of={said.value} />
      {alarms.value?.length === 0 && <p class="quiet pad">{t('switch.noAlarms')}</p>}
      {alarms.value !== undefined && alarms.value.length > 0 && (
        <Table
          id="alarms"
          title="alarms-title"
          heads={[
            'switch.alarm',
            'switch.from',
            { text: 'switch.alarmCount', as: 'number' },
            may('fleet.operate') && 'switch.orders',
          ]}
        >
          {alarms.value.map((alarm) => (
            <tr key={alarm.id} data-alarm={alarm.code}>
              <th scope="row" class="prose">
                {errorText(alarm.code)}
                <span class="under">{errorNext(alarm.code)}</span>
              </th>
              <td class="mono">
                {of === 'terminals' ? <a href={`/terminals/${alarm.from}`}>{alarm.from}</a> : alarm.from}
                <span class="under prose">
                  {Object.entries(alarm.facts)
                    .map(([name, value]) => `${name} ${String(value)}`)
                    .join(' · ')}
                </span>
              </td>
              <td class="number">
                {count(alarm.count)}
                <span class="under">
                  <Ago at={alarm.lastAt} />
                </span>
              </td>
              {may('fleet.operate') && (
                <td class="buttons">
                  <button
                    type="button"
                    class="quiet-button"
                    disabled={isSending.value}
                    aria-label={`${alarm.from}: ${t('switch.see')}`}
                    onClick={() => see(alarm)}
                  >
                    {t('switch.see')}
                  </button>
                </td>
              )}
            </tr>
          ))}
        </Table>
      )}
      <More list={list} name={t(title)} />
    </section>
  );
}

/** A code is in capitals with low lines between them; everything else is a serial. */
const filterOf = (text: string): string =>
  `${/^[A-Z]+(?:_[A-Z]+)+$/.test(text) ? 'code' : 'serial'}=${encodeURIComponent(text)}`;
