import { useSignal } from '@preact/signals';
import { keyInventory, type KeyInventoryEntry, type KeyInventoryList, managementPaths } from '@tsunagu/protocols/fleet';
import { ask } from '../api.ts';
import { now } from '../live.ts';
import { Mark, type Tone, Alert } from '../parts/index.tsx';
import { Table } from '../parts/table.tsx';
import { useReload } from '../parts/reload.ts';
import { count } from '../text/format.ts';
import { t, tAny } from '../text/index.ts';
import { Ceremonies, Runs } from './key-custody.tsx';
import { Rotation } from './key-rotation.tsx';

const tones: Readonly<Record<KeyInventoryEntry['state'], Tone>> = { good: 'ok', suspect: 'error', retired: 'off' };
const dueSoonMs = 60 * 86_400_000;
const reloadMs = 15_000;

/** Keys above those of terminals, when each is to give way, which are suspect, and the ceremonies and injection runs under way. */
export function KeysPage() {
  const keys = useSignal<KeyInventoryList | undefined>(undefined);
  const { fault } = useReload(async () => {
    keys.value = await ask(keyInventory, managementPaths.keys);
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
        <Table
          id="keys"
          title="keys-title"
          heads={['keys.key', 'keys.use', 'column.checkValue', 'keys.state', 'keys.terminals', 'keys.due', 'keys.made']}
        >
          {keys.value?.items.map((entry) => (
            <Row key={entry.id} entry={entry} />
          ))}
        </Table>
      </section>
      <Rotation />
      <Ceremonies />
      <Runs />
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
