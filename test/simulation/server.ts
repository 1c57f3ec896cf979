import { openApprovals } from '@tsunagu/fleet-server/audit/index';
import { type Conversation, openConversation } from '@tsunagu/fleet-server/conversation/index';
import { type Estate, openEstate } from '@tsunagu/fleet-server/estate/index';
import {
  type Admission,
  type Certificates,
  openAdmission,
  openAuthority,
  openCertificates,
  type ShownCertificate,
} from '@tsunagu/fleet-server/identity/index';
import { isCarriedOut, openJobs, type Jobs } from '@tsunagu/fleet-server/jobs/index';
import { type Keys, openKeys } from '@tsunagu/fleet-server/keys/index';
import { openLiveHub } from '@tsunagu/fleet-server/live/index';
import { openSqlite3, openStoreOn, type SqlConnection, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openTwin, type Twin } from '@tsunagu/fleet-server/twin/index';
import type { Vault } from '@tsunagu/fleet-server/vault/index';
import type { Serial, UpTopic } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { LogSink } from '@tsunagu/protocols/world';
import { type Fixture, tenant } from './fixture.ts';
import type { Connection, Exchange } from './link.ts';
import { chanceOf } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { SimulatedWorld } from './world.ts';

const never = new Promise<never>(() => undefined);

/** Resolves when the power goes. */
function lossOfPower(): { readonly promise: Promise<undefined>; resolve(): void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<undefined>((done) => {
    resolve = () => done(undefined);
  });
  return { promise, resolve };
}

/** The rooms of a server that is up. */
export interface Rooms {
  readonly store: Store;
  readonly estate: Estate;
  readonly twin: Twin;
  readonly jobs: Jobs;
  readonly keys: Keys;
  readonly conversation: Conversation;
  readonly admission: Admission;
  readonly certificates: Certificates;
}

/** What a test may put in the way of a room, to see whether anybody notices. */
export interface ServerBugs {
  /** What a terminal says comes through here. */
  readonly received?: (serial: Serial, topic: UpTopic, payload: Uint8Array) => Uint8Array | undefined;
  readonly jobs?: (jobs: Jobs, store: Store) => Jobs;
  readonly certificates?: (certificates: Certificates, store: Store) => Certificates;
  /** False: nothing is done by the clock. */
  readonly sweeps?: boolean;
}

/** The fleet server without its doors: the real rooms on a real database, whose power may be cut at any statement. */
export class SimulatedServer implements Exchange {
  /** Undefined while it is off. */
  rooms: Rooms | undefined;
  skewMs = 0;
  statementsUntilCut = Number.POSITIVE_INFINITY;
  statements = 0;
  /** Ids of sales that were heard of. */
  readonly sales = new Map<string, number>();
  readonly #scheduler: Scheduler;
  readonly #fixture: Fixture;
  readonly #seed: number;
  readonly #path: string;
  readonly #sink: LogSink;
  readonly #bugs: ServerBugs;
  readonly #connections = new Map<Serial, Connection>();
  #world: SimulatedWorld | undefined;
  #raw: SqlConnection[] = [];
  #tail: Promise<unknown> = Promise.resolve();
  #lost = lossOfPower();
  #boots = 0;
  #ending: Promise<void> = Promise.resolve();

  constructor(scheduler: Scheduler, fixture: Fixture, seed: number, path: string, sink: LogSink, bugs: ServerBugs) {
    this.#scheduler = scheduler;
    this.#fixture = fixture;
    this.#seed = seed;
    this.#path = path;
    this.#sink = sink;
    this.#bugs = bugs;
  }

  get isOn(): boolean {
    return this.#world?.isOn === true;
  }

