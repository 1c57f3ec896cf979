import { currencyNumber, moneyText, paymentMethodText } from '@tsunagu/protocols/acquiring';
import { transitProcessName, transitScheme, transitTerminalName } from '@tsunagu/protocols/felica';
import { isInquiry, type Job, type OwnCurrency, type PaymentOrder, type SaleResult } from '@tsunagu/protocols/fleet';
import {
  describeActionCode,
  describeOutsideHours,
  isApproval,
  nextAfterActionCode,
  nextAtHours,
} from '@tsunagu/protocols/iso8583';
import { stepDetail } from '@tsunagu/protocols/kernel-trace';
import { type Console, type ExitCode, exit, explain, layOut, pad, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { runJob } from './watch-job.ts';

/** How a payment ended, in one line for a person. */
export function describeSale({ texts, language }: Pick<Console, 'texts' | 'language'>, sale: SaleResult): string {
  const parts = [
    sale.kind !== undefined && sale.kind !== 'sale' && texts.payment.kinds[sale.kind],
    // An inquiry has no amount, and what was refused before it began may have none.
    sale.amountMinor > 0 && texts.yen(sale.amountMinor),
    sale.method && paymentMethodText(sale.method, language),
    sale.ownCurrency && ownText(sale.ownCurrency),
    sale.balanceMinor !== undefined &&
      texts.sale[sale.scheme === transitScheme.key ? 'left' : 'balance'](
        sale.balanceUnit === 'points' ? texts.sale.points(sale.balanceMinor) : texts.yen(sale.balanceMinor),
      ),
    sale.lastFour && texts.sale.lastFour(sale.lastFour),
    sale.stan && texts.sale.stan(sale.stan),
    sale.original && texts.sale.follow(sale.original),
    sale.approvalCode && texts.sale.approval(sale.approvalCode),
    sale.tillCode && texts.sale.till(sale.tillCode),
    sale.actionCode && texts.sale.action(sale.actionCode, wordsOf(sale, sale.actionCode, language)),
    sale.decidedBy === 'terminal' && texts.sale.offline,
    sale.isQueued && texts.sale.queued,
    sale.reason && `${sale.reason}: ${explain(sale.reason, language).says}${factsText(sale.reasonFacts)}`,
    texts.sale.took(sale.durationMs),
  ].filter((part): part is string => Boolean(part));
  return texts.sale.result(texts.outcome[sale.outcome], parts);
}

/** An amount in the cardholder's own currency. */
export const ownText = ({ amountMinor, currency }: OwnCurrency): string =>
  moneyText(amountMinor, currencyNumber(currency) ?? currency);

/** What an issuer's "no" means; a "yes" needs no words. */
const wordsOf = (
  { serviceHours }: Pick<SaleResult, 'serviceHours'>,
  code: string,
  language: Console['language'],
): string | undefined =>
  isApproval(code)
    ? undefined
    : (serviceHours ? describeOutsideHours(serviceHours) : describeActionCode(code))?.[language];

/** What a refusal is about, such as what is left of a sale, or the STANs of those that have one RRN. */
const factsText = (facts: SaleResult['reasonFacts'] = {}): string => {
  const all = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  return all.length === 0 ? '' : ` (${all.join(', ')})`;
};

/** What can be done about a payment that did not stand: by our own reason, else by the issuer's code. */
export function nextAfterSale(
  {
    outcome,
    reason,
    actionCode,
    kind,
    serviceHours,
  }: Pick<SaleResult, 'outcome' | 'reason' | 'actionCode' | 'kind' | 'serviceHours'>,
  language: Console['language'],
): string | undefined {
  if (outcome === 'approved') return undefined;
  if (reason === undefined && serviceHours) return nextAtHours(serviceHours)[language];
  return reason === undefined
    ? nextAfterActionCode(actionCode ?? '', isInquiry(kind) ? 'inquiry' : 'payment')?.[language]
    : explain(reason, language).next;
}

/** What a payment is, in one line. */
function titleOf({ texts, language }: Console, serial: string, order: PaymentOrder): string {
  const parts = [
    texts.payment.kinds[order.kind],
    'amountMinor' in order ? texts.yen(order.amountMinor) : undefined,
    'method' in order && order.method ? paymentMethodText(order.method, language) : undefined,
    'card' in order ? order.card : texts.sale.follow(order.original),
  ].filter((part) => part !== undefined);
  return texts.payment.title(serial, parts);
}

/** The history of a transit card, newest first. */
function historyLines({ texts, language }: Console, { history = [] }: SaleResult): readonly string[] {
  const { historyColumns: heads } = texts.sale;
  return layOut(
    [
      { head: heads.on, cell: ({ on }) => on },
      { head: heads.process, cell: ({ process }) => transitProcessName(process)[language] },
      { head: heads.terminal, cell: ({ terminal }) => transitTerminalName(terminal)[language] },
      { head: heads.serial, cell: ({ serial }) => String(serial), right: true },
      { head: heads.balance, cell: ({ balanceMinor }) => texts.yen(balanceMinor), right: true },
    ],
    history,
  );
}

/** `tsunagu sale|void|refund|preauth|complete|balance|charge|history SERIAL`: a payment, step by step. Exit 0 only when it was approved. */
export async function makePayment(context: Context, serial: string, order: PaymentOrder): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const { texts } = console;
  let shown = 0;
  if (!json) console.err(console.paint('bold', titleOf(console, serial, order)));
  const ended = await runJob(
    world,
    client,
    () => client.startPayment(serial, order),
    (job) => {
      if (json) return;
      const names: Readonly<Record<string, string>> = texts.steps;
      for (const step of job.steps.slice(shown)) {
        console.err(
          `  ${pad(`${Math.round(step.atMs)} ms`, 8, true)}  ${names[step.step] ?? step.step}${step.detail ? console.paint('muted', `  ${stepDetail(step.detail, console.language)}`) : ''}`,
        );
      }
      shown = Math.max(shown, job.steps.length);
    },
  );
  if (!ended.ok) return refuse(console, ended.fault, json);
  const { value: job } = ended;
  if (json) console.out(JSON.stringify(job, null, console.isLive ? 2 : 0));
  else if (job.sale) {
    console.out(console.paint(job.sale.outcome === 'approved' ? 'ok' : 'warn', describeSale(console, job.sale)));
    const next = nextAfterSale(job.sale, console.language);
    if (next) console.err(`${console.paint('muted', texts.next)} ${next}`);
    if (job.sale.history) for (const line of historyLines(console, job.sale)) console.out(line);
  } else sayFailed(console, job);
  if (!job.sale) return exit.failed;
  return job.sale.outcome === 'approved' ? exit.ok : exit.otherOutcome;
}

/** Says why a job brought nothing. */
export function sayFailed(console: Console, job: Job): void {
  const { says, next } = explain(job.fault ?? job.state, console.language);
  console.err(`${console.paint('error', job.fault ?? job.state)}: ${says}`);
  if (next) console.err(`${console.paint('muted', console.texts.next)} ${next}`);
}
