import { useComputed } from '@preact/signals';
import type { TerminalSummary } from '@tsunagu/protocols/fleet';
import { useLocation } from 'preact-iso';
import { isLoaded, overview, terminals } from '../live.ts';
import { Ago, expiryTone, Feed, linkTone, Mark, outcomeTone } from '../parts/index.tsx';
import { clock, count, money, percent } from '../text/format.ts';
import { language, t } from '../text/index.ts';
import { Alarms } from './switch-alarms.tsx';
import { addressOf, arrange, type Column, columns, type Filter, filters, readView, type View } from './fleet-view.ts';

const rowsPerPage = 50;
const tones: Readonly<Record<Filter, string>> = {
  all: 'info',
  ready: 'ok',
  lost: 'error',
  never: 'off',
  drift: 'warn',
  keyless: 'warn',
  behind: 'warn',
};
const isFilterName = (name: string): name is Filter => Object.hasOwn(filters, name);
const filterNames = Object.keys(filters).filter(isFilterName);

export function FleetPage() {
  const { query, route } = useLocation();
  const view = readView(query);
  const all = terminals.value;
  const rows = arrange(all.values(), view);
  const pages = Math.max(1, Math.ceil(rows.length / rowsPerPage));
  const page = Math.min(view.page, pages);
  const shown = rows.slice((page - 1) * rowsPerPage, page * rowsPerPage);
  const go = (change: Partial<View>): void => route(addressOf({ ...view, page: 1, ...change }), true);

  return (
    <main id="content" class="fleet">
      <h1 class="hidden">{t('fleet.title')}</h1>
      <Tiles view={view} />
      <Strip />
      <Alarms of="terminals" />
      <div class="columns">
        <section class="panel" aria-labelledby="list-title">
          <header>
            <h2 id="list-title">{t('fleet.all')}</h2>
            <input
              type="search"
              value={view.find}
              placeholder={t('fleet.search')}
              aria-label={t('fleet.search')}
              onInput={(event) => go({ find: event.currentTarget.value })}
            />
            <span class="quiet" role="status">
              {t('fleet.count', { shown: count(rows.length), total: count(all.size) })}
            </span>
          </header>
          <div class="scroll" tabIndex={0} role="group" aria-labelledby="list-title">
            <table data-testid="terminals">
              <thead>
                <tr>
                  {columns.map((column) => (
                    <Heading key={column} column={column} view={view} go={go} />
                  ))}
                </tr>
              </thead>
              <tbody>
                {shown.map((terminal) => (
                  <Row key={terminal.serial} terminal={terminal} />
                ))}
              </tbody>
            </table>
            {isLoaded.value && rows.length === 0 && (
              <p class="quiet pad">
                {all.size === 0 ? t('fleet.empty') : t('fleet.none')}{' '}
                {all.size > 0 && <a href="/">{t('fleet.clear')}</a>}
              </p>
            )}
          </div>
          {pages > 1 && (
            <nav class="pager" aria-label={t('page.pager')}>
              <button type="button" disabled={page <= 1} onClick={() => go({ page: page - 1 })}>
                ← {t('page.previous')}
              </button>
              <span>{t('page.of', { page, pages })}</span>
              <button type="button" disabled={page >= pages} onClick={() => go({ page: page + 1 })}>
                {t('page.next')} →
              </button>
            </nav>
          )}
        </section>
        <Feed />
      </div>
    </main>
  );
}

function Tiles({ view }: { view: View }) {
  const counts = useComputed(() => {
    const sums = new Map<Filter, number>();
    for (const terminal of terminals.value.values())
      for (const name of filterNames) if (filters[name](terminal)) sums.set(name, (sums.get(name) ?? 0) + 1);
    return sums;
  });
  return (
    <nav class="tiles" aria-label={t('fleet.tiles')}>
      {filterNames.map((name) => {
        const sum = counts.value.get(name) ?? 0;
        return (
          <a
            key={name}
            href={addressOf({ ...view, show: name, page: 1 })}
            class={`tile ${sum > 0 ? tones[name] : 'calm'}`}
            aria-current={view.show === name ? 'true' : undefined}
            data-testid={`tile-${name}`}
          >
            <span class="figure">{count(sum)}</span>
            <span class="label">{t(`fleet.${name}`)}</span>
          </a>
        );
      })}
    </nav>
  );
}

