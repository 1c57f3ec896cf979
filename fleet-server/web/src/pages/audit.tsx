import { useSignal } from '@preact/signals';
import { type AuditEntry, auditEntry, auditOutcomes } from '@tsunagu/protocols/audit';
import { accessPaths, page } from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ask, faultText } from '../api.ts';
import { Mark, Alert } from '../parts/index.tsx';
import { moment } from '../text/format.ts';
import { reasonText, t } from '../text/index.ts';

const tones = { done: 'ok', refused: 'warn', failed: 'error' } as const;

/** Who did what; what it is narrowed to stands in the address. */
export function AuditPage() {
  const { query, route } = useLocation();
  const entries = useSignal<readonly AuditEntry[] | undefined>(undefined);
  const next = useSignal<string | null>(null);
  const failure = useSignal<string | undefined>(undefined);

  const load = async (cursor?: string): Promise<void> => {
    const wanted = new URLSearchParams({ limit: '50', ...query, ...(cursor && { cursor }) });
    try {
      const part = await ask(page(auditEntry), `${accessPaths.audit}?${wanted.toString()}`);
      entries.value = [...(cursor ? (entries.value ?? []) : []), ...part.items];
      next.value = part.next;
      failure.value = undefined;
    } catch (error) {
      failure.value = faultText(error);
    }
  };
  useEffect(() => {
    void load();
  }, [query['outcome'], query['subject'], query['actor']]);

  return (
    <main id="content">
      <h1>{t('audit.title')}</h1>
      <section class="panel" aria-labelledby="log">
        <header>
          <h2 id="log">{t('audit.log')}</h2>
          <label>
            {t('audit.outcome')}{' '}
            <select
              value={query['outcome'] ?? ''}
              onChange={({ currentTarget: { value } }) => route(value === '' ? '/audit' : `/audit?outcome=${value}`)}
            >
              <option value="">{t('audit.all')}</option>
              {auditOutcomes.map((outcome) => (
                <option key={outcome} value={outcome}>
                  {t(`audit.${outcome}`)}
                </option>
              ))}
            </select>
          </label>
        </header>
        <Alert text={failure.value} />
        {entries.value && (
          <table>
            <thead>
              <tr>
                <th scope="col">{t('audit.number')}</th>
                <th scope="col">{t('audit.when')}</th>
                <th scope="col">{t('audit.who')}</th>
                <th scope="col">{t('audit.what')}</th>
                <th scope="col">{t('audit.subject')}</th>
                <th scope="col">{t('audit.outcome')}</th>
              </tr>
            </thead>
            <tbody>
              {entries.value.map((entry) => (
                <tr key={entry.seq}>
                  <th scope="row" class="digits">
                    {entry.seq}
                  </th>
                  <td>{moment(entry.at)}</td>
                  <td>
                    {entry.actor.subject}{' '}
                    <span class="quiet">{entry.actor.roles.map((role) => t(`role.${role}`)).join(', ')}</span>
                  </td>
                  <td>
                    <code>{entry.action}</code>
                  </td>
                  <td>{entry.subject}</td>
                  <td>
                    <Mark tone={tones[entry.outcome]}>{t(`audit.${entry.outcome}`)}</Mark>{' '}
                    {entry.code !== null && <span class="quiet">{reasonText(entry.code, null)}</span>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {next.value !== null && (
          <nav class="pager" aria-label={t('page.pager')}>
            <button type="button" onClick={() => void load(next.value ?? undefined)}>
              {t('audit.older')}
            </button>
          </nav>
        )}
      </section>
    </main>
  );
}
