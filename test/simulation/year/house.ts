import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Approvals, type Audit, openApprovals, openAudit, openChanges } from '@tsunagu/fleet-server/audit/index';
import { type Custody, openCustody } from '@tsunagu/fleet-server/custody/index';
import { heardOfWith, type Lifecycle, type Note, openLifecycle } from '@tsunagu/fleet-server/estate/index';
import { type Inspections, openInspections } from '@tsunagu/fleet-server/inspection/index';
import { type Jobs, openJobs } from '@tsunagu/fleet-server/jobs/index';
import {
  type KeyCeremonies,
  type Keys,
  openKeyCeremonies,
  openKeys,
  openRecordSigner,
} from '@tsunagu/fleet-server/keys/index';
import { openLiveHub } from '@tsunagu/fleet-server/live/index';
import { keepWipe, openRefurbish, type Refurbish } from '@tsunagu/fleet-server/refurbish/index';
import { openSqlite3, openStoreOn, type SqlConnection, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openSwaps, type Swaps } from '@tsunagu/fleet-server/swap/index';
import { openTwin } from '@tsunagu/fleet-server/twin/index';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import { keyIdOf, signDocumentBy, tenantSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type Chance, chanceOf } from '../random.ts';
import { Scheduler } from '../scheduler.ts';
import { SimulatedWorld } from '../world.ts';

export const tenant = tenantSchema.parse('demo');

/** The rooms of the server that a terminal's life passes through, as one start of the server opens them. */
export interface Rooms {
  readonly store: Store;
  readonly keys: Keys;
  readonly ceremonies: KeyCeremonies;
  readonly approvals: Approvals;
  readonly audit: Audit;
  readonly lifecycle: Lifecycle;
  readonly custody: Custody;
  readonly inspections: Inspections;
  readonly refurbish: Refurbish;
  readonly jobs: Jobs;
  readonly swaps: Swaps;
}

/** What a test may put in the way of a room, to see whether anybody notices. */
export interface HouseBugs {
  readonly connection?: (connection: SqlConnection) => SqlConnection;
  readonly note?: (note: Note) => Note;
  readonly approvals?: (approvals: Approvals) => Approvals;
  readonly lifecycle?: (lifecycle: Lifecycle, store: Store) => Lifecycle;
  readonly custody?: (custody: Custody, store: Store) => Custody;
  readonly jobs?: (jobs: Jobs) => Jobs;
  readonly ceremonies?: (ceremonies: KeyCeremonies) => KeyCeremonies;
  readonly keysDestroyed?: 'forgotten';
  readonly heardOf?: 'deaf';
}

class PowerCut extends Error {}

/** One start of the server: it ends with its power. */
interface Boot {
  isOn: boolean;
  readonly raw: SqlConnection[];
}

/** The server of the year: the real rooms on a real database, whose power fails now and then between two statements. */
export class House {
  /** Virtual time, milliseconds since 1970. */
  now: number;
  cuts = 0;
  statements = 0;
  readonly world: World;
  readonly vault: Vault;
  readonly #folder: string;
  readonly #chance: Chance;
  readonly #cutEvery: number;
  readonly #bugs: HouseBugs;
  #boot: Boot = { isOn: false, raw: [] };
  #rooms: Rooms | undefined;
  #untilCut = Number.POSITIVE_INFINITY;

  private constructor(folder: string, vault: Vault, world: World, at: number, chance: Chance, options: HouseOptions) {
    this.#folder = folder;
    this.vault = vault;
    this.world = world;
    this.now = at;
    this.#chance = chance;
    this.#cutEvery = options.cutEvery;
    this.#bugs = options.bugs ?? {};
  }

  static async open(seed: number, at: number, options: HouseOptions): Promise<House> {
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tsunagu-year-'));
    const simulated = new SimulatedWorld(
      new Scheduler(),
      chanceOf(seed, 'house'),
      () => 0,
      () => undefined,
    );
    // Days pass between two acts: what a timer of a room would do, the script of the year does.
    const still = { cancel: () => undefined };
    const world: World = {
      ...simulated,
      log: simulated.log,
      clock: { now: () => house.now, monotonicMs: () => house.now - at },
      timers: { after: () => still, every: () => still, sleep: () => Promise.resolve() },
    };
    const vault = unwrap(await openFileVault(join(folder, 'vault.jsonl'), 'a year', world));
    const house = new House(folder, vault, world, at, chanceOf(seed, 'power'), options);
    await house.#start();
    return house;
  }

  /** Does something on a server that is up. When its power fails meanwhile it is started, and the same is asked again: people look before they do. */
  async act<T>(work: (rooms: Rooms, isAgain: boolean) => Promise<T>): Promise<T> {
    for (let isAgain = false; ; isAgain = true) {
      const boot = this.#boot;
      const rooms = this.#rooms;
      if (!rooms) throw new Error('the house is closed');
      try {
        const done = await work(rooms, isAgain);
        if (boot.isOn) return done;
      } catch (error) {
        if (boot.isOn) throw error;
      }
      await this.restart();
    }
  }

  /** From now on the power may fail. */
  letPowerFail(): void {
    this.#untilCut = this.#chance.int(1, 2 * this.#cutEvery);
  }

  async restart(): Promise<void> {
    await this.close();
    await this.#start();
    if (this.cuts > 0) this.letPowerFail();
  }

