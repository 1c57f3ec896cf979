import { businessDay, isTransitDialogue } from '@tsunagu/protocols/acquiring';
import type { Overview, SaleLine, Serial } from '@tsunagu/protocols/fleet';
import type { DecodedMessage } from '@tsunagu/protocols/iso8583';
import { ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type CentreListener, listenForCentres } from './acquirer-link/listener.ts';
import { isFileAction, takeFileAction } from './issuer-link/file-actions.ts';
import { type IssuerLink, openIssuerLink } from './issuer-link/issuer-link.ts';
import { Advices } from './journal/advices.ts';
import { beginEpoch } from './journal/epoch.ts';
import { Journal } from './journal/journal.ts';
import { KeyCounters } from './journal/key-counters.ts';
import { type Numbers, openNumbers } from './journal/numbers.ts';
import { type SalesBefore, type SaleTotals, saleLineOf, salesBefore, saleTotals } from './journal/sale-line.ts';
import type { PreparedLink } from './link/credentials.ts';
import type { Line } from './link/line.ts';
import { openOperator, type Operator } from './operator/operator.ts';
import type { SwitchRooms } from './ports.ts';
import { ReconciliationDesk } from './reconciliation/desk.ts';
import type { LinkHealth } from './routing/route.ts';
import { openSwitchRules, type SwitchRules } from './rules/rules.ts';
import { openStandIn, type StandIn } from './stand-in/stand-in.ts';
import { listenForTerminals, type ServerCredentials } from './terminal-link/listener.ts';
import { centreFace, terminalFace } from './transaction/asking.ts';
import { Processing, type Roads } from './transaction/processing.ts';
import { Lane } from './transaction/store-and-forward.ts';

/** Where the switch listens and dials, and how it shows itself on both sides. */
export interface SwitchOptions {
  /** W3. Port 0 takes a free one. */
  readonly terminals: { readonly host: string; readonly port: number; readonly credentials: ServerCredentials };
  /** W8, where there are merchant centres. */
  readonly centres?: { readonly host: string; readonly port: number };
  /** The links of both sides. */
  readonly links: readonly PreparedLink[];
  /** Where an issuer listens whose link says nothing of it: the house's own card company. */
  readonly cardCompany: { readonly host: string; readonly port: number };
  /** Which of the nodes of the switch this is: it has its own share of the limits of stand-in. */
  readonly node?: string;
}

/** The switch as the rest of the server sees it. */
export interface Switch {
  /** Port of W3. */
  readonly port: number;
  /** Port of W8; undefined where no merchant centre may come. */
  readonly centresPort: number | undefined;
  /** What an operator sees and does. */
  readonly operator: Operator;
  /** Sales of terminals, newest first, at most `limit`, below `before`. The order is (time, id), for merging with the terminals' own. */
  sales(before: SalesBefore | undefined, limit: number, serial?: Serial): Promise<readonly SaleLine[]>;
  /** Totals of the sales since a moment (milliseconds since 1970). */
  totals(since: number): Promise<SaleTotals>;
  /** The links to card companies, for the overview. */
  links(): Overview['links'];
  /** Routing, stand-in and contracts, as they are and were. */
  readonly rules: SwitchRules;
  readonly standIn: StandIn;
  readonly health: LinkHealth;
  /** Advices in memory that an issuer still has to take. */
  readonly reversalsQueued: number;
  /** Ends a terminal's connections. */
  disconnect(serial: Serial): void;
  /** Takes no more, lets what is in hand end, signs off, closes. */
  close(): Promise<void>;
}

/** How often it is looked whether a business day is over and has to be compared. */
const calendarLookMs = 60_000;

/**
 * Opens the switch: takes the epoch, recovers what the last run left open, dials the issuers, then listens for terminals and merchant centres.
 * Its tables are in the store already (`switchMigrations`).
 */
