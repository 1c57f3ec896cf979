import { useComputed, useSignal } from '@preact/signals';
import type { Overview, SaleLine } from '@tsunagu/protocols/fleet';
import type { ComponentChildren } from 'preact';
import { heardAt, liveness, now, retrySeconds, sales, silentSeconds } from '../live.ts';
import { ago, clock, money, ownMoney } from '../text/format.ts';
import { reasonText, t, tAny } from '../text/index.ts';

export type Tone = 'ok' | 'warn' | 'error' | 'off' | 'info';
const glyphs: Readonly<Record<Tone, string>> = { ok: '✓', warn: '!', error: '✕', off: '–', info: '·' };

/** A state as glyph, word and colour, never as colour alone. */
export const Mark = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => (
  <span class={`mark ${tone}`}>
    <span class="glyph" aria-hidden="true">
      {glyphs[tone]}
    </span>
    {children}
  </span>
);

/** What went wrong; nothing while all is well. */
export const Alert = ({ text }: { text: string | undefined }) =>
  text === undefined || text === '' ? null : (
    <p class="failure pad" role="alert">
      {text}
    </p>
  );

export type SaidOf = { readonly text: string; readonly isFailure: boolean } | undefined;

/** What came of an order. */
export const Said = ({ of }: { of: SaidOf }) => (
  <p role="status" class={`pad ${of?.isFailure ? 'failure' : 'success'}`} hidden={!of}>
    {of?.text}
  </p>
);

export const outcomeTone = (outcome: string): Tone =>
  outcome === 'approved' ? 'ok' : outcome === 'pending' ? 'info' : outcome === 'reversed' ? 'warn' : 'error';
export const linkTone = (state: string): Tone => (state === 'ready' ? 'ok' : state === 'never' ? 'off' : 'error');

/** How near the first last day of the fleet is. */
export const expiryTone = ({ near, urgent, passed }: Overview['expiry']): Tone =>
  passed + urgent > 0 ? 'error' : near > 0 ? 'warn' : 'ok';

/** Whether what the screen shows is how things are now. */
export function LivePill() {
  const state = liveness.value;
  const word = state === 'stale' ? t('live.stale', { seconds: silentSeconds.value }) : t(`live.${state}`);
  const retry =
    state === 'offline' && retrySeconds.value > 0 ? ` · ${t('live.retry', { seconds: retrySeconds.value })}` : '';
  return (
    <span class={`pill ${state}`} data-testid="liveness" data-state={state}>
      <span class="dot" aria-hidden="true" />
      {word}
      {retry}
      <span class="hidden" role="status">
        {state === 'stale' ? '' : t(`live.${state}`)}
      </span>
    </span>
  );
}

/** Says in the open when figures are old. */
export const NotLive = () =>
  liveness.value === 'live' || heardAt.value === 0 ? null : (
    <p class="banner" role="alert">
      {t('live.notLive', { time: clock(heardAt.value) })}
    </p>
  );

export const Ago = ({ at }: { at: string }) => (
  <time dateTime={at} title={clock(at)}>
    {ago(at, now.value)}
  </time>
);

export const CardName = ({
  sale,
}: {
  sale: Pick<SaleLine, 'scheme' | 'entry' | 'lastFour'> & { readonly kind?: string | undefined };
}) => (
  <span class="card">
    {/* What is no sale says so. */}
    {sale.kind !== undefined && sale.kind !== 'sale' && <strong class="kind">{tAny('kind', sale.kind)} </strong>}
    <span class="scheme">{tAny('scheme', sale.scheme)}</span> <span class="digits">•••• {sale.lastFour}</span>{' '}
    <span class="quiet">{tAny('entry', sale.entry)}</span>
  </span>
);

/** Pausing holds the list as it is and counts what came since. */
export function useFeed(max: number) {
  const held = useSignal<readonly SaleLine[] | undefined>(undefined);
  const shown = useComputed(() => (held.value ?? sales.value).slice(0, max));
  const missed = useComputed(() => {
    const first = held.value?.[0]?.id;
    if (!held.value) return 0;
    const at = sales.value.findIndex(({ id }) => id === first);
    return at < 0 ? sales.value.length : at;
  });
  const toggle = (): void => {
    held.value = held.value ? undefined : sales.value;
  };
  return { shown, missed, held, toggle };
}

