import { createHash } from 'node:crypto';
import { access, chmod, open, readFile, rm, writeFile } from 'node:fs/promises';
import {
  type ClaimBundle,
  evidenceItems,
  importedMoves,
  lifecycleEdges,
  lifecycleStates,
  type LifecycleView,
  lifePaths,
  moveLifecycle as moveSchema,
  parseWith,
  registerTerminal as registerSchema,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  optionFault,
  type Console,
  explain,
  type ExitCode,
  exit,
  itemIn,
  pad,
  printFault,
  readCsvText,
  refuse,
} from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu lifecycle show SERIAL`: where a terminal is in its life, and how it came there. */
export async function showLifecycle({ client, console, json }: Context, serial: string): Promise<ExitCode> {
  const life = await client.lifecycle(serial);
  if (!life.ok) return refuse(console, life.fault, json);
  if (json) console.out(JSON.stringify(life.value));
  else tell(console, serial, life.value);
  return exit.ok;
}

function tell(console: Console, serial: string, view: LifecycleView): void {
  const { state, since, permits, next, history, standing, pending } = view;
  const { identity, life } = console.texts;
  const line = (label: string, text: string): void =>
    console.out(`  ${console.paint('muted', pad(label, 12))}${text || identity.nothing}`);
  console.out(`${console.paint('bold', serial)}  ${state} (${identity.state[state]})  ${since.slice(0, 10)}`);
  line(identity.permits, permits.map((permit) => identity.permit[permit]).join(', '));
  line(identity.next, next.map(({ to }) => to).join(', '));
  line(life.bag, standing.bag ?? '');
  line(life.seals, standing.seals?.join(', ') ?? life.sealsUnknown);
  line(life.connections, standing.connections === null ? '' : String(standing.connections));
  if (pending) console.out(console.paint('warn', life.pending(serial, identity.state[pending.to], pending.approval)));
  console.out(console.paint('muted', identity.history));
  for (const { at, from, to, by, reason, approvedBy } of history)
    console.out(
      `  ${at.slice(0, 16).replace('T', ' ')}  ${from ? `${from} → ${to}` : identity.began(to)}  ${by}${approvedBy ? ` + ${approvedBy}` : ''}  ${reason}`,
    );
}

/** The evidence of a step, as options. */
export interface EvidenceGiven {
  readonly bag?: string;
  readonly photo?: string;
  readonly seal?: readonly string[];
  readonly connections?: number;
  readonly kcv?: readonly string[];
  readonly wipeJob?: string;
  readonly destroyed?: string;
  readonly destroyedAt?: string;
  readonly owedJob?: string;
  readonly owedDeclared?: string;
  readonly silentSince?: string;
  readonly owedWaiting?: number;
  readonly owedBecame?: string;
  readonly testJob?: string;
  readonly benchTest?: string;
  readonly recycling?: string;
  readonly inspection?: string;
  readonly finding?: string;
}
/** A step, as options. */
export interface MoveOptions extends EvidenceGiven {
  readonly reason: string;
  readonly from?: string;
  readonly dryRun: boolean;
}

/** What the options hand in. A photo is hashed here and goes nowhere. */
export async function evidenceOf(
  options: EvidenceGiven,
): Promise<Result<Readonly<Record<string, unknown>>, 'FILE_UNREADABLE' | 'OPTION_INVALID'>> {
  const { bag, seal, connections, kcv, wipeJob, destroyed, owedJob, owedDeclared, testJob, benchTest } = options;
  const photo = options.photo === undefined ? ok(undefined) : await photoHash(options.photo);
  if (!photo.ok) return photo;
  let recycling: unknown;
  try {
    recycling = options.recycling === undefined ? undefined : JSON.parse(options.recycling);
  } catch (cause) {
    return fail('OPTION_INVALID', { ...optionFault({ code: 'INPUT_INVALID', field: 'evidence.recycling' }), cause });
  }
  return ok({
    bagNumber: bag,
    photo: photo.value,
    seals: seal,
    connections,
    keyCheckValues: kcv?.map((pair) => ({ slot: pair.split('=')[0], kcv: pair.split('=')[1] })),
    wipeProof:
      wipeJob !== undefined
        ? { by: 'job', job: wipeJob }
        : destroyed === undefined
          ? undefined
          : { by: 'destruction', method: destroyed, photo: photo.value, at: options.destroyedAt },
    nothingOwed:
      owedJob !== undefined
        ? { by: 'job', job: owedJob }
        : owedDeclared === undefined
          ? undefined
          : {
              by: 'declaration',
              words: owedDeclared,
              silentSince: options.silentSince,
              waiting: options.owedWaiting,
              became: options.owedBecame,
            },
    tests:
      testJob !== undefined
        ? { by: 'job', job: testJob }
        : benchTest === undefined
          ? undefined
          : { by: 'bench', test: benchTest },
    investigation:
      options.inspection === undefined ? undefined : { inspection: options.inspection, words: options.finding },
    recycling,
  });
}

/** SHA-256 of a photo, hex. */
export async function photoHash(file: string): Promise<Result<string, 'FILE_UNREADABLE'>> {
  try {
    return ok(
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    );
  } catch (cause) {
    return fail('FILE_UNREADABLE', { facts: { path: file }, cause });
  }
}

/** `tsunagu lifecycle move SERIAL STATE`: one step along the graph. Exit 5 when it waits for a second person. */
export async function moveLifecycle(
  { client, console, json }: Context,
  serial: string,
  state: string,
  options: MoveOptions,
): Promise<ExitCode> {
  const given = await evidenceOf(options);
  if (!given.ok) return refuse(console, given.fault, json);
  const { reason, from, dryRun } = options;
  const move = parseWith(moveSchema, {
    to: state,
    reason,
    dryRun,
    ...(from !== undefined && { from }),
    evidence: given.value,
  });
  if (!move.ok && move.fault.field !== 'to') {
    printFault(console, optionFault(move.fault, 'state'), json);
    return exit.usage;
  }
  const moved = move.ok
    ? await client.moveLifecycle(serial, move.value)
    : fail('LIFECYCLE_EDGE_UNKNOWN', { field: 'state' });
  if (!moved.ok) {
    const code = refuse(console, moved.fault, json);
    // Where it can go from here, so that nobody has to ask again.
    const now = moved.fault.code === 'LIFECYCLE_EDGE_UNKNOWN' ? await client.lifecycle(serial) : moved;
    if (now.ok && !json)
      console.err(
        console.texts.edgesFrom(
          now.value.state,
          now.value.next.map(({ to }) => to),
        ),
      );
    return move.ok ? code : exit.usage;
  }
  const { pending } = moved.value;
  const { identity, life } = console.texts;
  if (json) console.out(JSON.stringify(moved.value));
  else if (dryRun && move.ok) console.out(life.couldBeTaken(serial, identity.state[move.value.to]));
  else if (pending) console.out(life.pending(serial, identity.state[pending.to], pending.approval));
  else console.out(identity.moved(serial, identity.state[moved.value.state]));
  return pending && !dryRun ? exit.otherOutcome : exit.ok;
}

/** `tsunagu lifecycle import FILE`: steps of many lives. Exit 5 when some could not be taken. */
export async function importMoves(
  { client, console, json }: Context,
  file: string,
  dryRun: boolean,
): Promise<ExitCode> {
  const csv = await readCsvText(file);
  if (!csv.ok) return refuse(console, csv.fault, json);
  const answer = await client.ask(importedMoves, lifePaths.lifecycleImports, { csv: csv.value, dryRun });
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { items, succeeded, failed } = answer.value;
  if (json) console.out(JSON.stringify(answer.value));
  else {
    for (const { line, serial, code, field, clause, pending } of items.filter((item) => !item.ok || item.pending)) {
      const says =
        code === null ? console.texts.life.waits(pending ?? '') : `${code} ${explain(code, console.language).says}`;
      const columns = itemIn(field)?.columns;
      console.out([String(line), serial, says, columns ?? field, clause].filter(Boolean).join('  '));
    }
    console.out(console.texts.life.imported(succeeded, failed, dryRun));
  }
  return failed > 0 ? exit.otherOutcome : exit.ok;
}

/** `tsunagu lifecycle graph`: every state, where it leads, and what each edge asks for. Needs no server. */
export function showGraph(console: Console, json: boolean): ExitCode {
  if (json) {
    console.out(JSON.stringify(lifecycleEdges));
    return exit.ok;
  }
  const { identity } = console.texts;
  for (const from of lifecycleStates) {
    console.out(`${console.paint('bold', from)} (${identity.state[from]})`);
    const edges = lifecycleEdges.filter((edge) => edge.from === from);
    if (edges.length === 0) console.out(`  ${identity.nothing}`);
    for (const { to, evidence } of edges)
      console.out(
        `  → ${pad(to, 12)}${evidence.map((item) => evidenceItems[item].title[console.language]).join(', ')}`.trimEnd(),
      );
  }
  return exit.ok;
}

/** A claim is shown once: where it is to be written is tried before it is asked for. */
async function keepClaim(
  { console, json }: Context,
  serial: string,
  file: string,
  ask: () => Promise<Result<ClaimBundle>>,
  says: (serial: string, file: string) => string,
): Promise<ExitCode> {
  const unwritable = (cause: unknown): ExitCode =>
    refuse(console, fail('FILE_UNWRITABLE', { facts: { file }, cause }).fault, json);
  const isNew = await access(file).then(
    () => false,
    () => true,
  );
  try {
    await (await open(file, 'a', 0o600)).close();
  } catch (cause) {
    return unwritable(cause);
  }
  const claim = await ask();
  if (!claim.ok) {
    if (isNew) await rm(file, { force: true });
    return refuse(console, claim.fault, json);
  }
  try {
    await writeFile(file, `${JSON.stringify(claim.value, null, 2)}\n`, { mode: 0o600 });
    await chmod(file, 0o600);
  } catch (cause) {
    return unwritable(cause);
  }
  console.out(json ? JSON.stringify({ serial, file }) : says(serial, file));
  return exit.ok;
}

/** What `tsunagu register` is told. */
export interface RegisterOptions {
  readonly model: string;
  readonly merchant: string;
  readonly shop: string;
  readonly lane: string;
  readonly state: string;
  readonly seal?: readonly string[];
  readonly connections?: number;
  readonly parent?: string;
  readonly relayPort?: number;
  readonly out: string;
}

/** `tsunagu register SERIAL`: puts a terminal on the inventory, and keeps what it enrols with. */
export async function registerTerminal(context: Context, serial: string, options: RegisterOptions): Promise<ExitCode> {
  const { client, console, json } = context;
  const { model, merchant, shop, lane, state, seal, connections, parent, relayPort, out } = options;
  const body = parseWith(registerSchema, {
    serial,
    model,
    place: { merchant, shop, lane },
    lifecycle: state,
    seals: seal,
    connections,
    parent,
    relayPort,
  });
  if (!body.ok) return refuse(console, optionFault(body.fault), json);
  return await keepClaim(context, serial, out, () => client.register(body.value), console.texts.identity.registered);
}

/** `tsunagu claim SERIAL --out FILE`: a lost claim again, mode 0600. It is never printed. */
export const reissueClaim = (context: Context, serial: string, file: string): Promise<ExitCode> =>
  keepClaim(
    context,
    serial,
    file,
    () => context.client.reissueClaim(serial),
    context.console.texts.identity.claimWritten,
  );
