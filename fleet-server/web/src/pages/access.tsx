import { useSignal } from '@preact/signals';
import {
  accessPaths,
  apiToken,
  createdToken,
  createdWebhook,
  page,
  person,
  roles,
  signInLink,
  webhook,
} from '@tsunagu/protocols/fleet';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { z } from 'zod';
import { ask, faultText } from '../api.ts';
import { may, me } from '../me.ts';
import { formText } from '../parts/form-text.ts';
import { Mark } from '../parts/index.tsx';
import { moment } from '../text/format.ts';
import { reasonText, t, type TextKey } from '../text/index.ts';

const lists = { people: page(person), tokens: page(apiToken), webhooks: page(webhook) };

/** How often webhooks are looked at again while a receiver is down, milliseconds. */
const retriedMs = 3_000;

/** People, tokens and webhooks, as far as whoever looks may see them. */
export function AccessPage() {
  const people = useSignal<readonly z.infer<typeof person>[]>([]);
  const tokens = useSignal<readonly z.infer<typeof apiToken>[]>([]);
  const webhooks = useSignal<readonly z.infer<typeof webhook>[]>([]);
  /** What is shown once, or what went wrong. */
  const said = useSignal<{ readonly text: string; readonly once?: string; readonly isFailure?: true } | undefined>(
    undefined,
  );

  const load = async (): Promise<void> => {
    tokens.value = (await ask(lists.tokens, `${accessPaths.tokens}?limit=200`)).items;
    if (may('people.manage')) people.value = (await ask(lists.people, `${accessPaths.people}?limit=200`)).items;
    if (may('webhooks.manage')) webhooks.value = (await ask(lists.webhooks, `${accessPaths.webhooks}?limit=50`)).items;
  };
  const attempt = async (work: () => Promise<typeof said.value>): Promise<void> => {
    try {
      said.value = await work();
      await load();
    } catch (error) {
      said.value = { text: faultText(error), isFailure: true };
    }
  };
  useEffect(() => {
    if (me.value) void attempt(() => Promise.resolve(undefined));
  }, [me.value]);

  // Whether a receiver is there again shows when it was tried, by itself or because somebody asked for it.
  const isFailing = webhooks.value.some(({ state, failingSince }) => state === 'active' && failingSince !== null);
  useEffect(() => {
    if (!isFailing) return;
    const timer = setInterval(() => void load().catch(() => undefined), retriedMs);
    return () => clearInterval(timer);
  }, [isFailing]);

  const post = <S extends z.ZodType>(schema: S, path: string, body?: object) =>
    ask(schema, path, { method: 'POST', key: crypto.randomUUID(), ...(body && { body }) });

  return (
    <main id="content">
      <h1>{t('access.title')}</h1>
      <p role="status" class={said.value?.isFailure ? 'failure' : 'success'} data-testid="said">
        {said.value?.text} {said.value?.once !== undefined && <code class="once">{said.value.once}</code>}
      </p>
      {may('people.manage') && (
        <Section name="access.people" columns={['access.name', 'access.roles', 'access.passphrase', 'access.action']}>
          {people.value.map((each) => (
            <tr key={each.id}>
              <th scope="row">{each.name}</th>
              <td>{each.roles.map((role) => t(`role.${role}`)).join(', ')}</td>
              <td>{each.hasPassphrase ? t('access.set') : '–'}</td>
              <td>
                {each.endedAt === null && (
                  <button
                    type="button"
                    aria-label={`${t('access.link')}: ${each.name}`}
                    onClick={() =>
                      void attempt(async () => {
                        const { url } = await post(signInLink, accessPaths.personSignIn(each.id));
                        return { text: t('access.linkMade', { name: each.name }), once: url };
                      })
                    }
                  >
                    {t('access.link')}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </Section>
      )}
      {may('people.manage') && (
        <Form
          name="access.addPerson"
          onSend={(form) =>
            attempt(async () => {
              const made = await post(person, accessPaths.people, {
                name: formText(form, 'name'),
                roles: new FormData(form).getAll('role'),
              });
              form.reset();
              return { text: t('access.added', { name: made.name }) };
            })
          }
        >
          <fieldset>
            <legend>{t('access.roles')}</legend>
            {roles.map((role) => (
              <label key={role}>
                <input type="checkbox" name="role" value={role} /> {t(`role.${role}`)}
              </label>
            ))}
          </fieldset>
        </Form>
      )}
      <Section
        name="access.tokens"
        columns={['access.name', 'access.roles', 'access.used', 'access.ends', 'access.action']}
      >
        {tokens.value.map((each) => (
          <tr key={each.id}>
            <th scope="row">{each.name}</th>
            <td>{each.roles.map((role) => t(`role.${role}`)).join(', ')}</td>
            <td>{each.lastUsedAt === null ? '–' : moment(each.lastUsedAt)}</td>
            <td>
              {each.revokedAt === null ? (
                each.expiresAt === null ? (
                  '–'
                ) : (
                  moment(each.expiresAt)
                )
              ) : (
                <Mark tone="off">{t('access.revoked')}</Mark>
              )}
            </td>
            <td>
              {each.revokedAt === null && (
                <button
                  type="button"
                  aria-label={`${t('access.revoke')}: ${each.name}`}
                  onClick={() =>
                    void attempt(async () => {
                      await ask(apiToken, accessPaths.token(each.id), { method: 'DELETE' });
                      return { text: t('access.revokedNow', { name: each.name }) };
                    })
                  }
                >
                  {t('access.revoke')}
                </button>
              )}
            </td>
          </tr>
        ))}
      </Section>
      <Form
        name="access.addToken"
        onSend={(form) =>
          attempt(async () => {
            const made = await post(createdToken, accessPaths.tokens, {
              name: formText(form, 'name'),
              roles: [formText(form, 'role')],
            });
            form.reset();
            return { text: t('access.once'), once: made.token };
          })
        }
      >
        <label>
          {t('access.roles')}
          <select name="role">
            {me.value?.roles.map((role) => (
              <option key={role} value={role}>
                {t(`role.${role}`)}
              </option>
            ))}
          </select>
        </label>
      </Form>
      {may('webhooks.manage') && (
        <Section name="access.webhooks" columns={['access.name', 'access.url', 'access.state', 'access.action']}>
          {webhooks.value.map((each) => (
            <tr key={each.id}>
              <th scope="row">{each.name}</th>
              <td>{each.url}</td>
              <td>
                <Mark tone={each.state === 'paused' ? 'off' : each.failingSince === null ? 'ok' : 'error'}>
                  {t(each.state === 'active' && each.failingSince !== null ? 'access.failing' : `access.${each.state}`)}
                </Mark>{' '}
                {each.pausedFor !== null && <span class="quiet">{reasonText(each.pausedFor, null)}</span>}
                {each.nextAttemptAt !== null && (
                  <span class="quiet">{t('access.triedNext', { at: moment(each.nextAttemptAt) })}</span>
                )}
              </td>
              <td>
                {each.state === 'active' && each.failingSince !== null && (
                  <button
                    type="button"
                    onClick={() =>
                      void attempt(async () => {
                        await post(webhook, accessPaths.webhookAttempts(each.id), undefined);
                        return { text: t('access.triedNow', { name: each.name }) };
                      })
                    }
                  >
                    {t('access.tryNow')}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </Section>
      )}
      {may('webhooks.manage') && (
        <Form
          name="access.addWebhook"
          onSend={(form) =>
            attempt(async () => {
              const made = await post(createdWebhook, accessPaths.webhooks, {
                name: formText(form, 'name'),
                url: formText(form, 'url'),
              });
              form.reset();
              return { text: t('access.once'), once: made.secret };
            })
          }
        >
          <label>
            {t('access.url')}
            <input name="url" type="url" required maxLength={500} autoComplete="off" />
          </label>
        </Form>
      )}
    </main>
  );
}

function Section({
  name,
  columns,
  children,
}: {
  name: TextKey;
  columns: readonly TextKey[];
  children: ComponentChildren;
}) {
  return (
    <section class="panel" aria-labelledby={name}>
      <header>
        <h2 id={name}>{t(name)}</h2>
      </header>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {t(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

function Form({
  name,
  onSend,
  children,
}: {
  name: TextKey;
  onSend: (form: HTMLFormElement) => Promise<void>;
  children: ComponentChildren;
}) {
  return (
    <form
      class="panel pad"
      aria-label={t(name)}
      data-testid={name}
      onSubmit={(event) => {
        event.preventDefault();
        void onSend(event.currentTarget);
      }}
    >
      <label>
        {t('access.name')}
        <input name="name" required maxLength={40} autoComplete="off" />
      </label>
      {children}
      <button type="submit" class="primary">
        {t(name)}
      </button>
    </form>
  );
}
