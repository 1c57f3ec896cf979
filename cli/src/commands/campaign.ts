import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  type CampaignDetail,
  type CampaignException,
  type CampaignSummary,
  type CampaignVerb,
  campaignSpec,
  type CauseCode,
  causeCodes,
  causeTexts,
  parseQuery,
  ringsAreGrowing,
  type SettingValue,
  type Why,
  type WhyTarget,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { z } from 'zod';
import {
  type Column,
  type Console,
  exit,
  type ExitCode,
  explain,
  momentOf,
  printFault,
  printTable,
  refuse,
} from '../console/index.ts';
import { settingOfText } from './config-target.ts';
import type { Context } from './context.ts';
import { ensurePublished, readImage } from './software-repository.ts';

/** What `tsunagu campaign create` is given. */
export interface CreateOptions {
  /** A specification in JSON; options go before what it says. */
  readonly file?: string;
  readonly name?: string;
  readonly target?: string;
  readonly images: readonly string[];
  readonly back: readonly string[];
  /** `setting=value`, for a campaign of the configuration. */
  readonly set: readonly string[];
  readonly rings?: readonly number[];
  readonly soakSeconds: number;
  readonly gate: boolean;
  readonly dryRun: boolean;
  /** The folder of keys that publish images which are not published yet. */
  readonly keys: string;
}

/** `tsunagu campaign create`: proposes a campaign, or says with `--dry-run` whom it would reach. Images are files: they are uploaded, and published when the keys are here. */
export async function createCampaign(context: Context, options: CreateOptions): Promise<ExitCode> {
  const { console, client, json } = context;
  const made = await specOf(context, options);
  if (!made.ok) {
    if (made.fault.code === 'QUERY_INVALID' && !json)
      pointAt(console, options.target ?? '', made.fault.offset ?? 0, made.fault.facts?.['expected']);
    printFault(console, made.fault, json);
    return exit.usage;
  }
  if (options.dryRun) {
    const dry = await client.dryRunCampaign(made.value);
    if (!dry.ok) return refuse(console, dry.fault, json);
    if (json) {
      console.out(JSON.stringify(dry.value));
      return exit.ok;
    }
    const { texts } = console;
    console.out(texts.campaign.reach(dry.value.cohort, dry.value.rings.join(' / ')));
    for (const serial of dry.value.sample) console.out(`  ${serial}`);
    for (const { why, terminals, sample } of dry.value.excluded)
      console.out(texts.campaign.excluded(terminals, why, sample.join(', ')));
    for (const { code, terminals } of dry.value.waiting)
      console.out(texts.campaign.waiting(terminals, sentenceOf(console, code, {})));
    return exit.ok;
  }
  const created = await client.createCampaign(made.value);
  if (!created.ok) return refuse(console, created.fault, json);
  const { name, terminals, id } = created.value;
  console.out(json ? JSON.stringify(created.value) : console.texts.campaign.proposed(name, terminals.cohort));
  if (!json) console.out(id);
  return exit.ok;
}

async function specOf(context: Context, options: CreateOptions) {
  let spec: Record<string, unknown> = {};
  if (options.file !== undefined) {
    const text = await readFile(options.file, 'utf8').catch(() => undefined);
    try {
      const value: unknown = JSON.parse(text ?? '');
      if (typeof value === 'object' && value !== null) spec = { ...value };
    } catch (cause) {
      return fail('INPUT_INVALID', { field: options.file, cause });
    }
  }
  const images = await readImages(options.images);
  if (!images.ok) return images;
  const back = await readImages(options.back);
  if (!back.ok) return back;
  const values: Record<string, SettingValue> = {};
  for (const typed of options.set) {
    const one = settingOfText(typed);
    if (!one.ok) return one;
    values[one.value[0]] = one.value[1];
  }
  const rings = options.rings?.map((percent) => ({ percent, soakMs: options.soakSeconds * 1_000 }));
  const whole = {
    ...spec,
    ...(options.name !== undefined && { name: options.name }),
    ...(options.target !== undefined && { target: options.target }),
    ...(images.value.length > 0 && {
      action: { kind: 'software', images: images.value.map(digestOf), back: back.value.map(digestOf) },
    }),
    ...(options.set.length > 0 && { action: { kind: 'configuration', values } }),
    ...(rings && { rings }),
    ...(!options.gate && { gate: null }),
  };
  const parsed = campaignSpec.safeParse(whole);
  if (!parsed.success) return fail('INPUT_INVALID', { field: parsed.error.issues[0]?.path.join('.') ?? '' });
  const query = parseQuery(parsed.data.target);
  if (!query.ok) return query;
  if (!ringsAreGrowing(parsed.data.rings)) return fail('CAMPAIGN_RINGS_INVALID', { field: 'rings' });
  // Nothing is published for what cannot be proposed; and a dry run changes nothing.
  if (!options.dryRun)
    for (const image of [...images.value, ...back.value]) {
      const there = await handIn(context, image, options.keys);
      if (!there.ok) return there;
    }
  const value: z.input<typeof campaignSpec> = parsed.data;
  return { ok: true, value } as const;
}

