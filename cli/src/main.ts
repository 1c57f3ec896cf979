import { join, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { defaultPortBase } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command, Option } from 'commander';
import { dataFolder, findAccess, openClient } from './client/index.ts';
import { addAccessCommands } from './commands/access-commands.ts';
import { addBridgeCommands } from './commands/bridge-commands.ts';
import { addIdentityCommands } from './commands/identity-commands.ts';
import { addLifeCommands } from './commands/life-commands.ts';
import { addEmulateCommands } from './commands/emulate-commands.ts';
import { addCampaignCommands } from './commands/campaign-commands.ts';
import { addConfigCommands } from './commands/config-commands.ts';
import type { Context } from './commands/context.ts';
import { addJobCommands } from './commands/job-commands.ts';
import { addKeyCommands } from './commands/key-commands.ts';
import { addSwitchCommands } from './commands/switch-commands.ts';
import { addValidityCommands } from './commands/validity-commands.ts';
import { addNegativeCommands } from './commands/negative-commands.ts';
import { addPaymentCommands } from './commands/payment-commands.ts';
import { integer, type Shell } from './commands/shell.ts';
import { addSwitchRuleCommands } from './commands/switch-rules-commands.ts';
import { addSoftwareCommands } from './commands/software-commands.ts';
import {
  type Console,
  type ExitCode,
  exit,
  fileFaultOf,
  openConsole,
  printFault,
  refuse,
  usageFaultOf,
} from './console/index.ts';

interface GlobalOptions {
  readonly lang?: string;
  readonly json?: boolean;
  readonly server?: string;
  readonly data?: string;
}

// Whoever reads our output may stop reading (`| head`): that is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exit.ok : exit.failed),
);

const world = systemWorld(() => {});
/** The language that is asked for, also while the options are not parsed yet. */
const langAsked = (): string | undefined => {
  const { argv } = process;
  const index = argv.indexOf('--lang');
  return index < 0 ? argv.find((text) => text.startsWith('--lang='))?.slice('--lang='.length) : argv[index + 1];
};
const program = new Command('tsunagu')
  .description('Tsunagu つなぐ: terminals, test sales, negative file, wire workbench / 端末管理')
  .addOption(new Option('--lang <lang>', 'language of everything a person reads / 表示言語').choices(['ja', 'en']))
  .option('--json', 'one JSON document on standard output')
  .option('--server <url>', 'address of the management API (token: TSUNAGU_TOKEN)')
  .option('--data <folder>', 'data folder of the house (default: the nearest .tsunagu)')
  .showSuggestionAfterError()
  .configureOutput({ outputError: () => undefined })
  .exitOverride((error) => {
    if (error.exitCode === 0) process.exit(exit.ok);
    const console = open(langAsked());
    printFault(console, usageFaultOf(error, console.language), process.argv.includes('--json'));
    process.exit(exit.usage);
  });

const open = (lang = program.opts<GlobalOptions>().lang): Console =>
  openConsole({ env: process.env, stdout: process.stdout, stderr: process.stderr, lang });

/** Runs a command against the server that is known here. Only then are its modules loaded. */
async function withServer(work: (context: Context) => Promise<ExitCode>): Promise<void> {
  const options = program.opts<GlobalOptions>();
  const console = open();
  const access = findAccess(process.env, { server: options.server, data: options.data, cwd: process.cwd() });
  if (!access.ok) {
    printFault(console, access.fault, options.json ?? false);
    process.exitCode = access.fault.code === 'OPTION_INVALID' ? exit.usage : exit.auth;
    return;
  }
  process.exitCode = await work({
    world,
    console,
    client: openClient(access.value, world),
    json: options.json ?? false,
  });
}

/** What groups of commands are given. */
const shell: Shell = {
  world,
  open,
  json: () => program.opts<GlobalOptions>().json ?? false,
  lang: () => program.opts<GlobalOptions>().lang,
  data: () => resolve(program.opts<GlobalOptions>().data ?? dataFolder(process.cwd())),
  withServer,
};

