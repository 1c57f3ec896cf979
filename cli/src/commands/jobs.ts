import { writeFile } from 'node:fs/promises';
import {
  cancelJobs as cancelJobsSchema,
  type cancelledJobs,
  type Job,
  jobBody,
  jobKinds,
  jobOfMany,
  jobTypes,
  parseWith,
  unheardText,
} from '@tsunagu/protocols/fleet';
import { fail, type Result } from '@tsunagu/protocols/kit';
import {
  optionFault,
  type Column,
  exit,
  type ExitCode,
  layOut,
  printFault,
  printTable,
  refuse,
} from '../console/index.ts';
import type { z } from 'zod';
import type { Texts } from '../language/index.ts';
import type { Context } from './context.ts';
import { outlookOf } from './job-outlook.ts';
import { runJob } from './watch-job.ts';

/** Which jobs. */
export interface JobSelection {
  readonly serial?: string;
  readonly state?: string;
  readonly type?: string;
  readonly reference?: string;
}

/** Which jobs are listed. */
export interface JobFilter extends JobSelection {
  readonly limit: number;
}

/** When and how a job is ordered. */
export interface JobOrderOptions {
  /** JSON. */
  readonly params: string;
  readonly emergency: boolean;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly reference?: string;
  /** Do not wait for the end. */
  readonly detach: boolean;
}

const isJobType = (type: string): type is keyof typeof jobKinds => Object.hasOwn(jobKinds, type);

/** A kind by its title, in the language of the reader. */
export const titleOf = (texts: Texts, type: string): string =>
  isJobType(type) ? jobKinds[type].title[texts.job.language] : type;

const columnsOf = (texts: Texts): readonly Column<Job>[] => [
  { head: texts.job.columns.id, cell: ({ id }) => id },
  { head: texts.columns.serial, cell: ({ serial }) => serial },
  { head: texts.job.columns.kind, cell: ({ type }) => titleOf(texts, type) },
  { head: texts.job.columns.state, cell: (job) => stateOf(texts, job) },
  { head: texts.job.columns.attempt, cell: ({ attempt, attemptsMax }) => `${attempt}/${attemptsMax}`, right: true },
  { head: texts.job.columns.created, cell: ({ createdAt }) => createdAt.slice(0, 19) },
  { head: texts.job.columns.fault, cell: ({ fault }) => fault ?? '' },
];

const stateOf = (texts: Texts, { state, isCancelling, isLate }: Job): string =>
  [texts.job.states[state], isCancelling && texts.job.cancelling, isLate && texts.job.late].filter(Boolean).join(' ');

/** `tsunagu job list`: jobs, newest first. */
export async function listJobs(context: Context, filter: JobFilter): Promise<ExitCode> {
  const { client, console, json } = context;
  const found = await client.jobs(filter);
  if (!found.ok) return refuse(console, found.fault, json);
  if (json) console.out(JSON.stringify(found.value));
  else {
    printTable(console, columnsOf(console.texts), found.value.items);
    for (const { serial, text } of await unheardOf(context, found.value.items)) console.out(`${serial}  ${text}`);
  }
  return exit.ok;
}

/** `tsunagu job kinds`: what can be ordered. */
export function listKinds({ console, json }: Pick<Context, 'console' | 'json'>): ExitCode {
  const kinds = jobTypes.filter((type) => jobKinds[type].policy.isForPeople);
  const { texts } = console;
  if (json) console.out(JSON.stringify(kinds));
  else
    for (const line of layOut(
      [
        { head: texts.job.columns.type, cell: (type: (typeof kinds)[number]) => type },
        { head: texts.job.columns.kind, cell: (type) => jobKinds[type].title[texts.job.language] },
        { head: '', cell: (type) => (jobKinds[type].policy.isDestructive ? texts.job.secondPerson : '') },
      ],
      kinds,
    ))
      console.out(line);
  return exit.ok;
}

/** `tsunagu job show ID`: one job with its steps and what it brought. */
export async function showJob(context: Context, id: string): Promise<ExitCode> {
  return await shown(context, await context.client.job(id));
}

/** `tsunagu job cancel --reference …`: takes back all open jobs of a selection, 1,000 at a time until none is left. */
export async function cancelJobs(
  { client, console, json }: Context,
  id: string | undefined,
  selection: JobSelection,
  dryRun: boolean,
): Promise<ExitCode> {
  const wanted = parseWith(cancelJobsSchema, { ...selection, dryRun });
  // One job, or a selection: both together would leave open which of them counts.
  if (id !== undefined || !wanted.ok) {
    const field = id === undefined && !wanted.ok ? (wanted.fault.field ?? 'reference') : 'id';
    printFault(console, fail('OPTION_INVALID', { field }).fault, json);
    return exit.usage;
  }
  const items: z.infer<typeof cancelledJobs>['items'][number][] = [];
  for (let hasMore = true; hasMore; ) {
    const answer = await client.cancelJobs(wanted.value);
    if (!answer.ok) return refuse(console, answer.fault, json);
    items.push(...answer.value.items);
    hasMore = answer.value.hasMore && !dryRun;
  }
  const { texts } = console;
  if (json) console.out(JSON.stringify({ dryRun, items }));
  else
    printTable(
      console,
      [
        { head: texts.job.columns.id, cell: ({ job }) => job },
        { head: texts.columns.serial, cell: ({ serial }) => serial },
        { head: texts.job.columns.kind, cell: ({ type }) => titleOf(texts, type) },
        { head: texts.job.columns.state, cell: ({ state }) => texts.job.states[state] },
      ],
      items,
    );
  return exit.ok;
}

