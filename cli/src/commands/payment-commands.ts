import { existsSync } from 'node:fs';
import {
  dccChoices,
  paymentMethods,
  paymentOrder,
  type PaymentOrder,
  pinHabits,
  slipOrder,
} from '@tsunagu/protocols/fleet';
import { traceOrder } from '@tsunagu/protocols/kernel-trace';
import { type Command, Option } from 'commander';
import { exit, printFault } from '../console/index.ts';
import { bonusMonth, type MethodOptions, methodOf } from './payment-methods.ts';
import { integer, type Shell } from './shell.ts';

interface SlipCommandOptions {
  readonly stan?: string;
  readonly totals: boolean;
  readonly last: boolean;
  readonly format: string;
  readonly copy: string;
  readonly columns: string;
}

const amountOption = ['--amount <yen>', 'amount in yen', integer(1, 99_999_999)] as const;
const cardOption = [
  '--card <name>',
  'an emulated card of the terminal (see "tsunagu terminal SERIAL"; also gift-card, gift-card-new, points-card, cash-card); at real readers "reader", or "reader-stripe" to draw the stripe / カード名、実機では reader か reader-stripe',
] as const;
const applicationOption = [
  '--application <label>',
  'which application the cardholder chooses where the card has several (default: the first)',
] as const;
const pinOption = new Option('--pin <habit>', 'what the cardholder does at the PIN pad').choices(pinHabits);
const dccOption = new Option(
  '--dcc <choice>',
  'what the cardholder chooses when the own currency is offered: yen unless "accept". A terminal offers it with the setting dcc, which is off: tsunagu config set terminal:SERIAL dcc=true --reason TEXT / 自国通貨決済の選択。既定は円。端末の設定 dcc=true(既定は false)が必要',
).choices(dccChoices);
type SaleOrder = Extract<PaymentOrder, { readonly kind: 'sale' }>;
const ofOption = ['--of <number>', 'STAN or RRN of the transaction that it follows'] as const;
/** Options of a card that is presented. */
type Presented = Pick<Extract<PaymentOrder, { readonly kind: 'balance' }>, 'card' | 'application' | 'pin'>;
const prepaidOption = [
  '--card <name>',
  'a transit card at the FeliCa antenna (transit), or a prepaid card at the stripe reader (gift-card, points-card) / 交通系・ギフト・ポイントカード',
] as const;
const newCardOption = [
  '--card <name>',
  'a card that nobody issued yet, at the stripe reader (gift-card-new) / 未発行のカード',
] as const;
const transitOption = ['--card <name>', 'a transit card at the FeliCa antenna'] as const;