program.action(async () => {
  const [unknown] = program.args;
  if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`, { code: 'commander.unknownCommand' });
  if (!process.stdout.isTTY || !process.stdin.isTTY) {
    program.outputHelp();
    return;
  }
  await withServer(async (context) =>
    (await import('./views/run.tsx')).runScreen(context, {
      stdin: process.stdin,
      stdout: process.stdout,
      env: process.env,
    }),
  );
});

program
  .command('start')
  .description('run the whole house: server, switch, card company, emulated terminals / 全体を起動')
  .option('--port-base <port>', 'where the listeners start', integer(1_024, 65_000), defaultPortBase)
  .option('--terminals <count>', 'how many emulated terminals', integer(1, 500), 8)
  .option('--seed <number>', 'seed of the emulated sales', integer(0, 2 ** 31), 1)
  .option('--sale-every-seconds <seconds>', 'mean pause between the sales of one terminal', integer(1, 86_400), 20)
  .option('--fresh', 'forget the data of earlier runs', false)
  .option('--key-in-runs', 'terminals get their first keys in authorised injection runs only / 鍵注入ランのみ')
  .option(
    '--vault <uri>',
    'a PKCS #11 token that holds the keys, or "file": pkcs11:token=NAME?module-path=FILE&pin-source=FILE / 鍵を保管するトークン',
  )
  .option(
    '--readers <serial=place...>',
    'terminals with real readers: SERIAL=usb, or SERIAL=pcsc[:NAME] / 実機リーダーを使う端末',
    [],
  )
  .option('--broker <url>', 'an MQTT broker that stands in for our own: mqtts://host:port / 外部ブローカーを使用')
  .option(
    '--webhook-allow <networks...>',
    'networks, such as 127.0.0.1/32, that webhooks may reach although they are not public / 通知先に許す非公開ネットワーク',
  )
  .option(
    '--switch-store <urls...>',
    'PostgreSQL servers (postgres://host/database) that keep the tables of the switch / スイッチ用データベース',
    process.env['TSUNAGU_SWITCH_STORE']?.split(' '),
  )
  .option('--node <name>', 'which node of the switch this is, with --switch-store / ノード名', 'main')
  .action(
    async (options: {
      portBase: number;
      terminals: number;
      seed: number;
      saleEverySeconds: number;
      fresh: boolean;
      readers: string[];
      broker?: string;
      vault?: string;
      webhookAllow?: string[];
      switchStore?: string[];
      node: string;
    }) => {
      const { startHouse } = await import('./house/index.ts');
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
      // SIGTERM to npm ends the shell between npm and here, and nobody passes it on: what npm started ends when that shell is gone.
      const starter = process.ppid;
      const watching = world.timers.every(500, () => {
        if (process.env['npm_lifecycle_event'] !== undefined && process.ppid !== starter) stop.abort();
      });
      const { data } = program.opts<GlobalOptions>();
      process.exitCode = await startHouse(
        world,
        open(),
        { ...options, data: resolve(data ?? '.tsunagu') },
        stop.signal,
      );
      watching.cancel();
    },
  );

addAccessCommands(program, {
  world,
  open,
  isJson: () => program.opts<GlobalOptions>().json ?? false,
  withServer,
  access() {
    const { server, data } = program.opts<GlobalOptions>();
    const found = findAccess(process.env, { server, data, cwd: process.cwd() });
    return found.ok ? found.value : undefined;
  },
});

program
  .command('terminals')
  .description('the fleet as a table / 端末一覧')
  .option('--filter <text>', 'only terminals whose serial, model, place or link contains the text')
  .action((options: { filter?: string }) =>
    withServer(async (context) => (await import('./commands/terminals.ts')).listTerminals(context, options.filter)),
  );

program
  .command('terminal <serial>')
  .description('one terminal and its timeline / 端末の詳細と履歴')
  .action((serial: string) =>
    withServer(async (context) => (await import('./commands/terminal.ts')).showTerminal(context, serial)),
  );

const alarms = program
  .command('alarms')
  .description('alarms of terminals that nobody has seen yet; exit 5 when there are some / 未確認の端末警報')
  .option('--code <code>', 'only those of this code')
  .option('--serial <serial>', 'only those of this terminal')
  .option('--shop <shop>', 'only those of terminals in this shop')
  .action((filter: Record<string, string>) =>
    withServer(async (context) =>
      (await import('./commands/switch-alarms.ts')).showAlarms(context, 'terminals', filter),
    ),
  );
alarms
  .command('seen [alarm]')
  .description(
    'you have seen an alarm, or all of --code, --serial or --shop: they leave the list / 警報を確認済みにする',
  )
  .option('--all', 'all of them', false)
  .action((id: string | undefined, { all: isAll }: { all: boolean }) =>
    withServer(async (context) =>
      // The options of a filter are those of `alarms`, wherever they stand.
      (await import('./commands/switch-alarms.ts')).seeAlarms(context, 'terminals', {
        id,
        filter: alarms.opts<Record<string, string>>(),
        isAll,
      }),
    ),
  );

addJobCommands(program, shell);
const keysFolder = (given: string | undefined): string =>
  resolve(given ?? join(program.opts<GlobalOptions>().data ?? dataFolder(process.cwd()), 'signing'));
addSoftwareCommands(program, shell, keysFolder);

program
  .command('recount <serial>')
  .description('believe a terminal’s count of boots anew: its storage was restored / 起動回数の再登録')
  .action((serial: string) =>
    withServer(async (context) => (await import('./commands/revoke.ts')).recountBoots(context, serial)),
  );
program
  .command('revoke <serials>')
  .description(
    'revoke a terminal’s certificate: cut off at once, enrolled anew only; several with commas between them, and more than ten a day by two persons / 証明書の失効',
  )
  .option('--confirm <serial>', 'the serial once more, or how many there are: it cannot be undone')
  .option('--dry-run', 'say what would be done, and do nothing', false)
  .action((text: string, options: { confirm?: string; dryRun: boolean }) =>
    withServer(async (context) => {
      const { revokeCertificate, revokeCertificates } = await import('./commands/revoke.ts');
      const serials = [...new Set(text.split(',').filter(Boolean))];
      return serials.length === 1 && !options.dryRun
        ? await revokeCertificate(context, text, options.confirm)
        : await revokeCertificates(context, serials, options);
    }),
  );

addPaymentCommands(program, shell);
addNegativeCommands(program, shell);
addSwitchCommands(program, shell);
addValidityCommands(program, shell);
addSwitchRuleCommands(program, shell);

const wire = program
  .command('wire')
  .description('the wire workbench / 電文ワークベンチ')
  .option('--jsonl', 'one JSON request a line on standard input, one answer a line on standard output')
  .action(async (options: { jsonl?: boolean }) => {
    if (!options.jsonl) wire.error("error: required option '--jsonl' not specified");
    const { runWorkbench } = await import('./commands/wire.ts');
    process.exitCode = await runWorkbench(
      world,
      process.stdin,
      (line) => process.stdout.write(`${line}\n`),
      (line) => open().err(line),
    );
  });

wire
  .command('decode <hex...>')
  .description('say what bytes are, piece by piece; "-" reads standard input / 電文の解読')
  .option('--reveal', 'show card numbers, tracks, PINs and keys / 秘密の値も表示', false)
  .action(async (hex: readonly string[], options: { reveal: boolean }) => {
    const { decodeForPerson } = await import('./commands/wire-decode.ts');
    const text = hex.length === 1 && hex[0] === '-' ? await readAll(process.stdin) : hex.join(' ');
    const json = program.opts<GlobalOptions>().json ?? false;
    process.exitCode = decodeForPerson(open(), text, { json, reveal: options.reveal });
  });

addIdentityCommands(program, {
  world,
  open,
  json: () => program.opts<GlobalOptions>().json ?? false,
  env: process.env,
  withServer,
});

addKeyCommands(program, {
  open,
  json: () => program.opts<GlobalOptions>().json ?? false,
  withServer,
  language: () => open().language,
});
addLifeCommands(program, shell);
addCampaignCommands(program, withServer, keysFolder);
addConfigCommands(program, withServer);
addBridgeCommands(program, {
  world,
  open,
  json: () => program.opts<GlobalOptions>().json ?? false,
  data: () => resolve(program.opts<GlobalOptions>().data ?? dataFolder(process.cwd())),
});
addEmulateCommands(program, shell);

// Alone it is the screen: a word that is no command would be an argument too many of that. Last of all, for commands take over what
// stands here before them, and would pass over what they do not understand.
program.allowExcessArguments();

try {
  await program.parseAsync(process.argv);
} catch (error) {
  // A file or folder that a person named and that cannot be used; anything else that is thrown is a bug of ours, and is shown whole.
  const fault = fileFaultOf(error);
  if (!fault) throw error;
  process.exitCode = refuse(open(), fault, program.opts<GlobalOptions>().json ?? false);
}
