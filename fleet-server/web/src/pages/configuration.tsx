import { useSignal } from '@preact/signals';
import {
  changedLayer,
  type DriftEntry,
  driftEntry,
  driftReasons,
  type DriftSummary,
  driftSummary,
  type LayerDocument,
  layerDocument,
  layerQuery,
  type LayerRef,
  type LayerSummary,
  layerSummary,
  type LayerVersion,
  layerVersion,
  managementPaths,
  page,
} from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import { ApiError, ask, faultText } from '../api.ts';
import { Said, type SaidOf } from '../parts/index.tsx';
import { overview } from '../live.ts';
import { abilityName, settingName, settingText, useSettings, ValueField } from '../parts/effective.tsx';
import { formText } from '../parts/form-text.ts';
import { count, moment } from '../text/format.ts';
import { t } from '../text/index.ts';

interface Chosen {
  readonly document: LayerDocument;
  readonly versions: readonly LayerVersion[];
}

/** A layer's kind and name, as people call it. */
function layerName(ref: LayerRef): string {
  const { layer, ...names } = ref;
  return [t(`layer.${layer}`), ...Object.values(names)].join(' ');
}

/** Layers, their versions, and the terminals that are not set to what is desired. */
export function ConfigurationPage() {
  const summary = useSignal<DriftSummary | undefined>(undefined);
  const layers = useSignal<readonly LayerSummary[]>([]);
  const chosen = useSignal<Chosen | undefined>(undefined);
  const writes = useSignal(0);
  const glance = overview.value;

  const choose = async (ref: LayerRef): Promise<void> => {
    const query = layerQuery(ref);
    const [document, versions] = await Promise.all([
      ask(layerDocument, `${managementPaths.configuration}?${query}`),
      ask(page(layerVersion), `${managementPaths.configurationVersions}?${query}&limit=20`),
    ]);
    chosen.value = { document, versions: versions.items };
  };
  useEffect(() => {
    Promise.all([
      ask(driftSummary, managementPaths.configurationDriftSummary),
      ask(page(layerSummary), `${managementPaths.configurationLayers}?limit=200`),
      choose(chosen.value?.document.ref ?? { layer: 'defaults' }),
    ]).then(
      ([figures, found]) => {
        summary.value = figures;
        layers.value = found.items;
      },
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error; // the state of the stream tells the person
      },
    );
  }, [glance?.sync.configuration, writes.value]);

  const figures = summary.value;
  return (
    <main id="content">
      <h1>{t('config.title')}</h1>
      {figures && (
        <dl class="strip">
          <div>
            <dt>{t('config.inSync')}</dt>
            <dd>{count(figures.inSync)}</dd>
          </div>
          {driftReasons.map((reason) => (
            <div key={reason}>
              <dt>{t(`drift.${reason}`)}</dt>
              <dd>{count(figures.reasons[reason] ?? 0)}</dd>
            </div>
          ))}
        </dl>
      )}
      <DriftList turn={`${glance?.sync.configuration} ${writes.value}`} />
      <section class="panel" aria-labelledby="layers">
        <header>
          <h2 id="layers">{t('config.layers')}</h2>
        </header>
        <table data-testid="layers">
          <thead>
            <tr>
              <th scope="col">{t('config.layer')}</th>
              <th scope="col">{t('config.version')}</th>
              <th scope="col">{t('config.count')}</th>
              <th scope="col">{t('config.by')}</th>
              <th scope="col">{t('config.why')}</th>
            </tr>
          </thead>
          <tbody>
            {layers.value.map((layer) => (
              <tr key={layerQuery(layer.ref)}>
                <th scope="row">
                  <button type="button" class="quiet-button" onClick={() => void choose(layer.ref)}>
                    {layerName(layer.ref)}
                  </button>
                </th>
                <td class="digits">v{layer.version}</td>
                <td class="digits">{layer.settings}</td>
                <td>
                  {layer.by} {layer.at !== null && moment(layer.at)}
                </td>
                <td>{layer.reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {chosen.value && <Layer of={chosen.value} written={() => (writes.value += 1)} />}
    </main>
  );
}

/** One layer: what it sets, a form to change it, and its versions. */
function Layer({ of: { document, versions }, written }: { of: Chosen; written: () => void }) {
  const all = useSettings();
  const said = useSignal<SaidOf>(undefined);
  const setting = useSignal('');
  const name = layerName(document.ref);
  const facts = all.get(setting.value || ([...all.keys()][0] ?? ''));

  const write = async (path: string, method: string, body: unknown, reason: string): Promise<void> => {
    try {
      const query = `${layerQuery(document.ref)}&reason=${encodeURIComponent(reason)}`;
      const done = await ask(changedLayer, `${path}?${query}`, { method, body, match: `"${document.version}"` });
      const unable = done.unable.map((one) =>
        t('config.unable', {
          terminals: one.terminals,
          model: one.model,
          setting: settingName(all, one.setting),
          needs: abilityName(one.needs),
        }),
      );
      const { version, terminals } = done;
      said.value = { text: [t('config.saved', { version, terminals }), ...unable].join(' '), isFailure: false };
      written();
    } catch (error) {
      said.value = { text: faultText(error), isFailure: true };
    }
  };
  const typed = (form: HTMLFormElement): string | number | boolean | null => {
    if (form.elements.namedItem('unset') instanceof HTMLInputElement && formText(form, 'unset') === 'on') return null;
    const text = formText(form, 'value');
    return facts?.kind.type === 'integer' ? Number(text) : facts?.kind.type === 'flag' ? text === 'true' : text;
  };

  return (
    <div class="cards">
      <section class="panel" aria-labelledby="set">
        <header>
          <h2 id="set">{t('config.set', { layer: name })}</h2>
        </header>
        {document.ref.layer === 'campaign' ? (
          <p>{t('config.ofCampaign')}</p>
        ) : (
          <form
            data-testid="set"
            onSubmit={(event) => {
              event.preventDefault();
              const form = event.currentTarget;
              if (facts)
                void write(
                  managementPaths.configuration,
                  'PATCH',
                  { [facts.setting]: typed(form) },
                  formText(form, 'reason'),
                );
            }}
          >
            <label>
              {t('column.setting')}
              <select name="setting" onChange={(event) => (setting.value = event.currentTarget.value)}>
                {[...all.keys()].map((one) => (
                  <option key={one} value={one}>
                    {settingName(all, one)}
                  </option>
                ))}
              </select>
            </label>
            {facts && <ValueField facts={facts} value={document.values[facts.setting] ?? facts.factory} />}
            {facts && document.values[facts.setting] !== undefined && (
              <label class="check">
                <input type="checkbox" name="unset" /> {t('config.unset')}
              </label>
            )}
            <label>
              {t('config.why')}
              <input name="reason" maxLength={200} />
            </label>
            <button type="submit" class="primary">
              {t('config.save', { version: document.version + 1 })}
            </button>
            <Said of={said.value} />
          </form>
        )}
      </section>
      <section class="panel" aria-labelledby="versions">
        <header>
          <h2 id="versions">{t('config.history', { layer: name })}</h2>
        </header>
        <table data-testid="versions">
          <thead>
            <tr>
              <th scope="col">{t('config.version')}</th>
              <th scope="col">{t('config.by')}</th>
              <th scope="col">{t('config.changes')}</th>
            </tr>
          </thead>
          <tbody>
            {versions.map((one) => (
              <tr key={one.version}>
                <th scope="row">
                  v{one.version}{' '}
                  {one.version !== document.version && (
                    <button
                      type="button"
                      class="quiet-button"
                      onClick={() =>
                        void write(
                          managementPaths.configurationRollback,
                          'POST',
                          { to: one.version },
                          `→ v${one.version}`,
                        )
                      }
                    >
                      {t('config.rollBack', { version: one.version })}
                    </button>
                  )}
                </th>
                <td>
                  {one.by} {one.at !== null && moment(one.at)} {one.reason}
                </td>
                <td>
                  {one.changes.map((change) => (
                    <div key={change.setting}>
                      {settingName(all, change.setting)}: {settingText(all, change.setting, change.from)} →{' '}
                      {settingText(all, change.setting, change.to)}
                    </div>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

/** The terminals that are not set to what is desired, by reason. */
function DriftList({ turn }: { turn: string }) {
  const entries = useSignal<readonly DriftEntry[] | undefined>(undefined);
  const reason = useSignal('');
  const next = useSignal<string | null>(null);
  const cursors = useSignal<readonly string[]>([]);
  useEffect(() => {
    const query = new URLSearchParams({ limit: '50' });
    if (reason.value) query.set('reason', reason.value);
    const cursor = cursors.value.at(-1);
    if (cursor) query.set('cursor', cursor);
    ask(page(driftEntry), `${managementPaths.configurationDrift}?${query}`).then(
      (found) => {
        entries.value = found.items;
        next.value = found.next;
      },
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error; // the state of the stream tells the person
      },
    );
  }, [turn, reason.value, cursors.value]);
  return (
    <section class="panel" aria-labelledby="drift">
      <header>
        <h2 id="drift">{t('config.drift')}</h2>
        <select
          aria-label={t('config.reason')}
          onChange={(event) => {
            cursors.value = [];
            reason.value = event.currentTarget.value;
          }}
        >
          <option value="">{t('config.allReasons')}</option>
          {driftReasons.map((one) => (
            <option key={one} value={one}>
              {t(`drift.${one}`)}
            </option>
          ))}
        </select>
      </header>
      {entries.value?.length === 0 && <p class="quiet pad">{t('config.noDrift')}</p>}
      {entries.value !== undefined && entries.value.length > 0 && (
        <table data-testid="drift">
          <thead>
            <tr>
              <th scope="col">{t('column.terminal')}</th>
              <th scope="col">{t('config.reason')}</th>
              <th scope="col">{t('config.since')}</th>
              <th scope="col">{t('config.behind')}</th>
            </tr>
          </thead>
          <tbody>
            {entries.value.map((one) => (
              <tr key={one.serial}>
                <th scope="row">
                  <a href={`/terminals/${one.serial}`}>{one.serial}</a>
                </th>
                <td>
                  {t(`drift.${one.reason}`)} {one.code ?? ''} {one.field ?? ''}
                </td>
                <td>{moment(one.since)}</td>
                <td>{one.behind.map((layer) => t(`layer.${layer}`)).join(' ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {(cursors.value.length > 0 || next.value !== null) && (
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
            disabled={next.value === null}
            onClick={() => {
              if (next.value !== null) cursors.value = [...cursors.value, next.value];
            }}
          >
            {t('page.next')} →
          </button>
        </nav>
      )}
    </section>
  );
}
