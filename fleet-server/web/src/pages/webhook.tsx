import { useSignal } from '@preact/signals';
import {
  accessPaths,
  type changeWebhook,
  deliveryState,
  replayedWebhook,
  type replayWebhook,
  timelineKinds,
  webhook,
  webhookDelivery,
  webhookSecret,
  type WebhookView,
} from '@tsunagu/protocols/fleet';
import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { z } from 'zod';
import { ask, faultText } from '../api.ts';
import { formText } from '../parts/form-text.ts';
import { useFresh, useGrowing } from '../parts/growing.tsx';
import { Alert, Mark, Said, type Tone } from '../parts/index.tsx';
import { Listed } from '../parts/listed.tsx';
import { useOrder } from '../parts/reload.ts';
import { count, moment } from '../text/format.ts';
import { errorText, reasonText, t } from '../text/index.ts';

const refreshMs = 3_000;
const tones: Readonly<Record<z.infer<typeof deliveryState>, Tone>> = {
  pending: 'info',
  delivered: 'ok',
  dead: 'error',
};

/** How a webhook stands. */
export const WebhookState = ({ of: { state, failingSince, pausedFor, nextAttemptAt } }: { of: WebhookView }) => (
  <>
    <Mark tone={state === 'paused' ? 'off' : failingSince === null ? 'ok' : 'error'}>
      {t(state === 'active' && failingSince !== null ? 'access.failing' : `access.${state}`)}
    </Mark>{' '}
    {pausedFor !== null && <span class="quiet">{reasonText(pausedFor, null)}</span>}
    {nextAttemptAt !== null && <span class="quiet">{t('access.triedNext', { at: moment(nextAttemptAt) })}</span>}
  </>
);

/** One webhook: what it is sent, what became of that, its secret, and sending again. */
export function WebhookPage({ id }: { id: string }) {
  const { route } = useLocation();
  const shown = useSignal<WebhookView | undefined>(undefined);
  const fault = useSignal('');
  /** A secret is shown this once. */
  const secret = useSignal<string | undefined>(undefined);
  const { said, isSending, order } = useOrder();
  const load = async (): Promise<void> => {
    try {
      shown.value = await ask(webhook, accessPaths.webhook(id));
      fault.value = '';
    } catch (error) {
      fault.value = faultText(error);
    }
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), refreshMs);
    return () => clearInterval(timer);
  }, [id]);
  const hook = shown.value;
  if (!hook)
    return (
      <main id="content">
        <Alert text={fault.value} />
      </main>
    );

  const change = (body: z.infer<typeof changeWebhook>): void =>
    void order(async () => {
      try {
        const init = { method: 'PATCH', body, match: `"${hook.version}"` };
        shown.value = await ask(webhook, accessPaths.webhook(id), init);
        return t('webhook.changed');
      } finally {
        await load();
      }
    });
  const replay = (body: z.infer<typeof replayWebhook>): void =>
    void order(async () => {
      const init = { method: 'POST', body, key: crypto.randomUUID() };
      const { again, ...replayed } = await ask(replayedWebhook, accessPaths.webhookReplays(id), init);
      shown.value = replayed;
      return t('webhook.replayed', { count: count(again) });
    });
  const renew = (): void =>
    void order(async () => {
      const init = { method: 'POST', key: crypto.randomUUID() };
      secret.value = (await ask(webhookSecret, accessPaths.webhookSecrets(id), init)).secret;
      return t('webhook.renewed');
    });
  const remove = (form: HTMLFormElement): void =>
    void order(async () => {
      if (formText(form, 'name') !== hook.name) return t('webhook.removeHow', { name: hook.name });
      await ask(z.undefined(), accessPaths.webhook(id), { method: 'DELETE' });
      route('/access');
      return '';
    });

  return (
    <main id="content">
      <header class="headline">
        <div>
          <h1>{hook.name}</h1>
          <p class="quiet">{hook.url}</p>
        </div>
        <p>
          <WebhookState of={hook} />
        </p>
      </header>
      <Alert text={fault.value} />
      <Said of={said.value} />
      {secret.value !== undefined && (
        <p class="pad">
          {t('access.once')}{' '}
          <code class="once" data-testid="secret">
            {secret.value}
          </code>
        </p>
      )}
      <div class="cards">
        <ChangeForm key={hook.id} of={hook} isSending={isSending.value} change={change} />
        <section class="panel" aria-labelledby="again">
          <header>
            <h2 id="again">{t('webhook.again')}</h2>
          </header>
          <p class="pad buttons">
            <button
              type="button"
              class="quiet-button"
              disabled={isSending.value}
              onClick={() => change({ state: hook.state === 'active' ? 'paused' : 'active' })}
            >
              {t(hook.state === 'active' ? 'webhook.pause' : 'webhook.resume')}
            </button>
            <button
              type="button"
              class="quiet-button"
              disabled={isSending.value}
              onClick={() => replay({ dead: true })}
            >
              {t('webhook.replayDead')}
            </button>
            <button type="button" class="quiet-button" disabled={isSending.value} onClick={renew}>
              {t('webhook.renew')}
            </button>
          </p>
          <form
            class="inline"
            data-testid="webhook.replay"
            onSubmit={(event) => {
              event.preventDefault();
              const at = new Date(formText(event.currentTarget, 'from'));
              if (!Number.isNaN(at.getTime())) replay({ from: at.toISOString() });
            }}
          >
            <label>
              {t('webhook.from')}
              <input name="from" type="datetime-local" required />
            </label>
            <button type="submit" class="primary" disabled={isSending.value}>
              {t('webhook.replay')}
            </button>
          </form>
          <form
            class="inline"
            data-testid="webhook.remove"
            onSubmit={(event) => {
              event.preventDefault();
              remove(event.currentTarget);
            }}
          >
            <label>
              {t('webhook.removeHow', { name: hook.name })}
              <input name="name" required autoComplete="off" />
            </label>
            <button type="submit" class="quiet-button" disabled={isSending.value}>
              {t('webhook.remove')}
            </button>
          </form>
        </section>
      </div>
      <Deliveries id={id} />
    </main>
  );
}

