import { abilities, modelOf } from '@tsunagu/protocols/catalogue';
import {
  type ChangedLayer,
  type ChangeLayer,
  type DriftEntry,
  type DriftReason,
  type EffectiveSetting,
  factoryConfiguration,
  isSettingName,
  lackedFor,
  type LayerRef,
  type SettingDifference,
  type SettingKind,
  settingNames,
  settingOf,
  type SettingValue,
} from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import { type Console, type ExitCode, exit, layOut, pad, printFault, refuse } from '../console/index.ts';
import { isSerial, layerOf, settingOfText, typedLayer } from './config-target.ts';
import type { Context } from './context.ts';

const nameOf = ({ language }: Console, setting: string): string =>
  isSettingName(setting) ? settingOf(setting).name[language] : setting;
const isAbility = (name: string): name is keyof typeof abilities => Object.hasOwn(abilities, name);
const needOf = ({ language }: Console, name: string): string =>
  isAbility(name) ? abilities[name].name[language] : name;
const shown = (console: Console, value: SettingValue | null): string =>
  value === null ? console.texts.config.unset : value === '' ? '""' : String(value);

/** Reads a layer as it was typed, and goes on with it. */
async function withLayer(
  { console, json }: Context,
  typed: string,
  work: (ref: LayerRef) => Promise<ExitCode>,
): Promise<ExitCode> {
  const ref = layerOf(typed);
  if (ref.ok) return work(ref.value);
  printFault(console, ref.fault, json);
  return exit.usage;
}

/** Prints an answer as JSON or by `print`; a refusal as such. */
function answered<T>({ console, json }: Context, answer: Result<T>, print: (value: T) => void): ExitCode {
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else print(answer.value);
  return exit.ok;
}

const table = <Row>(console: Console, ...args: Parameters<typeof layOut<Row>>): void => {
  for (const line of layOut(...args)) console.out(line);
};

/** `tsunagu config settings`: what there is to set, within which bounds, and what a model needs for it. */
export function listSettings(console: Console, json: boolean, modelId: string | undefined): ExitCode {
  const model = modelId === undefined ? undefined : modelOf(modelId);
  if (modelId !== undefined && !model) {
    printFault(console, { code: 'MODEL_UNKNOWN', field: 'model' }, json);
    return exit.usage;
  }
  const rows = settingNames.filter((name) => !model || lackedFor(name, model) === undefined);
  if (json) {
    const facts = rows.map((name) => {
      const { kind, needs = [], says } = settingOf(name);
      return { setting: name, name: nameOf(console, name), says, kind, factory: factoryConfiguration[name], needs };
    });
    console.out(JSON.stringify(facts));
    return exit.ok;
  }
  const { columns } = console.texts.config;
  table(
    console,
    [
      { head: columns.setting, cell: (name) => name },
      { head: columns.name, cell: (name) => nameOf(console, name) },
      { head: columns.bounds, cell: (name) => boundsOf(settingOf(name).kind) },
      { head: console.texts.config.layers.factory, cell: (name) => shown(console, factoryConfiguration[name]) },
      {
        head: columns.needs,
        cell: (name) => (settingOf(name).needs ?? []).map((need) => needOf(console, need)).join(', '),
      },
    ],
    rows,
  );
  return exit.ok;
}

function boundsOf(kind: SettingKind): string {
  switch (kind.type) {
    case 'integer':
      return `${kind.min}-${kind.max} ${kind.unit}`;
    case 'flag':
      return 'true | false';
    case 'choice':
      return kind.of.join(' | ');
    case 'text':
      return `<= ${kind.lengthMax}`;
  }
}

/** `tsunagu config layers`: every layer that somebody wrote. */
export async function listLayers(context: Context): Promise<ExitCode> {
  const { client, console } = context;
  const { columns } = console.texts.config;
  return answered(context, await client.layers(), (layers) =>
    table(
      console,
      [
        { head: columns.layer, cell: ({ ref }) => typedLayer(ref) },
        { head: columns.version, cell: ({ version }) => `v${version}`, right: true },
        { head: columns.count, cell: ({ settings }) => String(settings), right: true },
        { head: columns.at, cell: ({ at }) => at ?? '' },
        { head: columns.by, cell: ({ by }) => by ?? '' },
        { head: columns.reason, cell: ({ reason }) => reason },
      ],
      layers,
    ),
  );
}

