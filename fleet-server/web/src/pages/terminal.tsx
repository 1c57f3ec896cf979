import { useSignal } from '@preact/signals';
import {
  type EffectiveConfiguration,
  effectiveConfiguration,
  job as jobSchema,
  managementPaths,
  page,
  type SaleLine,
  saleLine,
  type TerminalDetail,
  terminalDetail,
  type TimelineEntry,
  timelineEntry,
  unheardText,
} from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { ApiError, ask, faultText } from '../api.ts';
import { follow, jobs, lastTimeline, sales, terminals } from '../live.ts';
import { may } from '../me.ts';
import { Effective } from '../parts/effective.tsx';
import { formText } from '../parts/form-text.ts';
import { Death } from '../parts/death.tsx';
import { TerminalJobs, titleOf } from '../parts/terminal-jobs.tsx';
import { Ago, linkTone, Mark, outcomeTone, SalesTable, Alert } from '../parts/index.tsx';
import { moment, money, ownMoney } from '../text/format.ts';
import { errorText, nextText, reasonText, stepText, t, tAny } from '../text/index.ts';

export function TerminalPage() {
  const serial = useRoute().params['serial'] ?? '';
  const detail = useSignal<TerminalDetail | undefined>(undefined);
  const desired = useSignal<EffectiveConfiguration | undefined>(undefined);
  const entries = useSignal<readonly TimelineEntry[]>([]);
  const earlier = useSignal<readonly SaleLine[]>([]);
  const isUnknown = useSignal(false);
  const live = terminals.value.get(serial);
  const told = lastTimeline.value?.serial === serial ? lastTimeline.value.id : undefined;

  useEffect(() => {
    let isGone = false;
    const query = `?limit=50`;
    Promise.all([
      ask(terminalDetail, managementPaths.terminal(serial)),
      ask(page(timelineEntry), `${managementPaths.timeline(serial)}${query}`),
      ask(effectiveConfiguration, managementPaths.terminalConfiguration(serial)),
      ask(page(saleLine), `${managementPaths.sales}${query}&serial=${encodeURIComponent(serial)}`),
    ]).then(
      ([found, timeline, configuration, lines]) => {
        if (isGone) return;
        detail.value = found;
        entries.value = timeline.items;
        desired.value = configuration;
        earlier.value = lines.items;
      },
      (error: unknown) => {
        if (error instanceof ApiError && (error.status === 404 || error.status === 400)) isUnknown.value = true;
      },
    );
    return () => {
      isGone = true;
    };
    // Anew whenever the terminal's summary or its timeline moved.
  }, [serial, live, told]);

  if (isUnknown.value)
    return (
      <main id="content">
        <p class="panel pad">{t('terminal.unknown', { serial })}</p>
      </main>
    );
  const found = detail.value;
  if (!found) return <main id="content" aria-busy="true" />;
  const now = live ?? found;
  const known = new Set(earlier.value.map(({ id }) => id));
  const lines = [...sales.value.filter((sale) => sale.serial === serial && !known.has(sale.id)), ...earlier.value];

  return (
    <main id="content" class="terminal">
      <header class="headline">
        <div>
          <h1>{serial}</h1>
          <p class="quiet">
            {found.model} · {found.place.merchant} {found.place.shop} {found.place.lane}
          </p>
        </div>
        <p>
          {now.lifecycle !== 'deployed' && (
            <Mark tone={unheardText(now.lifecycle, 'en') === undefined ? 'info' : 'error'}>
              {t(`state.${now.lifecycle}`)}
            </Mark>
          )}{' '}
          <Mark tone={linkTone(now.link.state)}>{t(`link.${now.link.state}`)}</Mark>{' '}
          {now.link.since !== null && (
            <span class="quiet">
              <Ago at={now.link.since} />
            </span>
          )}
        </p>
      </header>
      {now.troubles.map(({ code, record, at, isRunning }) => (
        <p key={`${code} ${record ?? ''} ${at}`}>
          <Mark tone={isRunning ? 'warn' : 'error'}>
            {code} {record}
          </Mark>{' '}
          <span class="quiet">
            <Ago at={at} />
          </span>
        </p>
      ))}
      <div class="cards">
        {may('fleet.field') && <TestSale detail={found} isReady={now.link.state === 'ready'} />}
        <TerminalJobs serial={found.serial} lifecycle={found.lifecycle} />
        <Details detail={found} bootSeq={now.link.bootSeq} />
        <Keys detail={found} />
        {found.lifecycle === 'scrap' && <Death serial={found.serial} />}
        {desired.value && found.lifecycle !== 'scrap' && <Effective of={desired.value} />}
        <Timeline entries={entries.value} />
      </div>
      <section class="panel" aria-labelledby="own-sales">
        <header>
          <h2 id="own-sales">{t('terminal.sales')}</h2>
        </header>
        <SalesTable lines={lines.slice(0, 50)} withTerminal={false} />
      </section>
    </main>
  );
}