  async close(): Promise<void> {
    this.#rooms = undefined;
    this.#boot.isOn = false;
    for (const connection of this.#boot.raw.splice(0)) await connection.close();
  }

  /** Everything that lies on the medium of the closed house, but the vault. */
  files(): readonly Buffer[] {
    return ['house.sqlite', 'house.sqlite-wal']
      .map((name) => join(this.#folder, name))
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path));
  }

  async remove(): Promise<void> {
    await this.close();
    await this.vault.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #connect(boot: Boot): Promise<SqlConnection> {
    const raw = await openSqlite3(join(this.#folder, 'house.sqlite'));
    boot.raw.push(raw);
    const inner = this.#bugs.connection?.(raw) ?? raw;
    const powered = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!boot.isOn) throw new PowerCut();
      this.statements += 1;
      this.#untilCut -= 1;
      if (this.#untilCut > 0) return await work();
      this.#untilCut = Number.POSITIVE_INFINITY;
      boot.isOn = false;
      this.cuts += 1;
      // Either it did not come to the statement, or nobody heard what came of it.
      if (this.#chance.percent(50)) await work();
      throw new PowerCut();
    };
    return {
      all: (sql, parameters) => powered(() => inner.all(sql, parameters)),
      run: (sql, parameters) => powered(() => inner.run(sql, parameters)),
      close: () => Promise.resolve(),
    };
  }

  async #start(): Promise<void> {
    this.#untilCut = Number.POSITIVE_INFINITY;
    const boot: Boot = { isOn: true, raw: [] };
    this.#boot = boot;
    const { world, vault } = this;
    const bugs = this.#bugs;
    const store = unwrap(await openStoreOn(() => this.#connect(boot), migrations, world.clock));
    const write: Note = async (tx, serial, kind, facts = {}) => {
      await tx
        .insertInto('timeline')
        .values({ serial, at: world.clock.now(), kind, facts: JSON.stringify(facts) })
        .execute();
    };
    const note = bugs.note?.(write) ?? write;
    const keys = await openKeys(world, store, vault);
    const sign = await openRecordSigner(vault);
    const convened = openKeyCeremonies(world, store, vault, sign);
    const ceremonies = bugs.ceremonies?.(convened) ?? convened;
    const audit = await openAudit({ world, store, vault, tenant, changes: openChanges() });
    const decided = openApprovals(world, store, audit.note);
    const approvals = bugs.approvals?.(decided) ?? decided;
    const refurbish = openRefurbish({
      world,
      store,
      note,
      sign,
      enlist: () => Promise.reject(new Error('nothing comes from a vendor')),
      lifecycle: () => lifecycle,
    });
    const lived = openLifecycle({
      world,
      store,
      note,
      approvals,
      keysDestroyed: (tx, serial) =>
        bugs.keysDestroyed === 'forgotten' ? Promise.resolve() : keys.wiped(tx, serial, 'destruction'),
      benchTestPassed: (on, serial, test) => refurbish.benchTestPassed(on, serial, test),
      heardOf:
        bugs.heardOf === 'deaf'
          ? () => Promise.resolve({ isConnected: false, at: null, waiting: 0 })
          : heardOfWith({
              isConnected: () => false,
              atSwitch: () => Promise.resolve({ at: null, came: new Set<string>() }),
            }),
      disconnect: () => undefined,
      announce: () => undefined,
    });
    const lifecycle = bugs.lifecycle?.(lived, store) ?? lived;
    const held = openCustody({ world, store, tenant, note, lifecycle });
    await vault.ensure('sign/jobs', 'job-signing');
    const kid = keyIdOf(unwrap(vault.publicKey('sign/jobs')).export({ format: 'der', type: 'spki' }));
    const ordered = openJobs({
      world,
      store,
      live: openLiveHub(16),
      tenant,
      sign: (payload) =>
        signDocumentBy('tsunagu-job-v1', payload, kid, (bytes) => vault.sign('sign/jobs', 'job-signing', bytes)),
      approvals,
      notify: () => undefined,
      async finished(tx, serial, { id, type }, { wipe }) {
        if (type !== 'terminal.wipe') return undefined;
        if (!wipe || !(await keepWipe(world, tx, serial, id, wipe))) return 'WIPE_NOT_PROVEN';
        await keys.wiped(tx, serial, id);
        return undefined;
      },
      note,
      announce: () => undefined,
    });
    const jobs = bugs.jobs?.(ordered) ?? ordered;
    const twin = await openTwin({
      world,
      store,
      note: (tx, serial, version, { subject, reason }) =>
        note(tx, serial, 'configuration-changed', { version, by: subject, reason }),
      tell: () => undefined,
    });
    this.#rooms = {
      store,
      keys,
      ceremonies,
      approvals,
      audit,
      lifecycle,
      custody: bugs.custody?.(held, store) ?? held,
      inspections: openInspections({ world, store, note, announce: () => undefined }),
      refurbish,
      jobs,
      swaps: openSwaps({
        world,
        store,
        note,
        lifecycle,
        jobs,
        twin,
        placed: (tx, serial) => twin.reports.placed(tx, serial),
        moved: () => undefined,
      }),
    };
  }
}

export interface HouseOptions {
  /** The power fails about once in so many statements. */
  readonly cutEvery: number;
  readonly bugs?: HouseBugs;
}
