import { type DriftReason, driftReasons } from '@tsunagu/protocols/fleet';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ExitCode } from '../console/index.ts';
import type { Context } from './context.ts';

const version = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('0-999999999');
  return Number(text);
};
const many = (text: string, before: readonly string[]): readonly string[] => [...before, text];

const layerHelp = 'defaults, model:ID, merchant:NAME, shop:MERCHANT/SHOP or terminal:SERIAL';
const reasonOption = ['--reason <text>', 'why, for the history / 変更理由', ''] as const;
const baseOption = [
  '--base <version>',
  'the version that is changed: refused when another one stands there (default: the newest) / 変更元の版',
  version,
] as const;

/** Adds `tsunagu config …`: desired configuration in layers, and how far terminals are from it. */
export function addConfigCommands(
  program: Command,
  withServer: (work: (context: Context) => Promise<ExitCode>) => Promise<void>,
): void {
  const config = program
    .command('config')
    .description('configuration of terminals, in layers: defaults, model, merchant, shop, terminal / 端末の設定');
  config
    .command('settings')
    .description('what there is to set, its bounds, and what a model needs for it / 設定項目の一覧')
    .option('--model <id>', 'only what this model can do')
    .action(({ model }: { model?: string }) =>
      withServer(async ({ console, json }) => (await import('./config.ts')).listSettings(console, json, model)),
    );
  config
    .command('layers')
    .description('every layer that somebody wrote / 階層の一覧')
    .action(() => withServer(async (context) => (await import('./config.ts')).listLayers(context)));
  config
    .command('show <layer-or-serial>')
    .description(`what a layer sets (${layerHelp}), or what comes out for a terminal / 設定の表示`)
    .option('--version-number <version>', 'an older version of the layer', version)
    .action((target: string, options: { versionNumber?: number }) =>
      withServer(async (context) =>
        (await import('./config.ts')).showConfiguration(context, target, options.versionNumber),
      ),
    );
  config
    .command('set <layer> [settings...]')
    .description(`set NAME=VALUE … in a layer (${layerHelp}) / 設定の変更`)
    .option('--unset <name>', 'take a setting out of the layer; may be repeated / 階層から外す', many, [])
    .option(...reasonOption)
    .option(...baseOption)
    .action((layer: string, settings: string[], options: { unset: readonly string[]; reason: string; base?: number }) =>
      withServer(async (context) =>
        (await import('./config.ts')).setConfiguration(context, layer, settings, { ...options, base: options.base }),
      ),
    );
  config
    .command('history <layer>')
    .description('the versions of a layer: who, when, why, what / 変更履歴')
    .action((layer: string) =>
      withServer(async (context) => (await import('./config.ts')).showHistory(context, layer)),
    );
  config
    .command('diff <layer-or-serial> [others...]')
    .description('LAYER FROM TO: two versions; SERIAL OTHER: two terminals; SERIAL: desired and in force / 差分')
    .action((target: string, others: string[]) =>
      withServer(async (context) => (await import('./config.ts')).diffConfiguration(context, target, others)),
    );
  config
    .command('rollback <layer> <version>')
    .description('a new version of a layer that equals an old one / 以前の版に戻す')
    .option(...reasonOption)
    .option(...baseOption)
    .action((layer: string, to: string, options: { reason: string; base?: number }) =>
      withServer(async (context) =>
        (await import('./config.ts')).rollBackConfiguration(context, layer, version(to), {
          ...options,
          base: options.base,
        }),
      ),
    );
  config
    .command('drift')
    .description('terminals that are not set to what is desired, and why / 設定と異なる端末')
    .addOption(new Option('--reason <reason>', 'only those / 理由で絞り込み').choices(driftReasons))
    .action(({ reason }: { reason?: DriftReason }) =>
      withServer(async (context) => (await import('./config.ts')).showDrift(context, reason)),
    );
  config
    .command('explain <serial> <setting>')
    .description('who sets a setting of a terminal, who decides, and what is in force / 値の由来')
    .action((serial: string, setting: string) =>
      withServer(async (context) => (await import('./config.ts')).explainSetting(context, serial, setting)),
    );
}
