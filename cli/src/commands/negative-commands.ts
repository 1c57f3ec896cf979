import { text as readAll } from 'node:stream/consumers';
import { negativeReasons, type NegativeReason } from '@tsunagu/protocols/negative';
import { Argument, type Command, Option } from 'commander';
import { addNegativeAuthorityCommands } from './negative-authority-commands.ts';
import { listName, listOption } from './negative-list-option.ts';
import { integer, type Shell } from './shell.ts';

/** A card number of the command line, or of standard input where "-" stands: there no list of processes shows it. */
const panOf = async (pan: string): Promise<string> => (pan === '-' ? (await readAll(process.stdin)).trim() : pan);

/** Adds `tsunagu negative …`. */
export function addNegativeCommands(program: Command, shell: Shell): void {
  const negative = program.command('negative').description('the negative file / 無効カード(ネガ)');
  negative
    .command('add <pan>')
    .description('list a card at once; "-" reads the number from standard input / 緊急無効登録')
    .addOption(new Option('--reason <reason>').choices([...negativeReasons]).default('other'))
    .addOption(listOption())
    .option('--source <name>', 'issuer or brand that lists it', 'manual')
    .action((pan: string, options: { list: string; reason: NegativeReason; source: string }) =>
      shell.withServer(async (context) =>
        (await import('./negative.ts')).addToNegative(context, { ...options, pan: await panOf(pan) }),
      ),
    );
  negative
    .command('remove <pan>')
    .description('take a card off for one source; it stays while another lists it / 無効解除')
    .addOption(listOption())
    .option('--source <name>', 'issuer or brand that listed it', 'manual')
    .action((pan: string, options: { list: string; source: string }) =>
      shell.withServer(async (context) =>
        (await import('./negative.ts')).removeFromNegative(context, { ...options, pan: await panOf(pan) }),
      ),
    );
  negative
    .command('allow <pan>')
    .description('let a good card through that meets a listed one by chance / 例外カードの登録')
    .addOption(listOption())
    .option('--withdraw', 'end the exception', false)
    .action((pan: string, options: { list: string; withdraw: boolean }) =>
      shell.withServer(async (context) =>
        (await import('./negative.ts')).allowInNegative(context, { ...options, pan: await panOf(pan) }),
      ),
    );
  negative
    .command('range <low> <high>')
    .description('block cards by their leading digits, until a moment / 番号帯の無効登録')
    .requiredOption('--until <time>', 'when it ends, ISO 8601')
    .addOption(listOption())
    .action((low: string, high: string, options: { list: string; until: string }) =>
      shell.withServer(async (context) =>
        (await import('./negative.ts')).blockRange(context, { ...options, low, high }),
      ),
    );
  negative
    .command('import <file>')
    .description("an issuer's list: CSV (pan,reason) or JSON lines / 定例無効データの取込")
    .requiredOption('--source <name>', 'issuer or brand')
    .addOption(listOption())
    .addOption(
      new Option('--mode <mode>', 'replace: what the file does not name is off')
        .choices(['add', 'replace'])
        .default('replace'),
    )
    .action((file: string, options: { list: string; source: string; mode: 'add' | 'replace' }) =>
      shell.withServer(async (context) => (await import('./negative.ts')).importNegative(context, file, options)),
    );
  negative
    .command('publish')
    .description('a new version out of all entries / 新しい版の発行')
    .addOption(listOption())
    .option(
      '--second-signature',
      'as a second person: sign what others took off, when it is more than 5 % of the list / 第二署名',
      false,
    )
    .action((options: { list: string; secondSignature: boolean }) =>
      shell.withServer(async (context) => (await import('./negative.ts')).publishNegative(context, options)),
    );
  negative
    .command('versions')
    .description('versions, who is behind, exposure in money / 版・未更新端末・リスク額')
    .addOption(listOption())
    .action(({ list }: { list: string }) =>
      shell.withServer(async (context) => (await import('./negative.ts')).showNegativeState(context, list)),
    );
  negative
    .command('diff')
    .description('how many cards came and went between two versions / 版の差分')
    .addArgument(new Argument('<from>', 'version').argParser(integer(1, 2 ** 31)))
    .addArgument(new Argument('<to>', 'version').argParser(integer(1, 2 ** 31)))
    .addOption(listOption())
    .action((from: number, to: number, { list }: { list: string }) =>
      shell.withServer(async (context) => (await import('./negative.ts')).diffNegative(context, list, from, to)),
    );
  negative
    .command('explain <pan>')
    .description('who lists a card, why and since when; "-" reads it from standard input / 登録理由の照会')
    .addOption(listOption())
    .action((pan: string, { list }: { list: string }) =>
      shell.withServer(async (context) =>
        (await import('./negative.ts')).explainNegative(context, { list, pan: await panOf(pan) }),
      ),
    );
  negative
    .command('prove <pan> <serial>')
    .description('a proof whether a card was blocked on a terminal at a time / 証明書の発行')
    .option('--at <time>', 'RFC 3339; now when left out')
    .option('--out <file>', 'where to write it; standard output when left out')
    .addOption(listOption())
    .action((pan: string, serial: string, options: { list: string; at?: string; out?: string }) =>
      shell.withServer(async (context) =>
        (await import('./negative.ts')).proveNegative(
          context,
          {
            list: options.list,
            pan: await panOf(pan),
            serial,
            at: options.at ?? new Date(shell.world.clock.now()).toISOString(),
          },
          options.out,
        ),
      ),
    );
  negative
    .command('verify <file>')
    .description('check a proof by itself, without any server / 証明の検証')
    .option('--root <file>', 'the root it must be under, by hand: tsunagu negative root fetch / 信頼するルート')
    .action(async (file: string, { root }: { root?: string }) => {
      const { verifyNegativeProof } = await import('./negative.ts');
      process.exitCode = await verifyNegativeProof(shell.open(), shell.json(), file, root);
    });
  addNegativeAuthorityCommands(negative, {
    bench: () => ({ world: shell.world, console: shell.open(), json: shell.json() }),
    withServer: shell.withServer,
  });
  negative
    .command('list')
    .description('what is listed / 登録一覧')
    .addOption(listOption())
    .action(({ list }: { list: string }) =>
      shell.withServer(async (context) => (await import('./negative.ts')).listNegative(context, list)),
    );
  const lists = negative.command('lists').description('the lists of issuers and brands / 発行会社・ブランド別リスト');
  lists
    .command('show', { isDefault: true })
    .description('codec, version, spread and exposure of each / 一覧')
    .action(() => shell.withServer(async (context) => (await import('./negative.ts')).showNegativeLists(context)));
  lists
    .command('set')
    .description('make a list, or have it published in another codec / 作成・方式変更')
    .addArgument(new Argument('<name>', 'of the list').argParser(listName))
    .addOption(
      new Option('--codec <codec>', 'KH: keyed hashes; KP: exact, no good card is ever met')
        .choices(['KH', 'KP'])
        .default('KH'),
    )
    .action((name: string, { codec }: { codec: 'KH' | 'KP' }) =>
      shell.withServer(async (context) => (await import('./negative.ts')).setNegativeList(context, name, codec)),
    );
}
