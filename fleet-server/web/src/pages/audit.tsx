import { auditEntry, auditOutcomes } from '@tsunagu/protocols/audit';
import { accessPaths } from '@tsunagu/protocols/fleet';
import { useLocation } from 'preact-iso';
import { Mark, Alert } from '../parts/index.tsx';
import { More, useGrowing } from '../parts/growing.tsx';
import { moment } from '../text/format.ts';
import { reasonText, t } from '../text/index.ts';

const tones = { done: 'ok', refused: 'warn', failed: 'error' } as const;

/** Who did what; what it is narrowed to stands in the address. */
export function AuditPage() {
  const { query, route } = useLocation();
  const wanted = new URLSearchParams({ limit: '50', ...query });
  const list = useGrowing(auditEntry, `${accessPaths.audit}?${wanted.toString()}`);

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
        <Alert text={list.fault.value} />
        {list.entries.value && (
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
              {list.entries.value.map((entry) => (
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
        <More list={list} name={t('audit.log')} />
      </section>
    </main>
  );
}
