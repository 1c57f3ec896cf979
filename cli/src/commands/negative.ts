import { readFile, writeFile } from 'node:fs/promises';
import type { NegativeListView, NegativePublished } from '@tsunagu/protocols/fleet';
import { parseJson } from '@tsunagu/protocols/fleet';
import type { NegativeReason } from '@tsunagu/protocols/negative';
import { checkProof, negativeProof } from '@tsunagu/protocols/negative/proof';
import { type Console, type ExitCode, exit, layOut, printFault, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

const panPattern = /^\d{12,19}$/;

function isPan({ console, json }: Context, pan: string): boolean {
  if (panPattern.test(pan)) return true;
  printFault(console, { code: 'CARD_NUMBER_INVALID' }, json);
  return false;
}

/** `tsunagu negative add PAN`: lists a card at once. The PAN is sent and forgotten; only its last four digits are shown. */
export async function addToNegative(
  context: Context,
  wanted: { readonly list: string; readonly pan: string; readonly reason: NegativeReason; readonly source: string },
): Promise<ExitCode> {
  const { client, console, json } = context;
  if (!isPan(context, wanted.pan)) return exit.usage;
  const answer = await client.addNegative(wanted);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { entry, version, overlaySeq, already } = answer.value;
  if (json) console.out(JSON.stringify(answer.value));
  else
    console.out(
      already
        ? console.texts.negative.already(entry.lastFour)
        : console.texts.negative.added(entry.lastFour, version, overlaySeq),
    );
  return exit.ok;
}

/** `tsunagu negative remove PAN`: takes a card off for one source, in a new version. */
export async function removeFromNegative(
  context: Context,
  wanted: { readonly list: string; readonly pan: string; readonly source: string },
): Promise<ExitCode> {
  const { client, console, json } = context;
  if (!isPan(context, wanted.pan)) return exit.usage;
  const answer = await client.removeNegative(wanted);
  return answer.ok ? sayPublished(context, answer.value) : refuse(console, answer.fault, json);
}

/** `tsunagu negative allow PAN`: lets a good card through that meets a listed one by chance, or lies in a blocked range. */
export async function allowInNegative(
  context: Context,
  wanted: { readonly list: string; readonly pan: string; readonly withdraw: boolean },
): Promise<ExitCode> {
  const { client, console, json } = context;
  if (!isPan(context, wanted.pan)) return exit.usage;
  const answer = await client.allowNegative(wanted);
  return answer.ok ? sayPublished(context, answer.value) : refuse(console, answer.fault, json);
}

/** `tsunagu negative range LOW HIGH --until TIME`: blocks cards by their leading digits. */
export async function blockRange(
  context: Context,
  wanted: { readonly list: string; readonly low: string; readonly high: string; readonly until: string },
): Promise<ExitCode> {
  const { client, console, json } = context;
  const answer = await client.addNegativeRange(wanted);
  return answer.ok ? sayPublished(context, answer.value) : refuse(console, answer.fault, json);
}

/** Says what became of a new version; where what was taken off stays on it for want of a signature is no success; one that waits for its keepers is. */
function sayPublished({ console, json }: Context, published: NegativePublished): ExitCode {
  if (json) console.out(JSON.stringify(published));
  else if (published.published) console.out(console.texts.negative.published(published.version, published.count));
  else if (published.awaitsSignatures) console.out(console.texts.negativeKeys.waitsFor);
  if (!json && published.needsSecondSignature) printFault(console, { code: 'NEGATIVE_SHRINKS' }, false);
  return published.needsSecondSignature ? exit.otherOutcome : exit.ok;
}

/** `tsunagu negative list`: what is listed, newest first. */
export async function listNegative({ client, console, json }: Context, list: string): Promise<ExitCode> {
  const answer = await client.negative(list);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value, null, console.isLive ? 2 : 0));
    return exit.ok;
  }
  const { version, overlaySeq, entries, terminals } = answer.value;
  const { columns, state } = console.texts.negative;
  console.out(state(version, overlaySeq, terminals.current, terminals.behind));
  const lines = layOut(
    [
      { head: columns.lastFour, cell: (entry: (typeof entries)[number]) => `…${entry.lastFour}` },
      { head: columns.reason, cell: (entry) => entry.reason },
      { head: columns.source, cell: (entry) => entry.source },
      { head: columns.added, cell: (entry) => entry.addedAt },
    ],
    entries,
  );
  for (const line of lines) console.out(line);
  return exit.ok;
}

