import type { World } from '@tsunagu/protocols/world';
import { readerKinds } from '@tsunagu/protocols/catalogue';
import { cableOrder } from '@tsunagu/protocols/workshop';
import { Argument, type Command, Option } from 'commander';
import type { Console, ExitCode } from '../console/index.ts';
import { integer } from './shell.ts';

/** What the commands of the bench are given by the program. */
export interface BridgeCommandsContext {
  readonly world: World;
  readonly open: () => Console;
  readonly json: () => boolean;
  /** The data folder of the house. */
  readonly data: () => string;
}

type Options = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Options as the bridge program takes them again. */
const asArguments = (options: Options): readonly string[] =>
  Object.entries(options).flatMap(([name, value]): readonly string[] => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    return [flag, ...(typeof value === 'string' ? [value] : value)];
  });

const emulated = (): Option =>
  new Option(
    '--emulated [readers...]',
    'emulated readers, READER[=CARD] each (attest: READER=CARD,CARD …), instead of the machine’s USB / 模擬リーダー',
  );
const pcsc = (): Option =>
  new Option('--pcsc', 'readers that pcscd drives, instead of those on USB / pcscd経由のリーダー');
const hands = (): Option =>
  new Option('--hands', 'somebody is here to take the card out and put it in / 人がカードを抜き差しする');