/** `tsunagu job cancel|retry|approve ID`. */
export async function changeJob(
  context: Context,
  how: 'cancelJob' | 'retryJob' | 'approveJob',
  id: string,
): Promise<ExitCode> {
  return await shown(context, await context.client[how](id));
}

/** `tsunagu job order SERIAL KIND`: orders a job and follows it to its end. Exit 0 when it succeeded. */
export async function orderJob(
  context: Context,
  serial: string,
  type: string,
  { params, emergency, detach, ...ordering }: JobOrderOptions,
): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const body = parseWith(jobBody, { type, params: paramsOf(params) });
  if (!body.ok) {
    printFault(console, optionFault(body.fault, 'type'), json);
    return exit.usage;
  }
  const priority = emergency ? 'emergency' : 'routine';
  const order = (): Promise<Result<Job>> => client.orderJob(serial, { job: body.value, priority, ...ordering });
  // One that waits for a second person, or for its hour, is not waited for.
  const first = await order();
  if (!first.ok) return refuse(console, first.fault, json);
  const mayWait = detach || first.value.state === 'held' || ordering.notBefore !== undefined;
  const ended = mayWait
    ? first
    : await runJob(
        world,
        client,
        () => Promise.resolve(first),
        () => undefined,
      );
  const code = await shown(context, ended);
  return ended.ok && !mayWait && ended.value.state !== 'succeeded' ? exit.otherOutcome : code;
}

/** `tsunagu job order SERIAL,SERIAL KIND`: orders the same of several, and says of each how that went. Exit 0 when all of it was ordered. */
export async function orderJobs(
  { client, console, json }: Context,
  serials: readonly string[],
  type: string,
  { params, emergency, notBefore, notAfter, reference }: JobOrderOptions,
): Promise<ExitCode> {
  // Orders of several are routine and for now: what would not be heeded is refused.
  const unheeded = Object.entries({ emergency, notBefore, notAfter, reference }).find(([, value]) => value);
  if (unheeded) {
    printFault(
      console,
      fail('OPTION_INVALID', { field: `--${unheeded[0].replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}` })
        .fault,
      json,
    );
    return exit.usage;
  }
  const order = jobOfMany.safeParse({ type, params: paramsOf(params) });
  if (!order.success) {
    printFault(console, fail('OPTION_INVALID', { field: order.error.issues[0]?.path.join('.') ?? 'type' }).fault, json);
    return exit.usage;
  }
  const answer = await client.orderJobs(serials, order.data);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else for (const { serial, job, code } of answer.value.items) console.out(`${serial}  ${code ?? job ?? ''}`);
  return answer.value.failed === 0 ? exit.ok : exit.otherOutcome;
}

/** `tsunagu job log ID`: the log that a job pulled. */
export async function saveLog(
  { client, console, json }: Context,
  id: string,
  path: string | undefined,
): Promise<ExitCode> {
  const log = await client.jobLog(id);
  if (!log.ok) return refuse(console, log.fault, json);
  if (path === undefined) {
    console.out(log.value.trimEnd());
    return exit.ok;
  }
  try {
    await writeFile(path, log.value);
  } catch (cause) {
    printFault(console, fail('FILE_NOT_WRITTEN', { facts: { path }, cause }).fault, json);
    return exit.failed;
  }
  return exit.ok;
}

function paramsOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As many terminals of a list are asked for their state of life. */
const askedMax = 10;

/** Why the open ones among these jobs do not reach their terminals at all; who may not look at terminals is told nothing of it. */
async function unheardOf({ client, console }: Pick<Context, 'client' | 'console'>, jobs: readonly Job[]) {
  const serials = new Set(jobs.filter(({ finishedAt }) => finishedAt === null).map(({ serial }) => serial));
  const found = await Promise.all([...serials].slice(0, askedMax).map((serial) => client.terminal(serial)));
  return found.flatMap((one) => {
    const text = one.ok ? unheardText(one.value.lifecycle, console.language, one.value.serial) : undefined;
    return one.ok && text !== undefined ? [{ serial: one.value.serial, text }] : [];
  });
}

async function shown(context: Context, answer: Result<Job>): Promise<ExitCode> {
  const { console, json } = context;
  if (!answer.ok) return refuse(console, answer.fault, json);
  const job = answer.value;
  const { texts } = console;
  if (json) {
    console.out(JSON.stringify(job));
    return exit.ok;
  }
  console.out(
    `${job.id}  ${job.serial}  ${titleOf(texts, job.type)}  ${stateOf(texts, job)}${job.fault ? `  ${job.fault}` : ''}`,
  );
  if (job.state === 'held') console.out(texts.job.held(job.id));
  for (const { text } of await unheardOf(context, [job])) console.out(`  ${text}`);
  for (const line of outlookOf(console, job)) console.out(`  ${line}`);
  for (const { step, atMs, detail } of job.steps)
    console.out(`  ${Math.round(atMs)} ms  ${step}  ${detail ?? ''}`.trimEnd());
  for (const [name, value] of Object.entries(job.result ?? {})) console.out(`  ${name}: ${JSON.stringify(value)}`);
  return exit.ok;
}
