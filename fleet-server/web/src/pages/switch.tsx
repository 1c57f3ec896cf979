import { useSignal } from '@preact/signals';
import {
  type SwitchLink,
  switchLinkOrder,
  switchLinkOrdered,
  switchLinks,
  switchPaths,
} from '@tsunagu/protocols/fleet';
import { ask } from '../api.ts';
import { may } from '../me.ts';
import { Ago, Mark, type Tone, Said, Alert } from '../parts/index.tsx';
import { Table } from '../parts/table.tsx';
import { useOrder, useReload } from '../parts/reload.ts';
import { count } from '../text/format.ts';
import { language, t, tAny } from '../text/index.ts';
import { Alarms } from './switch-alarms.tsx';
import { Advices, Days } from './switch-desk.tsx';
import { Journal } from './switch-journal.tsx';

/** A centre comes when it wants to; an issuer has to be there. */
const toneOf = ({ state, side }: SwitchLink): Tone =>
  state === 'signed-on' ? 'ok' : state === 'up' ? 'warn' : side === 'issuer' ? 'error' : 'off';
const reloadMs = 5_000;
const { verb: verbs } = switchLinkOrder.shape;

/** The switch: its links, what waits for a person, business days, and the journal. */
export function SwitchPage() {
  const links = useSignal<readonly SwitchLink[] | undefined>(undefined);
  const { fault, again } = useReload(async () => {
    links.value = (await ask(switchLinks, switchPaths.links)).items;
  }, reloadMs);
  const { said, isSending, order } = useOrder();
  const send = (link: SwitchLink, verb: (typeof verbs.options)[number]): void =>
    void order(async () => {
      const path = switchPaths.linkOrders(link.id);
      const { echo } = await ask(switchLinkOrdered, path, {
        method: 'POST',
        body: { verb },
        key: crypto.randomUUID(),
      });
      await again();
      const name = link.name[language.value];
      if (echo === null) return t('switch.ordered', { link: name, verb: t(`switch.verb.${verb}`) });
      const text = t('switch.echoed', { link: name, answered: count(echo.answered), sent: count(echo.sent) });
      return { text, isFailure: echo.answered < Math.max(1, echo.sent) };
    });
  const issuers = links.value?.filter(({ side }) => side === 'issuer') ?? [];
  const on = issuers.filter(({ state }) => state === 'signed-on').length;
  return (
    <main id="content" aria-busy={links.value === undefined && fault.value === ''}>
      <section class="panel" aria-labelledby="links-title">
        <header>
          <h1 id="links-title">{t('switch.title')}</h1>
          {links.value && (
            <Mark tone={on < issuers.length ? 'error' : 'ok'}>
              {t('switch.counts', { on: count(on), all: count(issuers.length) })}
            </Mark>
          )}
          <a href="/switch/rules">{t('rules.title')} →</a>
          <a href="/switch/validity">{t('validity.title')} →</a>
        </header>
        <Alert text={fault.value} />
        <Said of={said.value} />
        <Table
          id="links"
          title="links-title"
          heads={[
            'column.link',
            'switch.state',
            'switch.lines',
            'switch.day',
            { text: 'switch.waiting', as: 'number' },
            { text: 'switch.mismatch', as: 'wide' },
            may('fleet.operate') && 'switch.orders',
          ]}
        >
          {links.value?.map((link) => (
            <Row key={link.id} link={link} isSending={isSending.value} send={send} />
          ))}
        </Table>
      </section>
      <Alarms />
      <Advices />
      <Days links={links.value ?? []} />
      <Journal />
    </main>
  );
}

function Row({
  link,
  isSending,
  send,
}: {
  link: SwitchLink;
  isSending: boolean;
  send: (link: SwitchLink, verb: (typeof verbs.options)[number]) => void;
}) {
  const { id, name, side, kind, profile, state, since, businessDay, advices, lines, mismatches, lenient } = link;
  const inFlight = lines.reduce((sum, line) => sum + line.inFlight, 0);
  const [last] = mismatches;
  return (
    <tr data-link={id}>
      <th scope="row">
        {name[language.value]}
        <span class="under mono">
          {id} · {t(`switch.side.${side}`)} · {tAny('switch.far', kind)} · {profile}
        </span>
      </th>
      <td>
        <Mark tone={toneOf(link)}>{t(`switch.link.${state}`)}</Mark>
        <span class="under">
          <Ago at={since} />
        </span>
      </td>
      <td>
        {t('switch.linesOf', {
          on: count(lines.filter((line) => line.state === 'signed-on').length),
          all: count(lines.length),
          inFlight: count(inFlight),
        })}
      </td>
      <td class="mono">{businessDay}</td>
      <td class="number">{advices === 0 ? '0' : <Mark tone="warn">{count(advices)}</Mark>}</td>
      <td class="wide">
        {last && (
          <>
            <span class="mono">{last.rrn === null ? last.mti : `${last.mti} RRN ${last.rrn}`}</span>{' '}
            {last.waiting === 0
              ? t('switch.noneWaited')
              : t('switch.nearest', {
                  waiting: count(last.waiting),
                  elements: last.differs.map((number) => (number === 0 ? 'MTI' : `DE${number}`)).join(' '),
                })}
            <span class="under">
              <Ago at={last.at} />
            </span>
          </>
        )}
        {lenient.map(({ leniency, count: used, lastAt }) => (
          <span key={leniency} class="under">
            {t('switch.lenient', { name: leniency, count: count(used) })} <Ago at={lastAt} />
          </span>
        ))}
      </td>
      {may('fleet.operate') && (
        <td class="buttons">
          {verbs.options.map((verb) => (
            <button
              key={verb}
              type="button"
              class="quiet-button"
              disabled={isSending}
              aria-label={`${name[language.value]}: ${t(`switch.verb.${verb}`)}`}
              onClick={() => send(link, verb)}
            >
              {t(`switch.verb.${verb}`)}
            </button>
          ))}
        </td>
      )}
    </tr>
  );
}
