import { type Command, Option } from 'commander';
import { integer, type Shell } from './shell.ts';

interface Search {
  readonly token?: string;
  readonly lastFour?: string;
  readonly rrn?: string;
  readonly terminal?: string;
  readonly amount?: number;
  readonly link?: string;
  readonly origin?: string;
  readonly state?: 'approved' | 'declined' | 'reversed' | 'unknown';
  readonly count: number;
}

/** Adds `tsunagu switch …`. */
export function addSwitchCommands(program: Command, { withServer }: Shell): void {
  const group = program.command('switch').description('the switch: links, journal, business days / オンラインセンター');
  group
    .command('links')
    .description('links of both sides, live, and answers that matched nothing / リンクの状態')
    .action(() => withServer(async (context) => (await import('./switch.ts')).showLinks(context)));
  for (const [verb, description] of [
    ['sign-on', 'sign a link on / 開局'],
    ['sign-off', 'sign a link off / 閉局'],
    ['change-key', 'new working keys on the running link / 鍵交換'],
    ['echo', 'test a link / 回線試験'],
  ] as const)
    group
      .command(`${verb} <link>`)
      .description(description)
      .action((link: string) =>
        withServer(async (context) => (await import('./switch.ts')).orderLink(context, link, verb)),
      );
  group
    .command('transactions')
    .description('search the journal, newest first / ジャーナル検索')
    .option('--token <token>', 'stands for the card number')
    .option('--last-four <digits>', 'last four digits of the card')
    .option('--rrn <rrn>', 'retrieval reference number (DE37)')
    .option('--terminal <id>', 'serial, or card acceptor terminal (DE41)')
    .option('--amount <yen>', 'amount', integer(0, 999_999_999_999))
    .option('--link <id>', 'issuer link')
    .option('--origin <id>', '"terminals", or an acquirer link')
    .addOption(new Option('--state <state>').choices(['approved', 'declined', 'reversed', 'unknown']))
    .option('--count <count>', 'at most so many', integer(1, 20_000), 50)
    .action(({ count, ...search }: Search) =>
      withServer(async (context) => (await import('./switch.ts')).searchTransactions(context, search, count)),
    );
  group
    .command('show <id>')
    .description('a transaction with its journal and postings / 取引明細')
    .action((id: string) => withServer(async (context) => (await import('./switch.ts')).showTransaction(context, id)));
  group
    .command('unknown')
    .description('transactions without an outcome, or on their way back / 結果不明')
    .option('--count <count>', 'at most so many', integer(1, 20_000), 100)
    .action(({ count }: { count: number }) =>
      withServer(async (context) =>
        (await import('./switch.ts')).searchTransactions(context, { state: 'unknown' }, count),
      ),
    );
  group
    .command('dead-letters')
    .description('what an issuer has not taken, for a person to look at / 処置待ち')
    .option('--all', 'everything that waits, not only what is tried rarely', false)
    .action(({ all }: { all: boolean }) =>
      withServer(async (context) => (await import('./switch.ts')).showAdvices(context, !all)),
    );
  group
    .command('retry <advice>')
    .description('try an advice now / 再送')
    .action((id: string) => withServer(async (context) => (await import('./switch.ts')).retryAdvice(context, id)));
  group
    .command('settle <advice>')
    .description('the issuer has it, or need not have it / 手作業で完了')
    .requiredOption('--reason <text>', 'how that is known')
    .action((id: string, { reason }: { reason: string }) =>
      withServer(async (context) => (await import('./switch.ts')).settleAdvice(context, id, reason)),
    );
  group
    .command('alarms')
    .description('alarms that nobody has seen yet / 未確認の警報')
    .option('--code <code>', 'only those of this code')
    .option('--from <origin>', 'only those from this terminal, link or centre')
    .action((filter: Record<string, string>) =>
      withServer(async (context) => (await import('./switch-alarms.ts')).showAlarms(context, 'switch', filter)),
    );
  group
    .command('seen [alarm]')
    .description('you have seen an alarm, or all of --code or --from: they leave the list / 警報を確認済みにする')
    .option('--code <code>', 'all of this code')
    .option('--from <origin>', 'all from this terminal, link or centre')
    .option('--all', 'all of them', false)
    .action((id: string | undefined, { all: isAll, ...filter }: { all: boolean }) =>
      withServer(async (context) =>
        (await import('./switch-alarms.ts')).seeAlarms(context, 'switch', { id, filter, isAll }),
      ),
    );
  group
    .command('reconcile <link>')
    .description('compare a business day with an issuer now / オンライン精査')
    .option('--day <YYMMDD>', 'the day; the current one unless told')
    .option('--close', 'close the day where both sides agree', false)
    .action((link: string, options: { day?: string; close: boolean }) =>
      withServer(async (context) => (await import('./switch.ts')).reconcile(context, link, options)),
    );
  group
    .command('settle-day <link> <day>')
    .description('close a business day that is held / 保留中の業務日を締める')
    .addOption(new Option('--figures <side>', 'whose totals count').choices(['ours', 'theirs']).makeOptionMandatory())
    .requiredOption('--reason <text>', 'what was agreed, and with whom')
    .action((link: string, day: string, what: { figures: 'ours' | 'theirs'; reason: string }) =>
      withServer(async (context) => (await import('./switch.ts')).settleDay(context, link, day, what)),
    );
  group
    .command('reconciliations')
    .description('business days that were compared / 精査結果')
    .option('--count <count>', 'at most so many', integer(1, 20_000), 31)
    .action(({ count }: { count: number }) =>
      withServer(async (context) => (await import('./switch.ts')).showReconciliations(context, count)),
    );
  group
    .command('differences <link> <day>')
    .description('items that differ on a business day / 差異明細')
    .action((link: string, day: string) =>
      withServer(async (context) => (await import('./switch.ts')).showDifferences(context, link, day)),
    );
}
