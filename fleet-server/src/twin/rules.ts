import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import {
  type ChangeLayer,
  configuration,
  configurationHash,
  contradictionIn,
  factoryConfiguration,
  isSettingName,
  lackedFor,
  type LayerHashes,
  type LayerKind,
  parseWith,
  type SettingName,
  settingNames,
  settings,
  type SettingValue,
  type SettingValues,
  type SettingDifference,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** A layer as the rules see it. */
export interface Layer {
  readonly kind: LayerKind;
  readonly version: number;
  /** Of its version, among those of all layers. */
  readonly revision: number;
  readonly hash: string;
  readonly values: SettingValues;
}

/** Who sets a setting to what. */
export interface Source {
  readonly layer: LayerKind | 'factory';
  readonly version: number;
  readonly value: SettingValue;
}

/** What comes out of layers for a model. */
export interface Effective {
  readonly version: number;
  readonly hash: string;
  readonly values: Readonly<Record<string, SettingValue>>;
  readonly layers: LayerHashes;
  /** Everybody who sets a setting, the first to be overridden first. */
  readonly chains: ReadonlyMap<SettingName, readonly Source[]>;
  /** Settings that a layer asks for and the model cannot do. */
  readonly unable: readonly SettingName[];
}

/**
 * Merges layers, the strongest last, on top of what the factory set. What the model cannot do is not in the values; a layer that sets it to
 * something else than the factory did is told of.
 */
export function effectiveOf(model: TerminalModel, layers: readonly Layer[]): Effective {
  const factory: Readonly<Record<SettingName, SettingValue>> = factoryConfiguration;
  const chains = new Map<SettingName, readonly Source[]>();
  const values: Record<string, SettingValue> = {};
  const unable: SettingName[] = [];
  for (const name of settingNames) {
    const chain: Source[] = [{ layer: 'factory', version: 0, value: factory[name] }];
    for (const { kind, version, values: set } of layers) {
      const value = set[name];
      if (value !== undefined) chain.push({ layer: kind, version, value });
    }
    chains.set(name, chain);
    const last = chain.at(-1);
    if (!last) continue;
    if (lackedFor(name, model) === undefined) values[name] = last.value;
    else if (last.value !== factory[name]) unable.push(name);
  }
  return {
    version: Math.max(0, ...layers.map(({ revision }) => revision)),
    hash: configurationHash(values),
    values,
    layers: Object.fromEntries(
      layers.filter(({ values: set }) => Object.keys(set).length > 0).map(({ kind, hash }) => [kind, hash]),
    ),
    chains,
    unable,
  };
}

/** Whether what comes out for a model holds together. */
export function checkEffective({ values }: Effective): Result<void, 'CONFIGURATION_CONTRADICTS' | 'INPUT_INVALID'> {
  const whole = parseWith(configuration, values);
  if (!whole.ok) return whole;
  const contradiction = contradictionIn(whole.value);
  return contradiction ? fail('CONFIGURATION_CONTRADICTS', contradiction) : ok(undefined);
}

/**
 * The values of a layer after a change. `model` is given where all terminals below are of one model: what it cannot do cannot be set.
 */
export function changeValues(
  values: SettingValues,
  change: ChangeLayer,
  model: TerminalModel | undefined,
): Result<SettingValues, 'SETTING_UNKNOWN' | 'INPUT_INVALID' | 'CONFIGURATION_BEYOND_MODEL'> {
  const next = { ...values };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) {
      delete next[name];
      continue;
    }
    if (!isSettingName(name)) return fail('SETTING_UNKNOWN', { field: name });
    const parsed = parseWith(settings[name].schema, value);
    if (!parsed.ok) return fail('INPUT_INVALID', { field: name, facts: parsed.fault.facts ?? {} });
    const needs = model && lackedFor(name, model);
    if (model && needs !== undefined)
      return fail('CONFIGURATION_BEYOND_MODEL', { field: name, facts: { model: model.id, needs } });
    next[name] = parsed.value;
  }
  return ok(next);
}

/** What differs between two sets of values, by name. */
export function differencesOf(
  from: Readonly<Record<string, SettingValue | undefined>>,
  to: Readonly<Record<string, SettingValue | undefined>>,
): SettingDifference[] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .filter((setting) => from[setting] !== to[setting])
    .sort()
    .map((setting) => ({ setting, from: from[setting] ?? null, to: to[setting] ?? null }));
}

/** Where a message of a terminal stands among its messages. */
export interface Said {
  readonly boot: number;
  readonly seq: number;
}
/** Whether a message was said after another one: by boot, then by its number within the boot. */
export const isNewer = (said: Said, than: Said | undefined): boolean =>
  than === undefined || said.boot > than.boot || (said.boot === than.boot && said.seq > than.seq);
