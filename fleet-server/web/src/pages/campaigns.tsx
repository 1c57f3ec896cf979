import { useSignal } from '@preact/signals';
import {
  type AskWhy,
  askWhy,
  type CampaignDetail,
  campaignDetail,
  campaignException,
  campaignSummary,
  type CampaignVerb,
  causeTexts,
  managementPaths,
  page,
  type Permission,
  type Why,
  whyAnswer,
} from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import type { z } from 'zod';
import { ask, faultText } from '../api.ts';
import { campaignVersions } from '../live.ts';
import { may } from '../me.ts';
import { formText } from '../parts/form-text.ts';
import { useGrowing } from '../parts/growing.tsx';
import { Mark, type Tone } from '../parts/index.tsx';
import { Listed } from '../parts/listed.tsx';
import { count, moment } from '../text/format.ts';
import { errorText, language, t, tAny } from '../text/index.ts';

const exceptions = page(campaignException);
type Phase = CampaignDetail['phase'];

const tones: Readonly<Record<Phase, Tone>> = {
  proposed: 'info',
  running: 'info',
  paused: 'warn',
  aborted: 'error',
  rollingBack: 'error',
  completed: 'ok',
  rolledBack: 'error',
  rejected: 'off',
};

/** What somebody has to be allowed for a verb. Its order and its approval are duties apart. */
const needs = (verb: CampaignVerb): Permission =>
  verb === 'approve' || verb === 'reject' || verb === 'promote' ? 'campaigns.approve' : 'fleet.operate';

/** What a person may do in each phase. */
const verbs: Readonly<Record<Phase, readonly CampaignVerb[]>> = {
  proposed: ['approve', 'reject'],
  running: ['pause', 'promote', 'abort', 'rollback'],
  paused: ['resume', 'abort', 'rollback'],
  aborted: ['rollback'],
  rollingBack: ['abort'],
  completed: ['rollback'],
  rolledBack: [],
  rejected: [],
};

export function CampaignsPage() {
  const list = useGrowing(campaignSummary, `${managementPaths.campaigns}?limit=50`);
  useEffect(() => {
    if (campaignVersions.value.size > 0) void list.refresh();
  }, [campaignVersions.value]);
  return (
    <main id="content">
      <section class="panel" aria-labelledby="campaigns-title">
        <header>
          <h1 id="campaigns-title">{t('campaign.title')}</h1>
          {may('campaigns.order') && (
            <a class="primary" href="/campaigns/new">
              {t('campaign.propose')}
            </a>
          )}
        </header>
        <Listed
          list={list}
          id="campaigns"
          title="campaigns-title"
          name="campaign.title"
          none="campaign.none"
          heads={[
            'campaign.name',
            'campaign.phase',
            { text: 'campaign.done', as: 'number' },
            { text: 'campaign.failed', as: 'number' },
            { text: 'campaign.broughtBack', as: 'number' },
            'campaign.created',
          ]}
        >
          {({ id, name, phase, terminals, createdAt, createdBy }) => (
            <tr key={id}>
              <th scope="row">
                <a href={`/campaigns/${id}`}>{name}</a>
              </th>
              <td>
                <Mark tone={tones[phase]}>{tAny('phase', phase)}</Mark>
              </td>
              <td class="number">
                {count(terminals.done)} / {count(terminals.cohort)}
              </td>
              <td class="number">{count(terminals.failed)}</td>
              <td class="number">{count(terminals.back)}</td>
              <td class="quiet">
                {moment(createdAt)} {createdBy}
              </td>
            </tr>
          )}
        </Listed>
      </section>
    </main>
  );
}

