import { useSignal } from '@preact/signals';
import {
  awaitedOf,
  type KeyCeremonyView,
  keyCeremonyView,
  type KeyRunView,
  keyRunView,
  managementPaths,
} from '@tsunagu/protocols/fleet';
import type { ComponentChildren } from 'preact';
import type { z } from 'zod';
import { More, useFresh, useGrowing } from '../parts/growing.tsx';
import { Alert, Mark, type Tone } from '../parts/index.tsx';
import { Table } from '../parts/table.tsx';
import { count, moment } from '../text/format.ts';
import { t, type TextKey } from '../text/index.ts';

const reloadMs = 15_000;

/** What people do with keys together, newest first: those that are under way, and those that are over when they are asked for. */
function Custody<Schema extends z.ZodType<{ id: string }>>({
  id,
  entry,
  path,
  title,
  none,
  columns,
  children,
}: {
  id: string;
  entry: Schema;
  path: string;
  title: string;
  none: string;
  columns: readonly TextKey[];
  children: (one: z.output<Schema>) => ComponentChildren;
}) {
  const hasClosed = useSignal(false);
  const list = useGrowing(entry, `${path}?limit=50${hasClosed.value ? '' : '&open=true'}`);
  useFresh(list, reloadMs);
  const all = list.entries.value;
  return (
    <section class="panel" aria-labelledby={`${id}-title`}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        <label>
          <input
            type="checkbox"
            checked={hasClosed.value}
            onChange={({ currentTarget }) => (hasClosed.value = currentTarget.checked)}
          />{' '}
          {t('keys.closedToo')}
        </label>
      </header>
      <Alert text={list.fault.value} />
      {all?.length === 0 && <p class="quiet pad">{none}</p>}
      {all !== undefined && all.length > 0 && (
        <Table id={id} title={`${id}-title`} heads={columns}>
          {all.map(children)}
        </Table>
      )}
      <More list={list} name={title} />
    </section>
  );
}

const ceremonyTones: Readonly<Record<KeyCeremonyView['state'], Tone>> = {
  entering: 'warn',
  confirming: 'warn',
  done: 'ok',
  aborted: 'off',
};

/** Key ceremonies: who has entered which check value, and for whom they wait. */
export const Ceremonies = () => (
  <Custody
    id="ceremonies"
    entry={keyCeremonyView}
    path={managementPaths.keyCeremonies}
    title={t('keys.ceremonies')}
    none={t('keys.noCeremonies')}
    columns={['keys.key', 'keys.state', 'keys.custodians', 'column.checkValue', 'keys.waiting']}
  >
    {(ceremony) => <CeremonyRow key={ceremony.id} ceremony={ceremony} />}
  </Custody>
);

function CeremonyRow({ ceremony }: { ceremony: KeyCeremonyView }) {
  const { key, use, state, custodians, entered, kcv, steps, people } = ceremony;
  const nameOf = (id: string): string => people[id] ?? id;
  const [begun, last] = [steps[0], steps.at(-1)];
  const names = awaitedOf(ceremony).map(nameOf).join(', ');
  return (
    <tr data-ceremony={ceremony.id}>
      <th scope="row">
        <span class="mono">{key}</span>
        <span class="under">{t(`keys.use.${use}`)}</span>
      </th>
      <td>
        <Mark tone={ceremonyTones[state]}>{t(`keys.ceremony.${state}`)}</Mark>
        {begun && <span class="under">{t('keys.begun', { name: nameOf(begun.by), at: moment(begun.at) })}</span>}
        {last?.what === 'aborted' && <span class="under">{last.reason}</span>}
      </td>
      <td>
        <ol>
          {custodians.map((custodian, index) => (
            <li key={custodian}>
              {nameOf(custodian)}{' '}
              <span class="mono quiet">
                {entered.find((one) => one.index === index)?.kcv ?? (state === 'entering' ? t('keys.missing') : '–')}
              </span>
            </li>
          ))}
        </ol>
      </td>
      <td class="mono">{kcv ?? '–'}</td>
      <td>
        {state === 'entering'
          ? t('keys.awaits.component', { names })
          : state === 'confirming'
            ? t('keys.awaits.confirmation', { names })
            : '–'}
      </td>
    </tr>
  );
}

const runTones: Readonly<Record<KeyRunView['state'], Tone>> = { proposed: 'warn', open: 'ok', closed: 'off' };

/** Injection runs with their balance. */
export const Runs = () => (
  <Custody
    id="runs"
    entry={keyRunView}
    path={managementPaths.keyRuns}
    title={t('keys.runs')}
    none={t('keys.noRuns')}
    columns={['keys.run', 'keys.state', 'keys.orderedBy', 'keys.balance', 'keys.left']}
  >
    {(run) => <RunRow key={run.id} run={run} />}
  </Custody>
);

function RunRow({ run: { name, state, orderedBy, authorisedBy, begunAt, balance, people } }: { run: KeyRunView }) {
  return (
    <tr>
      <th scope="row">
        {name}
        <span class="under">{moment(begunAt)}</span>
      </th>
      <td>
        <Mark tone={runTones[state]}>{t(`keys.run.${state}`)}</Mark>
      </td>
      <td>
        {people[orderedBy] ?? orderedBy}
        <span class="under">
          {authorisedBy === null ? t('keys.notAuthorised') : (people[authorisedBy] ?? authorisedBy)}
        </span>
      </td>
      <td>
        {t('keys.figures', {
          listed: count(balance.listed),
          submitted: count(balance.submitted),
          keyed: count(balance.keyed),
          rejected: count(balance.rejected),
          investigated: count(balance.investigated),
        })}
      </td>
      <td class="mono">{balance.open.slice(0, 8).join(' ')}</td>
    </tr>
  );
}
