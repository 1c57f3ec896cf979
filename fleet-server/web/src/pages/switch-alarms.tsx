import { type SwitchAlarmView, switchAlarmView, switchPaths } from '@tsunagu/protocols/fleet';
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

/** Alarms of the switch that nobody has seen yet: what is wrong, where, and what to do. */
export function Alarms() {
  const list = useGrowing(switchAlarmView, `${switchPaths.alarms}?limit=50`);
  useFresh(list, reloadMs);
  const alarms = list.entries;
  const { said, isSending, order } = useOrder();
  const see = ({ id }: SwitchAlarmView): void =>
    void order(async () => {
      await ask(z.object({}), switchPaths.alarmSeen(id), { method: 'POST', key: crypto.randomUUID() });
      await list.anew();
      return t('switch.alarmSeen');
    });
  return (
    <section class="panel" aria-labelledby="alarms-title">
      <header>
        <h2 id="alarms-title">{t('switch.alarms')}</h2>
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
              <th scope="row">
                {errorText(alarm.code)}
                <span class="under">{errorNext(alarm.code)}</span>
              </th>
              <td class="mono">
                {alarm.from}
                <span class="under">
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
      <More list={list} name={t('switch.alarms')} />
    </section>
  );
}
