import type { Command } from 'commander';
import type { ExitCode } from '../console/index.ts';
import type { Context } from './context.ts';
import type { Bench } from './negative-authority.ts';
import { listOption } from './negative-list-option.ts';

/** What the commands are given by the program. */
export interface AuthorityCommandsContext {
  readonly bench: () => Bench;
  readonly withServer: (work: (context: Context) => Promise<ExitCode>) => Promise<void>;
}

const load = () => import('./negative-authority.ts');
const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];
const passphraseFile = ['--passphrase-file <file>', 'file with the passphrase; else TSUNAGU_KEY_PASSPHRASE'] as const;

/** Adds what custodians of root and list keys do: `tsunagu negative key|root|sign|authority`. */
export function addNegativeAuthorityCommands(negative: Command, { bench, withServer }: AuthorityCommandsContext): void {
  const alone = async (work: (commands: Awaited<ReturnType<typeof load>>) => Promise<ExitCode>): Promise<void> => {
    process.exitCode = await work(await load());
  };
  negative
    .command('authority')
    .description('who may sign what, and what waits for signatures / 署名権限と署名待ち')
    .addOption(listOption())
    .action(({ list }: { list: string }) =>
      withServer(async (context) => (await load()).showNegativeAuthority(context, list)),
    );
  negative
    .command('sign')
    .description('sign the version that waits, with a list key that a person keeps / 待機中の版への署名')
    .requiredOption('--key <file>', 'the list key')
    .addOption(listOption())
    .option('--cards <count>', 'refuse to sign unless it has so many cards', Number)
    .option(...passphraseFile)
    .action((options: { list: string; key: string; cards?: number; passphraseFile?: string }) =>
      withServer(async (context) => (await load()).signNegativeVersion(context, options)),
    );

  const key = negative.command('key').description('root and list keys that people keep / 保管者の鍵');
  key
    .command('make <file>')
    .description('make a key, sealed under a passphrase / 鍵の作成')
    .option(...passphraseFile)
    .action((file: string, options: { passphraseFile?: string }) =>
      alone((commands) => commands.makeNegativeKey(bench(), file, options)),
    );

  const root = negative.command('root').description('who may sign what: the root of the negative file / ルート文書');
  root
    .command('fetch <file>')
    .description('the root in force / 現行ルートの取得')
    .action((file: string) => withServer(async (context) => (await load()).fetchNegativeRoot(context, file)));
  root
    .command('show <file>')
    .description('what a root says, and who signed it / ルートの表示')
    .action((file: string) => alone((commands) => commands.showRootFile(bench(), file)));
  root
    .command('propose <file>')
    .description('the next root, with other root and list keys / 次のルートの作成')
    .requiredOption('--from <file>', 'the root in force')
    .requiredOption('--root-key <file>', 'a root key; again for each', collect)
    .requiredOption('--list-key <file>', 'a list key; again for each, two at least', collect)
    .addOption(listOption())
    .option('--threshold <count>', 'how many root keys the root after it needs', Number, 2)
    .option('--days <count>', 'how long it is good', Number, 1_825)
    .action(
      (
        file: string,
        options: {
          list: string;
          from: string;
          rootKey: string[];
          listKey: string[];
          threshold: number;
          days: number;
        },
      ) => alone((commands) => commands.proposeNegativeRoot(bench(), file, options)),
    );
  root
    .command('sign <file>')
    .description('add one custodian’s signature / 保管者の署名')
    .requiredOption('--key <file>', 'the root key')
    .option(...passphraseFile)
    .action((file: string, options: { key: string; passphraseFile?: string }) =>
      alone((commands) => commands.signNegativeRoot(bench(), file, options)),
    );
  root
    .command('countersign <file>')
    .description('have the server sign with root keys that it still holds / サーバー保有鍵の署名')
    .action((file: string) => withServer(async (context) => (await load()).countersignNegativeRoot(context, file)));
  root
    .command('publish <file>')
    .description('bring the next root; its keys take over with the next version / ルートの更新')
    .action((file: string) => withServer(async (context) => (await load()).publishNegativeRoot(context, file)));
}
