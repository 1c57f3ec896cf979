import { readFile } from 'node:fs/promises';
import {
  ceremonyUse,
  type KeyCeremonyView,
  keyRecord,
  type KeyRun,
  type KeyRunView,
  type ManifestCheck,
  parseJson,
  unfinishedOf,
  verifyKeyRecord,
} from '@tsunagu/protocols/fleet';
import { fail, type Result } from '@tsunagu/protocols/kit';
import {
  type Console,
  exit,
  explain,
  type ExitCode,
  type layOut,
  printFault,
  printTable,
  refuse,
} from '../console/index.ts';
import type { Context } from './context.ts';
import { tellDeath } from './death.ts';
import { saveRecord, writeOut } from './record-file.ts';

/** Shows an answer: as JSON, or by `tell`. */
function show<T>({ console, json }: Context, answer: Result<T>, tell: (value: T) => void): ExitCode {
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else tell(answer.value);
  return exit.ok;
}

const rows = <T>(console: Console, items: readonly T[], columns: Parameters<typeof layOut<T>>[0]): void => {
  printTable(console, columns, items);
};

/** `tsunagu keys list`: keys above those of terminals. */
export async function listKeys(
  context: Context,
  change?: () => ReturnType<Context['client']['keys']>,
): Promise<ExitCode> {
  const { texts } = context.console;
  return show(context, await (change ? change() : context.client.keys()), ({ items, firstKeys }) => {
    rows(context.console, items, [
      { head: texts.keys.key, cell: (key) => key.id },
      { head: texts.keys.use, cell: (key) => key.use },
      { head: texts.keys.kcv, cell: (key) => key.checkValue },
      { head: texts.keys.terminals, cell: (key) => String(key.terminals) },
      {
        head: texts.keys.state,
        cell: (key) => `${texts.keys.states[key.state]}${key.isCurrent ? ` ${texts.keys.current}` : ''}`,
      },
      { head: texts.keys.due, cell: (key) => key.rotationDue?.slice(0, 10) ?? '' },
      {
        head: texts.keys.made,
        cell: ({ initialKeys }) =>
          initialKeys ? `${initialKeys.made}/${initialKeys.most}${initialKeys.isRunningOut ? ' !' : ''}` : '',
      },
    ]);
    context.console.out(texts.keys.firstKeys[firstKeys]);
  });
}

/** `tsunagu keys rotate KEY`: another base key takes over; or the key of negative lists is spread, and lists go under it with `--switch`. */
export async function rotate(
  context: Context,
  key: string,
  options: { readonly switch?: boolean; readonly leaveBehind?: boolean },
): Promise<ExitCode> {
  const { client, console, json } = context;
  if (options.switch) return showRotation(context, client.switchNegativeKey(key, options.leaveBehind ?? false));
  if (options.leaveBehind) {
    printFault(console, fail('OPTION_INVALID', { field: 'leave-behind' }).fault, json);
    return exit.usage;
  }
  if (!key.startsWith('negative/')) return listKeys(context, () => client.rotateKey(key));
  const begun = await client.rotateKey(key);
  return begun.ok ? showRotation(context, client.negativeKeyRotation()) : refuse(console, begun.fault, json);
}

/** `tsunagu keys rotation`: how far the rotation of the key of negative lists is, who lacks what, and why. */
export async function showRotation(
  context: Context,
  asked: ReturnType<Context['client']['negativeKeyRotation']>,
): Promise<ExitCode> {
  const { texts } = context.console;
  const { rotation } = texts.keys;
  return show(context, await asked, ({ key, from, state, begunAt, switchedAt, ready, lacking, terminals, lists }) => {
    const { console } = context;
    console.out(`${from} -> ${key}: ${rotation.states[state]}`);
    console.out(rotation.times(begunAt.slice(0, 19), switchedAt?.slice(0, 19)));
    const isSpreading = state === 'spreading' || state === 'switching';
    console.out(isSpreading ? rotation.spread(ready, lacking) : rotation.erase(lacking));
    rows(
      console,
      lists.flatMap(({ untagged, ...list }) => [
        { ...list, wait: list.awaitsSignatures ? rotation.awaitsSignatures : '' },
        ...untagged.map(({ source, cards }) => ({ ...list, key: '', wait: rotation.untagged(source, cards) })),
        ...(list.exceptions > 0 ? [{ ...list, key: '', wait: rotation.exceptions(list.exceptions) }] : []),
      ]),
      [
        { head: rotation.list, cell: (each) => each.list },
        { head: texts.keys.key, cell: (each) => each.key },
        { head: rotation.waitsFor, cell: (each) => each.wait },
      ],
    );
    if (terminals.length > 0)
      rows(console, terminals, [
        { head: texts.keys.terminal, cell: (each) => each.serial },
        {
          head: rotation.waitsFor,
          cell: ({ why, detail, since }) =>
            [rotation.why[why], detail, since?.slice(0, 19)].filter((part) => part != null).join(' '),
        },
      ]);
    const isReady = state === 'spreading' && lists.every((list) => list.untagged.length + list.exceptions === 0);
    if (isReady && lacking === 0) console.out(rotation.mayBeSwitched(key));
    if (state === 'over') console.out(rotation.mayBeRetired(from));
  });
}

