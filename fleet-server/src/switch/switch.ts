import { issuerLink, isTransitDialogue } from '@tsunagu/protocols/acquiring';
import type { Overview, SaleLine, Serial } from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { IssuerCredentials } from './issuer-link/credentials.ts';
import { takeFileAction } from './issuer-link/file-actions.ts';
import { type IssuerLink, openIssuerLink } from './issuer-link/link.ts';
import { Journal } from './journal/journal.ts';
import { KeyCounters } from './journal/key-counters.ts';
import { openNumbers } from './journal/numbers.ts';
import { type SalesBefore, type SaleTotals, saleLineOf, salesBefore, saleTotals } from './journal/sale-line.ts';
import type { SwitchRooms } from './ports.ts';
import type { LinkHealth } from './routing/route.ts';
import { openSwitchRules, type SwitchRules } from './rules/rules.ts';
import { openStandIn, type StandIn } from './stand-in/stand-in.ts';
import { listenForTerminals, type ServerCredentials } from './terminal-link/listener.ts';
import { Processing } from './transaction/processing.ts';
import { ReversalQueue } from './transaction/reversal-queue.ts';

/** Where the switch listens and dials, and how it shows itself on both sides. */
export interface SwitchOptions {
  /** W3. Port 0 takes a free one. */
  readonly terminals: { readonly host: string; readonly port: number; readonly credentials: ServerCredentials };
  /** W4. */
  readonly issuer: { readonly host: string; readonly port: number; readonly credentials: IssuerCredentials };
  /** Which of the nodes of the switch this is: it has its own share of the limits of stand-in. */
  readonly node?: string;
}

/** The switch as the rest of the server sees it. */
export interface Switch {
  /** Port of W3. */
  readonly port: number;
  /** Sales, newest first, at most `limit`, below `before`. The order is (time, id), for merging with the terminals' own. */
  sales(before: SalesBefore | undefined, limit: number, serial?: Serial): Promise<readonly SaleLine[]>;
  /** Totals of the sales since a moment (milliseconds since 1970). */
  totals(since: number): Promise<SaleTotals>;
  /** The lines to card companies, for the overview. */
  links(): Overview['links'];
  /** Routing, stand-in and contracts, as they are and were. */
  readonly rules: SwitchRules;
  readonly standIn: StandIn;
  readonly health: LinkHealth;
  /** Reversals that an issuer still has to take. */
  readonly reversalsQueued: number;
  /** Ends a terminal's connections. */
  disconnect(serial: Serial): void;
  /** Takes no more, lets what is in hand end, signs off, closes. */
  close(): Promise<void>;
}

/** How long `close` waits for sales in hand: the issuer's time, and some for the disk. */
const drainMs = issuerLink.timers.requestMs + 1_000;

/**
 * Opens the switch: recovers what the last run left open, dials the card company, then listens for terminals.
 * Its tables are in the store already (`switchMigrations`).
 */
export async function openSwitch(
  world: World,
  rooms: SwitchRooms,
  options: SwitchOptions,
): Promise<Result<Switch, 'PORT_TAKEN'>> {
  const counters = new KeyCounters(rooms.store);
  const journal = new Journal(world, rooms.store, rooms.vault, counters);
  const numbers = openNumbers(rooms.store, issuerLink.id);
  let link: IssuerLink | undefined;
  const rules = await openSwitchRules(world, rooms.store, () => [issuerLink.id]);
  const standIn = openStandIn(
    world,
    rooms.store,
    () => rules,
    async (pan) => (await rooms.negative.explain(pan)).listed,
    options.node,
  );
  const linkOf = (): IssuerLink | undefined => link;
  const reversals: ReversalQueue = new ReversalQueue(world, journal, linkOf, {
    async answered(row, actionCode) {
      if (row.advice === 'posting' && row.sale_id !== null) await standIn.advised(row.sale_id, actionCode);
    },
    refusable: (row) => (row.advice === 'posting' && row.sale_id !== null ? standIn.has(row.sale_id) : false),
    delivered(row, sale) {
      rooms.metrics.reversalDelivered(row.attempts);
      world.log('info', 'reversalDelivered', { reversal: row.id, sale: row.sale_id, attempts: row.attempts });
      if (sale && !isTransitDialogue(sale.kind)) rooms.live.publish({ name: 'sale', data: saleLineOf(sale) });
    },
    stuck(row, actionCode) {
      const facts = { reversal: row.id, attempts: row.attempts, actionCode: actionCode ?? '' };
      world.log('error', 'reversalStuck', { fault: { code: 'ISSUER_TIMEOUT', facts } });
      rooms.alarm({ serial: undefined, fault: { code: 'ISSUER_TIMEOUT', facts } });
    },
  });
  const processing = new Processing(
    world,
    rooms,
    journal,
    numbers,
    rules,
    standIn,
    options.issuer.credentials.pinKey.id,
    linkOf,
    () => reversals,
  );

  for (const row of await journal.queuedReversals()) reversals.add(row);
  await processing.recover();
  link = openIssuerLink(world, options.issuer, options.issuer.credentials, numbers, {
    ready: () => reversals.linkReady(),
    changed: () => rooms.metrics.linkChanged(issuerLink.id, link?.status().state ?? 'down'),
    fileAction: (message) => takeFileAction(rooms.negative, message),
    unmatched: (message) => {
      processing.late(message).catch((cause: unknown) => {
        world.log('error', 'journalFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      });
    },
  });
  const opened = link;
  const { host, port, credentials } = options.terminals;
  const listener = await listenForTerminals(world, rooms, counters, processing, { host, port }, credentials);
  if (!listener.ok) {
    reversals.stop();
    await opened.stop();
    return listener;
  }
  return ok({
    port: listener.value.port,
    sales: (before, limit, serial) => salesBefore(rooms.store, before, limit, serial),
    totals: (since) => saleTotals(rooms.store, since),
    links: () => {
      const { state, since } = opened.status();
      return [{ id: issuerLink.id, name: issuerLink.name.en, state, since: new Date(since).toISOString() }];
    },
    rules,
    standIn,
    health: (id) => (id !== opened.id ? undefined : opened.isReady ? 'ready' : 'down'),
    disconnect: (serial) => listener.value.disconnect(serial),
    get reversalsQueued() {
      return reversals.size;
    },
    async close() {
      const deadline = world.clock.monotonicMs() + drainMs;
      while (processing.inHand > 0 && world.clock.monotonicMs() < deadline) await world.timers.sleep(20);
      await listener.value.close();
      reversals.stop();
      await opened.stop();
      await journal.idle();
    },
  });
}