/** An image of software on this machine. */
interface ImageFile {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly digest: string;
}
const digestOf = ({ digest }: ImageFile): string => digest;

async function readImages(files: readonly string[]): Promise<Result<readonly ImageFile[]>> {
  const found: ImageFile[] = [];
  for (const file of files) {
    const image = await readImage(file);
    if (!image.ok) return image;
    found.push({ file, bytes: image.value, digest: createHash('sha256').update(image.value).digest('hex') });
  }
  return ok(found);
}

/** Uploads an image, and publishes it where it is not published yet and the keys are here. */
async function handIn(context: Context, { file, bytes, digest }: ImageFile, keys: string): Promise<Result<void>> {
  const uploaded = await context.client.uploadSoftware(bytes);
  if (!uploaded.ok) return uploaded;
  const published = await ensurePublished(context, bytes, digest, { keys });
  return published.ok ? published : fail(published.fault.code, { ...published.fault, field: file });
}

/** Shows where in a query the fault is. */
function pointAt(console: Console, query: string, at: number, expected: unknown): void {
  console.err(query);
  console.err(`${' '.repeat(at)}^ ${console.texts.campaign.here(String(expected))}`);
}

/** `tsunagu campaign list`. */
export async function listCampaigns({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.campaigns();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value));
    return exit.ok;
  }
  const texts = console.texts.campaign;
  const columns: readonly Column<CampaignSummary>[] = [
    { head: texts.columns.id, cell: ({ id }) => id },
    { head: texts.columns.name, cell: ({ name }) => name },
    { head: texts.columns.kind, cell: ({ kind }) => kind },
    { head: texts.columns.phase, cell: ({ phase }) => texts.phase[phase] },
    { head: texts.columns.done, cell: ({ terminals }) => texts.done(terminals.done, terminals.cohort), right: true },
    { head: texts.columns.ordered, cell: ({ terminals }) => String(terminals.ordered), right: true },
    { head: texts.columns.failed, cell: ({ terminals }) => String(terminals.failed), right: true },
    { head: texts.columns.back, cell: ({ terminals }) => String(terminals.back), right: true },
  ];
  printTable(console, columns, answer.value);
  return exit.ok;
}

/** Phases that nothing follows by itself. */
const resting = new Set(['completed', 'aborted', 'rolledBack', 'rejected']);

/** `tsunagu campaign show ID`: rings, gates, exceptions. With `--watch` it is printed anew at each change until the campaign rests. */
export async function showCampaign(context: Context, id: string, watch: boolean): Promise<ExitCode> {
  const { client, console, json } = context;
  const show = async (): Promise<CampaignDetail | ExitCode> => {
    const answer = await client.campaign(id);
    if (!answer.ok) return refuse(console, answer.fault, json);
    if (json) console.out(JSON.stringify(answer.value));
    else await printCampaign(context, answer.value);
    return answer.value;
  };
  let shown = await show();
  if (!watch || typeof shown === 'number') return typeof shown === 'number' ? shown : exit.ok;
  return await new Promise((resolve) => {
    let isBusy = false;
    const stream = client.live({
      on: {
        campaign: (summary) => {
          if (summary.id !== id || isBusy) return;
          isBusy = true;
          void show().then((next) => {
            isBusy = false;
            shown = next;
            if (typeof next === 'number' || resting.has(next.phase)) {
              stream.close();
              resolve(typeof next === 'number' ? next : exit.ok);
            }
          });
        },
      },
    });
    if (typeof shown !== 'number' && resting.has(shown.phase)) {
      stream.close();
      resolve(exit.ok);
    }
  });
}

