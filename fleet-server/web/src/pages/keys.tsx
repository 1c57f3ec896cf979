import { useSignal } from '@preact/signals';
import {
  type KeyInventoryEntry,
  keyInventoryEntry,
  type KeyRun,
  keyRun,
  managementPaths,
} from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import { z } from 'zod';
import { ask } from '../api.ts';
import { now } from '../live.ts';
import { Mark, type Tone } from '../parts/index.tsx';
import { count, moment } from '../text/format.ts';
import { t, tAny } from '../text/index.ts';

const tones: Readonly<Record<KeyInventoryEntry['state'], Tone>> = { good: 'ok', suspect: 'error', retired: 'off' };
const dueSoonMs = 60 * 86_400_000;
const reloadMs = 15_000;

/** Keys above those of terminals, when each is to give way, which are suspect, and the injection runs that are not over. */
export function KeysPage() {
  const keys = useSignal<readonly KeyInventoryEntry[] | undefined>(undefined);
  const runs = useSignal<readonly KeyRun[]>([]);
  const fault = useSignal('');
  const load = async (): Promise<void> => {
    try {
      const [inventory, all] = await Promise.all([
        ask(z.object({ items: z.array(keyInventoryEntry) }), managementPaths.keys),
        ask(z.object({ items: z.array(keyRun) }), managementPaths.keyRuns),
      ]);
      keys.value = inventory.items;
      runs.value = all.items.filter(({ state }) => state !== 'closed');
      fault.value = '';
    } catch (error) {
      fault.value = error instanceof Error && error.message !== '' ? error.message : t('error.network');
    }
  };
  useEffect(() => {
    void load();
    const again = setInterval(() => void load(), reloadMs);
    return () => clearInterval(again);
  }, []);
  const suspect = keys.value?.filter(({ state }) => state === 'suspect') ?? [];
  const due = keys.value?.filter((key) => dueTone(key) !== 'ok') ?? [];
  return (
    <main id="content" aria-busy={keys.value === undefined && fault.value === ''}>
      <section class="panel" aria-labelledby="keys-title">
        <header>
          <h1 id="keys-title">{t('keys.title')}</h1>
          {keys.value && (
            <Mark tone={suspect.length > 0 ? 'error' : due.length > 0 ? 'warn' : 'ok'}>
              {t('keys.counts', { suspect: count(suspect.length), due: count(due.length) })}
            </Mark>
          )}
        </header>
        <p class="quiet pad">{t('keys.says')}</p>
        {fault.value !== '' && (
          <p class="pad" role="alert">
            {fault.value}
          </p>
        )}
        <div class="scroll" tabIndex={0} role="group" aria-labelledby="keys-title">
          <table data-testid="keys">
            <thead>
              <tr>
                <th scope="col">{t('keys.key')}</th>
                <th scope="col">{t('keys.use')}</th>
                <th scope="col">{t('column.checkValue')}</th>
                <th scope="col">{t('keys.state')}</th>
                <th scope="col">{t('keys.terminals')}</th>
                <th scope="col">{t('keys.due')}</th>
              </tr>
            </thead>
            <tbody>
              {keys.value?.map((entry) => (
                <Row key={entry.id} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section class="panel" aria-labelledby="runs-title">
        <header>
          <h2 id="runs-title">{t('keys.runs')}</h2>
        </header>
        {runs.value.length === 0 ? (
          <p class="quiet pad">{t('keys.noRuns')}</p>
        ) : (
          <div class="scroll" tabIndex={0} role="group" aria-labelledby="runs-title">
            <table data-testid="runs">
              <thead>
                <tr>
                  <th scope="col">{t('keys.run')}</th>
                  <th scope="col">{t('keys.state')}</th>
                  <th scope="col">{t('keys.orderedBy')}</th>
                  <th scope="col">{t('keys.balance')}</th>
                  <th scope="col">{t('keys.left')}</th>
                </tr>
              </thead>
              <tbody>
                {runs.value.map((run) => (
                  <RunRow key={run.id} run={run} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </main>
  );
}

/** Whether a key is to give way soon, or should have. */
function dueTone({ rotationDue, state }: KeyInventoryEntry): Tone {
  if (rotationDue === null || state === 'retired') return 'ok';
  const left = Date.parse(rotationDue) - now.value;
  return left < 0 ? 'error' : left < dueSoonMs ? 'warn' : 'ok';
}

function Row({ entry }: { entry: KeyInventoryEntry }) {
  const { id, use, checkValue, state, isCurrent, terminals, rotationDue, reason, campaign } = entry;
  return (
    <tr data-key={id}>
      <th scope="row" class="mono">
        {id}
      </th>
      <td>{tAny('keys.use', use)}</td>
      <td class="mono">{checkValue}</td>
      <td>
        <Mark tone={tones[state]}>{t(`keys.state.${state}`)}</Mark>
        {isCurrent && state === 'good' && <span class="under">{t('keys.current')}</span>}
        {reason !== null && <span class="under">{reason}</span>}
        {campaign !== null && (
          <span class="under">
            <a href={`/campaigns/${campaign}`}>{t('keys.campaign')}</a>
          </span>
        )}
      </td>
      <td class="number">{count(terminals)}</td>
      <td>{rotationDue === null ? '–' : <Mark tone={dueTone(entry)}>{rotationDue.slice(0, 10)}</Mark>}</td>
    </tr>
  );
}

function RunRow({ run: { name, state, orderedBy, authorisedBy, begunAt, balance } }: { run: KeyRun }) {
  return (
    <tr>
      <th scope="row">
        {name}
        <span class="under">{moment(begunAt)}</span>
      </th>
      <td>
        <Mark tone={state === 'open' ? 'ok' : 'warn'}>{t(`keys.run.${state}`)}</Mark>
      </td>
      <td>
        {orderedBy}
        <span class="under">{authorisedBy ?? t('keys.notAuthorised')}</span>
      </td>
      <td>
        {t('keys.figures', {
          listed: count(balance.listed),
          submitted: count(balance.submitted),
          keyed: count(balance.keyed),
          rejected: count(balance.rejected),
          investigated: count(balance.investigated),
        })}
      </td>
      <td class="mono">{balance.open.slice(0, 8).join(' ')}</td>
    </tr>
  );
}
