import { businessDay, isTransitDialogue } from '@tsunagu/protocols/acquiring';
import type { DecodedMessage } from '@tsunagu/protocols/iso8583';
import { fail, type Secret } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { AcquirerLink } from './acquirer-link/listener.ts';
import { DccDesk } from './dcc/desk.ts';
import { isFileAction, takeFileAction } from './issuer-link/file-actions.ts';
import type { IssuerLink, IssuerLinkListener } from './issuer-link/issuer-link.ts';
import { Advices } from './journal/advices.ts';
import { beginEpoch, isFenced } from './journal/epoch.ts';
import { Journal } from './journal/journal.ts';
import { KeyCounters } from './journal/key-counters.ts';
import { type Numbers, openNumbers } from './journal/numbers.ts';
import { unmatchedOf } from './link/matching.ts';
import { saleLineOf } from './journal/sale-line.ts';
import type { PreparedLink } from './link/credentials.ts';
import type { Line } from './link/line.ts';
import { openOperator, type Operator } from './operator/operator.ts';
import type { SwitchRooms } from './ports.ts';
import { ReconciliationDesk } from './reconciliation/desk.ts';
import { openSwitchRules, type SwitchRules } from './rules/rules.ts';
import { openStandIn, type StandIn } from './stand-in/stand-in.ts';
import { centreFace, terminalFace } from './transaction/asking.ts';
import { Processing } from './transaction/processing.ts';
import type { Roads } from './transaction/roads.ts';
import { Lane } from './transaction/store-and-forward.ts';

/** What the core has of the world outside: its links to issuers, and which merchant centres are there. */
export interface CoreOptions<Prepared extends Pick<PreparedLink, 'link'>> {
  /** The links of both sides. */
  readonly links: readonly Prepared[];
  /** Opens the link to an issuer; called once for each, after what the last run left open is known. */
  openIssuer(prepared: Prepared, numbers: Numbers, listener: IssuerLinkListener): IssuerLink;
  /** The links of the merchant centres that are listened for. */
  centres(): readonly AcquirerLink[];
  /** Which of the nodes of the switch this is. */
  readonly node?: string | undefined;
}

/** The switch without its doors: everything that decides about money. */
export interface Core {
  readonly processing: Processing;
  readonly journal: Journal;
  readonly desk: ReconciliationDesk;
  readonly counters: KeyCounters;
  readonly rules: SwitchRules;
  readonly standIn: StandIn;
  readonly operator: Operator;
  readonly issuers: ReadonlyMap<string, IssuerLink>;
  numbersOf(link: string): Numbers;
  /** Advices in memory that an issuer still has to take. */
  readonly advicesQueued: number;
  /** Ends what is done by the clock; nothing is delivered any more. */
  stop(): void;
  /** Signs off, closes the links to the issuers, and waits for the journal. */
  close(): Promise<void>;
}

/** How often it is looked whether a business day is over and has to be compared. */
const calendarLookMs = 60_000;
/** How long after a commit that failed it is looked whether it was kept. */
const findAgainMs = 1_000;

