import { useSignal } from '@preact/signals';
import { page, type SwitchAlarmView, switchAlarmView, switchPaths } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { ask } from '../api.ts';
import { may } from '../me.ts';
import { Ago, Alert, Mark, Said } from '../parts/index.tsx';
import { Table } from '../parts/table.tsx';
import { useOrder, useReload } from '../parts/reload.ts';
import { count } from '../text/format.ts';
import { errorNext, errorText, t } from '../text/index.ts';

const reloadMs = 5_000;

/** Alarms of the switch that nobody has seen yet: what is wrong, where, and what to do. */
export function Alarms() {
  const alarms = useSignal<readonly SwitchAlarmView[] | undefined>(undefined);
  // As they are seen, older ones take their place.
  const { fault, again } = useReload(async () => {
    alarms.value = (await ask(page(switchAlarmView), `${switchPaths.alarms}?limit=100`)).items;
  }, reloadMs);
  const { said, isSending, order } = useOrder();
  const see = ({ id }: SwitchAlarmView): void =>
    void order(async () => {
      await ask(z.object({}), switchPaths.alarmSeen(id), { method: 'POST', key: crypto.randomUUID() });
      await again();
      return t('switch.alarmSeen');
    });
  return (
    <section class="panel" aria-labelledby="alarms-title">
      <header>
        <h2 id="alarms-title">{t('switch.alarms')}</h2>
        {alarms.value && <Mark tone={alarms.value.length > 0 ? 'error' : 'ok'}>{count(alarms.value.length)}</Mark>}
      </header>
      <Alert text={fault.value} />
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
    </section>
  );
}