/** `tsunagu config show TARGET`: what a layer sets, or what comes out for a terminal and from where. */
export async function showConfiguration(context: Context, target: string, version?: number): Promise<ExitCode> {
  const { client, console } = context;
  const { columns, layers } = console.texts.config;
  if (!isSerial(target))
    return withLayer(context, target, async (ref) =>
      answered(context, await client.layer(ref, version), (document) => {
        console.out(
          console.paint(
            'bold',
            `${typedLayer(ref)}  v${document.version}  ${document.at ?? ''}  ${document.by ?? ''}`.trim(),
          ),
        );
        table(
          console,
          [
            { head: columns.setting, cell: ([name]) => name },
            { head: columns.name, cell: ([name]) => nameOf(console, name) },
            { head: columns.value, cell: ([, value]) => shown(console, value) },
          ],
          Object.entries(document.values),
        );
      }),
    );
  return answered(context, await client.effective(target), (effective) => {
    console.out(
      console.paint('bold', `${effective.serial}  ${effective.model}  v${effective.version}  ${effective.hash}`),
    );
    console.out(driftLine(console, effective.drift));
    table(
      console,
      [
        { head: columns.setting, cell: ({ setting }) => setting },
        { head: columns.name, cell: ({ setting }) => nameOf(console, setting) },
        { head: columns.value, cell: ({ value }) => (value === null ? '–' : shown(console, value)) },
        { head: columns.reported, cell: ({ reported }) => (reported === null ? '–' : shown(console, reported)) },
        {
          head: columns.from,
          cell: ({ needs, from, version: of }) =>
            needs === null
              ? `${layers[from]}${of === 0 ? '' : ` v${of}`}`
              : console.texts.config.lacks(needOf(console, needs)),
        },
      ],
      effective.settings,
    );
  });
}

function driftLine(console: Console, drift: DriftEntry | null): string {
  const { config } = console.texts;
  if (drift === null) return config.asDesired;
  const code = [drift.code, drift.field].filter((text) => text !== null).join(' ');
  return config.isDrifting(config.drifts[drift.reason], code === '' ? '' : ` (${code})`, drift.since);
}

/** `tsunagu config set LAYER NAME=VALUE…`: changes a layer over the version that stands there, or over the one that is named. */
export async function setConfiguration(
  context: Context,
  typed: string,
  assignments: readonly string[],
  options: { readonly unset: readonly string[]; readonly reason: string; readonly base: number | undefined },
): Promise<ExitCode> {
  const { client, console, json } = context;
  const change: ChangeLayer = Object.fromEntries(options.unset.map((name) => [name, null]));
  for (const assignment of assignments) {
    const read = settingOfText(assignment);
    if (!read.ok) {
      printFault(console, read.fault, json);
      return exit.usage;
    }
    const [name, value] = read.value;
    change[name] = value;
  }
  return withLayer(context, typed, async (ref) => {
    const base = await baseOf(context, ref, options.base);
    if (!base.ok) return refuse(console, base.fault, json);
    return told(context, ref, await client.changeLayer(ref, base.value, change, options.reason));
  });
}

const baseOf = async ({ client }: Context, ref: LayerRef, base: number | undefined): Promise<Result<number>> => {
  if (base !== undefined) return { ok: true, value: base };
  const now = await client.layer(ref);
  return now.ok ? { ok: true, value: now.value.version } : now;
};

/** Says what became of a layer, and who does not get what. */
const told = (context: Context, ref: LayerRef, answer: Result<ChangedLayer>): ExitCode =>
  answered(context, answer, ({ version, terminals, unable }) => {
    const { console } = context;
    console.out(console.texts.config.written(typedLayer(ref), version, terminals));
    for (const one of unable)
      console.out(
        console.texts.config.unable(one.terminals, one.model, nameOf(console, one.setting), needOf(console, one.needs)),
      );
  });

/** `tsunagu config rollback LAYER VERSION`: a new version that equals an old one. */
export const rollBackConfiguration = (
  context: Context,
  typed: string,
  to: number,
  options: { readonly reason: string; readonly base: number | undefined },
): Promise<ExitCode> =>
  withLayer(context, typed, async (ref) => {
    const base = await baseOf(context, ref, options.base);
    if (!base.ok) return refuse(context.console, base.fault, context.json);
    return told(context, ref, await context.client.rollBackLayer(ref, base.value, to, options.reason));
  });

