import { useSignal } from '@preact/signals';
import { paymentMethodText } from '@tsunagu/protocols/acquiring';
import {
  hasCardNumber,
  switchPaths,
  switchSearch,
  switchTransaction,
  type SwitchTransactionDetail,
  switchTransactionDetail,
} from '@tsunagu/protocols/fleet';
import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ask, faultText } from '../api.ts';
import { formText } from '../parts/form-text.ts';
import { More, useGrowing } from '../parts/growing.tsx';
import { CardName, Mark, type Tone, Alert } from '../parts/index.tsx';
import { Table } from '../parts/table.tsx';
import { moment, money, ownMoney } from '../text/format.ts';
import { errorText, language, reasonText, t, tAny } from '../text/index.ts';

const texts = ['token', 'lastFour', 'rrn', 'terminal', 'amount'] as const;
const fields = [...texts, 'state'] as const;
const states = switchSearch.shape.state.unwrap().options;
const tones: Readonly<Record<string, Tone>> = {
  approved: 'ok',
  posting: 'ok',
  posted: 'ok',
  declined: 'error',
  refused: 'error',
  reversed: 'warn',
  reversing: 'info',
  voiding: 'info',
  'send-intended': 'info',
};

const StateMark = ({ state }: { state: string }) => (
  <Mark tone={tones[state] ?? 'info'}>{tAny('switch.sale', state)}</Mark>
);

