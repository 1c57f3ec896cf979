import type { SaleResult, TestSale } from '@tsunagu/protocols/fleet';
import { type Console, type ExitCode, exit, explain, pad, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { runTestSale } from './watch-job.ts';

/** How a sale ended, in one line for a person. */
export function describeSale({ texts, language }: Pick<Console, 'texts' | 'language'>, sale: SaleResult): string {
  const parts = [
    texts.yen(sale.amountMinor),
    sale.lastFour && texts.sale.lastFour(sale.lastFour),
    sale.approvalCode && texts.sale.approval(sale.approvalCode),
    sale.actionCode && texts.sale.action(sale.actionCode),
    sale.reason && `${sale.reason}: ${explain(sale.reason, language).says}`,
    texts.sale.took(sale.durationMs),
  ].filter((part): part is string => Boolean(part));
  return texts.sale.result(texts.outcome[sale.outcome], parts);
}

/** `tsunagu sale SERIAL`: a test sale, step by step. Exit 0 only when it was approved. */
export async function makeSale(context: Context, serial: string, sale: TestSale): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const { texts } = console;
  let shown = 0;
  if (!json) console.err(console.paint('bold', texts.sale.title(serial, texts.yen(sale.amountMinor), sale.card)));
  const ended = await runTestSale(world, client, serial, sale, (job) => {
    if (json) return;
    const names: Readonly<Record<string, string>> = texts.steps;
    for (const step of job.steps.slice(shown)) {
      console.err(
        `  ${pad(`${Math.round(step.atMs)} ms`, 8, true)}  ${names[step.step] ?? step.step}${step.detail ? console.paint('muted', `  ${step.detail}`) : ''}`,
      );
    }
    shown = Math.max(shown, job.steps.length);
  });
  if (!ended.ok) return refuse(console, ended.fault, json);
  const { value: job } = ended;
  if (json) console.out(JSON.stringify(job, null, console.isLive ? 2 : 0));
  else if (job.sale)
    console.out(console.paint(job.sale.outcome === 'approved' ? 'ok' : 'warn', describeSale(console, job.sale)));
  else {
    const { says, next } = explain(job.fault ?? job.state, console.language);
    console.err(`${console.paint('error', job.fault ?? job.state)}: ${says}`);
    if (next) console.err(`${console.paint('muted', texts.next)} ${next}`);
  }
  if (!job.sale) return exit.failed;
  return job.sale.outcome === 'approved' ? exit.ok : exit.otherOutcome;
}
