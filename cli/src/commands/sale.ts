import type { Job, PaymentOrder, SaleResult } from '@tsunagu/protocols/fleet';
import { type Console, type ExitCode, exit, explain, pad, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { runJob } from './watch-job.ts';

/** How a payment ended, in one line for a person. */
export function describeSale({ texts, language }: Pick<Console, 'texts' | 'language'>, sale: SaleResult): string {
  const parts = [
    sale.kind !== undefined && sale.kind !== 'sale' && texts.payment.kinds[sale.kind],
    sale.kind !== 'balance' && texts.yen(sale.amountMinor),
    sale.balanceMinor !== undefined && texts.sale.balance(texts.yen(sale.balanceMinor)),
    sale.lastFour && texts.sale.lastFour(sale.lastFour),
    sale.stan && texts.sale.stan(sale.stan),
    sale.original && texts.sale.follow(sale.original),
    sale.approvalCode && texts.sale.approval(sale.approvalCode),
    sale.actionCode && texts.sale.action(sale.actionCode),
    sale.decidedBy === 'terminal' && texts.sale.offline,
    sale.isQueued && texts.sale.queued,
    sale.reason && `${sale.reason}: ${explain(sale.reason, language).says}`,
    texts.sale.took(sale.durationMs),
  ].filter((part): part is string => Boolean(part));
  return texts.sale.result(texts.outcome[sale.outcome], parts);
}

/** What a payment is, in one line. */
function titleOf({ texts }: Console, serial: string, order: PaymentOrder): string {
  const parts = [
    texts.payment.kinds[order.kind],
    'amountMinor' in order ? texts.yen(order.amountMinor) : undefined,
    'card' in order ? order.card : texts.sale.follow(order.original),
  ].filter((part) => part !== undefined);
  return texts.payment.title(serial, parts);
}

/** `tsunagu sale|void|refund|preauth|complete|balance SERIAL`: a payment, step by step. Exit 0 only when it was approved. */
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
          `  ${pad(`${Math.round(step.atMs)} ms`, 8, true)}  ${names[step.step] ?? step.step}${step.detail ? console.paint('muted', `  ${step.detail}`) : ''}`,
        );
      }
      shown = Math.max(shown, job.steps.length);
    },
  );
  if (!ended.ok) return refuse(console, ended.fault, json);
  const { value: job } = ended;
  if (json) console.out(JSON.stringify(job, null, console.isLive ? 2 : 0));
  else if (job.sale)
    console.out(console.paint(job.sale.outcome === 'approved' ? 'ok' : 'warn', describeSale(console, job.sale)));
  else sayFailed(console, job);
  if (!job.sale) return exit.failed;
  return job.sale.outcome === 'approved' ? exit.ok : exit.otherOutcome;
}

/** Says why a job brought nothing. */
export function sayFailed(console: Console, job: Job): void {
  const { says, next } = explain(job.fault ?? job.state, console.language);
  console.err(`${console.paint('error', job.fault ?? job.state)}: ${says}`);
  if (next) console.err(`${console.paint('muted', console.texts.next)} ${next}`);
}
