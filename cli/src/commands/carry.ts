import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  carriedCharactersMax,
  carriedJobsFile,
  carriedJobsOfMany,
  carriedOrdersMax,
  carriedReportsFile,
  jobKinds,
  managementPaths,
  parseJson,
  takenReports,
} from '@tsunagu/protocols/fleet';
import { fail, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { z } from 'zod';
import { type Console, type ExitCode, exit, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { writeNew } from './document-file.ts';
import { emulatedTerminal } from './emulated-terminal.ts';

/** How long an emulated terminal is waited for, milliseconds: it may restart in the middle. */
const handedMs = 60_000;
const lookMs = 100;

async function fileAt<T>(
  path: string,
  schema: z.ZodType<T>,
): Promise<Result<T, 'FILE_UNREADABLE' | 'CARRIED_FILE_INVALID'>> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return fail('FILE_UNREADABLE', { facts: { path } });
  const read = parseJson(schema, text, carriedCharactersMax);
  return read.ok ? read : fail('CARRIED_FILE_INVALID', { facts: { path } });
}

/** `tsunagu job carry SERIALS --out FILE`: what waits for terminals without a line goes into a file, signed for each. */
export async function fetchCarried(
  { client, console, json }: Context,
  serials: readonly string[],
  out: string,
): Promise<ExitCode> {
  const handed = await client.ask(carriedJobsOfMany, managementPaths.jobCarriage, { serials });
  if (!handed.ok) return refuse(console, handed.fault, json);
  const { items } = handed.value;
  const file: z.output<typeof carriedJobsFile> = { format: 'tsunagu-carried-jobs-v1', items };
  const written = await writeNew(out, `${JSON.stringify(file)}\n`);
  if (!written.ok) return refuse(console, written.fault, json);
  const texts = console.texts.carry;
  if (json)
    console.out(
      JSON.stringify({
        file: out,
        items: items.map(({ serial, orders, left }) => ({
          serial,
          orders: orders.map(({ job, type, until }) => ({ job, type, until })),
          left,
        })),
      }),
    );
  else {
    const title = (type: keyof typeof jobKinds): string => jobKinds[type].title[console.texts.job.language];
    printTable(
      console,
      [
        { head: console.texts.columns.serial, cell: ({ serial }) => serial },
        { head: console.texts.job.columns.kind, cell: ({ type }) => title(type) },
        { head: texts.until, cell: ({ until }) => until.slice(0, 16) },
      ],
      items.flatMap(({ serial, orders }) => orders.map((order) => ({ serial, ...order }))),
    );
    for (const { serial, left } of items)
      if (left.length > 0) console.err(texts.left(serial, [...new Set(left)].map(title).join(', ')));
    console.err(texts.fetched(out));
  }
  return items.some(({ orders }) => orders.length > 0) ? exit.ok : exit.otherOutcome;
}

/** `tsunagu emulate carry SERIAL FILE --out REPORTS`: the file goes into the service port of an emulated terminal of this house, and what it hands back into another. */
export async function bringCarried(
  world: Pick<World, 'clock' | 'timers'>,
  console: Console,
  data: string,
  serial: string,
  path: string,
  out: string,
  json: boolean,
): Promise<ExitCode> {
  const folder = emulatedTerminal(data, serial);
  if (!folder.ok) return refuse(console, folder.fault, json);
  const file = await fileAt(path, carriedJobsFile);
  if (!file.ok) return refuse(console, file.fault, json);
  const own = file.value.items.find((item) => item.serial === serial);
  if (!own) return refuse(console, fail('CARRIED_FILE_INVALID', { facts: { path, serial } }).fault, json);
  const [brought, handed] = ['carried-jobs.json', 'carried-reports.json'].map((name) => join(folder.value, name)) as [
    string,
    string,
  ];
  await rm(handed, { force: true });
  // The terminal sees the whole of it or nothing.
  await writeFile(`${brought}.new`, JSON.stringify(own), { mode: 0o600 });
  await rename(`${brought}.new`, brought);
  const until = world.clock.monotonicMs() + handedMs;
  let reports: z.output<typeof carriedReportsFile>['reports'] = [];
  while (reports.length < own.orders.length && world.clock.monotonicMs() < until) {
    await world.timers.sleep(lookMs);
    const given = await fileAt(handed, carriedReportsFile);
    if (given.ok) reports = given.value.reports;
  }
  const written = await writeNew(out, `${JSON.stringify({ format: 'tsunagu-carried-reports-v1', reports })}\n`);
  if (!written.ok) return refuse(console, written.fault, json);
  if (json) console.out(JSON.stringify({ serial, file: out, orders: own.orders.length, reports: reports.length }));
  else console.out(console.texts.carry.handed(serial, reports.length, own.orders.length, out));
  return reports.length === own.orders.length ? exit.ok : exit.otherOutcome;
}

/** `tsunagu job deliver FILE…`: what terminals without a line have signed of their jobs comes to the server. */
export async function deliverReports({ client, console, json }: Context, paths: readonly string[]): Promise<ExitCode> {
  const all: z.output<typeof carriedReportsFile>['reports'] = [];
  for (const path of paths) {
    const file = await fileAt(path, carriedReportsFile);
    if (!file.ok) return refuse(console, file.fault, json);
    all.push(...file.value.reports);
  }
  const items: z.output<typeof takenReports>['items'] = [];
  for (let begin = 0; begin < all.length; begin += carriedOrdersMax) {
    const reports = all.slice(begin, begin + carriedOrdersMax);
    const taken = await client.ask(takenReports, managementPaths.jobReports, { reports });
    if (!taken.ok) return refuse(console, taken.fault, json);
    items.push(...taken.value.items);
  }
  if (json) console.out(JSON.stringify({ items }));
  else
    printTable(
      console,
      [
        { head: console.texts.columns.serial, cell: ({ serial }) => serial },
        { head: console.texts.job.columns.id, cell: ({ job }) => job },
        { head: console.texts.job.columns.state, cell: ({ state }) => stateOf(console, state) },
        { head: console.texts.job.columns.fault, cell: ({ code }) => code ?? '' },
      ],
      items,
    );
  if (items.every(({ ok: isTaken }) => isTaken)) return exit.ok;
  return exit.otherOutcome;
}

const stateOf = ({ texts }: Console, state: string | null): string => {
  const known = Object.entries(texts.job.states).find(([name]) => name === state);
  return known?.[1] ?? '';
};
