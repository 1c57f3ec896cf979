import { useSignal } from '@preact/signals';
import {
  type EffectiveConfiguration,
  type EffectiveSetting,
  managementPaths,
  type SettingFacts,
  settingFacts,
} from '@tsunagu/protocols/fleet';
import { abilities } from '@tsunagu/protocols/catalogue/abilities';
import { useEffect } from 'preact/hooks';
import { z } from 'zod';
import { ask } from '../api.ts';
import { count, money } from '../text/format.ts';
import { errorText, language, t } from '../text/index.ts';
import { Mark } from './index.tsx';

/** The catalogue of settings, fetched once for the page. */
let fetched: Promise<ReadonlyMap<string, SettingFacts>> | undefined;
export function useSettings(): ReadonlyMap<string, SettingFacts> {
  const found = useSignal<ReadonlyMap<string, SettingFacts>>(new Map());
  useEffect(() => {
    fetched ??= ask(z.object({ items: z.array(settingFacts) }), managementPaths.configurationSettings).then(
      ({ items }) => new Map(items.map((item) => [item.setting, item])),
    );
    fetched.then(
      (all) => {
        found.value = all;
      },
      () => {
        fetched = undefined; // the state of the stream tells the person
      },
    );
  }, []);
  return found.value;
}

/** What a setting is called in the reader's language. */
export const settingName = (all: ReadonlyMap<string, SettingFacts>, setting: string): string =>
  all.get(setting)?.name[language.value] ?? setting;

const isAbility = (name: string): name is keyof typeof abilities => Object.hasOwn(abilities, name);
/** What a model lacks, in the reader's language. */
export const abilityName = (name: string): string => (isAbility(name) ? abilities[name].name[language.value] : name);

export const valueText = (value: EffectiveSetting['value']): string =>
  value === null ? '–' : typeof value === 'boolean' ? (value ? '✓' : '–') : value === '' ? '–' : String(value);

/** A value with what it counts. */
export function settingText(
  all: ReadonlyMap<string, SettingFacts>,
  setting: string,
  value: EffectiveSetting['value'],
): string {
  const kind = all.get(setting)?.kind;
  if (typeof value !== 'number' || kind?.type !== 'integer') return valueText(value);
  if (kind.unit === 'minor') return money(value);
  return kind.unit === 'ms' ? `${count(value)} ms` : kind.unit === 'percent' ? `${value} %` : String(value);
}

/** A field that takes what the setting takes. */
export function ValueField({
  facts,
  value,
  name = 'value',
}: {
  facts: SettingFacts;
  value: string | number | boolean;
  name?: string;
}) {
  const { kind, setting, says } = facts;
  const options = kind.type === 'flag' ? ['true', 'false'] : kind.type === 'choice' ? kind.of : undefined;
  return (
    <label>
      {t('config.value')}
      {options ? (
        <select key={setting} name={name} title={says} data-as={kind.type === 'flag' ? 'flag' : undefined}>
          {options.map((one) => (
            <option key={one} value={one} selected={one === String(value)}>
              {kind.type === 'flag' ? valueText(one === 'true') : one}
            </option>
          ))}
        </select>
      ) : (
        <input
          key={setting}
          name={name}
          title={says}
          defaultValue={String(value)}
          {...(kind.type === 'integer'
            ? { type: 'number', min: kind.min, max: kind.max, required: true }
            : { maxLength: kind.type === 'text' ? kind.lengthMax : 256, 'data-as': 'text' })}
        />
      )}
    </label>
  );
}

/** What a terminal is to be set to, where each value comes from, and what is in force. */
export function Effective({ of }: { of: EffectiveConfiguration }) {
  const all = useSettings();
  const isKnown = of.reported !== null && of.settings.some(({ reported }) => reported !== null);
  return (
    <section class="panel" aria-labelledby="configuration">
      <header>
        <h2 id="configuration">{t('terminal.configuration')}</h2>
        <Mark tone={of.drift === null || of.drift.reason === 'model' ? 'ok' : 'warn'}>
          {t('terminal.versions', { desired: of.version, reported: of.reported?.version ?? 0 })}
        </Mark>
      </header>
      {of.drift !== null && (
        <p class={of.drift.reason === 'model' ? 'quiet pad' : 'failure pad'}>
          {t(`drift.${of.drift.reason}`)}
          {of.drift.field === null ? '' : ` (${settingName(all, of.drift.field)})`}
          {of.drift.code === null ? '' : `: ${errorText(of.drift.code)}`}
        </p>
      )}
      <div class="scroll" tabIndex={0} role="group" aria-labelledby="configuration">
        <table data-testid="effective">
          <thead>
            <tr>
              <th scope="col">{t('column.setting')}</th>
              <th scope="col">{t('column.desired')}</th>
              <th scope="col">{t('column.reported')}</th>
              <th scope="col">{t('config.from')}</th>
            </tr>
          </thead>
          <tbody>
            {of.settings.map((one) => (
              <tr
                key={one.setting}
                data-setting={one.setting}
                class={isKnown && one.value !== null && one.value !== one.reported ? 'differs' : ''}
              >
                <th scope="row">{settingName(all, one.setting)}</th>
                <td>{settingText(all, one.setting, one.value)}</td>
                <td>{settingText(all, one.setting, one.reported)}</td>
                <td class="quiet">
                  {one.needs === null
                    ? one.chain
                        .map(({ layer, version }) => t(`layer.${layer}`) + (version === 0 ? '' : ` v${version}`))
                        .join(' → ')
                    : t('config.lacks', { needs: abilityName(one.needs) })}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
