import {
  accessPaths,
  approval,
  approvalKinds,
  approvalState,
  type ApprovalView,
  rolePermissions,
  roles,
} from '@tsunagu/protocols/fleet';
import { useLocation } from 'preact-iso';
import { ask } from '../api.ts';
import { may, me } from '../me.ts';
import { formText } from '../parts/form-text.ts';
import { useFresh, useGrowing } from '../parts/growing.tsx';
import { Mark, Said, type Tone } from '../parts/index.tsx';
import { Listed } from '../parts/listed.tsx';
import { useOrder } from '../parts/reload.ts';
import { titleOf } from '../parts/terminal-jobs.tsx';
import { count, moment } from '../text/format.ts';
import { t, tAny } from '../text/index.ts';

/** What waits for a second person changes while one looks at it; the stream of live events does not carry it. */
const refreshMs = 5_000;
const tones: Readonly<Record<ApprovalView['state'], Tone>> = {
  requested: 'info',
  approved: 'ok',
  refused: 'error',
  expired: 'off',
};
const states = [...approvalState.options, 'all'] as const;

/** What waits for a second person, whoever asked for it and whatever it is, and their decision. */
export function ApprovalsPage() {
  const { query, route } = useLocation();
  const shown = states.find((one) => one === query['state']) ?? 'requested';
  const list = useGrowing(approval, `${accessPaths.approvals}?limit=50${shown === 'all' ? '' : `&state=${shown}`}`);
  useFresh(list, refreshMs);
  const { said, isSending, order } = useOrder();
  const decide = ({ id }: ApprovalView, verdict: 'approved' | 'refused', form: HTMLFormElement): void =>
    void order(async () => {
      const reason = formText(form, 'reason').trim();
      const body = { verdict, ...(reason !== '' && { reason }) };
      await ask(approval, accessPaths.decisions(id), { method: 'POST', body, key: crypto.randomUUID() });
      await list.anew();
      return t(`approvals.${verdict}Now`);
    });
  return (
    <main id="content">
      <section class="panel" aria-labelledby="approvals-title">
        <header>
          <h1 id="approvals-title">{t('approvals.title')}</h1>
          <label>
            {t('approvals.state')}{' '}
            <select
              data-testid="approvals-state"
              value={shown}
              onChange={({ currentTarget: { value } }) =>
                route(value === 'requested' ? '/approvals' : `/approvals?state=${value}`)
              }
            >
              {states.map((state) => (
                <option key={state} value={state}>
                  {t(`approvals.${state}`)}
                </option>
              ))}
            </select>
          </label>
        </header>
        <Said of={said.value} />
        <Listed
          list={list}
          id="approvals"
          title="approvals-title"
          name="approvals.title"
          none="life.nothing"
          heads={['approvals.what', 'approvals.about', 'approvals.by', 'approvals.until', 'approvals.decision']}
        >
          {(one) => (
            <tr key={one.id} data-approval={one.id}>
              <th scope="row">
                {t(`approvals.kind.${one.kind}`)}
                {one.facts['type'] !== undefined && <span class="under">{titleOf(String(one.facts['type']))}</span>}
              </th>
              <td class="wide">
                <Subject of={one} />
                <Facts of={one} />
              </td>
              <td>
                {one.requestedByName}
                <span class="under">{moment(one.requestedAt)}</span>
              </td>
              <td>{moment(one.expiresAt)}</td>
              <td>
                <Decision of={one} isSending={isSending.value} decide={decide} />
              </td>
            </tr>
          )}
        </Listed>
      </section>
    </main>
  );
}

/** What it is about, and where that is to be seen. */
function Subject({ of: { subject, facts } }: { of: ApprovalView }) {
  const [kind, id] = subject.split('/');
  if (kind === 'terminal' && id !== undefined) return <a href={`/terminals/${id}`}>{id}</a>;
  if (kind === 'campaign' && id !== undefined) return <a href={`/campaigns/${id}`}>{facts['name'] ?? id}</a>;
  return <>{subject}</>;
}

/** Of the facts what the first columns do not say already, in words. */
function Facts({ of: { facts, digest } }: { of: ApprovalView }) {
  const { from, to, job: _job, type: _type, name: _name, kind, ...others } = facts;
  const said = [
    ...(from !== undefined && to !== undefined
      ? [`${tAny('state', String(from))} → ${tAny('state', String(to))}`]
      : []),
    ...(kind === undefined ? [] : [tAny('approvals.action', String(kind))]),
    ...Object.entries(others)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `${tAny('fact', name)} ${typeof value === 'number' ? count(value) : value}`),
  ];
  return (
    <span class="under" title={`SHA-256 ${digest}`}>
      {said.join(' · ')}
    </span>
  );
}

function Decision({
  of: one,
  isSending,
  decide,
}: {
  of: ApprovalView;
  isSending: boolean;
  decide: (of: ApprovalView, verdict: 'approved' | 'refused', form: HTMLFormElement) => void;
}) {
  if (one.state !== 'requested')
    return (
      <>
        <Mark tone={tones[one.state]}>{t(`approvals.${one.state}`)}</Mark>
        {one.decidedByName !== null && (
          <span class="under">
            {[one.decidedByName, one.decidedAt !== null && moment(one.decidedAt), one.reason]
              .filter(Boolean)
              .join(' · ')}
          </span>
        )}
      </>
    );
  const needs = approvalKinds[one.kind].approve;
  if (one.requestedBy === me.value?.person) return <span class="quiet">{t('approvals.own')}</span>;
  if (!may(needs))
    return (
      <span class="quiet">
        {t('approvals.waitsFor', {
          roles: roles
            .filter((role) => rolePermissions[role].includes(needs))
            .map((role) => t(`role.${role}`))
            .join(', '),
        })}
      </span>
    );
  return (
    <form
      class="inline flat"
      aria-label={`${t(`approvals.kind.${one.kind}`)} ${one.subject}`}
      onSubmit={(event) => {
        event.preventDefault();
        const isRefusal = event.submitter?.getAttribute('value') === 'refused';
        decide(one, isRefusal ? 'refused' : 'approved', event.currentTarget);
      }}
    >
      <label>
        {t('approvals.reason')}
        <input name="reason" maxLength={200} autoComplete="off" />
      </label>
      <button type="submit" class="primary" value="approved" disabled={isSending}>
        {t('verb.approve')}
      </button>
      <button type="submit" class="quiet-button" value="refused" disabled={isSending}>
        {t('approvals.refuse')}
      </button>
    </form>
  );
}
