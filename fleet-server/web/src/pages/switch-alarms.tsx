import { useSignal } from '@preact/signals';
import {
  alarmsSeen,
  managementPaths,
  type SwitchAlarmView,
  switchAlarmView,
  switchPaths,
} from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { ask } from '../api.ts';
import { may } from '../me.ts';
import { atLeast, useFresh, useGrowing } from '../parts/growing.tsx';
import { Ago, Mark, Said } from '../parts/index.tsx';
import { Listed } from '../parts/listed.tsx';
import { useOrder } from '../parts/reload.ts';
import { count } from '../text/format.ts';
import { errorNext, errorText, t, tAny } from '../text/index.ts';

const reloadMs = 5_000;

/** Whose alarms: where they are read and marked as seen, and what they are filtered by besides their code. */
const sources = {
  switch: { paths: switchPaths, title: 'switch.alarms', filter: 'switch.alarmFilter', origin: 'from' },
  terminals: { paths: managementPaths, title: 'fleet.alarms', filter: 'fleet.alarmFilter', origin: 'serial' },
} as const;

/** Alarms that nobody has seen yet: what is wrong, where, and what to do; by code or origin, and marked as seen one by one or all that are found. */
export function Alarms({ of = 'switch' }: { of?: keyof typeof sources }) {
  const { paths, title, filter: filterText, origin } = sources[of];
  const wanted = useSignal('');
  const filter: Readonly<Record<string, string>> =
    wanted.value === '' ? {} : { [isCode(wanted.value) ? 'code' : origin]: wanted.value };
  const list = useGrowing(switchAlarmView, `${paths.alarms}?${new URLSearchParams({ ...filter, limit: '50' })}`);
  useFresh(list, reloadMs);
  const alarms = list.entries;
  const { said, isSending, order } = useOrder();
  const see = ({ id }: SwitchAlarmView): void =>
    void order(async () => {
      await ask(z.object({}), paths.alarmSeen(id), { method: 'POST', key: crypto.randomUUID() });
      await list.anew();
      return t('switch.alarmSeen');
    });
  const seeAll = (): void =>
    void order(async () => {
      // What is raised after the list was drawn has been seen by nobody.
      const until = (alarms.value ?? []).reduce((newest, { lastAt }) => (lastAt > newest ? lastAt : newest), '');
      const body = { ...filter, until };
      const { seen } = await ask(alarmsSeen, paths.alarmsSeen, { method: 'POST', key: crypto.randomUUID(), body });
      await list.anew();
      return t('switch.alarmsSeen', { count: count(seen) });
    });
  return (
    <section class="panel" aria-labelledby="alarms-title">
      <header>
        <h2 id="alarms-title">{t(title)}</h2>
        <input
          type="search"
          value={wanted.value}
          placeholder={t(filterText)}
          aria-label={t(filterText)}
          onChange={(event) => (wanted.value = event.currentTarget.value.trim())}
        />
        {alarms.value && (
          <Mark tone={alarms.value.length > 0 ? 'error' : 'ok'}>{atLeast(alarms.value.length, list.hasMore)}</Mark>
        )}
        {may('fleet.operate') && alarms.value !== undefined && alarms.value.length > 1 && (
          <button
            type="button"
            class="quiet-button"
            data-testid="see-all"
            disabled={isSending.value}
            onClick={() => seeAll()}
          >
            {t('switch.seeAll')}
          </button>
        )}
      </header>
      <Said of={said.value} />
      <Listed
        list={list}
        id="alarms"
        title="alarms-title"
        name={title}
        none="switch.noAlarms"
        heads={[
          'switch.alarm',
          'switch.from',
          { text: 'switch.alarmCount', as: 'number' },
          may('fleet.operate') && 'switch.orders',
        ]}
      >
        {(alarm) => (
          <tr key={alarm.id} data-alarm={alarm.code}>
            <th scope="row" class="prose">
              {errorText(alarm.code)}
              <span class="under">{errorNext(alarm.code)}</span>
            </th>
            <td class="mono">
              {of === 'terminals' ? <a href={`/terminals/${alarm.from}`}>{alarm.from}</a> : alarm.from}
              <span class="under prose">
                {Object.entries(alarm.facts)
                  .map(([name, value]) => `${tAny('fact', name)} ${String(value)}`)
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
        )}
      </Listed>
    </section>
  );
}

/** A code is in capitals with low lines between them; everything else is an origin. */
const isCode = (text: string): boolean => /^[A-Z]+(?:_[A-Z\d]+)+$/.test(text);