/** `tsunagu keys exposure KEY`, and what `suspect` answers: what hangs on a key. */
export async function showExposure(
  context: Context,
  asked: ReturnType<Context['client']['keyExposure']>,
): Promise<ExitCode> {
  const { texts } = context.console;
  return show(context, await asked, (exposure) => {
    context.console.out(`${exposure.key}: ${texts.keys.states[exposure.state]}`);
    context.console.out(texts.keys.below(exposure.count, new Set(exposure.terminals.map(({ serial }) => serial)).size));
    if (exposure.campaign !== null) context.console.out(texts.keys.campaign(exposure.campaign));
    rows(context.console, exposure.terminals, [
      { head: texts.keys.terminal, cell: (each) => each.serial },
      { head: texts.keys.slot, cell: (each) => each.slot },
      { head: texts.keys.kcv, cell: (each) => each.kcv },
      { head: texts.keys.from, cell: (each) => each.from.slice(0, 19) },
      { head: texts.keys.to, cell: (each) => each.to?.slice(0, 19) ?? '' },
      { head: texts.keys.counter, cell: (each) => String(each.countersSeen ?? '') },
      { head: texts.keys.lastSeen, cell: (each) => each.lastSeen?.slice(0, 19) ?? '' },
    ]);
  });
}

/** `tsunagu keys releases SERIAL`: which host a terminal was released from, and which of its keys are gone. */
export async function showReleases(context: Context, serial: string): Promise<ExitCode> {
  const { texts } = context.console;
  return show(context, await context.client.keyReleases(serial), (releases) => {
    if (releases.length === 0) context.console.out(texts.keys.noReleases);
    for (const { job, at, host, next, protectionKey, gone, orderedBy, approvedBy } of releases) {
      context.console.out(`${at.slice(0, 19)}  ${texts.keys.released(host, next)}  ${job}`);
      context.console.out(`  ${orderedBy ?? '-'} / ${approvedBy ?? '-'}  ${texts.keys.kcv} ${protectionKey ?? '-'}`);
      for (const { slot, kcv } of gone) context.console.out(`  ${texts.keys.destroyed}  ${slot}  ${kcv}`);
    }
  });
}

/** `tsunagu keys acquirers SERIAL [NAMES]`: without names shows, with names sets, over what stands there now. */
export async function acquirers(
  context: Context,
  serial: string,
  wanted: readonly string[] | undefined,
): Promise<ExitCode> {
  const { client, console } = context;
  const found = await client.acquirers(serial);
  const answer = found.ok && wanted ? await client.setAcquirers(serial, found.value.version, wanted) : found;
  return show(context, answer, (set) => console.out(`${serial}  ${set.acquirers.join(' ') || '–'}`));
}

const tellCeremony =
  ({ console }: Context) =>
  (ceremony: KeyCeremonyView): void => {
    const { keys } = console.texts;
    console.out(`${ceremony.id}  ${ceremony.key}  ${keys.ceremonyStates[ceremony.state]}`);
    ceremony.custodians.forEach((custodian, index) => {
      const entered = ceremony.entered.find((each) => each.index === index);
      console.out(
        `  ${index + 1}. ${ceremony.people[custodian] ?? custodian}  ${entered ? `${keys.kcv} ${entered.kcv}` : keys.missing}`,
      );
    });
    if (ceremony.kcv !== undefined) console.out(`  = ${keys.kcv} ${ceremony.kcv}`);
  };

