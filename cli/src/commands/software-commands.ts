import { softwareVersion } from '@tsunagu/protocols/software';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from './context.ts';
import { integer, type Shell } from './shell.ts';

/** The folder of signing keys. */
export const keysOption = [
  '--keys <folder>',
  'folder of signing keys (default: "signing" in the data folder)',
] as const;
const outOption = ['--out <folder>', 'write drafts for others to sign, instead of publishing'] as const;

/** What the commands of the repository need of the program. */
interface RepositoryShell {
  readonly withServer: Shell['withServer'];
  readonly keysFolder: (given: string | undefined) => string;
  /** For what needs no server. */
  readonly offline: () => Pick<Context, 'world' | 'console' | 'json'>;
}

interface Given {
  readonly keys?: string;
  readonly out?: string;
}

const count = (text: string): number => {
  if (!/^[1-9]\d?$/.test(text) || Number(text) > 16) throw new InvalidArgumentError('1-16');
  return Number(text);
};
const few = integer(1, 64);
const version = (text: string): string => {
  if (!softwareVersion.safeParse(text).success) throw new InvalidArgumentError('2.1.0, 2.1.0-rc.1');
  return text;
};
const percent = (text: string): number => {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100) throw new InvalidArgumentError('0-100');
  return Number(text);
};

/** Adds the commands by which people sign what terminals take. */
function addRepositoryCommands(software: Command, { withServer, keysFolder, offline }: RepositoryShell): void {
  const commands = () => import('./software-repository.ts');
  const signing = ({ keys, out }: Given) => ({ keys: keysFolder(keys), out });

  software
    .command('list')
    .description('images that the signed targets name / 公開済みイメージの一覧')
    .action(() => withServer(async (context) => (await commands()).listSoftware(context)));
  software
    .command('keys')
    .description('roles of the repository, their keys and expiry / 署名の役割・鍵・期限')
    .option(...keysOption)
    .action((given: Given) => withServer(async (context) => (await commands()).showKeys(context, signing(given))));
  software
    .command('init')
    .description('make root and targets keys on this machine, and the repository by them / リポジトリの作成')
    .option('--root-keys <count>', 'how many root keys', count, 1)
    .option('--root-threshold <count>', 'how many of them have to sign', count, 1)
    .option(...keysOption)
    .option(...outOption)
    .action((given: Given & { rootKeys: number; rootThreshold: number }) =>
      withServer(async (context) => (await commands()).initRepository(context, { ...given, ...signing(given) })),
    );
  software
    .command('publish <file>')
    .description('upload an image and sign it into the targets / イメージの公開')
    .option('--requires-version <version>', 'the least version that it updates', version)
    .option('--requires-battery <percent>', 'the least charge of the battery', percent)
    .option('--revision <revision...>', 'revisions of the hardware that it is for (default: all)')
    .option('--attested-by <file>', 'PEM key of the bridge that has to attest it')
    .option('--attested-readers <count>', 'readers that it has to be tried on (1) / 必要なリーダー数', few)
    .option('--attested-cards <count>', 'cards that it has to be tried with at each (1) / 必要なカード数', few)
    .option('--emulated-readers-do', 'emulated readers are enough for that / 擬似リーダーでの証明を認める')
    .option(...keysOption)
    .option(...outOption)
    .action(
      (
        file: string,
        given: Given & {
          requiresVersion?: string;
          requiresBattery?: number;
          revision?: string[];
          attestedBy?: string;
          attestedReaders?: number;
          attestedCards?: number;
          emulatedReadersDo?: true;
        },
      ) =>
        withServer(async (context) =>
          (await commands()).publishImage(context, file, {
            ...signing(given),
            versionMin: given.requiresVersion,
            batteryPercentMin: given.requiresBattery,
            revisions: given.revision,
            attestedBy: given.attestedBy,
            attestedReaders: given.attestedReaders,
            attestedCards: given.attestedCards,
            emulatedReadersDo: given.emulatedReadersDo,
          }),
        ),
    );
  software
    .command('renew <what>')
    .description('sign "targets" or "root" anew, so that they hold longer / 期限の更新')
    .option(...keysOption)
    .option(...outOption)
    .action((what: string, given: Given) =>
      withServer(async (context) =>
        (await commands()).renewRepository(context, { ...signing(given), what: renewed(what) }),
      ),
    );
  software
    .command('rotate <role>')
    .description('replace a key of "root" or "targets", or those of the server ("online"), by the next root / 鍵の更新')
    .option(...keysOption)
    .option(...outOption)
    .action((role: string, given: Given) =>
      withServer(async (context) => (await commands()).rotateKeys(context, { ...signing(given), role: rotated(role) })),
    );
  software
    .command('sign <file>')
    .description('add the signatures of this machine to a draft; needs no server / 下書きへの署名')
    .addOption(new Option('--role <role>', 'whose draft it is').choices(['root', 'targets']).default('root'))
    .option(...keysOption)
    .action(async (file: string, { keys, role }: { keys?: string; role: 'root' | 'targets' }) => {
      process.exitCode = await (await commands()).signDraft(offline(), file, { keys: keysFolder(keys), role });
    });
  software
    .command('submit <files...>')
    .description('publish drafts that all have signed / 署名済み下書きの公開')
    .action((files: string[]) => withServer(async (context) => (await commands()).submitDrafts(context, files)));
  software
    .command('attest <digest> <file>')
    .description('hand in what a bridge attested of an image / 検証証明の登録')
    .action((digest: string, file: string) =>
      withServer(async (context) => (await commands()).attestImage(context, digest, file)),
    );
}

function renewed(what: string): 'targets' | 'none' {
  if (what === 'targets') return what;
  if (what === 'root') return 'none';
  throw new InvalidArgumentError('targets, root');
}

function rotated(role: string): 'root' | 'targets' | 'online' {
  if (role === 'root' || role === 'targets' || role === 'online') return role;
  throw new InvalidArgumentError('root, targets, online');
}

/** Adds `tsunagu software …`. */
export function addSoftwareCommands(
  program: Command,
  shell: Shell,
  keysFolder: (given: string | undefined) => string,
): void {
  const software = program.command('software').description('software of terminals / 端末ソフトウェア');
  software
    .command('make <file>')
    .description('an image for emulated terminals / 模擬端末用イメージの作成')
    .requiredOption('--model <id>', 'the model that it is for')
    .requiredOption('--version-name <text>', 'the version that it says of itself', version)
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
        const { makeImage } = await import('./software.ts');
        const json = shell.json();
        process.exitCode = await makeImage(shell.open(), file, { model, version, counter, boot, programBytes }, json);
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
        shell.withServer(async (context) =>
          (await import('./software.ts')).installImage(context, serial, file, {
            proofTimeoutMs: proofSeconds * 1_000,
            allowDowngrade,
            keys: keysFolder(keys),
          }),
        ),
    );
  addRepositoryCommands(software, {
    withServer: shell.withServer,
    keysFolder,
    offline: () => ({ world: shell.world, console: shell.open(), json: shell.json() }),
  });
}
