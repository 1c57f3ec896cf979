import { fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import type { NegativeAnswer, NegativeFinding } from '@tsunagu/protocols/negative';
import {
  decodeSigned,
  listsOf,
  type OfflineAllowance,
  openFirstRoot,
  type RootDocument,
} from '@tsunagu/protocols/negative/authority';
import type { SecureNetwork } from '../link/index.ts';
import type { NegativeFile } from '../secure/index.ts';
import type { NamedSource } from './fetch.ts';
import { type ListInForce, type ListOptions, type ListReport, openListInForce } from './list-in-force.ts';
import { regularList } from './trust-record.ts';

export interface NegativeFileOptions extends Omit<ListOptions, 'list' | 'room' | 'rootMoved' | 'source'> {
  /** The root of the lists' authority, as the enrolment gave it. */
  readonly root: Uint8Array;
  readonly network: SecureNetwork;
  readonly host: string;
  /** A parent that keeps parts of lists for its children. */
  readonly parent?: NamedSource | undefined;
  /** Room in the terminal, bytes: for all lists in force and those that follow them. */
  readonly bytesMax: number;
}

/** The negative file of a terminal: asked by the payment application, fed by signed heads. */
export interface TerminalNegativeFile extends NegativeFile {
  /** As `check`, with the reason. */
  explain(pan: Secret<'pan'>): NegativeFinding;
  /** What may still be approved without the issuer; nothing while one of the lists is not in force, or the key that it is made with. */
  allowance(): OfflineAllowance;
  /** Counts an approval without the issuer: so many, and so much, may be given on one state of the lists. On the medium when it resolves. */
  approvedOffline(amountMinor: number): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  /** One entry for each list that anything is known of. */
  report(): readonly ListReport[];
  /** Whether every list is in force. */
  isWhole(): boolean;
  /** Whether cards may have to be looked up under the key of this check value. */
  needsKey(kcv: string): boolean;
  /** Takes a head and its overlay as they came: checks them, lets them count at once, then fetches the list. */
  take(list: string, bytes: Uint8Array): void;
  /** Tries a fetch that failed anew. */
  wake(): void;
  /** Fetches what is not here yet, and tells what is in force of the regular list then; or why the newest of one is not. */
  fetchNow(): Promise<Result<Omit<ListReport, 'freshAt'>>>;
  /** Compares the lists in memory and in flash with what was signed, and mends them. How many bytes that took. */
  scrub(): Promise<number>;
  idle(): Promise<void>;
}

/** The most lists: as many as a hello can tell of. */
const listsMax = 16;
const headBytesMax = 16_384;

/** What one list says overrules what the next one does, from left to right: `clear` has to be said by all. */
const gravity = [
  'listed',
  'range-listed',
  'unknown-key',
  'stale',
  'clear',
] as const satisfies readonly NegativeAnswer[];
const staleness = ['hard', 'soft', 'fresh'] as const;
const nothing: OfflineAllowance = { freshness: 'hard', amountLeftMinor: 0 };

/**
 * Opens the negative file of a terminal's folder: the regular list, and every other list that the root names keys for. A list that is named
 * and not here yet lets nothing through, so that nobody can leave one out.
 */
export async function openNegativeFile(
  options: NegativeFileOptions,
): Promise<
  Result<
    TerminalNegativeFile,
    'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'SIGNATURE_INVALID' | 'NEGATIVE_DOCUMENT_INVALID'
  >
> {
  const { world, network, host } = options;
  const lists = new Map<string, ListInForce>();
  /** Lists that the root names and that are being opened. */
  const awaited = new Set<string>();
  /** Heads that came before the root that names their list. */
  const early = new Map<string, Uint8Array>();
  let opening: Promise<unknown> = Promise.resolve();

  const optionsOf = (list: string): ListOptions => ({
    ...options,
    list,
    source: { network, host, timers: world.timers, parent: options.parent },
    room: () =>
      [...lists].reduce((left, [name, { footprint }]) => left - (name === list ? 0 : footprint), options.bytesMax),
    rootMoved: () => openNamed(),
  });
  const open = async (list: string, first: Parameters<typeof openListInForce>[1]) => {
    const opened = await openListInForce(optionsOf(list), first);
    if (opened.ok) lists.set(list, opened.value);
    return opened;
  };

  const regular = await open(regularList, () => firstRoot(options.root));
  if (!regular.ok) return regular;
  const { value: base } = regular;
  openNamed();
  await opening;
  return ok({
    check: (pan) => explain(pan).answer,
    explain,
    allowance() {
      if (awaited.size > 0) return nothing;
      const all = [...lists.values()].map((list) => list.allowance());
      const worst = Math.min(...all.map(({ freshness }) => staleness.indexOf(freshness)));
      const amountLeftMinor = Math.min(...all.map((each) => each.amountLeftMinor));
      return { freshness: staleness[worst] ?? 'hard', amountLeftMinor };
    },
    async approvedOffline(amountMinor) {
      const counted = await Promise.all([...lists.values()].map((list) => list.approvedOffline(amountMinor)));
      return counted.find(({ ok: isCounted }) => !isCounted) ?? ok(undefined);
    },
    report: () => [...lists.values()].flatMap((list) => list.report() ?? []),
    isWhole: () => awaited.size === 0 && [...lists.values()].every((list) => (list.report()?.version ?? 0) > 0),
    needsKey: (kcv) => awaited.size > 0 || [...lists.values()].some((list) => list.needsKey(kcv)),
    take(list, bytes) {
      const known = lists.get(list);
      if (known) known.take(bytes);
      else if (bytes.length <= headBytesMax && (early.has(list) || early.size < listsMax)) early.set(list, bytes);
    },
    wake() {
      for (const list of lists.values()) list.wake();
    },
    async fetchNow() {
      await opening;
      for (const list of lists.values()) {
        const fetched = await list.fetchNow();
        if (!fetched.ok) return fetched;
      }
      const { version, overlaySeq } = base.report() ?? { version: 0, overlaySeq: 0 };
      return ok({ list: regularList, version, overlaySeq });
    },
    async scrub() {
      let mended = 0;
      for (const list of lists.values()) mended += await list.scrub();
      return mended;
    },
    async idle() {
      await opening;
      for (const list of lists.values()) await list.idle();
    },
  });

  function explain(pan: Secret<'pan'>): NegativeFinding {
    const findings = [...lists.values()].map((list) => list.explain(pan));
    if (awaited.size > 0) findings.push({ answer: 'stale' });
    const worst = findings.reduce((a, b) => (gravity.indexOf(a.answer) <= gravity.indexOf(b.answer) ? a : b));
    return worst;
  }

  /** Opens the lists that a root names and that are not here. Until they are, nothing is approved offline. */
  function openNamed(): void {
    const { root } = [...lists.values()].reduce((a, b) => (a.root.version >= b.root.version ? a : b));
    for (const list of listsOf(root).slice(0, listsMax)) {
      if (lists.has(list) || awaited.has(list)) continue;
      awaited.add(list);
      opening = opening.then(() => openOne(list, root));
    }
  }

  async function openOne(list: string, root: RootDocument): Promise<void> {
    const opened = await open(list, () => ok(root));
    if (!opened.ok) return world.log('error', 'negativeListDamaged', { list, fault: opened.fault });
    awaited.delete(list);
    const head = early.get(list);
    early.delete(list);
    if (head) opened.value.take(head);
  }
}

function firstRoot(bytes: Uint8Array): Result<RootDocument, 'SIGNATURE_INVALID' | 'NEGATIVE_DOCUMENT_INVALID'> {
  const document = decodeSigned(bytes);
  if (!document.ok) return document;
  const root = openFirstRoot(document.value.document);
  return root.ok ? root : fail('SIGNATURE_INVALID', { field: 'root', cause: root.fault });
}
