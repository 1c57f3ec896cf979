import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import {
  defaultPortBase,
  jobStates,
  jobTypes,
  paymentOrder,
  type PaymentOrder,
  pinHabits,
  slipOrder,
} from '@tsunagu/protocols/fleet';
import { traceOrder } from '@tsunagu/protocols/kernel-trace';
import { negativeReasons, type NegativeReason } from '@tsunagu/protocols/negative';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command, InvalidArgumentError, Option } from 'commander';
import { dataFolder, findAccess, openClient } from './client/index.ts';
import { addAccessCommands } from './commands/access-commands.ts';
import { addNegativeAuthorityCommands } from './commands/negative-authority-commands.ts';
import { addBridgeCommands } from './commands/bridge-commands.ts';
import { addIdentityCommands } from './commands/identity-commands.ts';
import { addCampaignCommands } from './commands/campaign-commands.ts';
import { addConfigCommands } from './commands/config-commands.ts';
import type { Context } from './commands/context.ts';
import { addRepositoryCommands, keysOption } from './commands/software-commands.ts';
import type { JobFilter, JobOrderOptions } from './commands/jobs.ts';
import { type Console, type ExitCode, exit, openConsole, printFault } from './console/index.ts';

interface GlobalOptions {
  readonly lang?: string;
  readonly json?: boolean;
  readonly server?: string;
  readonly data?: string;
}

interface SlipCommandOptions {
  readonly stan?: string;
  readonly totals: boolean;
  readonly format: string;
  readonly copy: string;
  readonly columns: string;
}

// Whoever reads our output may stop reading (`| head`): that is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exit.ok : exit.failed),
);

const world = systemWorld(() => {});
const program = new Command('tsunagu')
  .description('Tsunagu つなぐ: terminals, test sales, negative file, wire workbench / 端末管理')
  .addOption(new Option('--lang <lang>', 'language of everything a person reads / 表示言語').choices(['ja', 'en']))
  .option('--json', 'one JSON document on standard output')
  .option('--server <url>', 'address of the management API (token: TSUNAGU_TOKEN)')
  .option('--data <folder>', 'data folder of the house (default: the nearest .tsunagu)')
  .showSuggestionAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exit.ok : exit.usage));

const open = (): Console =>
  openConsole({
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    lang: program.opts<GlobalOptions>().lang,
  });

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

const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < min || value > max) throw new InvalidArgumentError(`${min}-${max}`);
    return value;
  };

