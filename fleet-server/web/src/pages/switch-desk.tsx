import { type Signal, useSignal } from '@preact/signals';
import {
  settleAdvice,
  settleDay,
  type SwitchAdvice,
  switchAdvice,
  type SwitchDifference,
  switchDifferences,
  type SwitchLink,
  switchPaths,
  type SwitchReconciliation,
  switchReconciliation,
} from '@tsunagu/protocols/fleet';
import type { ComponentChildren } from 'preact';
import { z } from 'zod';
import { ask } from '../api.ts';
import { may } from '../me.ts';
import { formText } from '../parts/form-text.ts';
import { More, useFresh, useGrowing, atLeast } from '../parts/growing.tsx';
import { Ago, Mark, type Tone, Said, Alert } from '../parts/index.tsx';
import { Table } from '../parts/table.tsx';
import { useOrder } from '../parts/reload.ts';
import { count, moment, money } from '../text/format.ts';
import { language, t, type TextKey } from '../text/index.ts';

const reloadMs = 5_000;
const results: Readonly<Record<SwitchReconciliation['result'], Tone>> = {
  balanced: 'ok',
  unbalanced: 'error',
  unanswered: 'warn',
  held: 'error',
};

/** Reversals and postings that issuers have not taken yet; the dead ones wait for a person. */
export function Advices() {
  const list = useGrowing(switchAdvice, `${switchPaths.advices}?limit=50`);
  useFresh(list, reloadMs);
  const advices = list.entries;
  const settling = useSignal<string | undefined>(undefined);
  const { said, isSending, order } = useOrder();
  const retry = ({ id }: SwitchAdvice): void =>
    void order(async () => {
      await ask(z.object({}), switchPaths.adviceRetry(id), { method: 'POST', key: crypto.randomUUID() });
      await list.anew();
      return t('switch.retried');
    });
  const settle = ({ id }: SwitchAdvice, form: HTMLFormElement): void =>
    void order(async () => {
      const body = { reason: formText(form, 'reason') };
      await ask(z.object({}), switchPaths.adviceSettlement(id), { method: 'POST', body, key: crypto.randomUUID() });
      settling.value = undefined;
      await list.anew();
      return t('switch.settled');
    });
  const dead = advices.value?.filter(({ state }) => state === 'dead').length ?? 0;
  return (
    <section class="panel" aria-labelledby="advices-title">
      <header>
        <h2 id="advices-title">{t('switch.advices')}</h2>
        {advices.value && (
          <Mark tone={dead > 0 ? 'error' : advices.value.length > 0 ? 'warn' : 'ok'}>
            {t('switch.advicesCount', {
              queued: atLeast(advices.value.length - dead, list.hasMore),
              dead: atLeast(dead, list.hasMore),
            })}
          </Mark>
        )}
      </header>
      <Alert text={list.fault.value} />
      <Said of={said.value} />
      {advices.value?.length === 0 && <p class="quiet pad">{t('switch.noAdvices')}</p>}
      {advices.value !== undefined && advices.value.length > 0 && (
        <Table
          id="advices"
          title="advices-title"
          heads={[
            'switch.advice',
            'switch.state',
            { text: 'column.amount', as: 'number' },
            'switch.attempts',
            'switch.orders',
          ]}
        >
          {advices.value.map((advice) => (
            <tr key={advice.id} data-advice={advice.id}>
              <th scope="row">
                {advice.transaction === null ? (
                  t(`switch.advice.${advice.kind}`)
                ) : (
                  <a href={`/switch?transaction=${encodeURIComponent(advice.transaction)}`}>
                    {t(`switch.advice.${advice.kind}`)}
                  </a>
                )}
                <span class="under">
                  {advice.link} · •••• {advice.lastFour ?? '–'} · {moment(advice.createdAt)}
                </span>
              </th>
              <td>
                <Mark tone={advice.state === 'dead' ? 'error' : 'warn'}>{t(`switch.advice.${advice.state}`)}</Mark>
              </td>
              <td class="number">{advice.amountMinor === null ? '–' : money(advice.amountMinor)}</td>
              <td>
                {count(advice.attempts)}
                <span class="under">
                  {t('switch.lastAnswer', { code: advice.lastActionCode ?? '–' })} · {moment(advice.nextAt)}
                </span>
              </td>
              <td class="buttons">
                {may('fleet.operate') && (
                  <>
                    <button type="button" class="quiet-button" disabled={isSending.value} onClick={() => retry(advice)}>
                      {t('switch.retry')}
                    </button>
                    <Settle
                      settling={settling}
                      name={advice.id}
                      isSending={isSending.value}
                      labels={{ settle: 'switch.settle', reason: 'switch.settleReason' }}
                      reason={settleAdvice.shape.reason}
                      onSettle={(form) => settle(advice, form)}
                    />
                  </>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <More list={list} name={t('switch.advices')} />
    </section>
  );
}

/** Business days that were compared with the far side, and in which items they differ. */
export function Days({ links }: { links: readonly SwitchLink[] }) {
  const list = useGrowing(switchReconciliation, `${switchPaths.reconciliations}?limit=20`);
  useFresh(list, reloadMs);
  const days = list.entries;
  const opened = useSignal<{ readonly name: string; readonly items: readonly SwitchDifference[] } | undefined>(
    undefined,
  );
  const { said, isSending, order } = useOrder();
  const compare = (form: HTMLFormElement): void =>
    void order(async () => {
      const made = await ask(switchReconciliation, switchPaths.reconciliations, {
        method: 'POST',
        body: { link: formText(form, 'link') },
        key: crypto.randomUUID(),
      });
      await list.anew();
      return t('switch.compared', { day: made.day, result: t(`switch.result.${made.result}`) });
    });
  const open = ({ link, day }: SwitchReconciliation): void =>
    void order(async () => {
      const { items } = await ask(switchDifferences, switchPaths.differences(link, day));
      opened.value = { name: `${link} ${day}`, items };
      return t('switch.differ', { count: count(items.length), name: `${link} ${day}` });
    });
  const settling = useSignal<string | undefined>(undefined);
  const settle = ({ link, day }: SwitchReconciliation, form: HTMLFormElement): void =>
    void order(async () => {
      const body = { figures: formText(form, 'figures'), reason: formText(form, 'reason') };
      await ask(switchReconciliation, switchPaths.daySettlement(link, day), {
        method: 'POST',
        body,
        key: crypto.randomUUID(),
      });
      settling.value = undefined;
      await list.anew();
      return t('switch.dayIsSettled', { name: `${link} ${day}` });
    });
  const issuers = links.filter(({ side }) => side === 'issuer');
  return (
    <section class="panel" aria-labelledby="days-title">
      <header>
        <h2 id="days-title">{t('switch.days')}</h2>
      </header>
      <Alert text={list.fault.value} />
      {may('fleet.operate') && issuers.length > 0 && (
        <form
          class="inline"
          onSubmit={(event) => {
            event.preventDefault();
            compare(event.currentTarget);
          }}
        >
          <label>
            {t('column.link')}
            <select name="link">
              {issuers.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name[language.value]}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" class="primary" disabled={isSending.value}>
            {t('switch.compare')}
          </button>
        </form>
      )}
      <Said of={said.value} />
      {days.value?.length === 0 && <p class="quiet pad">{t('switch.noDays')}</p>}
      {days.value !== undefined && days.value.length > 0 && (
        <Table
          id="days"
          title="days-title"
          heads={[
            'switch.day',
            'column.result',
            'switch.ours',
            'switch.theirs',
            'switch.counted',
            'switch.differences',
          ]}
        >
          {days.value.map((day) => (
            <tr key={`${day.link} ${day.day}`} data-day={`${day.link} ${day.day}`}>
              <th scope="row">
                <span class="mono">{day.day}</span>
                <span class="under">
                  {day.link} · {t(`switch.day.${day.state}`)} · <Ago at={day.at} />
                </span>
              </th>
              <td>
                <Mark tone={results[day.result]}>{t(`switch.result.${day.result}`)}</Mark>
              </td>
              <td>{totalsText(day.ours)}</td>
              <td>{day.theirs === null ? '–' : totalsText(day.theirs)}</td>
              <td>
                {day.settled !== null ? (
                  <Settled of={day.settled} counted={day.counted} />
                ) : day.result === 'held' && may('fleet.operate') ? (
                  <Settle
                    settling={settling}
                    name={nameOf(day)}
                    isSending={isSending.value}
                    labels={{ settle: 'switch.settleDay', reason: 'switch.settleDayReason' }}
                    reason={settleDay.shape.reason}
                    onSettle={(form) => settle(day, form)}
                  >
                    <label>
                      {t('switch.settleDayFigures')}
                      <select name="figures">
                        <option value="ours">{t('switch.figures.ours')}</option>
                        {day.theirs !== null && <option value="theirs">{t('switch.figures.theirs')}</option>}
                      </select>
                    </label>
                  </Settle>
                ) : (
                  '–'
                )}
              </td>
              <td>
                {day.differences === 0 ? (
                  '0'
                ) : (
                  <button type="button" class="quiet-button" onClick={() => open(day)}>
                    {t('switch.show', { count: count(day.differences) })}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <More list={list} name={t('switch.days')} />
      {opened.value && <Differences name={opened.value.name} items={opened.value.items} />}
    </section>
  );
}

const nameOf = ({ link, day }: SwitchReconciliation): string => `${link} ${day}`;

/** A person settles something by hand, and says why; of what has that name in a list, one at a time. */
const Settle = ({
  settling,
  name,
  isSending,
  labels,
  reason,
  onSettle,
  children,
}: {
  settling: Signal<string | undefined>;
  name: string;
  isSending: boolean;
  labels: { readonly settle: TextKey; readonly reason: TextKey };
  reason: { readonly minLength: number | null; readonly maxLength: number | null };
  onSettle: (form: HTMLFormElement) => void;
  /** What is chosen besides. */
  children?: ComponentChildren;
}) => {
  const isOpen = settling.value === name;
  return (
    <>
      <button
        type="button"
        class="quiet-button"
        aria-expanded={isOpen}
        onClick={() => (settling.value = isOpen ? undefined : name)}
      >
        {t(labels.settle)}
      </button>
      {isOpen && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onSettle(event.currentTarget);
          }}
        >
          {children}
          <label>
            {t(labels.reason)}
            <input name="reason" required minLength={reason.minLength ?? 1} maxLength={reason.maxLength ?? 200} />
          </label>
          <button type="submit" class="primary" disabled={isSending}>
            {t(labels.settle)}
          </button>
        </form>
      )}
    </>
  );
};

/** Whose totals count of a closed day, which those are, and who closed it when and why. */
const Settled = ({
  of: { figures, why, by, at },
  counted,
}: {
  of: NonNullable<SwitchReconciliation['settled']>;
  counted: SwitchReconciliation['counted'];
}) => (
  <>
    <strong>{t(`switch.figures.${figures ?? 'unknown'}`)}</strong> {totalsText(counted)}
    <span class="under">
      {why !== null && <>{t(`switch.settledWhy.${why}`)} · </>}
      {by !== null && <>{t('switch.settledBy', { by })} · </>}
      <Ago at={at} />
    </span>
  </>
);

/** Debits and credits of a day after what was taken back. */
const totalsText = (of: SwitchReconciliation['ours']): string =>
  t('switch.totals', {
    debits: count(of.debits - of.debitReversals),
    debitsMinor: money(of.debitsMinor - of.debitReversalsMinor),
    credits: count(of.credits - of.creditReversals),
    creditsMinor: money(of.creditsMinor - of.creditReversalsMinor),
  });

const Differences = ({ name, items }: { name: string; items: readonly SwitchDifference[] }) => (
  <div class="scroll" tabIndex={0} role="group" aria-label={t('switch.differences')}>
    <table data-testid="differences">
      <caption>{name}</caption>
      <thead>
        <tr>
          <th scope="col">{t('switch.stan')}</th>
          <th scope="col">{t('switch.item')}</th>
          <th scope="col" class="number">
            {t('switch.ours')}
          </th>
          <th scope="col" class="number">
            {t('switch.theirs')}
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map(({ stan, localTime, kind, oursMinor, theirsMinor, transaction }) => (
          <tr key={`${stan} ${localTime} ${kind}`}>
            <th scope="row" class="mono">
              {transaction === null ? (
                stan
              ) : (
                <a href={`/switch?transaction=${encodeURIComponent(transaction)}`}>{stan}</a>
              )}
              <span class="under">{localTime}</span>
            </th>
            <td>{t(`switch.item.${kind}`)}</td>
            <td class="number">{oursMinor === null ? t('switch.missing') : money(oursMinor)}</td>
            <td class="number">{theirsMinor === null ? t('switch.missing') : money(theirsMinor)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