export async function openSwitch(
  world: World,
  rooms: SwitchRooms,
  options: SwitchOptions,
): Promise<Result<Switch, 'PORT_TAKEN'>> {
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
  const standIn = openStandIn(world, rooms.store, () => rules, isListed, options.node);
  const numbers = kept((link: string): Numbers => openNumbers(rooms.store, link));
  const lanes = kept(
    (link: string) =>
      new Lane(world, journal, advices, link, () => issuers.get(link), {
        refusable: (row) => (row.advice === 'posting' && row.sale_id !== null ? standIn.has(row.sale_id) : false),
        async answered(row, actionCode) {
          if (row.advice === 'posting' && row.sale_id !== null) await standIn.advised(row.sale_id, actionCode);
        },
        delivered(row, sale) {
          rooms.metrics.reversalDelivered(row.attempts);
          world.log('info', 'reversalDelivered', { link, reversal: row.id, sale: row.sale_id, attempts: row.attempts });
          if (sale && sale.origin === terminalFace.origin && !isTransitDialogue(sale.kind))
            rooms.live.publish({ name: 'sale', data: saleLineOf(sale) });
        },
        stuck(row, actionCode) {
          const facts = { link, advice: row.id, attempts: row.attempts, actionCode: actionCode ?? '' };
          world.log('error', 'adviceStuck', { fault: { code: 'ISSUER_TIMEOUT', facts } });
          rooms.alarm({ serial: undefined, fault: { code: 'ISSUER_TIMEOUT', facts } });
        },
      }),
  );
  const desk = new ReconciliationDesk(world, rooms.store, journal);
  const processing = new Processing(world, rooms, journal, advices, rules, standIn, {
    link: (id) => (id === undefined ? undefined : issuers.get(id)),
    numbers: (link) => numbers.of(link),
    lane: (link) => lanes.of(link),
    face: faceOf,
  });

  for (const { link } of options.links) if (link.side === 'issuer') await lanes.of(link.id).fill();
  await processing.recover();
  for (const { link, own } of options.links) {
    if (link.side !== 'issuer') continue;
    issuers.set(
      link.id,
      openIssuerLink(world, link, link.address ?? options.cardCompany, own, numbers.of(link.id), {
        ready: () => lanes.of(link.id).linkReady(),
        changed: () => rooms.metrics.linkChanged(link.id, issuers.get(link.id)?.status().state ?? 'down'),
        asked: (message, line) => answerIssuer(link.id, message, line),
        refused(fault) {
          rooms.metrics.frameRefused(fault.code);
          world.log('warn', 'issuerMessageRefused', { link: link.id, fault });
        },
        unmatched(message, why) {
          operator.noteMismatch(link.id, message.mti, why);
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

  let centres: CentreListener | undefined;
  const operator = openOperator(world, rooms.store, journal, advices, desk, {
    links: () => [...issuers.values(), ...(centres?.links ?? [])],
    issuer: (id) => issuers.get(id),
    lane: (link) => lanes.of(link),
    numbers: (link) => numbers.of(link),
  });
  const calendar = world.timers.every(calendarLookMs, () => {
    operator.reconcileDue().catch((cause: unknown) => {
      world.log('error', 'reconciliationFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
    });
  });
  const closeLinks = async (): Promise<void> => {
    calendar.cancel();
    for (const lane of lanes.all()) lane.stop();
    await centres?.close();
    await Promise.all([...issuers.values()].map((link) => link.stop()));
    await journal.idle();
  };

  const { host, port, credentials } = options.terminals;
  if (options.centres) {
    const listening = await listenForCentres(
      world,
      rooms,
      processing,
      desk,
      (link) => numbers.of(link),
      options.links.filter(({ link }) => link.side === 'acquirer'),
      options.centres,
      credentials,
    );
    if (!listening.ok) {
      await closeLinks();
      return listening;
    }
    centres = listening.value;
  }
  const listener = await listenForTerminals(world, rooms, counters, processing, { host, port }, credentials);
  if (!listener.ok) {
    await closeLinks();
    return listener;
  }
  const drainMs = Math.max(...options.links.map(({ link }) => link.profile.timers.requestMs)) + 1_000;
  return ok({
    port: listener.value.port,
    centresPort: centres?.port,
    operator,
    rules,
    standIn,
    health(id) {
      const link = issuers.get(id);
      return link && (link.isReady ? 'ready' : 'down');
    },
    sales: (before, limit, serial) => salesBefore(rooms.store, before, limit, serial),
    totals: (since) => saleTotals(rooms.store, since),
    links: () =>
      [...issuers.values()].map((issuer) => {
        const { link } = issuer;
        const { state, since } = issuer.status();
        return { id: link.id, name: link.name.en, state, since: new Date(since).toISOString() };
      }),
    disconnect: (serial) => listener.value.disconnect(serial),
    get reversalsQueued() {
      return lanes.all().reduce((sum, lane) => sum + lane.size, 0);
    },
    async close() {
      const deadline = world.clock.monotonicMs() + drainMs;
      while (processing.inHand > 0 && world.clock.monotonicMs() < deadline) await world.timers.sleep(20);
      await listener.value.close();
      await closeLinks();
    },
  });
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