  /** Cuts the power: what was committed stays, everything else is as if it had never been. */
  cut(forMs: number): void {
    const world = this.#world;
    if (!world?.isOn) return;
    this.#sink('warn', 'powerCut', { forMs });
    world.isOn = false;
    this.rooms = undefined;
    this.statementsUntilCut = Number.POSITIVE_INFINITY;
    this.#lost.resolve();
    this.#lost = lossOfPower();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    const raw = this.#raw;
    this.#raw = [];
    // A statement that had begun is over before the file is closed; a transaction that was open is rolled back.
    this.#ending = this.#scheduler.outside(async () => {
      await this.#tail.catch(() => undefined);
      for (const connection of raw) await connection.close();
    });
    this.#scheduler.after(forMs, () => void this.start());
  }

  async start(): Promise<void> {
    await this.#ending;
    this.#boots += 1;
    const chance = chanceOf(this.#seed, `server ${this.#boots}`);
    const world = new SimulatedWorld(this.#scheduler, chance, () => this.skewMs, this.#sink);
    this.#world = world;
    const { vault, sign } = this.#fixture;
    const store = unwrap(await openStoreOn(() => this.#open(world), migrations, world.clock));
    const live = openLiveHub(16);
    const keys = await openKeys(world, store, withoutDestroying(vault));
    const negative = { list: 'regular', version: 0, overlaySeq: 0, epoch: 0, headVersion: 0 };
    const estate = await openEstate({
      world,
      store,
      live,
      tenant,
      endpoint: { host: 'localhost', portBase: 1 },
      trust: () => ({ anchors: '', version: 1 }),
      contacted: () => Promise.resolve(),
      horizon: () => Promise.resolve({ earliest: null, near: 0, urgent: 0, passed: 0 }),
      enrolment: () => ({
        expect: () => Promise.reject(new Error('nobody is registered here')),
        expectAnew: () => Promise.reject(new Error('nobody is registered here')),
      }),
      targets: () => ({ negative }),
      negativeEntries: () => Promise.resolve(0),
      isConnected: (serial) => this.#connections.has(serial),
      placed: (tx, serial) => twin.reports.placed(tx, serial),
      registered: () => undefined,
      recounted: (tx, serial) => twin.reports.enrolled(tx, serial),
      configured: () => twin.inSync(),
      sales: () => ({
        summary: () => Promise.resolve({ approved: 0, declined: 0, refused: 0, reversed: 0, amountMinor: 0 }),
        links: () => [],
      }),
    });
    const twin = await openTwin({
      world,
      store,
      note: (tx, serial, version, { subject, reason }) =>
        estate.note(tx, serial, 'configuration-changed', { version, by: subject, reason }),
      tell: (terminals) => {
        for (const { serial, version } of terminals)
          this.rooms?.conversation.notify(serial, { configuration: version });
      },
    });
    const opened = openJobs({
      world:
        this.#bugs.sweeps === false
          ? { ...world, timers: { ...world.timers, every: () => ({ cancel: () => undefined }) } }
          : world,
      store,
      live,
      tenant,
      sign,
      // There is no audit log in this fleet.
      approvals: openApprovals(world, store, () => Promise.resolve()),
      notify: (serial, jobs) => this.rooms?.conversation.notify(serial, { jobs }),
      async finished(tx, serial, { id, type }, report) {
        if (type === 'key.load' && report.evidence && (await keys.proven(tx, serial, report.evidence)))
          await estate.keyLoaded(tx, serial, report.evidence);
        if (type === 'terminal.wipe') await keys.wiped(tx, serial, id);
        return undefined;
      },
      note: estate.note,
      announce: (serial) => estate.announce(serial),
    });
    const jobs = this.#bugs.jobs?.(opened, store) ?? opened;
    const certificates = openCertificates({
      world,
      store,
      authority: await openAuthority(world, store, vault, tenant),
      note: estate.note,
      isOrdered: (serial) => isCarriedOut(store.db, serial, 'certificate.renew'),
      // When it can be saved last is not looked at here.
      renewed: () => Promise.resolve(),
      disconnect: (serial) => this.#connections.get(serial)?.close(),
    });
    const conversation = openConversation({
      world,
      store,
      tenant,
      broker: () => ({
        send: (serial, topic, payload) => {
          if (world.isOn) this.#connections.get(serial)?.deliver(topic, payload);
        },
        isConnected: (serial) => this.#connections.has(serial),
      }),
      estate,
      twin: () => twin,
      jobs: () => jobs,
      keys,
      // There is no negative list in this fleet.
      negative: () => ({ observe: () => Promise.resolve(false) }),
      // Nor do its roots change.
      trust: { heard: () => Promise.resolve(undefined) },
      fleetSize: () => this.#fixture.terminals.length,
      // Nor are cases opened in it.
      tampered: () => Promise.resolve(false),
      saleEnded: (_serial, _sale, _at, id) => {
        this.sales.set(id, (this.sales.get(id) ?? 0) + 1);
        return Promise.resolve();
      },
    });
    if (!world.isOn) return;
    this.rooms = {
      store,
      estate,
      twin,
      jobs,
      keys,
      conversation,
      admission: openAdmission(world, store, tenant),
      certificates: this.#bugs.certificates?.(certificates, store) ?? certificates,
    };
  }

  /** Ends it for good, so that its file can go. */
  async end(): Promise<void> {
    if (this.#world) this.#world.isOn = false;
    this.rooms = undefined;
    await this.#ending;
    await this.#tail.catch(() => undefined);
    for (const connection of this.#raw) await connection.close();
  }

  /** One statement at a time, whichever connection it is on: what runs beside what is up to the seed and not to the machine. */
  async #open(world: SimulatedWorld): Promise<SqlConnection> {
    const raw = await this.#scheduler.outside(() => openSqlite3(this.#path));
    this.#raw.push(raw);
    const inTurn = <T>(work: () => Promise<T>): Promise<T> =>
      this.#scheduler.outside(() => {
        const turn = this.#tail.then(work, work);
        this.#tail = turn.catch(() => undefined);
        return turn;
      });
    const counted = <T>(work: () => Promise<T>): Promise<T> => {
      if (!world.isOn) return never;
      this.statements += 1;
      this.statementsUntilCut -= 1;
      if (this.statementsUntilCut <= 0) {
        this.cut(this.cutForMs);
        return never;
      }
      // Of a machine that lost its power meanwhile nobody hears any more.
      return inTurn(work).then(
        (value) => (world.isOn ? value : never),
        (error: unknown) => {
          if (world.isOn) throw error;
          return never;
        },
      );
    };
    return {
      all: (sql, parameters) => counted(() => raw.all(sql, parameters)),
      run: (sql, parameters) => counted(() => raw.run(sql, parameters)),
      close: () => Promise.resolve(),
    };
  }

  cutForMs = 1_000;

  async attach(connection: Connection, shown: ShownCertificate | undefined): Promise<boolean> {
    const admitted = await this.whileOn(({ admission }) => admission(shown));
    return admitted?.ok === true && admitted.value === connection.serial && connection.isOpen && this.#put(connection);
  }

  /** What the server answers; undefined where it is off, or loses its power meanwhile. */
  async whileOn<T>(ask: (rooms: Rooms) => Promise<T>): Promise<T | undefined> {
    const { rooms } = this;
    return rooms && (await Promise.race([ask(rooms), this.#lost.promise]));
  }

  #put(connection: Connection): boolean {
    if (!this.rooms) return false;
    this.#connections.get(connection.serial)?.close();
    this.#connections.set(connection.serial, connection);
    return true;
  }

  detach(connection: Connection, will: Uint8Array): void {
    if (this.#connections.get(connection.serial) !== connection) return;
    this.#connections.delete(connection.serial);
    void this.rooms?.estate.linkChanged(connection.serial, 'lost');
    void this.received(connection.serial, { kind: 'presence' }, will);
  }

  /** A stranger connects under a terminal's name: the terminal's connection ends, and what the stranger says is of no boot that counts. */
  clone(serial: Serial, forMs: number): void {
    const stranger: Connection = { serial, isOpen: true, deliver: () => undefined, close: () => undefined };
    if (!this.#put(stranger)) return;
    this.#scheduler.after(forMs, () => {
      if (this.#connections.get(serial) === stranger) this.#connections.delete(serial);
    });
  }

  async received(serial: Serial, topic: UpTopic, payload: Uint8Array): Promise<void> {
    const { rooms } = this;
    const heard = this.#bugs.received ? this.#bugs.received(serial, topic, payload) : payload;
    if (!rooms) return never;
    if (heard) await rooms.conversation.received(serial, topic, heard);
  }
}

/** Runs share one vault: what one of them has no use for any more, the next one may need. */
const withoutDestroying = (vault: Vault): Vault =>
  new Proxy(vault, {
    get(target, name) {
      if (name === 'destroy') return () => Promise.resolve();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