function Details({ detail, bootSeq }: { detail: TerminalDetail; bootSeq: number }) {
  const { software, enrolledAt, certificate, parent, children, replaces, replacedBy } = detail;
  return (
    <section class="panel" aria-labelledby="details">
      <header>
        <h2 id="details">{t('terminal.details')}</h2>
      </header>
      <dl class="facts">
        <dt>{t('column.model')}</dt>
        <dd>{detail.model}</dd>
        <dt>{t('terminal.state')}</dt>
        <dd>{t(`state.${detail.lifecycle}`)}</dd>
        <dt>{t('terminal.software')}</dt>
        <dd>{software === null ? '–' : `${software.version} (${software.slot})`}</dd>
        <dt>{t('terminal.boots')}</dt>
        <dd>{bootSeq}</dd>
        <dt>{t('terminal.enrolled')}</dt>
        <dd>{enrolledAt === null ? '–' : moment(enrolledAt)}</dd>
        <dt>{t('terminal.certificate')}</dt>
        <dd>{certificate === null || detail.lifecycle === 'scrap' ? '–' : moment(certificate.notAfter)}</dd>
        {parent !== null && <dt>{t('terminal.parent')}</dt>}
        {parent !== null && (
          <dd>
            <a href={`/terminals/${parent}`}>{parent}</a>
          </dd>
        )}
        {replaces !== null && <dt>{t('terminal.replaces')}</dt>}
        {replaces !== null && (
          <dd>
            <a href={`/terminals/${replaces}`}>{replaces}</a>
          </dd>
        )}
        {replacedBy !== null && <dt>{t('terminal.replacedBy')}</dt>}
        {replacedBy !== null && (
          <dd>
            <a href={`/terminals/${replacedBy}`}>{replacedBy}</a>
          </dd>
        )}
        {children.length > 0 && <dt>{t('terminal.children')}</dt>}
        {children.length > 0 && (
          <dd>
            {children.map((child) => (
              <a key={child} href={`/terminals/${child}`} class="spaced">
                {child}
              </a>
            ))}
          </dd>
        )}
      </dl>
    </section>
  );
}