async function printCampaign({ client, console }: Context, campaign: CampaignDetail): Promise<void> {
  const texts = console.texts.campaign;
  const { name, phase, reason, terminals, rings, gates } = campaign;
  const back = terminals.back > 0 ? `  ${texts.back(terminals.back)}` : '';
  const done = texts.done(terminals.done, terminals.cohort);
  console.out(console.paint('bold', `${name}  ${texts.phase[phase]}  ${done}${back}`));
  if (reason !== null) {
    const { says, next } = explain(reason, console.language);
    console.out(texts.reason(says === reason ? reason : `${reason}: ${says}`));
    if (next !== '') console.out(`${console.texts.next} ${next}`);
  }
  if (campaign.held !== null)
    console.out(console.paint('bold', sentenceOf(console, campaign.held.code, campaign.held.facts)));
  printTable(
    console,
    [
      { head: texts.columns.ring, cell: ({ index }) => String(index) },
      { head: texts.columns.share, cell: ({ percent }) => `${percent} %`, right: true },
      { head: texts.columns.state, cell: ({ state }) => texts.ring[state] },
      { head: texts.columns.done, cell: ({ done, size }) => texts.done(done, size), right: true },
      { head: texts.columns.ordered, cell: ({ ordered }) => String(ordered), right: true },
      { head: texts.columns.retrying, cell: ({ retrying }) => String(retrying), right: true },
      { head: texts.columns.failed, cell: ({ failed }) => String(failed), right: true },
      { head: texts.columns.back, cell: ({ back: count }) => String(count), right: true },
    ],
    rings.map((ring, index) => ({ ...ring, index: index + 1 })),
  );
  if (gates.length > 0)
    printTable(
      console,
      [
        { head: texts.columns.metric, cell: ({ metric }) => texts.metric[metric] },
        { head: texts.columns.updated, cell: ({ updated }) => texts.done(updated.events, updated.sales), right: true },
        { head: texts.columns.control, cell: ({ control }) => texts.done(control.events, control.sales), right: true },
        {
          head: texts.columns.evidence,
          cell: ({ evidence, limit }) => `${evidence.toPrecision(3)} / ${limit}`,
          right: true,
        },
      ],
      gates,
    );
  const exceptions = await client.campaignExceptions(campaign.id);
  if (!exceptions.ok || exceptions.value.length === 0) return;
  const columns: readonly Column<CampaignException>[] = [
    { head: texts.columns.serial, cell: ({ serial }) => serial },
    { head: texts.columns.attempts, cell: ({ attempts }) => String(attempts), right: true },
    { head: texts.columns.fault, cell: ({ fault }) => fault ?? console.texts.none },
    { head: texts.columns.nextAt, cell: ({ nextAt }) => (nextAt === null ? console.texts.none : momentOf(nextAt)) },
  ];
  printTable(console, columns, exceptions.value);
}

/** `tsunagu campaign approve|reject|pause|resume|promote|abort|rollback ID`. */
export async function actOnCampaign(
  { client, console, json }: Context,
  id: string,
  verb: CampaignVerb,
  reason: string,
): Promise<ExitCode> {
  const acted = await client.actOnCampaign(id, verb, reason);
  if (!acted.ok) return refuse(console, acted.fault, json);
  const texts = console.texts.campaign;
  const { name, phase } = acted.value;
  console.out(json ? JSON.stringify(acted.value) : texts.acted(name, texts.verb[verb], texts.phase[phase]));
  return exit.ok;
}

/** What a `--target` names: `campaign:ID`, `software:VERSION`, `configuration`, `key:SLOT`. */
export function targetOf(text: string): WhyTarget | undefined {
  const [kind, ...rest] = text.split(':');
  const value = rest.join(':');
  if (kind === 'configuration' && value === '') return { kind };
  if (value === '') return undefined;
  if (kind === 'campaign') return { kind, id: value };
  if (kind === 'software') return { kind, version: value };
  return kind === 'key' ? { kind, slot: value } : undefined;
}

/** `tsunagu why SERIAL…|--where QUERY --target …`: all that stands in the way, and when it is tried next. Exit 0 when nothing does. */
export async function explainWhy(
  { client, console, json }: Context,
  serials: readonly string[],
  where: string | undefined,
  target: string,
): Promise<ExitCode> {
  if (serials.length > 0 === (where !== undefined)) {
    printFault(
      console,
      { code: 'OPTION_INVALID', field: '--where', facts: { example: "SERIAL…, or --where 'model = CT-5100'" } },
      json,
    );
    return exit.usage;
  }
  const asked = targetOf(target);
  if (!asked) {
    printFault(
      console,
      { code: 'OPTION_INVALID', field: '--target', facts: { example: '--target software:2.1.0' } },
      json,
    );
    return exit.usage;
  }
  const answers: Why[] = [];
  for (let cursor: string | null = null; ; ) {
    const about = where === undefined ? { serials: [...serials] } : { where, ...(cursor !== null && { cursor }) };
    const answer = await client.why({ target: asked, ...about });
    if (!answer.ok) return refuse(console, answer.fault, json);
    if (!json) for (const one of answer.value.items) printWhy(console, one);
    answers.push(...answer.value.items);
    cursor = answer.value.next;
    if (cursor === null) break;
  }
  if (json) console.out(JSON.stringify(answers));
  if (answers.length === 0) {
    if (!json) console.err(console.texts.campaign.nobody);
    return exit.otherOutcome;
  }
  return answers.every(({ causes }) => causes[0]?.code === 'DONE') ? exit.ok : exit.otherOutcome;
}

function printWhy(console: Console, { serial, causes, nextTryAt }: Why): void {
  console.out(console.paint('bold', serial));
  for (const { code, facts, until } of causes)
    console.out(
      `  ${code}  ${sentenceOf(console, code, facts)}${until === null || code === 'NEXT' ? '' : ` (→ ${momentOf(until)})`}`,
    );
  if (causes[0]?.code === 'DONE') return;
  console.out(
    `  ${nextTryAt === null ? console.texts.campaign.noNext : console.texts.campaign.next(momentOf(nextTryAt))}`,
  );
}

/** A cause in the reader's words. */
const sentenceOf = (console: Console, code: string, facts: Why['causes'][number]['facts']): string =>
  isCause(code) ? causeTexts[code][console.language](facts) : code;

const isCause = (code: string): code is CauseCode => causeCodes.some((known) => known === code);