export function CampaignPage({ id }: { id: string }) {
  const shown = useSignal<CampaignDetail | undefined>(undefined);
  const odd = useSignal<z.infer<typeof exceptions>['items']>([]);
  const failure = useSignal('');
  const look = async (): Promise<void> => {
    shown.value = await ask(campaignDetail, managementPaths.campaign(id));
    odd.value = (await ask(exceptions, `${managementPaths.campaignExceptions(id)}?limit=100`)).items;
  };
  const tell = (error: unknown): void => {
    failure.value = faultText(error);
  };
  useEffect(() => {
    void look().catch(tell);
  }, [id, campaignVersions.value.get(id)]);
  const isSending = useSignal(false);
  const act = (verb: CampaignVerb, form: HTMLFormElement): void => {
    failure.value = '';
    isSending.value = true;
    void ask(campaignDetail, managementPaths.campaignActs(id), {
      method: 'POST',
      key: crypto.randomUUID(),
      body: { verb, reason: formText(form, 'reason') },
      // Of two who press at once, one would open a ring that neither has seen; what stops a campaign waits for nothing.
      ...(verb === 'promote' && shown.value && { match: `"${shown.value.version}"` }),
    })
      .then((acted) => {
        shown.value = acted;
        form.reset();
      }, tell)
      .finally(() => (isSending.value = false));
  };
  const campaign = shown.value;
  if (!campaign)
    return (
      <main id="content">
        <p class="panel pad failure">{failure.value}</p>
      </main>
    );
  const offered = verbs[campaign.phase].filter((verb) => may(needs(verb)));
  return (
    <main id="content">
      <section class="panel" aria-labelledby="campaign">
        <header>
          <h1 id="campaign">{campaign.name}</h1>
          <Mark tone={tones[campaign.phase]}>{tAny('phase', campaign.phase)}</Mark>
        </header>
        {campaign.reason !== null && <p class="pad failure">{errorText(campaign.reason)}</p>}
        {campaign.held !== null && (
          <p class="pad failure" role="status">
            {causeTexts[campaign.held.code][language.value](campaign.held.facts)}
          </p>
        )}
        {offered.length > 0 && (
          <form
            class="inline"
            data-testid="acts"
            onSubmit={(event) => {
              event.preventDefault();
              const pressed = offered.find((verb) => verb === event.submitter?.getAttribute('value'));
              if (pressed) act(pressed, event.currentTarget);
            }}
          >
            <label>
              {t('campaign.reason')}
              <input name="reason" maxLength={200} autoComplete="off" />
            </label>
            {offered.map((verb) => (
              <button key={verb} type="submit" value={verb} class="quiet-button" disabled={isSending.value}>
                {tAny('verb', verb)}
              </button>
            ))}
          </form>
        )}
        {failure.value !== '' && (
          <p class="pad failure" role="status">
            {failure.value}
          </p>
        )}
        <Rings campaign={campaign} />
      </section>
      {campaign.gates.length > 0 && <Gates campaign={campaign} />}
      {odd.value.length > 0 && (
        <section class="panel" aria-labelledby="odd">
          <header>
            <h2 id="odd">{t('campaign.exceptions')}</h2>
          </header>
          <table>
            <tbody>
              {odd.value.map(({ serial, fault, attempts, nextAt }) => (
                <tr key={serial}>
                  <th scope="row">
                    <a href={`/terminals/${serial}`}>{serial}</a>
                  </th>
                  <td>{fault === null ? '' : errorText(fault)}</td>
                  <td class="number">{count(attempts)}</td>
                  <td class="quiet">{nextAt === null ? '' : t('campaign.notBefore', { at: moment(nextAt) })}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <WhyNot id={id} />
      <section class="panel" aria-labelledby="history">
        <header>
          <h2 id="history">{t('campaign.history')}</h2>
        </header>
        <ol class="timeline">
          {campaign.events.map(({ at, what, by, facts }) => (
            <li key={`${at}${what}`}>
              <strong>{tAny('happened', what)}</strong> <time dateTime={at}>{moment(at)}</time> {by}{' '}
              <span class="quiet">
                {Object.entries(facts)
                  .map(([name, value]) => `${name} ${value}`)
                  .join(' · ')}
              </span>
            </li>
          ))}
        </ol>
      </section>
    </main>
  );
}

const Rings = ({ campaign }: { campaign: CampaignDetail }) => (
  <table data-testid="rings">
    <thead>
      <tr>
        <th scope="col">{t('campaign.ring')}</th>
        <th scope="col">{t('campaign.phase')}</th>
        <th scope="col">{t('campaign.done')}</th>
        <th scope="col" class="number">
          {t('campaign.ordered')}
        </th>
        <th scope="col" class="number">
          {t('campaign.retrying')}
        </th>
        <th scope="col" class="number">
          {t('campaign.failed')}
        </th>
        <th scope="col" class="number">
          {t('campaign.broughtBack')}
        </th>
      </tr>
    </thead>
    <tbody>
      {campaign.rings.map((ring, index) => (
        <tr key={ring.percent}>
          <th scope="row">
            {index + 1} <span class="quiet">≤ {ring.percent} %</span>
          </th>
          <td>{tAny('ring', ring.state)}</td>
          <td>
            <progress value={ring.done} max={Math.max(1, ring.size)} aria-label={t('campaign.done')} />{' '}
            {count(ring.done)} / {count(ring.size)}
          </td>
          <td class="number">{count(ring.ordered)}</td>
          <td class="number">{count(ring.retrying)}</td>
          <td class="number">{count(ring.failed)}</td>
          <td class="number">{count(ring.back)}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

/** The evidence of each metric on a scale of powers of ten, full where the gate fails. */
const Gates = ({ campaign }: { campaign: CampaignDetail }) => (
  <section class="panel" aria-labelledby="gates">
    <header>
      <h2 id="gates">{t('campaign.gates')}</h2>
    </header>
    <table data-testid="gates">
      <thead>
        <tr>
          <th scope="col">{t('campaign.gates')}</th>
          <th scope="col" class="number">
            {t('campaign.updated')}
          </th>
          <th scope="col" class="number">
            {t('campaign.control')}
          </th>
          <th scope="col">{t('campaign.evidence')}</th>
        </tr>
      </thead>
      <tbody>
        {campaign.gates.map(({ metric, verdict, evidence, limit, updated, control }) => (
          <tr key={metric}>
            <th scope="row">
              <Mark tone={verdict === 'failed' ? 'error' : 'ok'}>{tAny('metric', metric)}</Mark>
            </th>
            <td class="number">
              {count(updated.events)} / {count(updated.sales)}
            </td>
            <td class="number">
              {count(control.events)} / {count(control.sales)}
            </td>
            <td>
              <meter
                min={0}
                max={Math.log10(limit)}
                value={Math.max(0, Math.min(Math.log10(limit), Math.log10(Math.max(evidence, 1))))}
                aria-label={t('campaign.evidence')}
              />{' '}
              <span class="digits">
                {evidence} / {limit}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

/** How many terminals of a query the page shows at once. */
const whyShown = 50;

/** Asks the server why terminals have not got it. */
function WhyNot({ id }: { id: string }) {
  const answers = useSignal<readonly Why[]>([]);
  /** The question whose answer goes on behind what is shown. */
  const more = useSignal<AskWhy | undefined>(undefined);
  const failure = useSignal('');
  const send = (asked: AskWhy): void => {
    failure.value = '';
    void ask(whyAnswer, managementPaths.why, { method: 'POST', body: asked }).then(
      ({ items, next }) => {
        answers.value = asked.cursor === undefined ? items : [...answers.value, ...items];
        more.value = next === null ? undefined : { ...asked, cursor: next };
      },
      (error: unknown) => (failure.value = faultText(error)),
    );
  };
  const about = (typed: string): AskWhy => {
    const target = { kind: 'campaign', id } as const;
    const serials = typed
      .toUpperCase()
      .split(/[\s,]+/)
      .filter(Boolean);
    const named = askWhy.safeParse({ target, serials });
    return named.success ? named.data : { target, where: typed, limit: whyShown };
  };
  return (
    <section class="panel" aria-labelledby="why">
      <header>
        <h2 id="why">{t('campaign.why')}</h2>
      </header>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send(about(formText(event.currentTarget, 'about')));
        }}
      >
        <label>
          {t('campaign.about')}
          <input name="about" required autoComplete="off" placeholder="model = CT-5100" />
        </label>
        <button type="submit" class="primary">
          {t('campaign.askWhy')}
        </button>
        <p role="status" class="failure">
          {failure.value}
        </p>
      </form>
      <dl class="pad" data-testid="why">
        {answers.value.map(({ serial, causes, nextTryAt }) => (
          <div key={serial}>
            <dt class="strong">{serial}</dt>
            {causes.map(({ code, facts }) => (
              <dd key={code}>{causeTexts[code][language.value](facts)}</dd>
            ))}
            {nextTryAt !== null && <dd class="quiet">{t('campaign.nextTry', { at: moment(nextTryAt) })}</dd>}
          </div>
        ))}
      </dl>
      {more.value && (
        <button type="button" onClick={() => more.value && send(more.value)}>
          {t('page.more')}
        </button>
      )}
    </section>
  );
}
