import { type Command, InvalidArgumentError } from 'commander';
import { integer, type Shell } from './shell.ts';

const digits =
  (most: number) =>
  (text: string): string => {
    if (!new RegExp(`^\\d{1,${most}}$`).test(text)) throw new InvalidArgumentError(`1-${most} digits`);
    return text;
  };
const merchant = (text: string): string => {
  if (!/^[A-Z0-9-]{1,15}$/.test(text)) throw new InvalidArgumentError('A-Z, 0-9, - (15)');
  return text;
};

/** Adds `tsunagu validity …`. */
export function addValidityCommands(program: Command, { world, open, json, withServer }: Shell): void {
  const group = program
    .command('validity')
    .description('whether cards may be billed, and what took their place, in files / 有効性チェック');
  group
    .command('seal <cards>')
    .description('a list (reference,pan,expiry) as a file for the switch; works without a server / ファイル作成')
    .requiredOption('--credentials <file>', 'what the centre was handed: DIR/links/ID/credentials.json')
    .requiredOption('--acquirer <number>', 'for whom is asked (DE32)', digits(11))
    .requiredOption('--merchant <id>', 'card acceptor (DE42)', merchant)
    .requiredOption('--file <number>', 'another one for each file', digits(12))
    .requiredOption('--out <file>', 'where it goes')
    .action(
      async (
        cards: string,
        options: { credentials: string; acquirer: string; merchant: string; file: string; out: string },
      ) => {
        const { sealValidity } = await import('./validity.ts');
        process.exitCode = await sealValidity({ world, console: open(), json: json() }, cards, options);
      },
    );
  group
    .command('hand-in <file>')
    .description('hand in a file; the same one again changes nothing / ファイル受付')
    .requiredOption('--link <id>', 'link of the merchant centre')
    .action((file: string, { link }: { link: string }) =>
      withServer(async (context) => (await import('./validity.ts')).handInValidity(context, file, link)),
    );
  group
    .command('list')
    .description('files, newest first / 一覧')
    .option('--count <count>', 'at most so many', integer(1, 500), 50)
    .action(({ count }: { count: number }) =>
      withServer(async (context) => (await import('./validity.ts')).listValidity(context, count)),
    );
  group
    .command('show <id>')
    .description('how far a file is, and which lines were not taken / 進み具合')
    .action((id: string) => withServer(async (context) => (await import('./validity.ts')).showValidity(context, id)));
  group
    .command('fetch <id>')
    .description('the answers to a file that is done, sealed for its sender / 回答取得')
    .option('--out <file>', 'where they go')
    .action((id: string, { out }: { out?: string }) =>
      withServer(async (context) => (await import('./validity.ts')).fetchValidity(context, id, out)),
    );
  group
    .command('open <answers>')
    .description('what became of each card; works without a server / 回答を開く')
    .requiredOption('--credentials <file>', 'what the centre was handed')
    .option('--out <file>', 'a list with the new card numbers, readable by you alone')
    .action(async (answers: string, options: { credentials: string; out?: string }) => {
      const { openValidity } = await import('./validity.ts');
      process.exitCode = await openValidity({ world, console: open(), json: json() }, answers, options);
    });
}