program.action(async () => {
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
  .option('--broker <url>', 'an MQTT broker that stands in for our own: mqtts://host:port / 外部ブローカーを使用')
  .action(
    async (options: {
      portBase: number;
      terminals: number;
      seed: number;
      saleEverySeconds: number;
      fresh: boolean;
      broker?: string;
    }) => {
      const { startHouse } = await import('./house/index.ts');
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
      const { data } = program.opts<GlobalOptions>();
      process.exitCode = await startHouse(
        world,
        open(),
        { ...options, data: resolve(data ?? '.tsunagu') },
        stop.signal,
      );
    },
  );

addAccessCommands(program, {
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

const amountOption = ['--amount <yen>', 'amount in yen', integer(1, 99_999_999)] as const;
const cardOption = ['--card <name>', 'an emulated card of the terminal (see "tsunagu terminal SERIAL")'] as const;
const applicationOption = [
  '--application <label>',
  'which application the cardholder chooses where the card has several (default: the first)',
] as const;
const pinOption = new Option('--pin <habit>', 'what the cardholder does at the PIN pad').choices(pinHabits);
const ofOption = ['--of <number>', 'STAN or RRN of the transaction that it follows'] as const;
/** Options of a card that is presented. */
type Presented = Pick<Extract<PaymentOrder, { readonly kind: 'balance' }>, 'card' | 'application' | 'pin'>;
const pay = async (serial: string, typed: PaymentOrder): Promise<void> => {
  const order = paymentOrder.safeParse(typed);
  if (order.success)
    return withServer(async (context) => (await import('./commands/sale.ts')).makePayment(context, serial, order.data));
  // Names of options and of properties are the same, but for these.
  const [name = ''] = order.error.issues[0]?.path ?? [];
  const option = { original: 'of', amountMinor: 'amount' }[String(name)] ?? String(name);
  printFault(open(), { code: 'OPTION_INVALID', field: `--${option}` }, program.opts<GlobalOptions>().json ?? false);
  process.exitCode = exit.usage;
};

const keysFolder = (given: string | undefined): string =>
  resolve(given ?? join(program.opts<GlobalOptions>().data ?? dataFolder(process.cwd()), 'signing'));

const jobs = program.command('job').description('everything that is done to terminals / ジョブ');
jobs
  .command('list')
  .description('jobs, newest first / 一覧')
  .option('--serial <serial>', 'of one terminal')
  .addOption(new Option('--state <state>', 'in one state').choices(jobStates))
  .addOption(new Option('--type <kind>', 'of one kind').choices(jobTypes))
  .option('--reference <name>', 'of one campaign')
  .option('--limit <count>', 'how many at most', integer(1, 500), 50)
  .action((filter: JobFilter) =>
    withServer(async (context) => (await import('./commands/jobs.ts')).listJobs(context, filter)),
  );
jobs
  .command('kinds')
  .description('what can be ordered / 種類の一覧')
  .action(async () => {
    const { listKinds } = await import('./commands/jobs.ts');
    process.exitCode = listKinds({ console: open(), json: program.opts<GlobalOptions>().json ?? false });
  });
jobs
  .command('show <id>')
  .description('one job, its steps and what it brought / 詳細')
  .action((id: string) => withServer(async (context) => (await import('./commands/jobs.ts')).showJob(context, id)));
jobs
  .command('order <serial> <kind>')
  .description('have a terminal do something, and wait for the end / 指示')
  .option('--params <json>', 'what the kind needs, JSON', '{}')
  .option('--emergency', 'before everything that is routine', false)
  .option('--not-before <time>', 'RFC 3339, UTC')
  .option('--not-after <time>', 'RFC 3339, UTC')
  .option('--reference <name>', 'what it belongs to, such as a campaign')
  .option('--detach', 'do not wait for the end', false)
  .action((serial: string, kind: string, options: JobOrderOptions) =>
    withServer(async (context) => (await import('./commands/jobs.ts')).orderJob(context, serial, kind, options)),
  );
for (const [name, how, says] of [
  ['cancel', 'cancelJob', 'take a job back; the terminal has the last word / 取消'],
  ['retry', 'retryJob', 'order once more what a job that is over was to do / 再実行'],
  ['approve', 'approveJob', 'let a held job go, as a second person / 承認'],
] as const)
  jobs
    .command(`${name} <id>`)
    .description(says)
    .action((id: string) =>
      withServer(async (context) => (await import('./commands/jobs.ts')).changeJob(context, how, id)),
    );
jobs
  .command('log <id>')
  .description('the log that a job pulled / ログの表示')
  .option('--out <file>', 'write it there')
  .action((id: string, { out }: { out?: string }) =>
    withServer(async (context) => (await import('./commands/jobs.ts')).saveLog(context, id, out)),
  );

const software = program.command('software').description('software of terminals / 端末ソフトウェア');
software
  .command('make <file>')
  .description('an image for emulated terminals / 模擬端末用イメージの作成')
  .requiredOption('--model <id>', 'the model that it is for')
  .requiredOption('--version-name <text>', 'the version that it says of itself')
  .requiredOption('--counter <number>', 'rollback counter', integer(1, 2 ** 32 - 1))
  .addOption(
    new Option('--boot <how>', 'how an emulated terminal fares with it')
      .choices(['proves', 'hangs', 'isMute', 'misreads'])
      .default('proves'),
  )
  .option('--bytes <count>', 'length of its program', integer(0, 16_000_000), 500_000)
  .action(
    async (
      file: string,
      options: {
        model: string;
        versionName: string;
        counter: number;
        boot: 'proves' | 'hangs' | 'isMute' | 'misreads';
        bytes: number;
      },
    ) => {
      const { model, versionName: version, counter, boot, bytes: programBytes } = options;
      const { makeImage } = await import('./commands/software.ts');
      const json = program.opts<GlobalOptions>().json ?? false;
      process.exitCode = await makeImage(open(), file, { model, version, counter, boot, programBytes }, json);
    },
  );
software
  .command('install <serial> <file>')
  .description('tried for one boot when no sale is in hand, kept when the server answers it / 導入')
  .option('--proof-seconds <seconds>', 'how long the new software has to prove itself', integer(1, 600), 60)
  .option('--allow-downgrade', 'an older version than the running one is meant', false)
  .option(...keysOption)
  .action(
    (
      serial: string,
      file: string,
      { proofSeconds, allowDowngrade, keys }: { proofSeconds: number; allowDowngrade: boolean; keys?: string },
    ) =>
      withServer(async (context) =>
        (await import('./commands/software.ts')).installImage(context, serial, file, {
          proofTimeoutMs: proofSeconds * 1_000,
          allowDowngrade,
          keys: keysFolder(keys),
        }),
      ),
  );
addRepositoryCommands(software, {
  withServer,
  keysFolder,
  offline: () => ({ world, console: open(), json: program.opts<GlobalOptions>().json ?? false }),
});

program
  .command('revoke <serial>')
  .description('revoke a terminal’s certificate: cut off at once, enrolled anew only / 証明書の失効')
  .option('--confirm <serial>', 'the serial once more: it cannot be undone')
  .action((serial: string, { confirm }: { confirm?: string }) =>
    withServer(async (context) => (await import('./commands/revoke.ts')).revokeCertificate(context, serial, confirm)),
  );

program
  .command('sale <serial>')
  .description('a sale, step by step; exit 0 approved, 5 any other outcome / 売上')
  .requiredOption(...amountOption)
  .requiredOption(...cardOption)
  .option(...applicationOption)
  .addOption(pinOption)
  .action((serial: string, { amount, ...presented }: { amount: number } & Presented) =>
    pay(serial, { kind: 'sale', amountMinor: amount, ...presented }),
  );
program
  .command('preauth <serial>')
  .description('an authorisation: the amount is held / オーソリ')
  .requiredOption(...amountOption)
  .requiredOption(...cardOption)
  .option(...applicationOption)
  .addOption(pinOption)
  .action((serial: string, { amount, ...presented }: { amount: number } & Presented) =>
    pay(serial, { kind: 'preauth', amountMinor: amount, ...presented }),
  );
program
  .command('balance <serial>')
  .description('what an account has left / 残高照会')
  .requiredOption(...cardOption)
  .option(...applicationOption)
  .addOption(pinOption)
  .action((serial: string, presented: Presented) => pay(serial, { kind: 'balance', ...presented }));
const transitOption = ['--card <name>', 'a transit card at the FeliCa antenna'] as const;
program
  .command('charge <serial>')
  .description('put money onto a transit card, against its centre / チャージ')
  .requiredOption(...amountOption)
  .requiredOption(...transitOption)
  .action((serial: string, { amount, card }: { amount: number; card: string }) =>
    pay(serial, { kind: 'charge', amountMinor: amount, card }),
  );
program
  .command('history <serial>')
  .description('the last uses of a transit card, as the card has them / 利用履歴')
  .requiredOption(...transitOption)
  .action((serial: string, { card }: { card: string }) => pay(serial, { kind: 'history', card }));
program
  .command('void <serial>')
  .description('take back a transaction of the same business day / 取消')
  .requiredOption(...ofOption)
  .action((serial: string, { of }: { of: string }) => pay(serial, { kind: 'void', original: of }));
program
  .command('refund <serial>')
  .description('give back a sale or a part of it / 返品')
  .requiredOption(...amountOption)
  .requiredOption(...ofOption)
  .action((serial: string, { amount, of }: { amount: number; of: string }) =>
    pay(serial, { kind: 'refund', original: of, amountMinor: amount }),
  );
program
  .command('complete <serial>')
  .description('post a sale that was authorised before / 承認後売上')
  .requiredOption(...amountOption)
  .requiredOption(...ofOption)
  .action((serial: string, { amount, of }: { amount: number; of: string }) =>
    pay(serial, { kind: 'complete', original: of, amountMinor: amount }),
  );
program
  .command('totals <serial>')
  .description('daily totals of a terminal; exit 5 when the switch refused something / 日計')
  .option('--close', 'end the business day / 締め', false)
  .action((serial: string, { close }: { close: boolean }) =>
    withServer(async (context) => (await import('./commands/totals.ts')).showTotals(context, serial, { close })),
  );
program
  .command('slip <serial>')
  .description('print a slip again, in the language of --lang or of the terminal / 伝票の再印字')
  .option('--stan <stan>', 'STAN of the transaction (default: the last one)')
  .option('--totals', 'the daily totals instead / 日計表', false)
  .addOption(new Option('--format <format>').choices(['text', 'escpos', 'pdf']).default('text'))
  .addOption(new Option('--copy <copy>').choices(['customer', 'merchant']).default('customer'))
  .addOption(new Option('--columns <columns>', 'columns of the paper').choices(['24', '32', '48']).default('32'))
  .action((serial: string, { stan, totals, format, copy, columns }: SlipCommandOptions) =>
    withServer(async (context) => {
      const { printSlip } = await import('./commands/slip.ts');
      const language = program.opts<GlobalOptions>().lang;
      const order = slipOrder.safeParse({
        ...(stan !== undefined && { stan }),
        what: totals ? 'totals' : 'payment',
        format,
        copy,
        columns: Number(columns),
        ...(language !== undefined && { language }),
      });
      if (!order.success) {
        printFault(context.console, { code: 'OPTION_INVALID', field: 'stan' }, context.json);
        return exit.usage;
      }
      return await printSlip(context, serial, order.data, (bytes) => process.stdout.write(bytes));
    }),
  );

program
  .command('trace <serial-or-file>')
  .description(
    'what the kernel did in the last payments of a terminal, or in a trace that was saved / カーネルの取引トレース',
  )
  .option('--stan <stan>', 'STAN of the payment (default: the last one)')
  .action(async (target: string, { stan }: { stan?: string }) => {
    const { showTrace, showTraceFile } = await import('./commands/trace.ts');
    const json = program.opts<GlobalOptions>().json ?? false;
    if (existsSync(target)) {
      process.exitCode = await showTraceFile(open(), target, json);
      return;
    }
    const order = traceOrder.safeParse(stan === undefined ? {} : { stan });
    if (!order.success) {
      printFault(open(), { code: 'OPTION_INVALID', field: 'stan' }, json);
      process.exitCode = exit.usage;
      return;
    }
    await withServer((context) => showTrace(context, target, order.data));
  });

/** A card number of the command line, or of standard input where "-" stands: there no list of processes shows it. */
const panOf = async (pan: string): Promise<string> => (pan === '-' ? (await readAll(process.stdin)).trim() : pan);

const negative = program.command('negative').description('the negative file / 無効カード(ネガ)');
negative
  .command('add <pan>')
  .description('list a card at once; "-" reads the number from standard input / 緊急無効登録')
  .addOption(new Option('--reason <reason>').choices([...negativeReasons]).default('other'))
  .option('--source <name>', 'issuer or brand that lists it', 'manual')
  .action((pan: string, options: { reason: NegativeReason; source: string }) =>
    withServer(async (context) =>
      (await import('./commands/negative.ts')).addToNegative(context, await panOf(pan), options.reason, options.source),
    ),
  );
negative
  .command('remove <pan>')
  .description('take a card off for one source; it stays while another lists it / 無効解除')
  .option('--source <name>', 'issuer or brand that listed it', 'manual')
  .option('--second-signature', 'sign with the second list key, when the list shrinks by more than 5 %', false)
  .action((pan: string, options: { source: string; secondSignature: boolean }) =>
    withServer(async (context) =>
      (await import('./commands/negative.ts')).removeFromNegative(
        context,
        await panOf(pan),
        options.source,
        options.secondSignature,
      ),
    ),
  );
negative
  .command('allow <pan>')
  .description('let a good card through that meets a listed one by chance / 例外カードの登録')
  .option('--withdraw', 'end the exception', false)
  .action((pan: string, options: { withdraw: boolean }) =>
    withServer(async (context) =>
      (await import('./commands/negative.ts')).allowInNegative(context, await panOf(pan), options.withdraw),
    ),
  );
negative
  .command('range <low> <high>')
  .description('block cards by their leading digits, until a moment / 番号帯の無効登録')
  .requiredOption('--until <time>', 'when it ends, ISO 8601')
  .action((low: string, high: string, options: { until: string }) =>
    withServer(async (context) =>
      (await import('./commands/negative.ts')).blockRange(context, low, high, options.until),
    ),
  );
negative
  .command('import <file>')
  .description("an issuer's list: CSV (pan,reason) or JSON lines / 定例無効データの取込")
  .requiredOption('--source <name>', 'issuer or brand')
  .addOption(
    new Option('--mode <mode>', 'replace: what the file does not name is off')
      .choices(['add', 'replace'])
      .default('replace'),
  )
  .option('--second-signature', 'sign with the second list key, when the list shrinks by more than 5 %', false)
  .action((file: string, options: { source: string; mode: 'add' | 'replace'; secondSignature: boolean }) =>
    withServer(async (context) => (await import('./commands/negative.ts')).importNegative(context, file, options)),
  );
negative
  .command('publish')
  .description('a new version out of all entries / 新しい版の発行')
  .option('--second-signature', 'sign with the second list key, when the list shrinks by more than 5 %', false)
  .action((options: { secondSignature: boolean }) =>
    withServer(async (context) =>
      (await import('./commands/negative.ts')).publishNegative(context, options.secondSignature),
    ),
  );
negative
  .command('versions')
  .description('versions, who is behind, exposure in money / 版・未更新端末・リスク額')
  .action(() => withServer(async (context) => (await import('./commands/negative.ts')).showNegativeState(context)));
negative
  .command('diff <from> <to>')
  .description('how many cards came and went between two versions / 版の差分')
  .action((from: string, to: string) =>
    withServer(async (context) =>
      (await import('./commands/negative.ts')).diffNegative(
        context,
        integer(1, 2 ** 31)(from),
        integer(1, 2 ** 31)(to),
      ),
    ),
  );
negative
  .command('explain <pan>')
  .description('who lists a card, why and since when; "-" reads it from standard input / 登録理由の照会')
  .action((pan: string) =>
    withServer(async (context) => (await import('./commands/negative.ts')).explainNegative(context, await panOf(pan))),
  );
negative
  .command('prove <pan> <serial>')
  .description('a proof whether a card was blocked on a terminal at a time / 証明書の発行')
  .option('--at <time>', 'RFC 3339; now when left out')
  .option('--out <file>', 'where to write it; standard output when left out')
  .action((pan: string, serial: string, options: { at?: string; out?: string }) =>
    withServer(async (context) =>
      (await import('./commands/negative.ts')).proveNegative(
        context,
        await panOf(pan),
        serial,
        options.at ?? new Date(world.clock.now()).toISOString(),
        options.out,
      ),
    ),
  );
negative
  .command('verify <file>')
  .description('check a proof by itself, without any server / 証明の検証')
  .action(async (file: string) => {
    const { verifyNegativeProof } = await import('./commands/negative.ts');
    process.exitCode = await verifyNegativeProof(open(), program.opts<GlobalOptions>().json ?? false, file);
  });
addNegativeAuthorityCommands(negative, {
  bench: () => ({ world, console: open(), json: program.opts<GlobalOptions>().json ?? false }),
  withServer,
});
negative
  .command('list')
  .description('what is listed / 登録一覧')
  .action(() => withServer(async (context) => (await import('./commands/negative.ts')).listNegative(context)));

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

addCampaignCommands(program, withServer, keysFolder);
addConfigCommands(program, withServer);
addBridgeCommands(program, {
  world,
  open,
  json: () => program.opts<GlobalOptions>().json ?? false,
  data: () => resolve(program.opts<GlobalOptions>().data ?? dataFolder(process.cwd())),
});

await program.parseAsync(process.argv);
