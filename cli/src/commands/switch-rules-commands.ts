import { operationNames } from '@tsunagu/protocols/acquiring';
import { routeQuestion, switchRuleKinds, type SwitchRuleKind, standInUse } from '@tsunagu/protocols/fleet';
import { type Fault, fail, ok, type Result } from '@tsunagu/protocols/kit';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { type ExitCode, exit, printFault } from '../console/index.ts';
import type { Context } from './context.ts';
import type { ImportOptions } from './switch-rates.ts';
import { integer, type Shell } from './shell.ts';

/** A per cent with two decimals at most. */
const percent = (typed: string): number => {
  if (!/^\d{1,2}(\.\d{1,2})?$/.test(typed) || Number(typed) > 20)
    throw new InvalidArgumentError('0 to 20, two decimals');
  return Number(typed);
};

/** The most digits that a routing rule looks at. */
const digitsMax = 11;
/** So many digits of a whole card number stay here at least, however long it is. */
const hiddenMin = 5;

/** What a route may be looked for by: the rest of a card number does not leave this process. */
export const leadingDigits = (typed: string): string => {
  const digits = typed.replaceAll(/[ -]/g, '');
  if (!/^\d{6,19}$/.test(digits)) throw new InvalidArgumentError('6-11 digits');
  return digits.length <= digitsMax ? digits : digits.slice(0, Math.min(digitsMax, digits.length - hiddenMin));
};

/** A moment, as the API takes it; undefined where none was typed. */
function typedMoment(typed: string | undefined): Result<string | undefined, 'OPTION_INVALID'> {
  if (typed === undefined) return ok(undefined);
  const at = Date.parse(typed);
  return Number.isNaN(at)
    ? fail('OPTION_INVALID', { field: '--at', facts: { wants: '2026-11-27T09:00+09:00' } })
    : ok(new Date(at).toISOString());
}

/** Says what is wrong with the command line. */
function misused({ console, json }: Context, fault: Fault): ExitCode {
  printFault(console, fault, json);
  return exit.usage;
}

/** Adds `tsunagu switch rules …`, `rates`, `route` and `stand-in`. */
export function addSwitchRuleCommands(program: Command, shell: Shell): void {
  const found = program.commands.find((command) => command.name() === 'switch');
  const group = found ?? program.command('switch').description('the switch / スイッチ');
  const kind = () => new Argument('<kind>').choices([...switchRuleKinds]);

  const rules = group.command('rules').description('routing, stand-in, contracts and rates, by version / ルール管理');
  rules
    .command('show')
    .addArgument(kind())
    .description('the rules in force as JSON, or those of a version / 表示')
    .option('--version <number>', 'as they were', integer(1, 1_000_000))
    .action((which: SwitchRuleKind, options: { version?: number }) =>
      shell.withServer(async (context) =>
        (await import('./switch-rules.ts')).showRules(context, which, options.version),
      ),
    );
  rules
    .command('set')
    .addArgument(kind())
    .argument('<file>', 'the rules as JSON, or what `show` printed; "-" reads standard input')
    .description('put rules in force, over the version that they were made of / 変更')
    .requiredOption('--reason <text>', 'why')
    .option('--over <version>', 'the version that they change; that of the file, or the newest', integer(1, 1_000_000))
    .action((which: SwitchRuleKind, file: string, options: { reason: string; over?: number }) =>
      shell.withServer(async (context) =>
        (await import('./switch-rules.ts')).setRules(context, which, file, options.reason, options.over),
      ),
    );
  rules
    .command('history')
    .addArgument(kind())
    .description('who changed them, when and why / 変更履歴')
    .action((which: SwitchRuleKind) =>
      shell.withServer(async (context) => (await import('./switch-rules.ts')).listVersions(context, which)),
    );

  const rates = group.command('rates').description('rates of paying in the own currency (DCC) / 換算レート');
  rates
    .command('import')
    .argument('<file>', 'lines such as "USD,152.34", yen for one unit; "-" reads standard input')
    .description('put the rates of a file in force; cards and what is not told stay / 取込')
    .requiredOption('--reason <text>', 'why')
    .option('--source <name>', 'who set them (default: the name of the file)')
    .option('--at <time>', 'when they were set, ISO 8601 (default: now)')
    .option('--mark-up <percent>', 'what the cardholder pays above them, per cent', percent)
    .option('--valid-minutes <minutes>', 'how long they may be offered', integer(1, 10_080))
    .option('--offer-minutes <minutes>', 'how long an offer stands', integer(1, 60))
    .action((file: string, options: ImportOptions) =>
      shell.withServer(async (context) => {
        const at = typedMoment(options.at);
        if (!at.ok) return misused(context, at.fault);
        return (await import('./switch-rates.ts')).importRates(context, file, { ...options, at: at.value });
      }),
    );
  rates
    .command('show')
    .description('what is offered, and until when; exit 5 when nothing is / 表示')
    .option('--version <number>', 'as they were', integer(1, 1_000_000))
    .action((options: { version?: number }) =>
      shell.withServer(async (context) => (await import('./switch-rates.ts')).showRates(context, options.version)),
    );
  rates
    .command('list')
    .description('versions: who put them in force, when and why / 版の一覧')
    .action(() =>
      shell.withServer(async (context) => (await import('./switch-rules.ts')).listVersions(context, 'rates')),
    );

  group
    .command('route')
    .description('where a card goes / 経路')
    .command('explain')
    .addArgument(
      new Argument(
        '<digits>',
        'the leading 6 to 11 digits of a card number; of a whole number no more is sent',
      ).argParser(leadingDigits),
    )
    .description('why a transaction would go where it would go / 経路の説明')
    .addOption(new Option('--operation <name>').choices([...operationNames]).default('sale'))
    .addOption(
      new Option('--entry <how>')
        .choices(['stripe', 'contact', 'contactless', 'stored', 'keyed', 'e-commerce'])
        .default('contact'),
    )
    .option('--amount <yen>', 'amount', integer(0, 999_999_999_999), 1_000)
    .option('--at <time>', 'when, ISO 8601')
    .action((digits: string, options: { operation: string; entry: string; amount: number; at?: string }) =>
      shell.withServer(async (context) => {
        const { operation, entry, amount: amountMinor } = options;
        const at = typedMoment(options.at);
        if (!at.ok) return misused(context, at.fault);
        const asked = routeQuestion.parse({ digits, operation, entry, amountMinor, at: at.value });
        return (await import('./switch-rules.ts')).explainRoute(context, asked);
      }),
    );

  group
    .command('stand-in')
    .description('approvals in the place of an issuer, and what it said of them / 代行承認の一覧')
    .addOption(new Option('--state <state>').choices([...standInUse.shape.state.options]))
    .action((options: { state?: 'advising' | 'taken' | 'refused' }) =>
      shell.withServer(async (context) => (await import('./switch-rules.ts')).listStandIn(context, options.state)),
    );
}