/** Adds payments (`tsunagu sale`, `void`, `charge` …) and what is left of them: totals, slips, traces. */
export function addPaymentCommands(program: Command, shell: Shell): void {
  const pay = async (serial: string, typed: PaymentOrder): Promise<void> => {
    const order = paymentOrder.safeParse(typed);
    if (order.success)
      return shell.withServer(async (context) => (await import('./sale.ts')).makePayment(context, serial, order.data));
    // Names of options and of properties are the same, but for these.
    const [name = ''] = order.error.issues[0]?.path ?? [];
    const option = { original: 'of', amountMinor: 'amount' }[String(name)] ?? String(name);
    printFault(shell.open(), { code: 'OPTION_INVALID', field: `--${option}` }, shell.json());
    process.exitCode = exit.usage;
  };

  program
    .command('sale <serial>')
    .description('a sale, step by step; exit 0 approved, 5 any other outcome / 売上')
    .requiredOption(...amountOption)
    .requiredOption(...cardOption)
    .option(...applicationOption)
    .addOption(pinOption)
    .addOption(dccOption)
    .addOption(
      new Option(
        '--method <code>',
        'how the cardholder pays: 10 at once, 21-24 with the bonus, 31-34 bonus and instalments, 61 instalments, 80 revolving (see "tsunagu payment-methods") / 支払区分',
      ).choices(paymentMethods),
    )
    .option('--instalments <count>', 'how many, for 31-34 and 61 / 分割回数', integer(2, 99))
    .option('--first-month <month>', 'month of the first instalment / 支払開始月', integer(1, 12))
    .option(
      '--bonus <month[:yen]>',
      'a bonus month, for 21-24 and 31-34; may come up to six times / ボーナス月',
      bonusMonth,
    )
    .action((serial: string, typed: { amount: number } & Presented & Pick<SaleOrder, 'dcc'> & MethodOptions) => {
      const { amount, method: _code, instalments: _count, firstMonth: _first, bonus: _months, ...presented } = typed;
      const method = methodOf(typed);
      if (method.ok) return pay(serial, { kind: 'sale', amountMinor: amount, ...presented, method: method.value });
      printFault(shell.open(), method.fault, shell.json());
      process.exitCode = exit.usage;
      return undefined;
    });
  program
    .command('payment-methods')
    .description('how cards may be paid with at the terminals, by scheme and contract / 取扱可能な支払区分')
    .action(() =>
      shell.withServer(async (context) => (await import('./payment-methods.ts')).showPaymentMethods(context)),
    );
  program
    .command('preauth <serial>')
    .description('an authorisation: the amount is held / オーソリ')
    .requiredOption(...amountOption)
    .requiredOption(...cardOption)
    .option(...applicationOption)
    .addOption(pinOption)
    .addOption(dccOption)
    .action((serial: string, { amount, ...presented }: { amount: number } & Presented & Pick<SaleOrder, 'dcc'>) =>
      pay(serial, { kind: 'preauth', amountMinor: amount, ...presented }),
    );
  program
    .command('balance <serial>')
    .description('what an account has left / 残高照会')
    .requiredOption(...cardOption)
    .option(...applicationOption)
    .addOption(pinOption)
    .action((serial: string, presented: Presented) => pay(serial, { kind: 'balance', ...presented }));
  program
    .command('charge <serial>')
    .description('put money onto a transit, gift or points card / チャージ')
    .requiredOption(...amountOption)
    .requiredOption(...prepaidOption)
    .action((serial: string, { amount, card }: { amount: number; card: string }) =>
      pay(serial, { kind: 'charge', amountMinor: amount, card }),
    );
  program
    .command('issue <serial>')
    .description('issue a gift or points card with money on it / カード発行')
    .requiredOption(...amountOption)
    .requiredOption(...newCardOption)
    .action((serial: string, { amount, card }: { amount: number; card: string }) =>
      pay(serial, { kind: 'issue', amountMinor: amount, card }),
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
    .addOption(
      new Option('--last', 'those of the business day that was closed last / 前回締めた日計')
        .default(false)
        .conflicts('close'),
    )
    .action((serial: string, order: { close: boolean; last: boolean }) =>
      shell.withServer(async (context) => (await import('./totals.ts')).showTotals(context, serial, order)),
    );
  program
    .command('slip <serial>')
    .description('print a slip again, in the language of --lang or of the terminal / 伝票の再印字')
    .option('--stan <stan>', 'STAN of the transaction (default: the last one)')
    .option('--totals', 'the daily totals instead / 日計表', false)
    .option('--last', 'with --totals: those of the business day that was closed last / 前回締めた日計表', false)
    .addOption(new Option('--format <format>').choices(['text', 'escpos', 'pdf']).default('text'))
    .addOption(new Option('--copy <copy>').choices(['customer', 'merchant']).default('customer'))
    .addOption(new Option('--columns <columns>', 'columns of the paper').choices(['24', '32', '48']).default('32'))
    .action((serial: string, { stan, totals, last, format, copy, columns }: SlipCommandOptions) =>
      shell.withServer(async (context) => {
        const { printSlip } = await import('./slip.ts');
        const language = shell.lang();
        const order = slipOrder.safeParse({
          ...(stan !== undefined && { stan }),
          what: last ? 'last-totals' : totals ? 'totals' : 'payment',
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
      const { showTrace, showTraceFile } = await import('./trace.ts');
      const json = shell.json();
      if (existsSync(target)) {
        process.exitCode = await showTraceFile(shell.open(), target, json);
        return;
      }
      const order = traceOrder.safeParse(stan === undefined ? {} : { stan });
      if (!order.success) {
        printFault(shell.open(), { code: 'OPTION_INVALID', field: 'stan' }, json);
        process.exitCode = exit.usage;
        return;
      }
      await shell.withServer((context) => showTrace(context, target, order.data));
    });
}