/** The last five minutes, and the ways to the card companies. */
function Strip() {
  const glance = overview.value;
  if (!glance) return null;
  const { approved, declined, refused, reversed, amountMinor } = glance.sales;
  const ended = approved + declined + refused + reversed;
  return (
    <div class="strip">
      <dl>
        <div>
          <dt>{t('fleet.approval')}</dt>
          <dd>
            {ended === 0 ? '–' : percent(approved / ended)}{' '}
            <span class="quiet">{`${count(approved)} / ${count(ended)}`}</span>
          </dd>
        </div>
        <div>
          <dt>{t('fleet.turnover')}</dt>
          <dd>{money(amountMinor)}</dd>
        </div>
        <div>
          <dt>{t('negative.title')}</dt>
          <dd>
            <a href="/negative">
              v{glance.negative.version}+{glance.negative.overlaySeq}
            </a>
          </dd>
        </div>
        <div>
          <dt>{t('expiry.title')}</dt>
          <dd>
            <a href="/expiry" data-testid="expiry">
              <Mark tone={expiryTone(glance.expiry)}>{glance.expiry.earliest?.lastDay ?? '–'}</Mark>
            </a>{' '}
            <span class="quiet">{glance.expiry.earliest && t(`expiry.kind.${glance.expiry.earliest.first}`)}</span>
          </dd>
        </div>
        <div>
          <dt>{t('fleet.links')}</dt>
          <dd>
            {glance.links.map((link) => (
              <Mark key={link.id} tone={link.state === 'signed-on' ? 'ok' : link.state === 'up' ? 'warn' : 'error'}>
                {language.value === 'ja' ? link.nameJa : link.name} {t(`issuer.${link.state}`)}
              </Mark>
            ))}
          </dd>
        </div>
      </dl>
      <p class="as-of quiet">{t('live.asOf', { time: clock(glance.at) })}</p>
    </div>
  );
}

function Heading({ column, view, go }: { column: Column; view: View; go: (change: Partial<View>) => void }) {
  const isSorted = view.sort === column;
  return (
    <th scope="col" class={`c-${column}`} aria-sort={isSorted ? (view.isDown ? 'descending' : 'ascending') : 'none'}>
      <button type="button" class="sort" onClick={() => go({ sort: column, isDown: isSorted && !view.isDown })}>
        {t(`column.${column}`)}
        <span aria-hidden="true">{isSorted ? (view.isDown ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}

function Row({ terminal }: { terminal: TerminalSummary }) {
  const { serial, model, place, parent, link, keys, configuration, negative, lastSale, troubles } = terminal;
  const isNew = link.state === 'never';
  return (
    <tr data-serial={serial}>
      <th scope="row" class="c-terminal">
        <a href={`/terminals/${serial}`}>{serial}</a>
        <span class="under">
          {model}
          {parent !== null && ` ← ${parent}`}
        </span>
      </th>
      <td class="c-place">
        {place.merchant}
        <span class="under">
          {place.shop} {place.lane}
        </span>
      </td>
      <td class="c-link">
        <Mark tone={linkTone(link.state)}>{t(`link.${link.state}`)}</Mark>
        <span class="under">{link.since !== null && <Ago at={link.since} />}</span>
        {troubles[0] && (
          <Mark tone={troubles[0].isRunning ? 'warn' : 'error'}>
            {troubles[0].code} {troubles[0].record}
          </Mark>
        )}
      </td>
      <td class="c-keys">
        {isNew ? (
          '–'
        ) : (
          <Mark tone={keys.length > 1 ? 'ok' : 'warn'}>{keys.length > 1 ? t('state.loaded') : t('state.missing')}</Mark>
        )}
        <span class="under mono">{keys[0]?.kcv}</span>
      </td>
      <td class="c-configuration">
        {isNew ? (
          '–'
        ) : (
          <Mark tone={configuration.inSync ? 'ok' : 'warn'}>
            {configuration.inSync ? t('state.inSync') : t('state.drift')}
          </Mark>
        )}
        <span class="under">
          {isNew ? '' : `v${configuration.reported}${configuration.inSync ? '' : ` → v${configuration.desired}`}`}
        </span>
      </td>
      <td class="c-negative">
        {isNew ? (
          '–'
        ) : (
          <Mark tone={negative.current ? 'ok' : 'warn'}>
            {negative.current ? t('state.current') : t('state.behind')}
          </Mark>
        )}
        <span class="under">{negative.freshAt !== null && <Ago at={negative.freshAt} />}</span>
      </td>
      <td class="c-lastSale">
        {lastSale === null ? (
          <span class="quiet">–</span>
        ) : (
          <>
            <Mark tone={outcomeTone(lastSale.outcome)}>{money(lastSale.amountMinor)}</Mark>
            <span class="under">
              <Ago at={lastSale.at} />
            </span>
          </>
        )}
      </td>
    </tr>
  );
}