export const PauseButton = ({ feed }: { feed: ReturnType<typeof useFeed> }) => (
  <button type="button" class="quiet-button" aria-pressed={feed.held.value !== undefined} onClick={feed.toggle}>
    {feed.held.value ? t('feed.resume') : t('feed.pause')}
    {feed.missed.value > 0 && <span class="badge">{t('feed.waiting', { count: feed.missed.value })}</span>}
  </button>
);

/** The compact feed beside the list of terminals. */
export function Feed() {
  const feed = useFeed(14);
  return (
    <section class="panel feed" aria-labelledby="feed-title">
      <header>
        <h2 id="feed-title">{t('feed.title')}</h2>
        <PauseButton feed={feed} />
      </header>
      {feed.shown.value.length === 0 && <p class="quiet pad">{t('feed.empty')}</p>}
      <ol data-testid="feed">
        {feed.shown.value.map((sale) => (
          <li key={sale.id} class={`tone-${outcomeTone(sale.outcome)}`}>
            <span class="line">
              <Mark tone={outcomeTone(sale.outcome)}>{t(`outcome.${sale.outcome}`)}</Mark>
              <span class="amount">
                {money(sale.amountMinor, sale.currency)}
                {sale.ownCurrency && ` · ${ownMoney(sale.ownCurrency)}`}
              </span>
            </span>
            <span class="line small">
              <CardName sale={sale} />
              <time dateTime={sale.at}>{clock(sale.at)}</time>
            </span>
            <span class="line small">
              <a href={`/terminals/${sale.serial}`}>{sale.serial}</a>
              <span class="quiet reason">{reasonText(sale.reason, sale.actionCode)}</span>
            </span>
          </li>
        ))}
      </ol>
      <footer>
        <a href="/sales">{t('feed.all')} →</a>
      </footer>
    </section>
  );
}

/** Why a sale ended otherwise than approved, and who decided that. */
function whyOf(sale: SaleLine): string {
  const reason = reasonText(sale.reason, sale.actionCode);
  return reason === '' ? '' : `${reason} (${t(`decidedBy.${sale.decidedBy}`)})`;
}

/** Sales as a table. */
export const SalesTable = ({ lines, withTerminal = true }: { lines: readonly SaleLine[]; withTerminal?: boolean }) => (
  <div class="scroll" tabIndex={0} role="group" aria-label={t('nav.sales')}>
    <table>
      <thead>
        <tr>
          <th scope="col">{t('column.time')}</th>
          <th scope="col">{t('column.result')}</th>
          <th scope="col" class="number">
            {t('column.amount')}
          </th>
          {withTerminal && <th scope="col">{t('column.terminal')}</th>}
          <th scope="col">{t('column.card')}</th>
          <th scope="col" class="wide">
            {t('column.reason')}
          </th>
          <th scope="col" class="number wide">
            {t('column.duration')}
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((sale) => (
          <tr key={sale.id}>
            <td>
              <time dateTime={sale.at}>{clock(sale.at)}</time>
            </td>
            <td>
              <Mark tone={outcomeTone(sale.outcome)}>{t(`outcome.${sale.outcome}`)}</Mark>
            </td>
            <td class="number strong">
              {money(sale.amountMinor, sale.currency)}
              {sale.ownCurrency && <span class="under">{ownMoney(sale.ownCurrency)}</span>}
            </td>
            {withTerminal && (
              <td>
                <a href={`/terminals/${sale.serial}`}>{sale.serial}</a>
              </td>
            )}
            <td>
              <CardName sale={sale} />
            </td>
            <td class="wide quiet">{whyOf(sale)}</td>
            <td class="number wide quiet">{sale.durationMs === null ? '' : `${Math.round(sale.durationMs)} ms`}</td>
          </tr>
        ))}
      </tbody>
    </table>
    {lines.length === 0 && <p class="quiet pad">{t('feed.empty')}</p>}
  </div>
);
