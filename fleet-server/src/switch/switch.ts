import type { Overview, SaleLine, Serial } from '@tsunagu/protocols/fleet';
import { type Fault, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type CentreListener, listenForCentres } from './acquirer-link/listener.ts';
import { openCore } from './core.ts';
import { openIssuerLink } from './issuer-link/issuer-link.ts';
import { type SalesBefore, type SaleTotals, salesBefore, saleTotals } from './journal/sale-line.ts';
import type { PreparedLink } from './link/credentials.ts';
import { raiseRefused } from './link/refused.ts';
import { openAlarmDesk } from './operator/alarms.ts';
import type { Operator } from './operator/operator.ts';
import type { SwitchRooms } from './ports.ts';
import type { LinkHealth } from './routing/route.ts';
import type { SwitchRules } from './rules/rules.ts';
import type { StandIn } from './stand-in/stand-in.ts';
import { openValidityDesk, type ValidityDesk } from './validity/desk.ts';
import { listenForTerminals, type ServerCredentials } from './terminal-link/listener.ts';

/** Where the switch listens and dials, and how it shows itself on both sides. */
export interface SwitchOptions {
  /** W3. Port 0 takes a free one. */
  readonly terminals: { readonly host: string; readonly port: number; readonly credentials: ServerCredentials };
  /** W8, where there are merchant centres. */
  readonly centres?: { readonly host: string; readonly port: number };
  /** The links of both sides. */
  readonly links: readonly PreparedLink[];
  /** Link files that were left out, and why: an alarm each. */
  readonly linksRefused?: ReadonlyMap<string, Fault>;
  /** Where an issuer listens whose link says nothing of it: an emulated one of the house. */
  readonly issuerAt: (link: string) => { readonly host: string; readonly port: number };
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
  /** Files of cards that merchant centres ask about. */
  readonly validity: ValidityDesk;
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

/**
 * Opens the switch: takes the epoch, recovers what the last run left open, dials the issuers, then listens for terminals and merchant centres.
 * Its tables are in the store already (`switchMigrations`).
 */
export async function openSwitch(
  world: World,
  neighbours: SwitchRooms,
  options: SwitchOptions,
): Promise<Result<Switch, 'PORT_TAKEN'>> {
  const alarms = openAlarmDesk(world, neighbours.store, (alarm) => neighbours.alarm(alarm));
  const rooms: SwitchRooms = { ...neighbours, alarm: (alarm) => alarms.raise(alarm) };
  for (const [place, fault] of options.linksRefused ?? []) rooms.alarm({ place, serial: undefined, fault });
  let centres: CentreListener | undefined;
  const core = await openCore(world, rooms, {
    links: options.links,
    centres: () => centres?.links ?? [],
    node: options.node,
    openIssuer: ({ link, own }, numbers, listener) =>
      openIssuerLink(world, link, link.address ?? options.issuerAt(link.id), own, numbers, {
        ...listener,
        refused(fault) {
          listener.refused(fault);
          raiseRefused(rooms, link.id, fault);
        },
      }),
  });
  const { operator, rules, standIn, processing, issuers } = core;
  const health: LinkHealth = (id) => {
    const link = issuers.get(id);
    return link && (link.isReady ? 'ready' : 'down');
  };
  const prepared = new Map(options.links.map((each) => [each.link.id, each]));
  const validity = await openValidityDesk(world, {
    store: rooms.store,
    vault: rooms.vault,
    journal: core.journal,
    rules,
    health,
    issuers,
    numbers: (link) => core.numbersOf(link),
    centre(id) {
      const known = prepared.get(id);
      return known && { link: known.link, zoneKbpk: known.own.zone.kbpk };
    },
  });
  const closeLinks = async (): Promise<void> => {
    await validity.close();
    core.stop();
    await centres?.close();
    await core.close();
    await alarms.close();
  };

  const { host, port, credentials } = options.terminals;
  if (options.centres) {
    const listening = await listenForCentres(
      world,
      rooms,
      processing,
      core.desk,
      operator,
      (link) => core.numbersOf(link),
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
  const listener = await listenForTerminals(world, rooms, core.counters, processing, { host, port }, credentials);
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
    validity,
    health,
    sales: (before, limit, serial) => salesBefore(rooms.store, before, limit, serial),
    totals: (since) => saleTotals(rooms.store, since),
    links: () =>
      [...issuers.values()].map((issuer) => {
        const { link } = issuer;
        const { state, since } = issuer.status();
        return { id: link.id, name: link.name.en, nameJa: link.name.ja, state, since: new Date(since).toISOString() };
      }),
    disconnect: (serial) => listener.value.disconnect(serial),
    get reversalsQueued() {
      return core.advicesQueued;
    },
    async close() {
      const deadline = world.clock.monotonicMs() + drainMs;
      while (processing.inHand > 0 && world.clock.monotonicMs() < deadline) await world.timers.sleep(20);
      await listener.value.close();
      await closeLinks();
    },
  });
}
