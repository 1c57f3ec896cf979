import { createHash } from 'node:crypto';
import { z } from 'zod';
import { abilities, type Ability } from '../catalogue/abilities.ts';
import type { TerminalModel } from '../catalogue/model.ts';
import { fail, ok, type Result } from '../kit/index.ts';
import { isSettingName, type SettingName, settingNames, settingOf, settings } from './settings.ts';

type Shape = { [Name in SettingName]: (typeof settings)[Name]['schema'] };
const shape = Object.fromEntries(settingNames.map((name) => [name, settings[name].schema])) as Shape;

export const configuration = z
  .strictObject(shape)
  .describe('What a terminal is set to, whole: what nobody set is as it left the factory.');
/** What a terminal is set to. */
export type Configuration = z.infer<typeof configuration>;

/** One value of a setting. */
export const settingValue = z.union([z.string().max(256), z.number(), z.boolean()]);
export type SettingValue = z.infer<typeof settingValue>;

/** The most settings of one document. */
export const settingsMax = 128;

export const settingValues = z
  .record(z.string().regex(/^[a-z][A-Za-z0-9]{0,39}$/), settingValue)
  .refine((values) => Object.keys(values).length <= settingsMax)
  .describe(
    'Values by the names of their settings. A terminal keeps a setting that it does not know, and says so: its software may be older than the server.',
  );
export type SettingValues = z.infer<typeof settingValues>;

/** What a terminal does before anybody set anything. */
export const factoryConfiguration = Object.fromEntries(
  settingNames.map((name) => [name, settings[name].schema.parse(undefined)]),
) as Configuration;

/** What a configuration is told apart by: SHA-256 of its JSON with sorted keys, first 16 hex digits. */
export function configurationHash(values: Readonly<Record<string, SettingValue>>): string {
  const sorted = Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}

/** What a model lacks for a setting; undefined when it has it. */
export const lackedFor = (name: SettingName, model: TerminalModel): Ability | undefined =>
  settingOf(name).needs?.find((ability) => !abilities[ability].has(model));

/** Settings of which one bounds the other: the first must not be more than the second. */
const bounded = [['floorLimitMinor', 'amountMaxMinor']] as const satisfies readonly (readonly [
  SettingName,
  SettingName,
])[];

/** Reads values against the settings and a model: unknown ones are told of and left out, and every fault names its setting. */
export function readConfiguration(
  values: Readonly<Record<string, unknown>>,
  model: TerminalModel,
): Result<
  { readonly values: Configuration; readonly unknown: readonly string[] },
  'INPUT_INVALID' | 'CONFIGURATION_BEYOND_MODEL' | 'CONFIGURATION_CONTRADICTS'
> {
  const unknown: string[] = [];
  const known: Record<string, unknown> = {};
  const factory: Readonly<Record<string, SettingValue>> = factoryConfiguration;
  for (const [name, value] of Object.entries(values)) {
    if (!isSettingName(name)) {
      unknown.push(name);
      continue;
    }
    const needs = lackedFor(name, model);
    // What is as it left the factory asks for nothing.
    if (needs !== undefined && value !== factory[name])
      return fail('CONFIGURATION_BEYOND_MODEL', { field: name, facts: { model: model.id, needs } });
    known[name] = value;
  }
  const parsed = configuration.safeParse(known);
  if (!parsed.success) return fail('INPUT_INVALID', { field: String(parsed.error.issues[0]?.path[0] ?? '') });
  const contradiction = contradictionIn(parsed.data);
  return contradiction ? fail('CONFIGURATION_CONTRADICTS', contradiction) : ok({ values: parsed.data, unknown });
}

/** A setting that another one forbids. */
export function contradictionIn(
  values: Configuration,
): { readonly field: string; readonly facts: { readonly with: string; readonly max: number } } | undefined {
  const found = bounded.find(([low, high]) => values[low] > values[high]);
  return found && { field: found[0], facts: { with: found[1], max: values[found[1]] } };
}
