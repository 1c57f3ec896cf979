import { useSignal } from '@preact/signals';
import {
  accessPaths,
  apiToken,
  type changePerson,
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
import { t, type TextKey } from '../text/index.ts';
import { WebhookState } from './webhook.tsx';

/** Who holds the token of the machine: a role without a person, and without a passphrase. */
const owner = 'admin';

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

  /** Who is being changed: the form keeps what is in it until the server took it. */
  const changing = useSignal<string | undefined>(undefined);
  const changed = people.value.find(({ id }) => id === changing.value);

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
      // What somebody else changed in the meantime is what the next attempt goes by.
      await load().catch(() => undefined);
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
              <td>
                {each.endedAt === null ? (
                  each.hasPassphrase ? (
                    t('access.set')
                  ) : (
                    '–'
                  )
                ) : (
                  <Mark tone="off">{t('access.endedPerson')}</Mark>
                )}
              </td>
              <td class="buttons">
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
                {each.id !== me.value?.person && (
                  <button
                    type="button"
                    aria-label={`${t('access.change')}: ${each.name}`}
                    aria-pressed={changing.value === each.id}
                    onClick={() => {
                      changing.value = changing.value === each.id ? undefined : each.id;
                    }}
                  >
                    {t('access.change')}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </Section>
      )}
      {changed && (
        <PersonForm
          key={changed.id}
          of={changed}
          onSend={(change) =>
            attempt(async () => {
              await ask(person, accessPaths.person(changed.id), {
                method: 'PATCH',
                body: change,
                match: `"${changed.version}"`,
              });
              changing.value = undefined;
              return { text: t('access.changed', { name: changed.name }) };
            })
          }
        />
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
            <th scope="row">
              {each.name}
              {each.person !== me.value?.person && (
                <span class="under">{people.value.find(({ id }) => id === each.person)?.name ?? each.person}</span>
              )}
            </th>
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
              <th scope="row">
                <a href={`/access/webhooks/${each.id}`}>{each.name}</a>
              </th>
              <td class="wide">{each.url}</td>
              <td>
                <WebhookState of={each} />
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
      {me.value?.person !== undefined && me.value.person !== owner && (
        <form
          class="panel pad"
          aria-label={t('access.ownPassphrase')}
          data-testid="access.ownPassphrase"
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            void attempt(async () => {
              const body = { passphrase: formText(form, 'passphrase') };
              await ask(person, accessPaths.passphrase, { method: 'PUT', body });
              form.reset();
              return { text: t('access.passphraseSet') };
            });
          }}
        >
          <label>
            {t('access.passphraseHint')}
            <input
              name="passphrase"
              type="password"
              required
              minLength={12}
              maxLength={256}
              autoComplete="new-password"
            />
          </label>
          <button type="submit" class="primary">
            {t('access.ownPassphrase')}
          </button>
        </form>
      )}
    </main>
  );
}

/** Roles of a person, and whether they may sign in. */
function PersonForm({
  of,
  onSend,
}: {
  of: z.infer<typeof person>;
  onSend: (change: z.infer<typeof changePerson>) => Promise<void>;
}) {
  const isEnded = of.endedAt !== null;
  return (
    <form
      class="panel pad"
      aria-label={t('access.changePerson', { name: of.name })}
      data-testid="access.changePerson"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const held = new FormData(form).getAll('role');
        const ended = formText(form, 'ended') === 'on';
        void onSend({
          roles: roles.filter((role) => held.includes(role)),
          ...(ended !== isEnded && { ended }),
        });
      }}
    >
      <h2>{t('access.changePerson', { name: of.name })}</h2>
      <fieldset>
        <legend>{t('access.roles')}</legend>
        {roles.map((role) => (
          <label key={role}>
            <input type="checkbox" name="role" value={role} defaultChecked={of.roles.includes(role)} />{' '}
            {t(`role.${role}`)}
          </label>
        ))}
      </fieldset>
      <label>
        <span>
          <input type="checkbox" name="ended" defaultChecked={isEnded} /> {t('access.end')}
        </span>
      </label>
      <button type="submit" class="primary">
        {t('access.change')}
      </button>
    </form>
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