/** What `tsunagu keys ceremony …` does: one step of one ceremony. */
export const ceremonyStep = async (context: Context, step: Promise<Result<KeyCeremonyView>>): Promise<ExitCode> =>
  show(context, await step, tellCeremony(context));

/** `tsunagu keys ceremony list`. */
export const listCeremonies = async (context: Context): Promise<ExitCode> =>
  show(context, await context.client.ceremonies(), (all) => all.forEach(tellCeremony(context)));

/** `tsunagu keys ceremony begin KEY`. */
export async function beginCeremony(
  context: Context,
  key: string,
  options: { readonly use: string; readonly custodian: readonly string[]; readonly kcv?: string },
): Promise<ExitCode> {
  const use = ceremonyUse.safeParse(options.use);
  if (!use.success) {
    printFault(context.console, fail('OPTION_INVALID', { field: 'use' }).fault, context.json);
    return exit.usage;
  }
  const { kcv } = options;
  const wanted = { key, use: use.data, custodians: [...options.custodian], ...(kcv && { kcv: kcv.toUpperCase() }) };
  return ceremonyStep(context, context.client.beginCeremony(wanted));
}

/**
 * `tsunagu keys ceremony enter ID`: the component out of a file or of standard input, never of the command line, which every process of the machine
 * can read. It is not shown; only its check value comes back.
 */
export async function enterComponent(
  context: Context,
  id: string,
  file: string | undefined,
  input: () => Promise<string>,
): Promise<ExitCode> {
  if (file === undefined) context.console.err(context.console.texts.keys.typeComponent);
  const text = file === undefined ? await input() : await textIn(file);
  if (text === undefined) return unreadable(context, file);
  return ceremonyStep(context, context.client.enterComponent(id, text.replaceAll(/\s/g, '')));
}

const textIn = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined);
const unreadable = ({ console, json }: Context, path = ''): ExitCode =>
  refuse(console, fail('FILE_UNREADABLE', { facts: { path } }).fault, json);

/**
 * `tsunagu keys verify FILE`: replays a record without a server. Exit 5 when it is authentic and of something that is not over, or of a ceremony that
 * brought no key.
 */
export async function verifyRecord(console: Console, json: boolean, file: string, signer?: string): Promise<ExitCode> {
  const text = await textIn(file);
  if (text === undefined) {
    printFault(console, fail('FILE_UNREADABLE', { facts: { path: file } }).fault, json);
    return exit.failed;
  }
  const read = parseJson(keyRecord, text);
  const verified = read.ok ? verifyKeyRecord(read.value, signer) : fail('KEY_RECORD_INVALID', { field: 'file' });
  if (!verified.ok) {
    printFault(console, verified.fault, json);
    return exit.failed;
  }
  const signedBy = read.ok ? read.value.document.kid : '';
  const unfinished = unfinishedOf(verified.value);
  const isAborted = verified.value.record === 'ceremony' && verified.value.state.state === 'aborted';
  if (json)
    console.out(JSON.stringify({ signer: signedBy, isOver: unfinished === undefined, unfinished, ...verified.value }));
  else {
    const { keys } = console.texts;
    console.out(unfinished ? keys.unfinished(signedBy) : keys.verified(signedBy));
    if (unfinished) console.out(keys.awaits[unfinished.awaits](unfinished.from.slice(0, 20).join(' ')));
    if (isAborted) console.out(keys.noKeyCame);
    if (verified.value.record === 'ceremony') {
      const { state } = verified.value;
      console.out(`${state.key}  ${keys.ceremonyStates[state.state]}  ${keys.kcv} ${state.kcv ?? '-'}`);
    } else if (verified.value.record === 'death') tellDeath(console, verified.value.death, signedBy);
    else tellRun(console, verified.value.run);
  }
  return unfinished || isAborted ? exit.otherOutcome : exit.ok;
}

