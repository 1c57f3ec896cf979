import { useSignal } from '@preact/signals';
import {
  type Job,
  job as jobSchema,
  jobKinds,
  jobOfMany,
  type JobType,
  jobTypes,
  type LifecycleState,
  managementPaths,
  page,
  unheardText,
} from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import { ask, faultText } from '../api.ts';
import { Alert } from './index.tsx';
import { follow, jobs } from '../live.ts';
import { may } from '../me.ts';
import { moment } from '../text/format.ts';
import { errorText, language, t } from '../text/index.ts';
import { formText } from './form-text.ts';

const shownMax = 12;
/** Kinds that a person orders here: those that need no more than their name. */
const kinds = jobTypes.filter(
  (type) => jobKinds[type].policy.isForPeople && jobKinds[type].params.safeParse({}).success,
);
/** Whether whoever looks may order a kind; the server decides all the same. */
const mayOrder = (type: JobType): boolean =>
  jobKinds[type].policy.isDestructive
    ? may(type.startsWith('key.') ? 'keys.order' : 'wipes.order') && may('fleet.operate')
    : may('fleet.operate') || (may('fleet.field') && jobOfMany.safeParse({ type, params: {} }).success);
/** What a kind of job is called in the reader's language. */
export const titleOf = (type: string): string => {
  const known = jobTypes.find((one) => one === type);
  return known === undefined ? type : jobKinds[known].title[language.value];
};

/** What was done to a terminal, what waits for it, and a way to order more. */
export function TerminalJobs({ serial, lifecycle }: { serial: string; lifecycle: LifecycleState }) {
  const known = useSignal<readonly Job[]>([]);
  const failure = useSignal<string | undefined>(undefined);
  const isSending = useSignal(false);
  const fail = (error: unknown): void => {
    failure.value = faultText(error);
  };

  useEffect(() => {
    let isGone = false;
    ask(page(jobSchema), `${managementPaths.jobs}?serial=${encodeURIComponent(serial)}&limit=${shownMax}`).then(
      ({ items }) => {
        if (!isGone) known.value = items;
      },
      (error: unknown) => {
        if (!isGone) fail(error);
      },
    );
    return () => {
      isGone = true;
    };
  }, [serial]);

  const send = async (path: string, body: unknown): Promise<void> => {
    isSending.value = true;
    failure.value = undefined;
    try {
      follow(await ask(jobSchema, path, { method: 'POST', body, key: crypto.randomUUID() }));
    } catch (error) {
      fail(error);
    } finally {
      isSending.value = false;
    }
  };

  const newest = new Map(known.value.map((one) => [one.id, one]));
  for (const one of jobs.value.values()) if (one.serial === serial) newest.set(one.id, one);
  const shown = [...newest.values()]
    .toSorted((one, other) => other.createdAt.localeCompare(one.createdAt))
    .slice(0, shownMax);

  const offered = kinds.filter(mayOrder);
  const unheard = unheardText(lifecycle, language.value, serial);
  return (
    <section class="panel" aria-labelledby="jobs">
      <header>
        <h2 id="jobs">{t('jobs.title')}</h2>
      </header>
      {offered.length === 0 ? (
        <p class="quiet pad">{t('jobs.mayNot')}</p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void send(managementPaths.terminalJobs(serial), {
              job: { type: formText(event.currentTarget, 'kind'), params: {} },
            });
          }}
        >
          <label>
            {t('jobs.kind')}
            <select name="kind">
              {offered.map((type) => (
                <option key={type} value={type}>
                  {titleOf(type)}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" disabled={isSending.value}>
            {t('jobs.order')}
          </button>
        </form>
      )}
      <Alert text={failure.value} />
      {unheard !== undefined && shown.some(({ finishedAt }) => finishedAt === null) && (
        <p class="pad" data-testid="unheard">
          {unheard}
        </p>
      )}
      {shown.length === 0 ? (
        <p class="quiet pad">{t('jobs.none')}</p>
      ) : (
        <table>
          <tbody>
            {shown.map((one) => (
              <tr key={one.id}>
                <td class="wide">
                  {titleOf(one.type)}
                  {one.fault !== null && <span class="under">{errorText(one.fault)}</span>}
                </td>
                <td class="wide">
                  {[t(`job.${one.state}`), one.isCancelling && t('jobs.cancelling'), one.isLate && t('jobs.late')]
                    .filter(Boolean)
                    .join(' · ')}
                </td>
                <td class="wide quiet number">{moment(one.createdAt)}</td>
                <td>
                  {one.state === 'held' && (
                    <>
                      <a href="/approvals">{t('jobs.approve')}</a>{' '}
                    </>
                  )}
                  {offered.length > 0 && one.finishedAt === null && !one.isCancelling && (
                    <button
                      type="button"
                      disabled={isSending.value}
                      onClick={() => void send(managementPaths.jobCancellation(one.id), {})}
                    >
                      {t('jobs.cancel')}
                    </button>
                  )}
                  {one.result?.log && <a href={managementPaths.jobLog(one.id)}>{t('jobs.log')}</a>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
