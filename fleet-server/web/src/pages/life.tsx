import { useSignal } from '@preact/signals';
import {
  accessPaths,
  approval,
  type ApprovalView,
  type CustodyAlarm,
  custodyAlarmView,
  type DeviceListEntry,
  deviceListEntry,
  lifePaths,
  page,
  type PartStockView,
  partStockView,
  type SwapView,
  swapView,
  type WorkOrderView,
  workOrderView,
} from '@tsunagu/protocols/fleet';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { z } from 'zod';
import { ask, faultText } from '../api.ts';
import { Mark, Alert } from '../parts/index.tsx';
import { t } from '../text/index.ts';

const alarmList = z.object({ items: z.array(custodyAlarmView) });

/** What waits for people changes by the hour; the stream of live events does not carry it. */
const refreshMs = 5_000;

interface Waiting {
  readonly approvals: readonly ApprovalView[];
  readonly alarms: readonly CustodyAlarm[];
  readonly swaps: readonly SwapView[];
  readonly overdue: readonly DeviceListEntry[];
  readonly work: readonly WorkOrderView[];
  readonly low: readonly PartStockView[];
}

/** What in the lives of terminals waits for a person: approvals, custody, swaps, inspections, the workshop. */
export function LifePage() {
  const waiting = useSignal<Waiting | undefined>(undefined);
  const fault = useSignal('');
  useEffect(() => {
    const load = async (): Promise<void> => {
      const [approvals, alarms, swaps, overdue, work, low] = await Promise.all([
        ask(page(approval), `${accessPaths.approvals}?kind=lifecycle&state=requested&limit=500`),
        ask(alarmList, lifePaths.custodyAlarms),
        ask(page(swapView), `${lifePaths.swaps}?open=true&limit=500`),
        ask(page(deviceListEntry), `${lifePaths.devices}?overdue=true&limit=500`),
        ask(page(workOrderView), `${lifePaths.workOrders}?open=true&limit=500`),
        ask(page(partStockView), `${lifePaths.workStock}?low=true&limit=500`),
      ]);
      waiting.value = {
        approvals: approvals.items,
        alarms: alarms.items,
        swaps: swaps.items,
        overdue: overdue.items,
        work: work.items,
        low: low.items,
      };
    };
    const refresh = (): void =>
      void load().then(
        () => (fault.value = ''),
        (error: unknown) => {
          fault.value = faultText(error);
        },
      );
    refresh();
    const timer = setInterval(refresh, refreshMs);
    return () => clearInterval(timer);
  }, []);
  const { approvals = [], alarms = [], swaps = [], overdue = [], work = [], low = [] } = waiting.value ?? {};
  return (
    <main id="content">
      <h1 class="hidden">{t('nav.life')}</h1>
      <Alert text={fault.value} />
      <Part
        title={t('life.approvals')}
        count={approvals.length}
        link={{ href: '/approvals', text: t('approvals.title') }}
      >
        {approvals.map(({ id, subject, requestedByName, requestedAt }) => (
          <Row key={id} serial={subject.replace('terminal/', '')} at={requestedAt} says={requestedByName} />
        ))}
      </Part>
      <Part title={t('life.alarms')} count={alarms.length}>
        {alarms.map(({ serial, kind, since }) => (
          <Row key={serial} serial={serial} at={since} says={t(`life.alarm.${kind}`)} />
        ))}
      </Part>
      <Part title={t('life.swaps')} count={swaps.length}>
        {swaps.map((swap) => (
          <Row
            key={swap.id}
            serial={swap.old}
            at={swap.changedAt}
            says={`→ ${swap.new} (${t(`life.swap.${swap.step}`)})`}
          />
        ))}
      </Part>
      <Part title={t('life.overdue')} count={overdue.length}>
        {overdue.map(({ serial, dueAt, place }) => (
          <Row key={serial} serial={serial} at={dueAt ?? ''} says={`${place.merchant} ${place.shop}`} />
        ))}
      </Part>
      <Part title={t('life.work')} count={work.length}>
        {work.map(({ id, serial, openedAt, fault: found, reported }) => (
          <Row key={id} serial={serial} at={openedAt} says={found ?? reported ?? ''} />
        ))}
      </Part>
      <Part title={t('life.low')} count={low.length}>
        {low.map(({ part, count, minimum }) => (
          <tr key={part}>
            <th scope="row">{part}</th>
            <td />
            <td>{t('life.lies', { count: String(count), minimum })}</td>
          </tr>
        ))}
      </Part>
    </main>
  );
}

function Part({
  title,
  count,
  link,
  children,
}: {
  title: string;
  count: number;
  link?: { readonly href: string; readonly text: string };
  children: ComponentChildren;
}) {
  return (
    <section class="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <Mark tone={count === 0 ? 'ok' : 'warn'}>{String(count)}</Mark>
        {link && <a href={link.href}>{link.text} →</a>}
      </header>
      {count === 0 ? (
        <p class="quiet pad">{t('life.nothing')}</p>
      ) : (
        <table>
          <tbody>{children}</tbody>
        </table>
      )}
    </section>
  );
}

function Row({ serial, at, says }: { serial: string; at: string; says: string }) {
  return (
    <tr data-serial={serial}>
      <th scope="row">
        <a href={`/terminals/${serial}`}>{serial}</a>
      </th>
      <td>{at.slice(0, 10)}</td>
      <td>{says}</td>
    </tr>
  );
}