function tellRun(console: Console, run: KeyRun, people: KeyRunView['people'] = {}): void {
  const { keys } = console.texts;
  const { submitted, keyed, rejected, investigated, listed } = run.balance;
  console.out(`${run.id}  ${run.name}  ${keys.runStates[run.state]}`);
  const [by, second] = [run.orderedBy, run.authorisedBy].map((id) => (id === null ? '–' : (people[id] ?? id)));
  console.out(keys.authorised(by ?? '', second ?? ''));
  console.out(keys.balance(listed, submitted, keyed, rejected, investigated));
  if (run.devices.length > 0)
    rows(console, run.devices, [
      { head: keys.terminal, cell: (each) => each.serial },
      { head: keys.state, cell: (each) => keys.deviceStates[each.state] },
      { head: keys.kcv, cell: (each) => Object.values(each.kcvs).join(' ') },
      { head: '', cell: (each) => each.note ?? '' },
    ]);
}

/** One step of a run, and how it stands after it. */
export const runStep = async (context: Context, step: ReturnType<Context['client']['keyRun']>): Promise<ExitCode> =>
  show(context, await step, (run) => tellRun(context.console, run, run.people));

/** `tsunagu keys run list`. */
export const listRuns = async (context: Context): Promise<ExitCode> =>
  show(context, await context.client.keyRuns(), (runs) => {
    for (const run of runs) tellRun(context.console, run, run.people);
  });

/** `tsunagu keys run begin NAME FILE`: the manifest is one serial a line. A line that is at fault is named, and nothing is proposed. */
export async function beginRun(context: Context, name: string, file: string, dryRun: boolean): Promise<ExitCode> {
  const text = await textIn(file);
  if (text === undefined) return unreadable(context, file);
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ line: index + 1, serial: line.trim() }))
    .filter(({ serial }) => serial !== '');
  const serials = lines.map(({ serial }) => serial);
  if (!dryRun) {
    const begun = await context.client.beginKeyRun(name, serials);
    const isRefused = !begun.ok && begun.fault.code === 'KEY_RUN_MANIFEST_REFUSED';
    if (!isRefused || context.json) return runStep(context, Promise.resolve(begun));
    printFault(context.console, { code: begun.fault.code }, false);
  }
  const checked = await context.client.checkManifest(serials);
  if (!checked.ok) return refuse(context.console, checked.fault, context.json);
  const items = checked.value.items.map((item) => ({ ...item, line: lines[item.line - 1]?.line ?? item.line }));
  if (context.json) context.console.out(JSON.stringify({ ...checked.value, items }));
  else tellCheck(context.console, { ...checked.value, items });
  return dryRun && checked.value.failed === 0 ? exit.ok : exit.failed;
}

function tellCheck(console: Console, { items, total, failed }: ManifestCheck): void {
  const { keys } = console.texts;
  console.out(keys.manifestChecked(total, failed));
  rows(
    console,
    items.filter(({ code }) => code !== null),
    [
      { head: keys.line, cell: ({ line }) => String(line) },
      { head: keys.terminal, cell: ({ serial }) => serial },
      { head: keys.state, cell: ({ lifecycle }) => lifecycle ?? '–' },
      { head: '', cell: ({ code }) => `${code}: ${explain(code ?? '', console.language).says}` },
    ],
  );
}

/** `tsunagu keys run submit ID SERIAL…`: one by one; one that is refused does not keep the next from being submitted. */
export async function submitDevices(context: Context, id: string, serials: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exit.ok;
  for (const serial of serials) {
    const submitted = await context.client.submitDevice(id, serial);
    if (submitted.ok) continue;
    code = exit.failed;
    context.console.err(serial);
    printFault(context.console, submitted.fault, context.json);
  }
  const shown = await runStep(context, context.client.keyRun(id));
  return code === exit.ok ? shown : code;
}

/** `tsunagu keys run report ID`: the signed record as JSON, or its print as PDF. */
export async function saveReport(context: Context, id: string, file: string, language: 'ja' | 'en'): Promise<ExitCode> {
  if (!file.endsWith('.pdf')) return saveRecord(context, context.client.keyRunRecord(id), file);
  const pdf = await context.client.keyRunPdf(id, language);
  if (!pdf.ok) return refuse(context.console, pdf.fault, context.json);
  return await writeOut(context, file, Buffer.from(pdf.value, 'base64'));
}