/** Adds `tsunagu bridge …` and `tsunagu emulate …`: what a technician does at the bench, without any server. */
export function addBridgeCommands(program: Command, { world, open, json, data }: BridgeCommandsContext): void {
  const pass = async (args: readonly string[], takesInput = false): Promise<void> => {
    const { passThrough } = await import('./bridge.ts');
    const view = { world, console: open(), json: json() };
    process.exitCode = await passThrough(takesInput ? { ...view, input: process.stdin } : view, args);
  };

  const verifyFile = async (file: string, { trustedKey, nonce }: Options): Promise<void> => {
    const { verifyAttestation } = await import('./verify-attestation.ts');
    const textOf = (value: Options[string]): string | undefined => (typeof value === 'string' ? value : undefined);
    const trust = { trustedKey: textOf(trustedKey), nonce: textOf(nonce) };
    process.exitCode = await verifyAttestation(open(), file, trust, json());
  };

  const bridge = program
    .command('bridge')
    .description('readers on this machine and what is in them; certify, record, replay, attest / リーダーの点検');
  bridge
    .command('watch', { isDefault: true })
    .description('the readers and what is in them, live / リーダーとカードの表示')
    .addOption(emulated())
    .addOption(pcsc())
    .option('--once', 'look once and end / 一度だけ表示', false)
    .action(async (options: { emulated?: readonly string[] | true; pcsc?: true; once: boolean }) => {
      const args = ['workshop', 'watch', ...asArguments(options)];
      if (options.once || json() || !process.stdout.isTTY || !process.stdin.isTTY) return pass(args, !options.once);
      const { runBench } = await import('../views/run-bench.tsx');
      const seat = { stdin: process.stdin, stdout: process.stdout, env: process.env };
      process.exitCode = (await runBench(world, open(), args, seat)) satisfies ExitCode;
    });
  for (const [name, description] of [
    ['certify', 'a certification-like script against one reader, each step with its clause / リーダーの適合試験'],
    ['self-test', 'the part of it that needs no card / カードなしの自己診断'],
  ] as const)
    bridge
      .command(name)
      .description(description)
      .addOption(emulated())
      .addOption(pcsc())
      .option('--reader <id>', 'its id or VID:PID; the first reader else / リーダーのIDまたはVID:PID')
      .addOption(hands())
      .option('--record <file>', 'write the session as a trace / トレースを記録')
      .option('--seal-key <file>', 'key that seals the data of real cards / 実カードのデータを封印する鍵')
      .action((options: Options) => pass(['workshop', name, ...asArguments(options)]));
  bridge
    .command('replay <file>')
    .description('run a recorded session again, without the hardware / 記録の再生')
    .option('--seal-key <file>', 'the key that it was recorded with / 記録時の鍵')
    .action((file: string, options: Options) => pass(['workshop', 'replay', file, ...asArguments(options)]));
  bridge
    .command('attest')
    .description('certify every reader with its card, and sign the result / 結果に署名')
    .addOption(emulated())
    .addOption(hands())
    .option('--cards <count>', 'with --hands: cards for each reader, one after another / リーダーごとのカード枚数')
    .option('--wait-seconds <seconds>', 'how long the next card is waited for (60) / 次のカードの待ち時間')
    .option('--readers-min <count>', 'readers that have to be tried in earnest (1) / 最低リーダー数')
    .option(
      '--cards-min <count>',
      'cards that have to be tried in earnest at each of them (1) / リーダーごとの最低カード数',
    )
    .option('--key <file>', 'Ed25519 key, PKCS #8 PEM; made where there is none / 署名鍵')
    .option('--out <file>', 'where the attestation goes / 出力先')
    .option('--nonce <text>', 'given by whoever demands it / 要求元のノンス')
    .option('--traces <folder>', 'keep the recorded sessions there / トレースの保存先')
    .option('--seal-key <file>', 'key that seals the data of real cards / 実カードのデータを封印する鍵')
    // What `bridge verify` does, under the name that it had before.
    .addOption(new Option('--verify <file>').hideHelp())
    .addOption(new Option('--trusted-key <file>').hideHelp())
    .action(async ({ verify, trustedKey, ...options }: Options, command: Command) => {
      if (typeof verify === 'string') return verifyFile(verify, { trustedKey, nonce: options['nonce'] });
      for (const name of ['key', 'out'])
        if (options[name] === undefined) command.error(`error: required option '--${name} <file>' not specified`);
      await pass(['workshop', 'attest', ...asArguments(options)], options['hands'] === true);
    });

  bridge
    .command('verify <file>')
    .description('check an attestation, without bridge, server or network / 証明書の検証')
    .option('--trusted-key <file>', 'the key that is trusted, PEM / 信頼する鍵')
    .option('--nonce <text>', 'the nonce that was demanded / 要求したノンス')
    .action(verifyFile);

  const emulate = program
    .command('emulate')
    .description('emulated readers, cards, issuers and merchant centres / リーダー・カード・センターの模擬');
  emulate
    .command('tamper <serial>')
    .description('open the case of an emulated terminal of this house: its keys are gone for good / 筐体の開放')
    .addOption(new Option('--sensor <name>').choices(['case', 'mesh', 'temperature', 'voltage']).default('case'))
    .action(async (serial: string, { sensor }: { sensor: string }) => {
      const { tamperWith } = await import('./tamper.ts');
      process.exitCode = await tamperWith(open(), data(), serial, sensor, json());
    });
  emulate
    .command('cable <serial>')
    .description('pull or plug the USB cable of an emulated reader of this house / 擬似リーダーのケーブルの抜き差し')
    .addArgument(new Argument('<does>').choices(['pull', 'plug']))
    .addArgument(new Argument('<reader>').choices(readerKinds))
    .option(
      '--at-transfer <number>',
      'pull it in the middle of this transfer to the reader, counted from 1: in mid-sale / この回数目の転送の途中で抜く',
      integer(1, 10_000),
    )
    .action(async (serial: string, does: string, reader: string, { atTransfer }: { atTransfer?: number }) => {
      const { moveCable } = await import('./cable.ts');
      const order = cableOrder.omit({ id: true }).parse({ does, reader, atTransfer });
      process.exitCode = await moveCable(open(), world, data(), serial, order, json());
    });
  emulate
    .command('carry <serial> <file>')
    .description(
      'bring jobs that were carried here (job carry) to the service port of an emulated terminal of this house / 持参ジョブの投入',
    )
    .requiredOption('--out <file>', 'what the terminal hands back: a new file, for job deliver')
    .action(async (serial: string, file: string, { out }: { out: string }) => {
      const { bringCarried } = await import('./carry.ts');
      process.exitCode = await bringCarried(world, open(), data(), serial, file, out, json());
    });
  emulate
    .command('service <serial> <settings...>')
    .description(
      'a technician sets NAME=VALUE … at an emulated terminal of this house itself / 保守員による端末での設定変更',
    )
    .option('--by <name>', 'who', 'technician')
    .action(async (serial: string, settings: string[], { by }: { by: string }) => {
      const { serviceAt } = await import('./service.ts');
      process.exitCode = await serviceAt(open(), data(), serial, settings, by, json());
    });
  emulate
    .command('reader [kinds...]')
    .description('over USB/IP: any Linux kernel sees a real device (ccid, acr122u, rcs380 …) / USB/IPで公開')
    .option('--usbip [address]', 'HOST:PORT to listen on (default: 127.0.0.1:3240) / 待受アドレス')
    .option('--card <name>', 'the card that lies in it / カード')
    .action((kinds: readonly string[], { usbip, card }: Options) =>
      pass(
        ['emulate', 'reader', ...kinds, ...asArguments({ card, ...(typeof usbip === 'string' ? { usbip } : {}) })],
        true,
      ),
    );
  emulate
    .command('card <name>')
    .description('in the virtual reader of pcscd, or in the reader of QEMU / PC/SCまたはQEMUで公開')
    .option('--vpcd <address>', 'HOST:PORT of vpcd (default: 127.0.0.1:35963)')
    .option('--vscard <path>', 'socket of ccid-card-passthru')
    .option('--reconnect', 'wait for the peer, again and again / 再接続', false)
    .action((name: string, options: Options) => pass(['emulate', 'card', name, ...asArguments(options)]));
  emulate
    .command('list')
    .description('emulated readers and cards, and which go together / 擬似リーダーとカードの一覧')
    .action(async () => {
      const { listEmulated } = await import('./emulated.ts');
      process.exitCode = listEmulated(open(), json());
    });
  emulate
    .command('capk')
    .description('the public keys of the test CA / 試験用認証局の公開鍵')
    .action(async () => {
      const { listCaKeys } = await import('./capk.ts');
      process.exitCode = listCaKeys(open(), json());
    });
}
