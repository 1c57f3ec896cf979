import type { World } from '@tsunagu/protocols/world';
import { type Command, InvalidArgumentError } from 'commander';
import type { Console, ExitCode } from '../console/index.ts';
import type { Context } from './context.ts';
import type { RegisterOptions } from './lifecycle.ts';
import { collect } from './shell.ts';

/** What the commands about identity are given by the program. */
export interface IdentityCommandsContext {
  readonly world: World;
  readonly open: () => Console;
  readonly json: () => boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly withServer: (work: (context: Context) => Promise<ExitCode>) => Promise<void>;
}

const between =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d{1,6}$/.test(text) || value < min || value > max) throw new InvalidArgumentError(`${min}-${max}`);
    return value;
  };
const passphraseOption = [
  '--passphrase-file <file>',
  'holds the passphrase (else TSUNAGU_ROOT_PASSPHRASE) / パスフレーズのファイル',
] as const;

/** Adds `tsunagu claim`, `expiry`, `ca` and `manufacturer`. */
export function addIdentityCommands(program: Command, context: IdentityCommandsContext): void {
  const { withServer } = context;
  program
    .command('register <serial>')
    .description('put a terminal on the inventory, and keep what it enrols with / 端末の登録')
    .requiredOption('--model <id>', 'model of the catalogue / 機種')
    .requiredOption('--merchant <name>', 'whose it is / 加盟店')
    .requiredOption('--shop <name>', 'where it stands, or lies / 店舗')
    .option('--lane <name>', 'its lane, where there are several / レジ', '')
    .option('--state <state>', 'where its life begins: ordered, warehouse or deployed / 状態', 'ordered')
    .option('--seal <number>', 'a seal as it is read; repeat for each / 封印シール', collect)
    .option('--connections <count>', 'cables plugged in / 接続ケーブル数', between(0, 32))
    .option('--parent <serial>', 'its parent, for a child / 親機')
    .option('--relay-port <port>', 'where the relay of its parent listens / 親機のポート', between(1, 65_535))
    .requiredOption('--out <file>', 'where its claim is written, mode 0600')
    .action((serial: string, options: RegisterOptions) =>
      withServer(async (given) => (await import('./lifecycle.ts')).registerTerminal(given, serial, options)),
    );
  program
    .command('claim <serial>')
    .description('issue a lost claim again; the old one dies / 登録情報の再発行')
    .requiredOption('--out <file>', 'where it is written, mode 0600')
    .action((serial: string, { out }: { out: string }) =>
      withServer(async (given) => (await import('./lifecycle.ts')).reissueClaim(given, serial, out)),
    );

  program
    .command('expiry')
    .description('the last day on which each terminal can be saved from afar; exit 5 when one is near / 救済最終日')
    .option('--count <number>', 'how many terminals', between(1, 500), 20)
    .option('--reasons', 'everything that each hangs on', false)
    .action((options: { count: number; reasons: boolean }) =>
      withServer(async (given) => (await import('./expiry.ts')).showExpiry(given, options)),
    );

  addAuthorityCommands(program, context);

  const manufacturer = program
    .command('manufacturer')
    .description('makers whose certificates prove a claim / メーカー認証局');
  manufacturer
    .command('list')
    .description('who is registered / 一覧')
    .action(() => withServer(async (given) => (await import('./manufacturers.ts')).listManufacturers(given)));
  manufacturer
    .command('add <file>')
    .description('a maker’s CA certificate, PEM, for a model / 登録')
    .requiredOption('--model <id>', 'the model that it vouches for')
    .action((file: string, { model }: { model: string }) =>
      withServer(async (given) => (await import('./manufacturers.ts')).addManufacturer(given, file, model)),
    );
  manufacturer
    .command('remove <model> <fingerprint>')
    .description('take it off a model / 削除')
    .action((model: string, fingerprint: string) =>
      withServer(async (given) => (await import('./manufacturers.ts')).removeManufacturer(given, model, fingerprint)),
    );
}