/** Takes the epoch, recovers what the last run left open, and opens the links to the issuers. Its tables are in the store already (`switchMigrations`). */
export async function openCore<Prepared extends Pick<PreparedLink, 'link'>>(
  world: World,
  rooms: SwitchRooms,
  options: CoreOptions<Prepared>,
): Promise<Core> {
  const prepared = new Map(options.links.map((each) => [each.link.id, each]));
  const linkOf = (id: string | null) => (id === null ? undefined : prepared.get(id)?.link);
  const fence = await beginEpoch(rooms.store, world.clock.now());
  const counters = new KeyCounters(rooms.store);
  const faceOf: Roads['face'] = (origin) => {
    const link = linkOf(origin);
    return link?.side === 'acquirer' ? centreFace(link) : terminalFace;
  };
  const journal = new Journal(world, rooms.store, rooms.vault, fence, {
    issuer(id) {
      const link = linkOf(id);
      return link?.calendar.stamped ? businessDay(link, world.clock.now()) : undefined;
    },
    acquirer: (origin, nowMs) => faceOf(origin).dayOf(nowMs),
  });
  const advices = new Advices(world, rooms.store, journal);
  const issuers = new Map<string, IssuerLink>();
  const rules = await openSwitchRules(world, rooms.store, () =>
    options.links.filter(({ link }) => link.side === 'issuer').map(({ link }) => link.id),
  );
  const isListed = async (pan: Secret<'pan'>) => (await rooms.negative.explain(pan)).listed;
  const standIn = openStandIn(
    world,
    rooms.store,
    () => rules,
    isListed,
    options.node,
    async (work) => await journal.write(work),
  );
  const dcc = new DccDesk(world, rooms, journal, rules);
  const numbers = kept((link: string): Numbers => openNumbers(rooms.store, link));
  const lanes = kept(
    (link: string) =>
      new Lane(world, journal, advices, link, () => issuers.get(link), {
        refusable: (row) =>
          row.advice === 'reversal' ? advices.isVoid(row) : row.sale_id !== null && standIn.has(row.sale_id),
        voidRefused(row, actionCode) {
          const { fault } = fail('SWITCH_VOID_REFUSED', { facts: { sale: row.sale_id ?? '', actionCode } });
          world.log('warn', 'voidRefused', { link, fault });
          rooms.alarm({ place: link, serial: undefined, fault });
        },
        delivered(row, sale) {
          if (row.sale_id !== null) processing.voidOver(row.sale_id);
          rooms.metrics.reversalDelivered(row.attempts);
          world.log('info', 'reversalDelivered', { link, reversal: row.id, sale: row.sale_id, attempts: row.attempts });
          if (sale && sale.origin === terminalFace.origin && !isTransitDialogue(sale.kind))
            rooms.live.publish({ name: 'sale', data: saleLineOf(sale, dcc.lately(sale.id)) });
        },
        stuck(row, actionCode) {
          const facts = { link, advice: row.id, attempts: row.attempts, actionCode: actionCode ?? '' };
          world.log('error', 'adviceStuck', { fault: { code: 'SWITCH_ADVICE_DEAD', facts } });
          rooms.alarm({ place: link, serial: undefined, fault: { code: 'SWITCH_ADVICE_DEAD', facts } });
        },
      }),
  );
  const desk = new ReconciliationDesk(world, rooms.store, journal);
  const processing = new Processing(world, rooms, journal, advices, rules, standIn, dcc, {
    link: (id) => (id === undefined ? undefined : issuers.get(id)),
    numbers: (link) => numbers.of(link),
    lane: (link) => lanes.of(link),
    unmatched: (link, answer, why) => operator.noteMismatch(link, answer, why),
    face: faceOf,
  });

  for (const { link } of options.links) if (link.side === 'issuer') await lanes.of(link.id).fill();
  await processing.recover();
  for (const each of options.links) {
    const { link } = each;
    if (link.side !== 'issuer') continue;
    issuers.set(
      link.id,
      options.openIssuer(each, numbers.of(link.id), {
        ready: () => lanes.of(link.id).linkReady(),
        changed: () => rooms.metrics.linkChanged(link.id, issuers.get(link.id)?.status().state ?? 'down'),
        asked: (message, line) => answerIssuer(link.id, message, line),
        refused(fault) {
          rooms.metrics.frameRefused(fault.code);
          world.log('warn', 'issuerMessageRefused', { link: link.id, fault });
        },
        unmatched(message, why) {
          operator.noteMismatch(link.id, unmatchedOf(message), why);
          processing.late(link.id, message, why).catch((cause: unknown) => {
            world.log('error', 'journalFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
          });
        },
      }),
    );
  }

  /** What an issuer asks of us: changes of the list of refused cards, totals and items. One too many at once comes again. */
  let inHand = 0;
  async function answerIssuer(id: string, message: DecodedMessage, line: Line): Promise<void> {
    const link = linkOf(id);
    if (!link || inHand >= link.inFlightMax) return;
    inHand += 1;
    try {
      const answer = isFileAction(message.mti)
        ? await takeFileAction(rooms.negative, id, message)
        : await desk.answer(link, message);
      if (answer && line.isReady) line.send(answer);
    } catch (cause) {
      world.log('error', 'issuerRequestFailed', { link: id, fault: { code: 'INTERNAL', cause } });
    } finally {
      inHand -= 1;
    }
  }

  const operator = openOperator(world, rooms.store, advices, desk, {
    links: () => [...issuers.values(), ...options.centres()],
    issuer: (id) => issuers.get(id),
    lane: (link) => lanes.of(link),
    numbers: (link) => numbers.of(link),
    isTerminal: async (serial) => (await rooms.isTerminal?.(serial)) === true,
  });
  const calendar = world.timers.every(calendarLookMs, () => {
    operator.reconcileDue().catch((cause: unknown) => {
      world.log('error', 'reconciliationFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
    });
  });
  /** A commit that failed may have been kept: what it then holds is found again, as after a start, once the journal can be read and written. */
  let finding: Timer | undefined;
  let isStopped = false;
  function findAgain(): void {
    if (isStopped) return;
    finding ??= world.timers.after(findAgainMs, () => {
      finding = undefined;
      processing
        .recover()
        .then(() => {
          for (const lane of lanes.all()) lane.refill();
        })
        .catch((cause: unknown) => {
          world.log('error', 'journalFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
          if (!isFenced(cause)) findAgain();
        });
    });
  }
  journal.onFailed(findAgain);
  const stop = (): void => {
    isStopped = true;
    finding?.cancel();
    processing.stop();
    calendar.cancel();
    for (const lane of lanes.all()) lane.stop();
  };
  return {
    processing,
    journal,
    desk,
    counters,
    rules,
    standIn,
    operator,
    issuers,
    numbersOf: (link) => numbers.of(link),
    get advicesQueued() {
      return lanes.all().reduce((sum, lane) => sum + lane.size, 0);
    },
    stop,
    async close() {
      stop();
      await Promise.all([...issuers.values()].map((link) => link.stop()));
      await journal.idle();
    },
  };
}

/** One of each, made when it is first asked for. */
function kept<T>(make: (name: string) => T): { of(name: string): T; all(): readonly T[] } {
  const made = new Map<string, T>();
  return {
    of(name) {
      const known = made.get(name) ?? make(name);
      made.set(name, known);
      return known;
    },
    all: () => [...made.values()],
  };
}
