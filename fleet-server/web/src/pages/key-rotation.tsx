import { useSignal } from '@preact/signals';
import {
  managementPaths,
  type NegativeKeyRotation,
  negativeKeyRotations,
  type RotationLack,
} from '@tsunagu/protocols/fleet';
import { ask } from '../api.ts';
import { Alert, Mark, type Tone } from '../parts/index.tsx';
import { useReload } from '../parts/reload.ts';
import { Table } from '../parts/table.tsx';
import { count, moment } from '../text/format.ts';
import { t } from '../text/index.ts';

const reloadMs = 15_000;
const tones: Readonly<Record<NegativeKeyRotation['state'], Tone>> = {
  spreading: 'warn',
  switching: 'warn',
  erasing: 'warn',
  over: 'ok',
  withdrawing: 'warn',
  withdrawn: 'off',
};

/** How the key of negative lists gives way to the next one: which terminals and cards that waits for, and why. */
export function Rotation() {
  const last = useSignal<NegativeKeyRotation | null | undefined>(undefined);
  const { fault } = useReload(async () => {
    last.value = (await ask(negativeKeyRotations, managementPaths.keyRotations)).items[0] ?? null;
  }, reloadMs);
  const told = last.value;
  return (
    <section class="panel" aria-labelledby="rotation-title" data-testid="rotation">
      <header>
        <h2 id="rotation-title">{t('rotation.title')}</h2>
        {told && <Mark tone={tones[told.state]}>{t(`rotation.state.${told.state}`)}</Mark>}
      </header>
      <Alert text={fault.value} />
      {told === null && <p class="quiet pad">{t('rotation.none')}</p>}
      {told && <Progress told={told} />}
    </section>
  );
}

function Progress({ told }: { told: NegativeKeyRotation }) {
  const { key, from, state, begunAt, switchedAt, brokenOffAt, breakOff, ready, lacking, terminals, lists } = told;
  const times = [
    t('rotation.begun', { at: moment(begunAt) }),
    ...(switchedAt === null ? [] : [t('rotation.switched', { at: moment(switchedAt) })]),
    ...(brokenOffAt === null ? [] : [t('rotation.brokenOff', { at: moment(brokenOffAt) })]),
  ];
  const waits = lists.flatMap(({ list, awaitsSignatures, untagged, exceptions }) => [
    ...(awaitsSignatures ? [{ list, what: t('rotation.signatures') }] : []),
    ...untagged.map(({ source, cards }) => ({ list, what: t('rotation.cards', { source, count: count(cards) }) })),
    ...(exceptions > 0 ? [{ list, what: t('rotation.exceptions', { count: count(exceptions) }) }] : []),
  ]);
  const isReady = state === 'spreading' && lacking === 0 && waits.length === 0;
  return (
    <>
      <dl class="facts">
        <dt>{t('rotation.keys')}</dt>
        <dd class="mono">
          {from} → {key}
        </dd>
        <dt>{t('rotation.times')}</dt>
        <dd>{times.join(' · ')}</dd>
        <dt>{t('rotation.ready')}</dt>
        <dd data-testid="rotation-ready">{count(ready)}</dd>
        <dt>{t(state === 'spreading' || state === 'switching' ? 'rotation.lacking' : 'rotation.holding')}</dt>
        <dd data-testid="rotation-lacking">{count(lacking)}</dd>
      </dl>
      {breakOff && (
        <p class="pad" data-testid="rotation-break-off">
          <Mark tone="warn">{t('rotation.breakOff', { name: breakOff.by, until: moment(breakOff.expiresAt) })}</Mark>{' '}
          {breakOff.reason} <code>tsunagu approvals approve {breakOff.approval}</code>
        </p>
      )}
      {isReady && (
        <p class="pad">
          {t('rotation.mayBeSwitched')} <code>tsunagu keys rotate {key} --switch</code>
        </p>
      )}
      {waits.length > 0 && (
        <Table id="rotation-lists" title="rotation-title" heads={['rotation.list', 'rotation.waitsFor']}>
          {waits.map(({ list, what }) => (
            <tr key={`${list} ${what}`}>
              <th scope="row">{list}</th>
              <td>{what}</td>
            </tr>
          ))}
        </Table>
      )}
      {terminals.length > 0 && (
        <Table id="rotation-terminals" title="rotation-title" heads={['rotation.terminal', 'rotation.why']}>
          {terminals.map((one) => (
            <Lack key={one.serial} lack={one} />
          ))}
        </Table>
      )}
      {lacking > terminals.length && (
        <p class="quiet pad">{t('rotation.more', { count: count(lacking - terminals.length) })}</p>
      )}
    </>
  );
}

function Lack({ lack: { serial, why, detail, since } }: { lack: RotationLack }) {
  return (
    <tr data-lacking={serial}>
      <th scope="row" class="mono">
        <a href={`/terminals/${encodeURIComponent(serial)}`}>{serial}</a>
      </th>
      <td>
        {t(`rotation.why.${why}`)}
        {detail !== null && <span class="under mono">{detail}</span>}
        {since !== null && <span class="under">{t('rotation.since', { at: moment(since) })}</span>}
      </td>
    </tr>
  );
}