function addAuthorityCommands(program: Command, { world, withServer, open, json, env }: IdentityCommandsContext): void {
  const desk = () => ({ world, console: open(), json: json(), env });
  const ca = program.command('ca').description('roots and issuing CAs / 認証局');
  ca.command('show')
    .description('the authorities, and what hangs on each / 一覧')
    .action(() => withServer(async (given) => (await import('./ca.ts')).showAuthorities(given)));
  ca.command('make-root <file>')
    .description('a root off-line, in a sealed file; needs no server / ルートの作成(オフライン)')
    .requiredOption('--name <text>', 'its common name')
    .option('--years <number>', 'how long it counts', between(1, 50), 30)
    .option(...passphraseOption)
    .action(async (file: string, options: { name: string; years: number; passphraseFile?: string }) => {
      process.exitCode = await (await import('./ca-offline.ts')).makeRootFile(desk(), file, options);
    });
  ca.command('request')
    .description('what a root is to sign / 署名要求')
    .requiredOption('--out <file>', 'where it is written, PEM')
    .action(({ out }: { out: string }) =>
      withServer(async (given) => (await import('./ca.ts')).requestAuthority(given, out)),
    );
  ca.command('sign <request>')
    .description('answer a request, where the root is; needs no server / 要求への署名(オフライン)')
    .requiredOption('--root <file>', 'the root’s file')
    .requiredOption('--out <file>', 'where the answer is written, PEM')
    .option('--years <number>', 'how long the issuing CA counts', between(1, 30), 10)
    .option(...passphraseOption)
    .action(async (request: string, options: { root: string; out: string; years: number; passphraseFile?: string }) => {
      process.exitCode = await (await import('./ca-offline.ts')).signRequest(desk(), request, options);
    });
  ca.command('install <file>')
    .description('take the root’s answer / 応答の導入')
    .action((file: string) => withServer(async (given) => (await import('./ca.ts')).installAuthority(given, file)));
  ca.command('rotate')
    .description('a successor by keys that are on the server / 更新')
    .option('--root', 'a new root with a new issuing CA', false)
    .option(
      '--confirm <id>',
      'the id of the authority that gives way (`ca show`): terminals come over by renewal, and there is no way back',
    )
    .action(({ root, confirm }: { root: boolean; confirm?: string }) =>
      withServer(async (given) => (await import('./ca.ts')).rotateAuthority(given, root ? 'root' : 'issuing', confirm)),
    );
  ca.command('anchors <state>')
    .description(
      'sign the next document about roots, out of `ca show --json`; needs no server / ルート告知への署名(オフライン)',
    )
    .requiredOption('--root <files...>', 'files of the root that counts, and of each new one')
    .option('--drop <ids...>', 'roots to leave out')
    .requiredOption('--out <file>', 'where it is written')
    .option(...passphraseOption)
    .action(
      async (
        state: string,
        options: { root: readonly string[]; drop?: readonly string[]; out: string; passphraseFile?: string },
      ) => {
        process.exitCode = await (await import('./ca-offline.ts')).signAnchors(desk(), state, options);
      },
    );
  ca.command('announce <file>')
    .description('tell terminals what was signed / ルート告知')
    .action((file: string) => withServer(async (given) => (await import('./ca.ts')).announceTrust(given, file)));
  ca.command('retire <id>')
    .description('end an authority that nothing hangs on / 終了')
    .action((id: string) => withServer(async (given) => (await import('./ca.ts')).retireAuthority(given, id)));
  const root = ca.command('root').description('the key of a root that is on the server / サーバー上のルート鍵');
  root
    .command('export')
    .description('into a sealed file / 封印ファイルへ書き出し')
    .requiredOption('--out <file>', 'a file that is not there yet')
    .option('--id <id>', 'which root (default: the newest whose key is here)')
    .option(...passphraseOption)
    .action((options: { out: string; id?: string; passphraseFile?: string }) =>
      withServer(async (given) => (await import('./ca.ts')).exportRoot(given, options, env)),
    );
  root
    .command('remove')
    .description('from the server, which is shown that the file opens / サーバーから削除')
    .requiredOption('--root <file>', 'the file that it was exported to')
    .option('--confirm <id>', 'its id once more')
    .option(...passphraseOption)
    .action((options: { root: string; confirm?: string; passphraseFile?: string }) =>
      withServer(async (given) => (await import('./ca.ts')).removeRoot(given, options, env)),
    );
}