const changesOf = (console: Console, changes: readonly SettingDifference[]): readonly string[] =>
  changes.map(({ setting, from, to }) => `${setting}: ${shown(console, from)} → ${shown(console, to)}`);

/** `tsunagu config history LAYER`: its versions, newest first. */
export const showHistory = (context: Context, typed: string): Promise<ExitCode> =>
  withLayer(context, typed, async (ref) => {
    const { client, console } = context;
    return answered(context, await client.layerHistory(ref), (versions) => {
      for (const { version, at, by, reason, changes } of versions) {
        console.out(`${console.paint('bold', pad(`v${version}`, 6))}${at ?? ''}  ${by ?? ''}  ${reason}`.trimEnd());
        for (const line of changesOf(console, changes)) console.out(`      ${line}`);
      }
    });
  });

/** `tsunagu config diff`: between two versions of a layer, two terminals, or what is desired of a terminal and what is in force. */
export async function diffConfiguration(
  context: Context,
  target: string,
  others: readonly string[],
): Promise<ExitCode> {
  const { client, console } = context;
  const print = (items: readonly SettingDifference[]): void => {
    for (const line of items.length === 0 ? [console.texts.config.same] : changesOf(console, items)) console.out(line);
  };
  if (isSerial(target)) return answered(context, await client.terminalDiff(target, others[0]), print);
  const [from = NaN, to = NaN] = others.map(Number);
  return withLayer(context, target, async (ref) => {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
      printFault(console, { code: 'OPTION_INVALID', field: 'version' }, context.json);
      return exit.usage;
    }
    return answered(context, await client.layerDiff(ref, from, to), print);
  });
}

/** `tsunagu config drift`: terminals that are not set to what is desired, and why. */
export async function showDrift(context: Context, reason: DriftReason | undefined): Promise<ExitCode> {
  const { client, console, json } = context;
  const [summary, entries] = await Promise.all([client.driftSummary(), client.drift(reason)]);
  if (!summary.ok) return refuse(console, summary.fault, json);
  return answered(context, entries, (found) => {
    const { columns, drifts, layers, inSync } = console.texts.config;
    console.out(inSync(summary.value.inSync, summary.value.terminals));
    if (found.length === 0) return;
    table(
      console,
      [
        { head: columns.serial, cell: ({ serial }) => serial },
        { head: columns.model, cell: ({ model }) => model },
        {
          head: columns.why,
          cell: (one) => [drifts[one.reason], one.code, one.field].filter((text) => text !== null).join(' '),
        },
        { head: columns.since, cell: ({ since }) => since },
        { head: columns.behind, cell: ({ behind }) => behind.map((kind) => layers[kind]).join(' ') },
      ],
      found,
    );
  });
}

/** `tsunagu config explain SERIAL SETTING`: everybody who sets a setting of a terminal, who decides, and what is in force. */
export async function explainSetting(context: Context, serial: string, setting: string): Promise<ExitCode> {
  const { client, console, json } = context;
  if (!isSettingName(setting)) {
    printFault(console, { code: 'SETTING_UNKNOWN', field: setting }, json);
    return exit.usage;
  }
  const effective = await client.effective(serial);
  if (!effective.ok) return refuse(console, effective.fault, json);
  const one = effective.value.settings.find((found) => found.setting === setting);
  if (!one) return refuse(console, { code: 'SETTING_UNKNOWN', field: setting }, json);
  if (json) console.out(JSON.stringify({ ...one, drift: effective.value.drift }));
  else for (const line of explained(console, one, effective.value.drift)) console.out(line);
  return exit.ok;
}

function explained(console: Console, one: EffectiveSetting, drift: DriftEntry | null): readonly string[] {
  const { config } = console.texts;
  return [
    console.paint('bold', `${nameOf(console, one.setting)} (${one.setting})`),
    ...one.chain.map(
      ({ layer, version, value }) =>
        `  ${pad(config.layers[layer], 10)}${pad(version === 0 ? '' : `v${version}`, 6)}${shown(console, value)}`,
    ),
    one.needs === null
      ? `= ${config.decides(shown(console, one.value), config.layers[one.from])}`
      : `= ${config.lacks(needOf(console, one.needs))}`,
    config.inForce(one.reported === null ? '–' : shown(console, one.reported)),
    driftLine(console, drift),
  ];
}
