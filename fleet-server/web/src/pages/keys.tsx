import { useSignal } from '@preact/signals';
import {
  keyInventory,
  type KeyInventoryEntry,
  type KeyInventoryList,
  type KeyRunView,
  keyRunView,
  managementPaths,
} from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { ask } from '../api.ts';
import { now } from '../live.ts';
import { Mark, type Tone, Alert } from '../parts/index.tsx';
import { useReload } from '../parts/reload.ts';
import { count, moment } from '../text/format.ts';
import { t, tAny } from '../text/index.ts';

const tones: Readonly<Record<KeyInventoryEntry['state'], Tone>> = { good: 'ok', suspect: 'error', retired: 'off' };
const dueSoonMs = 60 * 86_400_000;
const reloadMs = 15_000;

/** Keys above those of terminals, when each is to give way, which are suspect, and the injection runs that are not over. */
export function KeysPage() {
  const keys = useSignal<KeyInventoryList | undefined>(undefined);
  const runs = useSignal<readonly KeyRunView[]>([]);
  const { fault } = useReload(async () => {
    const [inventory, all] = await Promise.all([
      ask(keyInventory, managementPaths.keys),
      ask(z.object({ items: z.array(keyRunView) }), managementPaths.keyRuns),
    ]);
    keys.value = inventory;
    runs.value = all.items.filter(({ state }) => state !== 'closed');
  }, reloadMs);
  const suspect = keys.value?.items.filter(({ state }) => state === 'suspect') ?? [];
  const due = keys.value?.items.filter((key) => dueTone(key) !== 'ok') ?? [];
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
        {keys.value && (
          <p class="pad" data-testid="first-keys">
            <Mark tone={keys.value.firstKeys === 'in-runs' ? 'ok' : 'warn'}>
              {t(`keys.firstKeys.${keys.value.firstKeys}`)}
            </Mark>
          </p>
        )}
        <Alert text={fault.value} />
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
                <th scope="col">{t('keys.made')}</th>
              </tr>
            </thead>
            <tbody>
              {keys.value?.items.map((entry) => (
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
  const { id, use, checkValue, state, isCurrent, terminals, rotationDue, initialKeys, reason, campaign } = entry;
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
      <td class="number">
        {initialKeys === null ? (
          '–'
        ) : (
          <Mark tone={initialKeys.isRunningOut ? 'error' : 'ok'}>
            {t('keys.madeOf', { made: count(initialKeys.made), most: count(initialKeys.most) })}
          </Mark>
        )}
      </td>
    </tr>
  );
}

function RunRow({ run: { name, state, orderedBy, authorisedBy, begunAt, balance, people } }: { run: KeyRunView }) {
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
        {people[orderedBy] ?? orderedBy}
        <span class="under">
          {authorisedBy === null ? t('keys.notAuthorised') : (people[authorisedBy] ?? authorisedBy)}
        </span>
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