/** What is in the form is its writer's, whatever comes anew meanwhile. */
function ChangeForm({
  of,
  isSending,
  change,
}: {
  of: WebhookView;
  isSending: boolean;
  change: (body: z.infer<typeof changeWebhook>) => void;
}) {
  const isAll = useSignal(of.events === null);
  return (
    <form
      class="panel pad"
      aria-label={t('webhook.change')}
      data-testid="webhook.change"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const chosen = new FormData(form).getAll('event');
        change({
          name: formText(form, 'name'),
          url: formText(form, 'url'),
          events: isAll.value ? null : timelineKinds.filter((kind) => chosen.includes(kind)),
        });
      }}
    >
      <h2>{t('webhook.change')}</h2>
      <label>
        {t('access.name')}
        <input name="name" required maxLength={40} autoComplete="off" defaultValue={of.name} />
      </label>
      <label>
        {t('access.url')}
        <input name="url" type="url" required maxLength={500} autoComplete="off" defaultValue={of.url} />
      </label>
      <fieldset>
        <legend>{t('webhook.events')}</legend>
        <label>
          <span>
            <input
              type="checkbox"
              checked={isAll.value}
              onChange={({ currentTarget: { checked } }) => (isAll.value = checked)}
            />{' '}
            {t('webhook.all')}
          </span>
        </label>
        {!isAll.value &&
          timelineKinds.map((kind) => (
            <label key={kind}>
              <span>
                <input
                  type="checkbox"
                  name="event"
                  value={kind}
                  defaultChecked={of.events === null || of.events.includes(kind)}
                />{' '}
                {t(`timeline.${kind}`)}
              </span>
            </label>
          ))}
      </fieldset>
      <button type="submit" class="primary" disabled={isSending}>
        {t('access.change')}
      </button>
    </form>
  );
}

function Deliveries({ id }: { id: string }) {
  const { query, route } = useLocation();
  const state = deliveryState.options.find((one) => one === query['state']);
  const list = useGrowing(
    webhookDelivery,
    `${accessPaths.webhookDeliveries(id)}?limit=50${state === undefined ? '' : `&state=${state}`}`,
  );
  useFresh(list, refreshMs);
  return (
    <section class="panel" aria-labelledby="deliveries-title">
      <header>
        <h2 id="deliveries-title">{t('webhook.deliveries')}</h2>
        <label>
          {t('access.state')}{' '}
          <select
            value={state ?? ''}
            onChange={({ currentTarget: { value } }) =>
              route(`/access/webhooks/${id}${value === '' ? '' : `?state=${value}`}`)
            }
          >
            <option value="">{t('audit.all')}</option>
            {deliveryState.options.map((one) => (
              <option key={one} value={one}>
                {t(`webhook.${one}`)}
              </option>
            ))}
          </select>
        </label>
      </header>
      <Listed
        list={list}
        id="deliveries"
        title="deliveries-title"
        name="webhook.deliveries"
        none="webhook.noDeliveries"
        heads={[
          'column.time',
          'column.terminal',
          'audit.what',
          'access.state',
          { text: 'switch.attempts', as: 'number' },
          { text: 'column.reason', as: 'wide' },
        ]}
      >
        {(one) => (
          <tr key={one.id} data-delivery={one.id}>
            <th scope="row" title={one.message}>
              {moment(one.createdAt)}
            </th>
            <td>
              <a href={`/terminals/${one.serial}`}>{one.serial}</a>
            </td>
            <td>
              <code>{one.kind}</code>
            </td>
            <td>
              <Mark tone={tones[one.state]}>{t(`webhook.${one.state}`)}</Mark>
              {one.nextAt !== null && <span class="under">{t('access.triedNext', { at: moment(one.nextAt) })}</span>}
            </td>
            <td class="number">{count(one.attempt)}</td>
            <td class="wide quiet">
              {[one.status !== null && `HTTP ${one.status}`, one.fault !== null && errorText(one.fault)]
                .filter(Boolean)
                .join(' · ')}
            </td>
          </tr>
        )}
      </Listed>
    </section>
  );
}
