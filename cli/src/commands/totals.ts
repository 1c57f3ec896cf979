import { signOf, type TotalsOrder } from '@tsunagu/protocols/fleet';
import { type ExitCode, exit, layOut, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { sayFailed } from './sale.ts';
import { runJob } from './watch-job.ts';

/** `tsunagu totals SERIAL [--close | --last]`: what the business day came to. Exit 5 when the switch refused something. */
export async function showTotals(context: Context, serial: string, order: TotalsOrder): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const { texts } = console;
  const ended = await runJob(
    world,
    client,
    () => client.startTotals(serial, order),
    () => undefined,
  );
  if (!ended.ok) return refuse(console, ended.fault, json);
  const { totals } = ended.value;
  if (json) console.out(JSON.stringify(ended.value, null, console.isLive ? 2 : 0));
  else if (totals) {
    const { columns } = texts.totals;
    console.out(console.paint('bold', texts.totals.title(serial, totals.day, totals.isClosed)));
    const table = layOut(
      [
        { head: columns.scheme, cell: ({ company, scheme }) => [company, scheme].filter(Boolean).join(' ') || '–' },
        { head: columns.kind, cell: ({ kind }) => texts.payment.kinds[kind] },
        { head: columns.count, cell: ({ count }) => String(count), right: true },
        {
          head: columns.amount,
          cell: ({ kind, amountMinor }) => texts.yen(signOf(kind) < 0 ? -amountMinor : amountMinor),
          right: true,
        },
      ],
      totals.lines,
    );
    for (const line of table) console.out(line);
    for (const { company, netMinor } of totals.companies ?? [])
      console.out(`${company}  ${texts.totals.net(texts.yen(netMinor))}`);
    console.out(texts.totals.net(texts.yen(totals.netMinor)));
    if (totals.waiting > 0) console.out(console.paint('warn', texts.totals.waiting(totals.waiting)));
    for (const { stan, actionCode } of totals.refused)
      console.out(console.paint('error', texts.totals.refused(stan, actionCode)));
  } else sayFailed(console, ended.value);
  if (!totals) return exit.failed;
  return totals.refused.length > 0 ? exit.otherOutcome : exit.ok;
}