/** Search in the journal. What is looked for stands in the address, and so does the transaction that is looked at. */
export function Journal() {
  const { query, route } = useLocation();
  const detail = useSignal<SwitchTransactionDetail | undefined>(undefined);
  const fault = useSignal('');
  const wanted = fields.flatMap((field) => (query[field] ? [[field, query[field]]] : []));
  const { transaction } = query;

  const form = useRef<HTMLFormElement>(null);
  const search = JSON.stringify(wanted);
  const list = useGrowing(
    switchTransaction,
    `${switchPaths.transactions}?${new URLSearchParams([...wanted, ['limit', '20']]).toString()}`,
  );
  const found = list.entries;
  /** Shows in the form what the address asks for. Only then: what is being typed outlives a page drawn anew. */
  const fill = (): void => {
    for (const field of fields) {
      const input = form.current?.elements.namedItem(field);
      if (input instanceof HTMLInputElement || input instanceof HTMLSelectElement) input.value = query[field] ?? '';
    }
  };
  useEffect(() => {
    fill();
  }, [search]);
  useEffect(() => {
    detail.value = undefined;
    fault.value = '';
    if (!transaction) return;
    ask(switchTransactionDetail, switchPaths.transaction(transaction)).then(
      (one) => {
        detail.value = one;
      },
      (error: unknown) => {
        fault.value = faultText(error);
      },
    );
  }, [transaction]);

  const find = (fieldsOf: HTMLFormElement): void => {
    const given = fields.flatMap((field) => {
      const value = formText(fieldsOf, field).trim();
      return value === '' ? [] : [[field, value]];
    });
    // An address stays in the history of the browser, and in the logs of whatever is between.
    fault.value = hasCardNumber(Object.fromEntries(given)) ? errorText('SEARCH_BY_CARD_NUMBER') : '';
    if (fault.value !== '') return;
    route(given.length === 0 ? '/switch' : `/switch?${new URLSearchParams(given).toString()}`);
  };
  return (
    <section class="panel" aria-labelledby="journal-title">
      <header>
        <h2 id="journal-title">{t('switch.journal')}</h2>
      </header>
      <form
        ref={form}
        class="inline"
        role="search"
        aria-labelledby="journal-title"
        onSubmit={(event) => {
          event.preventDefault();
          find(event.currentTarget);
        }}
      >
        {texts.map((field) => (
          <label key={field}>
            {t(`switch.by.${field}`)}
            <input
              name={field}
              autoComplete="off"
              {...(field === 'lastFour' && { pattern: '[0-9]{4}', inputMode: 'numeric' as const })}
              {...(field === 'amount' && { pattern: '[0-9]{1,12}', inputMode: 'numeric' as const })}
            />
          </label>
        ))}
        <label>
          {t('switch.by.state')}
          <select name="state">
            <option value="">{t('switch.any')}</option>
            {states.map((state) => (
              <option key={state} value={state}>
                {t(`switch.search.${state}`)}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary">
          {t('switch.find')}
        </button>
      </form>
      <Alert text={list.fault.value || fault.value} />
      {detail.value && <Detail of={detail.value} />}
      {found.value?.length === 0 && <p class="quiet pad">{t('switch.nothing')}</p>}
      {found.value !== undefined && found.value.length > 0 && (
        <Table
          id="transactions"
          title="journal-title"
          heads={[
            'column.time',
            'column.result',
            { text: 'column.amount', as: 'number' },
            'column.card',
            'switch.from',
            { text: 'switch.by.rrn', as: 'wide' },
          ]}
        >
          {found.value.map((one) => (
            <tr key={one.id} data-transaction={one.id}>
              <th scope="row">
                <a href={`/switch?${new URLSearchParams([...wanted, ['transaction', one.id]]).toString()}`}>
                  {moment(one.at)}
                </a>
              </th>
              <td>
                <StateMark state={one.state} />
                <span class="under">{reasonText(one.reason, one.actionCode)}</span>
              </td>
              <td class="number strong">
                {money(one.amountMinor, one.currency)}
                {one.ownCurrency && <span class="under">{ownMoney(one.ownCurrency)}</span>}
                {one.method && <span class="under">{paymentMethodText(one.method, language.value)}</span>}
              </td>
              <td>
                <CardName sale={one} />
              </td>
              <td>{one.from}</td>
              <td class="wide mono">{one.rrn ?? '–'}</td>
            </tr>
          ))}
        </Table>
      )}
      <More list={list} name={t('switch.journal')} />
    </section>
  );
}

/** One transaction, all that the journal says of it. */
function Detail({ of }: { of: SwitchTransactionDetail }) {
  const facts: readonly (readonly [string, string | null])[] = [
    [t('switch.kind'), tAny('kind', of.kind)],
    [t('switch.from'), of.from],
    [t('switch.by.terminal'), of.terminal],
    [t('switch.merchant'), of.merchant],
    [t('column.link'), of.link],
    [t('switch.by.token'), of.token],
    [t('switch.stan'), of.outStan === null ? of.stan : `${of.stan} → ${of.outStan}`],
    [t('switch.by.rrn'), of.rrn],
    [t('switch.actionCode'), of.actionCode],
    [t('switch.approvalCode'), of.approvalCode],
    ...(of.ownCurrency
      ? [[t('switch.rate'), `1 ${of.currency} = ${of.ownCurrency.rate} ${of.ownCurrency.currency}`] as const]
      : []),
    ...(of.method ? [[t('switch.method'), paymentMethodText(of.method, language.value)] as const] : []),
    [t('switch.routing'), `v${of.routingVersion}`],
    [t('switch.day'), [of.acquirerDay, of.issuerDay].map((day) => day ?? '–').join(' → ')],
  ];
  return (
    <section class="pad" aria-labelledby="transaction-title" data-testid="transaction">
      <h3 id="transaction-title">
        {money(of.amountMinor, of.currency)}
        {of.ownCurrency && ` · ${ownMoney(of.ownCurrency)}`} · <CardName sale={of} /> · <StateMark state={of.state} />
      </h3>
      <dl class="facts">
        {facts.flatMap(([name, value]) => [
          <dt key={name}>{name}</dt>,
          <dd key={`${name} of it`} class="mono">
            {value ?? '–'}
          </dd>,
        ])}
      </dl>
      <ol class="events">
        {of.entries.map(({ at, entry, facts: told }, index) => (
          <li key={index}>
            <time dateTime={at}>{moment(at)}</time> <code>{tAny('switch.entry', entry)}</code>{' '}
            <span class="quiet">
              {Object.entries(told)
                .map(
                  ([name, value]) =>
                    `${tAny('switch.fact', name)} ${value === null || value === '' ? '–' : String(value)}`,
                )
                .join(' · ')}
            </span>
          </li>
        ))}
        {of.postings.map(({ side, kind, class: ofMoney, amountMinor, link, day }, index) => (
          <li key={`posting ${index}`}>
            {t('switch.posting', {
              side: t(`switch.side.${side}`),
              kind: t(`switch.posted.${kind}`),
              class: t(`switch.item.${ofMoney}`),
              amount: money(amountMinor),
              link,
              day,
            })}
          </li>
        ))}
      </ol>
    </section>
  );
}
