import { useSignal } from '@preact/signals';
import {
  managementPaths,
  negativeAdded,
  negativeLists,
  negativeOverview,
  negativeState,
} from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import type { z } from 'zod';
import { ApiError, ask, faultText } from '../api.ts';
import { Said, type SaidOf } from '../parts/index.tsx';
import { overview } from '../live.ts';
import { may } from '../me.ts';
import { formText } from '../parts/form-text.ts';
import { count, moment } from '../text/format.ts';
import { t, tAny } from '../text/index.ts';

const reasons = ['lost', 'stolen', 'fraud', 'other'] as const;

type State = z.infer<typeof negativeState>;
type Lists = z.infer<typeof negativeLists>['items'];

export function NegativePage() {
  const list = useSignal<z.infer<typeof negativeOverview> | undefined>(undefined);
  const state = useSignal<State | undefined>(undefined);
  const lists = useSignal<Lists>([]);
  const named = useSignal('regular');
  const said = useSignal<SaidOf>(undefined);
  const isSending = useSignal(false);
  const cursors = useSignal<readonly string[]>([]);
  const glance = overview.value;

  const fetchList = async (): Promise<void> => {
    const cursor = cursors.value.at(-1);
    try {
      list.value = await ask(
        negativeOverview,
        `${managementPaths.negative}?list=${named.value}&limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      );
      state.value = await ask(negativeState, `${managementPaths.negativeState}?list=${named.value}`);
      lists.value = (await ask(negativeLists, managementPaths.negativeLists)).items;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the state of the stream tells the person
    }
  };
  useEffect(() => {
    void fetchList();
  }, [cursors.value, named.value, glance?.negative.overlaySeq, glance?.negative.version, glance?.sync.negative]);

  const add = async (form: HTMLFormElement): Promise<void> => {
    isSending.value = true;
    said.value = undefined;
    try {
      const { entry, already } = await ask(negativeAdded, managementPaths.negativeEntries, {
        method: 'POST',
        key: crypto.randomUUID(),
        body: {
          list: named.value,
          pan: formText(form, 'pan').replaceAll(/[\s-]/g, ''),
          reason: formText(form, 'reason'),
        },
      });
      form.reset();
      said.value = {
        text: t(already ? 'negative.already' : 'negative.added', { lastFour: entry.lastFour }),
        isFailure: false,
      };
      await fetchList();
    } catch (error) {
      said.value = { text: faultText(error), isFailure: true };
    } finally {
      isSending.value = false;
    }
  };

  const shown = list.value;
  return (
    <main id="content" class="negative">
      <h1>{t('negative.title')}</h1>
      {shown && (
        <dl class="strip">
          <Fact name={t('negative.version')} value={`v${shown.version}`} />
          <Fact name={t('negative.overlay')} value={`+${shown.overlaySeq}`} />
          <Fact name={t('negative.current')} value={count(shown.terminals.current)} />
          <Fact name={t('negative.behind')} value={count(shown.terminals.behind)} />
        </dl>
      )}
      {lists.value.length > 1 && (
        <Lists
          lists={lists.value}
          named={named.value}
          choose={(list) => {
            cursors.value = [];
            named.value = list;
          }}
        />
      )}
      {state.value && <Spread state={state.value} />}
      <div class="cards">
        {may('fleet.operate') && (
          <section class="panel" aria-labelledby="add">
            <header>
              <h2 id="add">{t('negative.add')}</h2>
            </header>
            <form
              onSubmit={(event) => {
                event.preventDefault();
                void add(event.currentTarget);
              }}
            >
              <label>
                {t('negative.pan')}
                <input
                  name="pan"
                  inputMode="numeric"
                  autoComplete="off"
                  required
                  pattern="[0-9 \-]{12,24}"
                  aria-describedby="pan-hint"
                />
              </label>
              <p id="pan-hint" class="quiet hint">
                {t('negative.panHint')}
              </p>
              <label>
                {t('negative.reason')}
                <select name="reason">
                  {reasons.map((reason) => (
                    <option key={reason} value={reason}>
                      {t(`reason.${reason}`)}
                    </option>
                  ))}
                </select>
              </label>
              <button type="submit" class="primary" disabled={isSending.value}>
                {t('negative.send')}
              </button>
              <Said of={said.value} />
            </form>
          </section>
        )}
        <section class="panel" aria-labelledby="entries">
          <header>
            <h2 id="entries">{t('negative.entries')}</h2>
          </header>
          {shown?.entries.length === 0 && <p class="quiet pad">{t('negative.none')}</p>}
          {shown && shown.entries.length > 0 && (
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('column.card')}</th>
                  <th scope="col">{t('column.reason')}</th>
                  <th scope="col">{t('column.added')}</th>
                </tr>
              </thead>
              <tbody>
                {shown.entries.map((entry) => (
                  <tr key={entry.token}>
                    <th scope="row" class="digits">
                      •••• {entry.lastFour}
                    </th>
                    <td>{tAny('reason', entry.reason)}</td>
                    <td>{moment(entry.addedAt)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {(cursors.value.length > 0 || shown?.next) && (
            <nav class="pager" aria-label={t('page.pager')}>
              <button
                type="button"
                disabled={cursors.value.length === 0}
                onClick={() => (cursors.value = cursors.value.slice(0, -1))}
              >
                ← {t('page.previous')}
              </button>
              <button
                type="button"
                disabled={!shown?.next}
                onClick={() => {
                  if (shown?.next) cursors.value = [...cursors.value, shown.next];
                }}
              >
                {t('page.next')} →
              </button>
            </nav>
          )}
        </section>
        {state.value && <Versions versions={state.value.versions} />}
      </div>
    </main>
  );
}

/** The lists of issuers and brands, and which of them the page is about. */
const Lists = ({ lists, named, choose }: { lists: Lists; named: string; choose: (list: string) => void }) => (
  <section class="panel" aria-labelledby="lists">
    <header>
      <h2 id="lists">{t('negative.lists')}</h2>
    </header>
    <table>
      <thead>
        <tr>
          <th scope="col">{t('negative.list')}</th>
          <th scope="col">{t('negative.codec')}</th>
          <th scope="col">{t('negative.version')}</th>
          <th scope="col">{t('negative.cards')}</th>
          <th scope="col">{t('negative.behind')}</th>
          <th scope="col">¥</th>
        </tr>
      </thead>
      <tbody>
        {lists.map(({ list, codec, version, overlaySeq, cards, reached, total, exposureMinor }) => (
          <tr key={list}>
            <th scope="row">
              <button type="button" aria-pressed={list === named} onClick={() => choose(list)}>
                {list}
              </button>
            </th>
            <td>{t(codec === 'KP' ? 'negative.exact' : 'negative.hashed')}</td>
            <td class="digits">
              v{version} +{overlaySeq}
            </td>
            <td class="digits">{count(cards)}</td>
            <td class="digits">{count(total - reached)}</td>
            <td class="digits">{count(exposureMinor)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

const Fact = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

/** How the newest head spread, who is behind, and what that may cost. */
const Spread = ({ state }: { state: State }) => (
  <section class="panel" aria-labelledby="spread">
    <header>
      <h2 id="spread">{t('negative.spread')}</h2>
    </header>
    <p class="pad" role="status">
      {t('negative.reached', {
        reached: count(state.spread.reached),
        total: count(state.spread.total),
        ms: state.spread.lastMs === null ? '–' : count(state.spread.lastMs),
      })}{' '}
      {t('negative.exposure', { yen: count(state.exposureMinor) })}
    </p>
    {state.withheld > 0 && <p class="pad failure">{t('negative.withheld', { cards: count(state.withheld) })}</p>}
    {state.behind.length > 0 && (
      <table>
        <thead>
          <tr>
            <th scope="col">{t('negative.behind')}</th>
            <th scope="col">{t('negative.version')}</th>
            <th scope="col">{t('negative.freshAt')}</th>
            <th scope="col">¥</th>
          </tr>
        </thead>
        <tbody>
          {state.behind.map(({ serial, version, overlaySeq, freshAt, exposureMinor }) => (
            <tr key={serial}>
              <th scope="row">
                <a href={`/terminals/${serial}`}>{serial}</a>
              </th>
              <td class="digits">
                v{version} +{overlaySeq}
              </td>
              <td>{freshAt ? moment(freshAt) : t('negative.never')}</td>
              <td class="digits">{count(exposureMinor)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </section>
);

/** The newest versions: what each holds, and when it was made. */
const Versions = ({ versions }: Pick<State, 'versions'>) => (
  <section class="panel" aria-labelledby="versions">
    <header>
      <h2 id="versions">{t('negative.versions')}</h2>
    </header>
    <table>
      <thead>
        <tr>
          <th scope="col">{t('negative.version')}</th>
          <th scope="col">{t('negative.cards')}</th>
          <th scope="col">{t('negative.bytes')}</th>
          <th scope="col">{t('negative.issued')}</th>
        </tr>
      </thead>
      <tbody>
        {versions.map(({ version, count: cards, sizeBytes, issuedAt }) => (
          <tr key={version}>
            <th scope="row" class="digits">
              v{version}
            </th>
            <td class="digits">{count(cards)}</td>
            <td class="digits">{count(sizeBytes)}</td>
            <td>{moment(issuedAt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