/** `tsunagu negative lists`: what lists there are, and how far the fleet has each. */
export async function showNegativeLists({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.negativeLists();
  if (!answer.ok) return refuse(console, answer.fault, json);
  sayLists({ console, json }, answer.value.items);
  return exit.ok;
}

/** `tsunagu negative lists set NAME`: a list of its own for an issuer or a brand, or another codec for it. */
export async function setNegativeList(
  { client, console, json }: Context,
  list: string,
  codec: 'KH' | 'KP',
): Promise<ExitCode> {
  const answer = await client.setNegativeList({ list, codec });
  if (!answer.ok) return refuse(console, answer.fault, json);
  sayLists({ console, json }, [answer.value]);
  return exit.ok;
}

function sayLists({ console, json }: Pick<Context, 'console' | 'json'>, items: readonly NegativeListView[]): void {
  if (json) return console.out(JSON.stringify({ items }));
  const { columns } = console.texts.negative;
  const lines = layOut(
    [
      { head: columns.list, cell: (item: NegativeListView) => item.list },
      { head: columns.codec, cell: (item) => item.codec },
      { head: columns.version, cell: (item) => `${item.version}+${item.overlaySeq}` },
      { head: columns.cards, cell: (item) => String(item.cards) },
      { head: columns.bytes, cell: (item) => String(item.sizeBytes) },
      { head: columns.terminals, cell: (item) => `${item.reached}/${item.total}` },
      { head: columns.exposed, cell: (item) => `¥${item.exposureMinor.toLocaleString('en-US')}` },
    ],
    items,
  );
  for (const line of lines) console.out(line);
}

/** `tsunagu negative import FILE --source NAME`: an issuer's list as CSV or JSON lines. */
export async function importNegative(
  context: Context,
  path: string,
  options: {
    readonly list: string;
    readonly source: string;
    readonly mode: 'add' | 'replace';
  },
): Promise<ExitCode> {
  const { client, console, json } = context;
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) {
    printFault(console, { code: 'FILE_UNREADABLE', facts: { path } }, json);
    return exit.usage;
  }
  const answer = await client.importNegative({ ...options, text });
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { added, removed, kept, refused } = answer.value;
  if (!json) console.out(console.texts.negative.imported(added, removed, kept, refused.length));
  if (!json)
    for (const { line, why } of refused.slice(0, 20)) console.err(console.texts.negative.refusedLine(line, why));
  return sayPublished(context, answer.value);
}

/** `tsunagu negative publish`: a new version out of all entries. */
export async function publishNegative(
  context: Context,
  wanted: { readonly list: string; readonly secondSignature: boolean },
): Promise<ExitCode> {
  const answer = await context.client.publishNegative(wanted);
  return answer.ok ? sayPublished(context, answer.value) : refuse(context.console, answer.fault, context.json);
}

/** `tsunagu negative versions`: versions, sources, who is behind, and what that may cost. */
export async function showNegativeState({ client, console, json }: Context, list: string): Promise<ExitCode> {
  const answer = await client.negativeState(list);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const state = answer.value;
  if (json) {
    console.out(JSON.stringify(state));
    return exit.ok;
  }
  const { texts } = console;
  const { spread } = state;
  console.out(texts.negative.state(state.version, state.overlaySeq, spread.reached, spread.total - spread.reached));
  console.out(texts.negative.exposure(state.exposureMinor));
  if (state.withheld > 0) console.out(texts.negative.withheld(state.withheld));
  const { columns } = texts.negative;
  const lines = layOut(
    [
      { head: columns.version, cell: (version: (typeof state.versions)[number]) => String(version.version) },
      { head: columns.cards, cell: (version) => String(version.count) },
      { head: columns.bytes, cell: (version) => String(version.sizeBytes) },
      { head: columns.issued, cell: (version) => version.issuedAt },
    ],
    state.versions,
  );
  for (const line of lines) console.out(line);
  return exit.ok;
}

