import { type ExpiryEntry, expiryEntry, type ExpiryLevel, managementPaths } from '@tsunagu/protocols/fleet';
import { overview } from '../live.ts';
import { expiryTone, Mark, type Tone, Alert } from '../parts/index.tsx';
import { Table } from '../parts/table.tsx';
import { More, useGrowing } from '../parts/growing.tsx';
import { count } from '../text/format.ts';
import { t } from '../text/index.ts';

const tones: Readonly<Record<ExpiryLevel, Tone>> = { fine: 'ok', near: 'warn', urgent: 'error', passed: 'error' };
const rowsPerPage = 50;

/** Terminals by the last day on which they can be saved from afar. */
export function ExpiryPage() {
  // The first day may have moved: then the list has, too.
  const earliest = overview.value?.expiry.earliest;
  const since = `${earliest?.serial} ${earliest?.lastDay}`;
  const list = useGrowing(expiryEntry, `${managementPaths.expiry}?limit=${rowsPerPage}`, since);
  const glance = overview.value?.expiry;
  return (
    <main id="content">
      <section class="panel" aria-labelledby="expiry-title">
        <header>
          <h1 id="expiry-title">{t('expiry.title')}</h1>
          {glance && (
            <Mark tone={expiryTone(glance)}>
              {t('expiry.counts', {
                near: count(glance.near),
                urgent: count(glance.urgent),
                passed: count(glance.passed),
              })}
            </Mark>
          )}
        </header>
        <p class="quiet pad">{t('expiry.says')}</p>
        <Alert text={list.fault.value} />
        <Table
          id="horizons"
          title="expiry-title"
          heads={[
            'column.terminal',
            'column.lastDay',
            'column.level',
            'column.endsFirst',
            'column.silence',
            'column.reasons',
          ]}
        >
          {list.entries.value?.map((entry) => (
            <Row key={entry.serial} entry={entry} />
          ))}
        </Table>
        {list.entries.value?.length === 0 && <p class="quiet pad">{t('expiry.none')}</p>}

        <More list={list} name={t('expiry.title')} />
      </section>
    </main>
  );
}

/** Things of one kind that end on one day are one line: their names are its title. */
function together(reasons: ExpiryEntry['reasons']) {
  const lines = new Map<
    string,
    Pick<(typeof reasons)[number], 'kind' | 'level'> & { day: string | undefined; names: string[] }
  >();
  for (const { kind, name, level, endsAt } of reasons) {
    const day = endsAt?.slice(0, 10);
    const line = lines.get(`${kind} ${day}`);
    if (line) line.names.push(name);
    else lines.set(`${kind} ${day}`, { kind, level, day, names: [name] });
  }
  return [...lines.values()];
}

function Row({ entry: { serial, lastDay, level, first, endsAt, silence, reasons } }: { entry: ExpiryEntry }) {
  const days = Math.max(1, Math.round(silence.longestHours / 24));
  return (
    <tr data-serial={serial}>
      <th scope="row">
        <a href={`/terminals/${serial}`}>{serial}</a>
      </th>
      <td>{lastDay}</td>
      <td>
        <Mark tone={tones[level]}>{t(`expiry.level.${level}`)}</Mark>
      </td>
      <td>
        {t(`expiry.kind.${first}`)}
        <span class="under">{endsAt.slice(0, 10)}</span>
      </td>
      <td>
        {t('expiry.silence', { days: count(days) })}
        <span class="under">{silence.isAssumed ? t('expiry.assumed') : ''}</span>
      </td>
      <td>
        {together(reasons).map(({ kind, level, day, names }) => (
          <span class="under" key={`${kind} ${day}`} title={names.join(', ')}>
            {t(`expiry.kind.${kind}`)} {day ?? t('expiry.never')}
            {names.length > 1 && ` ×${names.length}`}{' '}
            {level !== 'fine' && <Mark tone={tones[level]}>{t(`expiry.level.${level}`)}</Mark>}
          </span>
        ))}
      </td>
    </tr>
  );
}
