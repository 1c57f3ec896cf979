import { campaignVerbs } from '@tsunagu/protocols/fleet';
import { type Command, InvalidArgumentError } from 'commander';
import type { ExitCode } from '../console/index.ts';
import type { Context } from './context.ts';
import { keysOption } from './software-commands.ts';

const says = {
  approve: 'let a campaign that somebody else proposed begin / 承認',
  reject: 'refuse it / 却下',
  pause: 'order nobody else; what was ordered goes on / 一時停止',
  resume: 'go on, also after too many failures / 再開',
  promote: 'let the next ring begin / 次段階へ',
  abort: 'end it: open orders are taken back, changed terminals stay / 中止',
  rollback: 'bring every changed terminal back / 復元',
} as const;

const shares = (text: string): readonly number[] => {
  const parts = text.split(',').map(Number);
  if (parts.length === 0 || parts.some((part) => !(part > 0 && part <= 100)))
    throw new InvalidArgumentError('1,10,50,100');
  return parts;
};
const seconds = (text: string): number => {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('0-9999999');
  return Number(text);
};

/** `tsunagu campaign …` and `tsunagu why …`. */
export function addCampaignCommands(
  program: Command,
  withServer: (work: (context: Context) => Promise<ExitCode>) => Promise<void>,
  keysFolder: (given: string | undefined) => string,
): void {
  const campaign = program.command('campaign').description('changes of many terminals, ring by ring / 一斉配信');
  campaign
    .command('create [file]')
    .description('propose a campaign, from JSON, options, or both; --dry-run says whom it would reach / 起案')
    .option('--name <text>', 'what people call it')
    .option('--target <query>', "whom it is for, such as 'model = CT-5100 and version < 2.0.0'")
    .option('--image <file...>', 'software images, one a model')
    .option('--back <file...>', 'images that a roll-back installs, one a model')
    .option('--set <setting=value...>', 'settings, for a campaign of the configuration')
    .option('--rings <percentages>', 'such as 1,10,50,100', shares)
    .option('--soak-seconds <count>', 'how long each ring is watched', seconds, 0)
    .option('--no-gate', 'do not watch sales')
    .option(...keysOption)
    .option('--dry-run', 'say whom it would reach, and change nothing', false)
    .action(
      (
        file: string | undefined,
        options: {
          name?: string;
          target?: string;
          image?: string[];
          back?: string[];
          set?: string[];
          rings?: readonly number[];
          soakSeconds: number;
          gate: boolean;
          dryRun: boolean;
          keys?: string;
        },
      ) =>
        withServer(async (context) =>
          (await import('./campaign.ts')).createCampaign(context, {
            ...options,
            ...(file !== undefined && { file }),
            images: options.image ?? [],
            back: options.back ?? [],
            set: options.set ?? [],
            keys: keysFolder(options.keys),
          }),
        ),
    );
  campaign
    .command('list')
    .description('campaigns, newest first / 一覧')
    .action(() => withServer(async (context) => (await import('./campaign.ts')).listCampaigns(context)));
  campaign
    .command('show <id>')
    .description('rings, gates, and who is not where the others are / 詳細')
    .option('--watch', 'again at each change, until it rests', false)
    .action((id: string, { watch }: { watch: boolean }) =>
      withServer(async (context) => (await import('./campaign.ts')).showCampaign(context, id, watch)),
    );
  for (const verb of campaignVerbs)
    campaign
      .command(`${verb} <id>`)
      .description(says[verb])
      .option('--reason <text>', 'why, for those who read it later', '')
      .action((id: string, { reason }: { reason: string }) =>
        withServer(async (context) => (await import('./campaign.ts')).actOnCampaign(context, id, verb, reason)),
      );
  program
    .command('why [serial...]')
    .description(
      'why terminals have not got something, and when it is tried next; exit 0 when they have it / 未適用の理由',
    )
    .requiredOption('--target <what>', 'campaign:ID, software:VERSION, configuration, key:SLOT')
    .option('--where <query>', "about whom, such as 'model = CT-5100 and link = lost', in place of serials")
    .action((serials: string[], { target, where }: { target: string; where?: string }) =>
      withServer(async (context) => (await import('./campaign.ts')).explainWhy(context, serials, where, target)),
    );
}
