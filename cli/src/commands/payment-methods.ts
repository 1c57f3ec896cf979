import { formatPaymentMethod, paymentMethodText } from '@tsunagu/protocols/acquiring';
import type { PaymentMethodCode, SaleMethod } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { InvalidArgumentError } from 'commander';
import { type ExitCode, exit, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** What of a sale says how it is paid. */
export interface MethodOptions {
  readonly method?: PaymentMethodCode;
  readonly instalments?: number;
  readonly firstMonth?: number;
  readonly bonus?: readonly BonusMonth[];
}

type BonusMonth = NonNullable<SaleMethod['bonus']>[number];

/** A bonus month as it is typed: "7", or "7:30000" with its amount in yen; gathers several. */
export function bonusMonth(typed: string, before: readonly BonusMonth[] = []): readonly BonusMonth[] {
  const [, month, amount = '0'] = /^(1[0-2]|[1-9])(?::(\d{1,8}))?$/.exec(typed) ?? [];
  if (month === undefined) throw new InvalidArgumentError('MONTH or MONTH:YEN, 1-12');
  return [...before, { month: Number(month), amountMinor: Number(amount) }];
}

/** How a sale is to be paid; undefined: nothing was said, which is at once. PAYMENT_METHOD_INVALID: what was said makes no sense. */
export function methodOf(options: MethodOptions): Result<SaleMethod | undefined, 'PAYMENT_METHOD_INVALID'> {
  const { method: code, instalments, firstMonth, bonus } = options;
  const more = {
    ...(instalments !== undefined && { instalments }),
    ...(firstMonth !== undefined && { firstMonth }),
    ...(bonus !== undefined && { bonus: [...bonus] }),
  };
  if (code === undefined)
    return Object.keys(more).length === 0 ? ok(undefined) : fail('PAYMENT_METHOD_INVALID', { field: '--method' });
  const method = { code, ...more };
  return formatPaymentMethod(method).ok ? ok(method) : fail('PAYMENT_METHOD_INVALID', { field: '--method' });
}

/** `tsunagu payment-methods`: how may be paid at the terminals, by card scheme. */
export async function showPaymentMethods({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.paymentMethods();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value));
    return exit.ok;
  }
  const { columns } = console.texts.paymentMethods;
  printTable(
    console,
    [
      { head: columns.scheme, cell: ({ scheme }) => scheme },
      { head: columns.methods, cell: ({ methods }) => methods.join(' ') },
      { head: columns.instalments, cell: ({ instalments }) => instalments.join(' ') || '–' },
      { head: columns.least, cell: ({ methodMinMinor }) => console.texts.yen(methodMinMinor), right: true },
    ],
    answer.value.items,
  );
  console.out('');
  for (const code of new Set(answer.value.items.flatMap(({ methods }) => methods)))
    console.out(`${code}  ${paymentMethodText({ code }, console.language)}`);
  return exit.ok;
}
