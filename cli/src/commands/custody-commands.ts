import { surfaces } from '@tsunagu/protocols/inspection';
import { type Command, Option } from 'commander';
import type { Bench, OfferOptions } from './custody.ts';
import type { ExitCode } from '../console/index.ts';
import type { Context } from './context.ts';
import type { InspectOptions } from './inspect.ts';
import { collect, integer, type Shell } from './shell.ts';

const passphraseFile = ['--passphrase-file <file>', 'holds the passphrase (else TSUNAGU_KEY_PASSPHRASE)'] as const;

/** Adds `tsunagu custody …` and `inspect …`: what people sign about a terminal. */
export function addCustodyCommands(program: Command, shell: Shell): void {
  const load = () => import('./custody.ts');
  type Commands = Awaited<ReturnType<typeof load>>;
  const online = (work: (commands: Commands, context: Context) => Promise<ExitCode>) =>
    shell.withServer(async (context) => work(await load(), context));
  const alone = async (work: (commands: Commands, bench: Bench) => Promise<ExitCode>): Promise<void> => {
    process.exitCode = await work(await load(), { world: shell.world, console: shell.open(), json: shell.json() });
  };

  const custody = program.command('custody').description('in whose hands terminals are / 受渡し');
  custody
    .command('key <file>')
    .description('make a key of one’s own; needs no server / 鍵の作成')
    .option(...passphraseFile)
    .action((file: string, options: { passphraseFile?: string }) =>
      alone((commands, bench) => commands.makeCustodyKey(bench, file, options)),
    );
  custody
    .command('holder <name>')
    .description('register a hand, or a bench / 当事者または作業台の登録')
    .requiredOption(
      '--key <file>',
      'its key file, or a PEM as `bridge attest` makes it; only the public part is read / 鍵ファイル',
    )
    .action((name: string, { key }: { key: string }) =>
      online((commands, context) => commands.addHolder(context, name, key)),
    );
  custody
    .command('holders')
    .description('whose hands count / 当事者一覧')
    .action(() => online((commands, context) => commands.listHolders(context)));
  custody
    .command('revoke <kid>')
    .description('a lost key signs no more; what it signed before stays. Exit 5: terminals to look at / 鍵の失効')
    .requiredOption('--reason <text>', 'why / 理由')
    .option('--at <time>', 'when it was lost, RFC 3339; else now / 紛失日時')
    .option('--successor <kid>', 'a registered key that gives away what it holds / 後継の鍵')
    .action((kid: string, options: { at?: string; reason: string; successor?: string }) =>
      online((commands, context) => commands.revokeHand(context, kid, options)),
    );
  custody
    .command('show <serial>')
    .description('in whose hands it is, and how it came there / 現在の保管者')
    .action((serial: string) => online((commands, context) => commands.showCustody(context, serial)));
  custody
    .command('offer <serial>')
    .description('give it away: the first signature / 引渡し(署名)')
    .requiredOption('--to <kid>', 'key id of whoever takes it')
    .requiredOption('--key <file>', 'one’s own key')
    .requiredOption('--out <file>', 'where the offer is written')
    .option('--bag <number>', 'the bag that it is in')
    .option('--photo <file>', 'its SHA-256 is signed')
    .option('--place <text>', 'where', '')
    .option(...passphraseFile)
    .action((serial: string, options: OfferOptions) =>
      online((commands, context) => commands.offerHandover(context, serial, options)),
    );
  custody
    .command('accept <file>')
    .description('take it: the second signature; needs no server / 受領(署名)')
    .requiredOption('--key <file>', 'one’s own key')
    .requiredOption('--out <file>', 'where the hand-over is written')
    .option('--bag <number>', 'the bag that is in front of you')
    .option(...passphraseFile)
    .action((file: string, options: { key: string; bag?: string; out: string; passphraseFile?: string }) =>
      alone((commands, bench) => commands.acceptHandover(bench, file, options)),
    );
  custody
    .command('deliver <files...>')
    .description('bring hand-overs to the server / 記録の送信')
    .action((files: readonly string[]) => online((commands, context) => commands.deliverHandovers(context, files)));
  custody
    .command('mismatch <serial>')
    .description('report another bag than was sent: quarantine / 封印袋の不一致')
    .requiredOption('--seen <number>', 'the bag that came')
    .action((serial: string, { seen }: { seen: string }) =>
      online((commands, context) => commands.reportMismatch(context, serial, seen)),
    );
  custody
    .command('alarms')
    .description('what stays too long, or moved with no hand on it; exit 5 when there is any / 滞留と空白')
    .action(() => online((commands, context) => commands.listCustodyAlarms(context)));
  custody
    .command('export <file>')
    .description('every chain / 全記録の出力')
    .action((file: string) => online((commands, context) => commands.exportCustody(context, file)));
  custody
    .command('verify <file>')
    .description('what is wrong with exported chains; needs no server / 検証')
    .action((file: string) => alone((commands, bench) => commands.verifyCustodyFile(bench, file)));

  const inspect = program.command('inspect').description('rounds in which terminals are looked at / 点検');
  const rounds = () => import('./inspect.ts');
  inspect
    .command('plan <merchant> <shop>')
    .description('how often the terminals of a shop are looked at / 計画')
    .requiredOption('--every <days>', 'days', integer(1, 366))
    .action((merchant: string, shop: string, { every }: { every: number }) =>
      shell.withServer(async (context) => (await rounds()).planInspections(context, merchant, shop, every)),
    );
  inspect
    .command('do <serial>')
    .description('sign what was seen; needs no server / 点検(署名、オフライン可)')
    .requiredOption('--key <file>', 'one’s own key (tsunagu custody key)')
    .requiredOption('--out <file>', 'where the report is written')
    .addOption(new Option('--surface <what>', 'what the case looks like').choices(surfaces).makeOptionMandatory())
    .option('--seal <number>', 'a seal as it is read; repeat', collect)
    .option('--connections <count>', 'cables plugged in', integer(0, 32))
    .option('--photo <file>', 'its SHA-256 is signed; the file stays here')
    .option('--words <text>', 'what else was seen', '')
    .option(...passphraseFile)
    .action(async (serial: string, options: InspectOptions) => {
      const bench = { world: shell.world, console: shell.open(), json: shell.json() };
      process.exitCode = await (await rounds()).inspectTerminal(bench, serial, options);
    });
  inspect
    .command('deliver <files...>')
    .description('bring reports to the server; exit 5 when something was found / 報告の送信')
    .action((files: readonly string[]) =>
      shell.withServer(async (context) => (await rounds()).deliverInspections(context, files)),
    );
  inspect
    .command('list')
    .description('every device, its last inspection, and when it is due / 機器一覧')
    .option('--overdue', 'only what is overdue; exit 5 when something is', false)
    .action(({ overdue }: { overdue: boolean }) =>
      shell.withServer(async (context) => (await rounds()).listDevices(context, overdue)),
    );
}