/** `tsunagu negative diff FROM TO`: how many cards came and went, and what the way costs in bytes. */
export async function diffNegative(
  { client, console, json }: Context,
  list: string,
  from: number,
  to: number,
): Promise<ExitCode> {
  const answer = await client.negativeDiff(list, from, to);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { added, removed, deltaBytes, snapshotBytes } = answer.value;
  console.out(
    json
      ? JSON.stringify(answer.value)
      : console.texts.negative.diff(from, to, added, removed, deltaBytes, snapshotBytes),
  );
  return exit.ok;
}

/** `tsunagu negative explain PAN`: who lists a card, why and since when. */
export async function explainNegative(
  context: Context,
  card: { readonly list: string; readonly pan: string },
): Promise<ExitCode> {
  const { client, console, json } = context;
  if (!isPan(context, card.pan)) return exit.usage;
  const answer = await client.explainNegative(card);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value));
    return exit.ok;
  }
  const { listed, atTerminals, lastFour, entries, changes } = answer.value;
  const { texts } = console;
  console.out(listed ? texts.negative.isListed(lastFour) : texts.negative.isNotListed(lastFour));
  // Nobody lists it, and terminals refuse it all the same: by a range, since its removal waits, or since it meets a listed one by chance.
  if (!listed && atTerminals === 'range-listed') console.out(texts.negative.refusedByRange);
  else if (!listed && atTerminals !== 'clear')
    console.out(
      changes.some(({ kind }) => kind === 'unlisted') ? texts.negative.removalWaits : texts.negative.refusedByChance,
    );
  for (const { source, reason, addedAt, version } of entries)
    console.out(texts.negative.listedBy(source, reason, addedAt, version));
  for (const { at, kind, source, by } of changes) console.out(`  ${at} ${kind} ${source} (${by})`);
  return exit.ok;
}

/** `tsunagu negative prove PAN SERIAL`: a proof for a dispute file. */
export async function proveNegative(
  context: Context,
  question: { readonly list: string; readonly pan: string; readonly serial: string; readonly at: string },
  path: string | undefined,
): Promise<ExitCode> {
  const { client, console, json } = context;
  if (!isPan(context, question.pan)) return exit.usage;
  const answer = await client.proveNegative(question);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const text = JSON.stringify(answer.value);
  if (path === undefined) console.out(text);
  else await writeFile(path, `${text}\n`, { mode: 0o600 });
  return exit.ok;
}

/** `tsunagu negative verify FILE`: checks a proof without any server. Exit 0: it holds, whatever it proves. */
export async function verifyNegativeProof(
  console: Console,
  json: boolean,
  path: string,
  rootPath: string | undefined,
): Promise<ExitCode> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const root = rootPath === undefined ? undefined : await readFile(rootPath).catch(() => null);
  if (root === null) {
    printFault(console, { code: 'FILE_UNREADABLE', facts: { path: rootPath ?? '' } }, json);
    return exit.usage;
  }
  if (text === undefined) {
    printFault(console, { code: 'FILE_UNREADABLE', facts: { path } }, json);
    return exit.usage;
  }
  const proof = parseJson(negativeProof, text, 4_000_000);
  const checked = proof.ok ? checkProof(proof.value, root && Uint8Array.from(root)) : proof;
  if (!proof.ok || !checked.ok)
    return refuse(console, checked.ok ? { code: 'NEGATIVE_PROOF_INVALID' } : checked.fault, json);
  const { answer, reason, by, version, overlaySeq, rootKeys } = checked.value;
  const { serial, at, lastFour, terminal } = checked.value.claim;
  if (json) console.out(JSON.stringify(checked.value));
  else {
    console.out(console.texts.negative.proven(lastFour, serial, at, answer, reason ?? '', by));
    console.out(console.texts.negative.provenBy(version, overlaySeq, terminal.saidAt, rootKeys.join(', ')));
  }
  return exit.ok;
}