const Keys = ({ detail }: { detail: TerminalDetail }) => (
  <section class="panel" aria-labelledby="keys">
    <header>
      <h2 id="keys">{t('terminal.keys')}</h2>
    </header>
    {detail.keys.length === 0 ? (
      <p class="quiet pad">{t(detail.lifecycle === 'scrap' ? 'terminal.keysDestroyed' : 'terminal.noKeys')}</p>
    ) : (
      <table>
        <thead>
          <tr>
            <th scope="col">{t('column.slot')}</th>
            <th scope="col">{t('column.checkValue')}</th>
            <th scope="col">{t('column.ksn')}</th>
          </tr>
        </thead>
        <tbody>
          {detail.keys.map((key) => (
            <tr key={key.slot}>
              <th scope="row">{key.slot}</th>
              <td class="mono">{key.kcv}</td>
              <td class="mono">{key.ksn ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </section>
);

const Timeline = ({ entries }: { entries: readonly TimelineEntry[] }) => (
  <section class="panel" aria-labelledby="timeline">
    <header>
      <h2 id="timeline">{t('terminal.timeline')}</h2>
    </header>
    <ol class="timeline" tabIndex={0} aria-labelledby="timeline">
      {entries.map((entry) => (
        <li key={entry.id} class={`k-${entry.kind}`}>
          <span class="line">
            <strong>{t(`timeline.${entry.kind}`)}</strong>
            <span class="quiet">
              <Ago at={entry.at} />
            </span>
          </span>
          <span class="under">{factsText(entry)}</span>
        </li>
      ))}
    </ol>
  </section>
);

/** Ids that say nothing to a person. */
const isId = (value: unknown): boolean =>
  typeof value === 'string' && /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(value);
const isTime = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);

/** What belongs to an entry, in the reader's language: what speaks for itself stands alone, the rest behind its name. */
const factsText = ({ kind, facts }: TimelineEntry): string =>
  Object.entries(facts)
    .filter(([, value]) => value !== null && value !== '' && !isId(value))
    .map(([name, value]) => {
      if (name === 'amountMinor') return money(Number(value));
      if (name === 'lastFour') return `•••• ${value}`;
      if (name === 'type') return titleOf(String(value));
      if (name === 'kind') return tAny('kind', String(value));
      if (name === 'scheme' || name === 'slot') return String(value);
      if (name === 'outcome') return tAny('outcome', String(value));
      if (name === 'state')
        return tAny(kind === 'lost' ? 'link' : kind === 'job-finished' ? 'job' : 'state', String(value));
      if (name === 'code' || name === 'fault' || name === 'reason' || name === 'drift') return errorText(String(value));
      if (kind === 'lifecycle-moved' && name === 'to') return `→ ${tAny('state', String(value))}`;
      const label = tAny('fact', name);
      if (name === 'lifecycle' || (kind === 'lifecycle-moved' && name === 'from')) return tAny('state', String(value));
      if (name === 'seenIn') return tAny(name, String(value));
      return value === true ? label : `${label} ${isTime(value) ? moment(value) : String(value)}`;
    })
    .join(' · ');

function TestSale({ detail, isReady }: { detail: TerminalDetail; isReady: boolean }) {
  const id = useSignal<string | undefined>(undefined);
  const failure = useSignal<string | undefined>(undefined);
  const isSending = useSignal(false);
  const job = id.value === undefined ? undefined : jobs.value.get(id.value);
  const isRunning = job !== undefined && job.finishedAt === null;

  const start = async (amountMinor: number, card: string, isOwn: boolean): Promise<void> => {
    isSending.value = true;
    failure.value = undefined;
    try {
      const key = crypto.randomUUID();
      const started = await ask(jobSchema, managementPaths.testSales(detail.serial), {
        method: 'POST',
        body: { amountMinor, card, ...(isOwn && { dcc: 'accept' }) },
        key,
      });
      follow(started);
      id.value = started.id;
    } catch (error) {
      failure.value = faultText(error);
    } finally {
      isSending.value = false;
    }
  };

  return (
    <section class="panel test-sale" aria-labelledby="test-sale">
      <header>
        <h2 id="test-sale">{t('test.title')}</h2>
        {job && <span class="quiet">{t(`job.${job.state}`)}</span>}
      </header>
      {detail.cards.length === 0 ? (
        <p class="quiet pad">{t('terminal.noReader')}</p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            void start(Number(formText(form, 'amount')), formText(form, 'card'), formText(form, 'dcc') === 'accept');
          }}
        >
          <label>
            {t('test.amount')}
            <input name="amount" type="number" min={1} max={99_999_999} step={1} defaultValue="1280" required />
          </label>
          <label>
            {t('test.card')}
            <select name="card">
              {detail.cards.map((card) => (
                <option key={card} value={card}>
                  {card}
                </option>
              ))}
            </select>
          </label>
          <label>
            {t('test.dcc')}
            <select name="dcc">
              <option value="">{t('test.dcc.yen')}</option>
              <option value="accept">{t('test.dcc.own')}</option>
            </select>
          </label>
          <button type="submit" class="primary" disabled={isSending.value || isRunning}>
            {t('test.start')}
          </button>
        </form>
      )}
      {!isReady && <p class="quiet pad">{t('test.offline')}</p>}
      <Alert text={failure.value} />
      {job && (
        <div class="steps" role="status" aria-label={t('test.steps')} data-testid="steps">
          <ol>
            {job.steps.map((step) => (
              <li key={`${step.step} ${step.atMs}`}>
                <span>{tAny('step', step.step)}</span>
                <span class="quiet mono">{stepText(step.detail ?? '')}</span>
                <span class="quiet number">{Math.round(step.atMs)} ms</span>
              </li>
            ))}
          </ol>
          {job.sale && (
            <p class="result">
              <Mark tone={outcomeTone(job.sale.outcome)}>{t(`outcome.${job.sale.outcome}`)}</Mark>{' '}
              <strong>{money(job.sale.amountMinor, job.sale.currency)}</strong>{' '}
              {job.sale.ownCurrency && `${ownMoney(job.sale.ownCurrency)} `}
              {reasonText(job.sale.reason ?? null, job.sale.actionCode ?? null, job.sale.tillCode)}
              <span class="under">{nextText(job.sale)}</span>
            </p>
          )}
          {job.fault !== null && <p class="failure">{errorText(job.fault)}</p>}
        </div>
      )}
    </section>
  );
}
