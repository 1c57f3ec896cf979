import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  type ClaimBundle,
  configuration,
  type Hello,
  type JobReport,
  type LinkState,
  type Overview,
  parseJson,
  portOf,
  type RegisterTerminal,
  type SaleResult,
  type Serial,
  serialSchema,
  type TenantId,
  type TerminalDetail,
  type TerminalSummary,
  type TimelineEntry,
  isBootPlausible,
  isInquiry,
  type ReportTrouble,
  type SwitchAlarmView,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { sql, type SqlBool, type Transaction } from 'kysely';
import type { AlarmCount } from '../alarms/index.ts';
import type { LiveHub } from '../live/index.ts';
import {
  among,
  type Database,
  isoTime,
  highestFirst,
  type Page,
  type PageRequest,
  type Store,
  inAlphabet,
  pageOn,
  viewPage,
} from '../store/index.ts';
import { beginLife } from './lifecycle.ts';
import { isRegistered } from './registered.ts';
import { openLinks } from './links.ts';
import { helloOf, summaryOf, summaryRows, type Targets } from './summary.ts';
import { alarmFilterOf, type TerminalAlarmFilter, terminalAlarms } from './alarms.ts';
import { followTimeline, type Note, noteOnceWith, noteWith, timelineEntryOf } from './timeline.ts';

/** Changes of a terminal that come within this time are shown as one. */
const settleMs = 60;
/** Terminals that are read together to be shown. */
const summariesMax = 256;
/** The overview is shown at most this often. */
const overviewMs = 1_000;

/** What the switch knows for the overview. */
export interface SalesFigures {
  /** The last five minutes. */
  summary(): Promise<Overview['sales']>;
  links(): Overview['links'];
}

/** Where claims are kept, each in the transaction that registers its terminal. */
export interface ClaimBook {
  expect(tx: Transaction<Database>, serial: Serial, secret: Secret<'claim'>, trustVersion: number): Promise<void>;
  /** Puts another secret in its place: the old one dies. */
  expectAnew(tx: Transaction<Database>, serial: Serial, secret: Secret<'claim'>, trustVersion: number): Promise<void>;
}

/** What the estate needs of the rooms around it; the functions are asked when they are needed, not before. */
export interface EstateRooms {
  readonly world: World;
  readonly store: Store;
  readonly live: LiveHub;
  readonly tenant: TenantId;
  readonly endpoint: { readonly host: string; readonly portBase: number };
  /** The roots that a new terminal pins, and which version of the trust anchors they are. */
  readonly trust: () => { readonly anchors: string; readonly version: number };
  readonly enrolment: () => ClaimBook;
  /** A terminal was heard of, in the transaction that notes it. */
  readonly contacted: (tx: Transaction<Database>, serial: Serial) => Promise<void>;
  readonly targets: () => Targets;
  /** How many terminals are set to what is desired. */
  readonly configured: () => Promise<number>;
  /** A terminal stands at a place now. */
  readonly placed: (tx: Transaction<Database>, serial: Serial) => Promise<void>;
  /** A terminal is on the inventory, or has a claim again, and a last day from now on. */
  readonly registered: (serial: Serial) => void;
  /** A terminal's boots are counted anew. */
  readonly recounted: (tx: Transaction<Database>, serial: Serial) => Promise<void>;
  readonly negativeEntries: () => Promise<number>;
  /** Whether a terminal has a connection now. */
  readonly isConnected: (serial: Serial) => boolean;
  readonly sales: () => SalesFigures;
  readonly horizon: () => Promise<Overview['expiry']>;
}

/** What a hello changed. */
export interface HelloOutcome {
  readonly isNews: boolean;
}

/** Which terminals there are, where they stand, what they say, and what happened to them. */
export interface Estate {
  readonly note: Note;
  overview(): Promise<Overview>;
  terminals(page: PageRequest): Promise<Result<Page<TerminalSummary>, 'INPUT_INVALID'>>;
  terminal(serial: Serial): Promise<Result<TerminalDetail, 'TERMINAL_UNKNOWN'>>;
  timeline(
    serial: Serial,
    page: PageRequest,
  ): Promise<Result<Page<TimelineEntry>, 'TERMINAL_UNKNOWN' | 'INPUT_INVALID'>>;
  /** Puts a terminal on the inventory. The claim secret is in the answer and nowhere else in clear. */
  register(
    terminal: RegisterTerminal,
    by: { readonly subject: string },
  ): Promise<Result<ClaimBundle, 'TERMINAL_EXISTS' | 'MODEL_UNKNOWN' | 'PARENT_UNSUITABLE' | 'INPUT_INVALID'>>;
  /**
   * Puts what a vendor sent for another unit on the inventory, as `ordered` and without a claim: it is taken in like every delivery. One that is there already,
   * and was not taken in yet, is that one.
   */
  enlist(
    tx: Transaction<Database>,
    terminal: { readonly serial: Serial; readonly replaces: Serial; readonly model: string | undefined },
    by: { readonly subject: string },
  ): Promise<Result<void, 'TERMINAL_EXISTS' | 'MODEL_UNKNOWN'>>;
  /** Makes a new claim secret for a terminal on the inventory: the old one is worth nothing from then on. */
  reissueClaim(
    serial: Serial,
    by: { readonly subject: string },
  ): Promise<Result<ClaimBundle, 'TERMINAL_UNKNOWN' | 'LIFECYCLE_FORBIDS'>>;
  /** Notes a wipe: the terminal is no longer enrolled. */
  wiped(tx: Transaction<Database>, serial: Serial): Promise<void>;
  /** Notes an enrolment: the terminal begins to count its boots anew. */
  enrolled(tx: Transaction<Database>, serial: Serial): Promise<void>;
  /** Stores a hello. MESSAGE_STALE: of an earlier boot, or older than the one in force. BOOT_IMPLAUSIBLE: of one that is too far ahead. */
  hello(
    tx: Transaction<Database>,
    serial: Serial,
    at: { readonly boot: number; readonly seq: number },
    hello: Hello,
  ): Promise<Result<HelloOutcome, 'MESSAGE_STALE' | 'BOOT_IMPLAUSIBLE' | 'TERMINAL_UNKNOWN'>>;
  /** Notes why a terminal does not run, as whoever runs it says. */
  trouble(serial: Serial, trouble: ReportTrouble): Promise<Result<void, 'TERMINAL_UNKNOWN'>>;
  /** Has a terminal's count of boots begin anew with its next hello: its storage was restored, or a copy had gone ahead of it. */
  recount(serial: Serial): Promise<Result<void, 'TERMINAL_UNKNOWN'>>;
  /** The link of a terminal changed. Nothing to do for one that never said hello. */
  linkChanged(serial: Serial, state: 'ready' | 'lost' | 'disconnected', boot?: number): Promise<void>;
  /** A key was loaded: what the hello said about the slot is out of date. */
  keyLoaded(tx: Transaction<Database>, serial: Serial, evidence: NonNullable<JobReport['evidence']>): Promise<void>;
  /** A sale that a terminal ended. The same message again changes nothing: it is repeated until its acknowledgement has come. */
  saleEnded(serial: Serial, sale: SaleResult, messageId: string): Promise<void>;
  alarm(serial: Serial, code: string, detail?: string): Promise<void>;
  /** Alarms of all terminals that nobody has seen yet, newest first. */
  alarms(filter: TerminalAlarmFilter, page: PageRequest): Promise<Result<Page<SwitchAlarmView>, 'INPUT_INVALID'>>;
  /** How many of each code nobody has seen yet. */
  alarmCounts(): Promise<readonly AlarmCount[]>;
  /** A person has seen an alarm. */
  alarmSeen(id: string, by: { readonly subject: string }): Promise<Result<void, 'TERMINAL_ALARM_UNKNOWN'>>;
  /** A person has seen all that a filter finds and that were not raised after `until`; says how many they were. */
  alarmsSeen(
    filter: TerminalAlarmFilter & { readonly until: string },
    by: { readonly subject: string },
  ): Promise<number>;
  /** Shows a terminal anew to onlookers, soon. */
  announce(serial: Serial): void;
  announceOverview(): void;
  /** How many terminals there are, by model and link. */
  census(): Promise<readonly { readonly model: string; readonly link: LinkState; readonly count: number }[]>;
  close(): void;
}

/** A claim secret of 32 bytes: for the store, and once for the bundle. */
function newClaimSecret(world: Pick<World, 'entropy'>): { secret: Secret<'claim'>; claimSecret: string } {
  const bytes = world.entropy(32);
  const claimSecret = Buffer.from(bytes).toString('base64');
  return { secret: Secret.take('claim', bytes), claimSecret };
}

const serialOrNull = (text: string | null | undefined): Serial | null =>
  text == null ? null : serialSchema.parse(text);

export async function openEstate(rooms: EstateRooms): Promise<Estate> {
  const { world, store, live } = rooms;
  const note = noteWith(world);
  const noteOnce = noteOnceWith(world);
  const follow = await followTimeline(store);

  // Nobody is connected to a server that has just started.
  await store.db
    .updateTable('presence')
    .set({ state: 'lost', since: world.clock.now() })
    .where('state', '=', 'ready')
    .execute();

  /** The terminals among these as people see them. */
  async function summaries(serials: readonly Serial[]): Promise<readonly TerminalSummary[]> {
    const rows = await summaryRows(store.db, rooms.targets().negative.list)
      .where(among('terminals.serial', serials))
      .execute();
    return rows.map(summaryOf);
  }

  async function overview(): Promise<Overview> {
    const { negative } = rooms.targets();
    const rows = await store.db
      .selectFrom('terminals')
      .leftJoin('presence', 'presence.serial', 'terminals.serial')
      .select((all) => ['presence.state', all.fn.countAll<number>().as('count')])
      .groupBy('presence.state')
      .execute();
    const of = (state: string | null) => Number(rows.find((row) => row.state === state)?.count ?? 0);
    const total = rows.reduce((sum, row) => sum + Number(row.count), 0);
    const keyed = await store.db
      .selectFrom('key_ledger')
      .select('serial')
      .where('state', '=', 'loaded')
      .groupBy('serial')
      .having((all) => all(all.fn.count('slot').distinct(), '>=', 2))
      .execute();
    const { current } = await store.db
      .selectFrom('negative_applied')
      .select((all) => all.fn.countAll<number>().as('current'))
      .where('list', '=', negative.list)
      .where('version', '=', negative.version)
      .where('overlay_seq', '=', negative.overlaySeq)
      .where(
        sql<SqlBool>`not exists (select 1 from negative_lists as other where other.list <> ${negative.list} and other.version > 0
          and not exists (select 1 from negative_applied as held where held.list = other.list and held.serial = negative_applied.serial
            and held.version = other.version and held.overlay_seq = other.overlay_seq))`,
      )
      .executeTakeFirstOrThrow();
    const sales = rooms.sales();
    return {
      at: isoTime(world.clock.now()),
      terminals: { total, ready: of('ready'), lost: of('lost') + of('disconnected'), never: of(null) },
      sync: { configuration: await rooms.configured(), keys: keyed.length, negative: Number(current) },
      sales: await sales.summary(),
      negative: { ...negative, entries: await rooms.negativeEntries() },
      links: sales.links(),
      expiry: await rooms.horizon(),
    };
  }

  const changed = new Set<Serial>();
  let flushing: { cancel(): void } | undefined;
  let overviewing: { cancel(): void } | undefined;
  let isClosed = false;
  const failed = (cause: unknown): void => {
    if (!isClosed) world.log('error', 'announcementFailed', { fault: { code: 'INTERNAL', cause } });
  };

  /** Reckoned while somebody looks on; whoever begins to is told how it stands. */
  function announceOverview(): void {
    if (isClosed || !live.isHeard) return;
    overviewing ??= world.timers.after(overviewMs, () => {
      overviewing = undefined;
      overview().then((data) => live.publish({ name: 'overview', data }), failed);
    });
  }

  live.whenHeard(announceOverview);

  function announce(serial: Serial): void {
    if (isClosed) return;
    changed.add(serial);
    flushing ??= world.timers.after(settleMs, () => {
      flushing = undefined;
      flush().catch(failed);
    });
    announceOverview();
  }

  async function flush(): Promise<void> {
    const serials = [...changed];
    changed.clear();
    for (const data of await follow()) live.publish({ name: 'timeline', data });
    for (let at = 0; at < serials.length; at += summariesMax)
      for (const data of await summaries(serials.slice(at, at + summariesMax)))
        live.publish({ name: 'terminal', data });
  }

  /** What goes into a terminal at the factory. */
  function bundle(
    {
      serial,
      model,
      parent,
      relayPort,
    }: { serial: Serial; model: string; parent: string | null; relayPort: number | null },
    claimSecret: string,
  ): ClaimBundle {
    const { host, portBase } = rooms.endpoint;
    const { anchors, version } = rooms.trust();
    return {
      tenant: rooms.tenant,
      serial,
      model,
      claimSecret,
      rootCertificate: anchors,
      trust: version,
      endpoints: {
        host,
        fleet: portOf(portBase, 'fleet'),
        device: portOf(portBase, 'device'),
        acquiring: portOf(portBase, 'acquiring'),
      },
      ...(parent !== null &&
        relayPort !== null && { parent: { serial: serialSchema.parse(parent), host, port: relayPort } }),
    };
  }

  const noteLink = openLinks({ world, store, isConnected: rooms.isConnected, announce });

  const estate: Estate = {
    note,
    overview,
    announce,
    announceOverview,

    async terminals(page) {
      const query = summaryRows(store.db, rooms.targets().negative.list);
      return viewPage(await pageOn(query, inAlphabet('terminals.serial'), page), summaryOf);
    },

    async terminal(serial) {
      const targets = rooms.targets();
      const row = await summaryRows(store.db, targets.negative.list)
        .where('terminals.serial', '=', serial)
        .executeTakeFirst();
      if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
      const certificate = await store.db
        .selectFrom('certificates')
        .select(['fingerprint', 'not_after'])
        .where('kind', '=', 'terminal')
        .where('subject', '=', serial)
        .where('ended_at', 'is', null)
        .orderBy('issued_at', 'desc')
        .executeTakeFirst();
      const children = await store.db
        .selectFrom('terminals')
        .select('serial')
        .where('parent', '=', serial)
        .orderBy('serial')
        .limit(100)
        .execute();
      const kin = await store.db
        .selectFrom('terminals as own')
        .leftJoin('terminals as next', 'next.replaces', 'own.serial')
        .select(['own.replaces', 'next.serial as replaced_by'])
        .where('own.serial', '=', serial)
        .executeTakeFirst();
      const hello = helloOf(row);
      const values = row.reported_value === null ? undefined : parseJson(configuration, row.reported_value);
      return ok({
        ...summaryOf(row),
        software: hello?.software ?? null,
        enrolledAt: row.enrolled_at === null ? null : isoTime(row.enrolled_at),
        certificate: certificate
          ? { fingerprint: certificate.fingerprint, notAfter: isoTime(certificate.not_after) }
          : null,
        cards: hello?.cards ?? [],
        children: children.map((child) => child.serial),
        replaces: serialOrNull(kin?.replaces),
        replacedBy: serialOrNull(kin?.replaced_by),
        values: values?.ok ? values.value : null,
      });
    },

    async timeline(serial, page) {
      if (!(await isRegistered(store.db, serial))) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
      const query = store.db.selectFrom('timeline').selectAll().where('serial', '=', serial);
      return viewPage(await pageOn(query, highestFirst('id'), page), timelineEntryOf);
    },

    async register(terminal, by) {
      const model = modelOf(terminal.model);
      if (!model) return fail('MODEL_UNKNOWN', { field: 'model' });
      const { serial, place, parent = null, relayPort = null, lifecycle, seals, connections } = terminal;
      if (parent !== null && relayPort === null) return fail('INPUT_INVALID', { field: 'relayPort' });
      const { secret, claimSecret } = newClaimSecret(world);
      const { version } = rooms.trust();
      const stored = await store.write(async (tx): Promise<Result<void, 'TERMINAL_EXISTS' | 'PARENT_UNSUITABLE'>> => {
        if (parent !== null) {
          const row = await tx.selectFrom('terminals').select('model').where('serial', '=', parent).executeTakeFirst();
          if (!row || modelOf(row.model)?.relay !== 'parent' || parent === serial)
            return fail('PARENT_UNSUITABLE', { field: 'parent' });
        }
        const inserted = await tx
          .insertInto('terminals')
          .values({
            serial,
            model: model.id,
            ...place,
            parent,
            relay_port: relayPort,
            registered_at: world.clock.now(),
            enrolled_at: null,
            lifecycle,
            lifecycle_since: world.clock.now(),
          })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        if (inserted.numInsertedOrUpdatedRows !== 1n) return fail('TERMINAL_EXISTS', { facts: { serial } });
        await rooms.enrolment().expect(tx, serial, secret, version);
        await beginLife(tx, serial, lifecycle, world.clock.now(), by.subject, { seals, connections });
        await rooms.placed(tx, serial);
        await note(tx, serial, 'registered', { model: model.id, by: by.subject, lifecycle });
        return ok(undefined);
      });
      secret.wipe();
      if (!stored.ok) return stored;
      world.log('info', 'terminalRegistered', { serial, model: model.id, by: by.subject });
      rooms.registered(serial);
      announce(serial);
      return ok(bundle({ serial, model: model.id, parent, relayPort }, claimSecret));
    },

    async enlist(tx, { serial, replaces, model: named }, by) {
      const old = await tx.selectFrom('terminals').selectAll().where('serial', '=', replaces).executeTakeFirstOrThrow();
      const model = modelOf(named ?? old.model);
      if (!model) return fail('MODEL_UNKNOWN', { field: 'replacement.model' });
      const known = await tx.selectFrom('terminals').selectAll().where('serial', '=', serial).executeTakeFirst();
      const exists = fail('TERMINAL_EXISTS', { field: 'replacement.serial', facts: { serial } });
      if (known) {
        const isFresh = ['ordered', 'warehouse'].includes(known.lifecycle) && known.replaces === null;
        if (!isFresh || known.model !== model.id) return exists;
        await tx.updateTable('terminals').set({ replaces }).where('serial', '=', serial).execute();
      } else {
        const at = world.clock.now();
        const { merchant, shop, lane } = old;
        const life = { registered_at: at, enrolled_at: null, lifecycle: 'ordered' as const, lifecycle_since: at };
        await tx
          .insertInto('terminals')
          .values({ serial, model: model.id, merchant, shop, lane, parent: null, relay_port: null, ...life, replaces })
          .execute();
        await beginLife(tx, serial, 'ordered', at, by.subject);
        await rooms.placed(tx, serial);
        await note(tx, serial, 'registered', { model: model.id, by: by.subject, lifecycle: 'ordered', replaces });
      }
      await note(tx, replaces, 'work-order', { replacedBy: serial, by: by.subject });
      rooms.registered(serial);
      announce(serial);
      return ok(undefined);
    },

    async reissueClaim(serial, by) {
      const { secret, claimSecret } = newClaimSecret(world);
      const { version } = rooms.trust();
      const stored = await store.write(async (tx) => {
        const row = await tx
          .selectFrom('terminals')
          .select(['model', 'parent', 'relay_port', 'lifecycle'])
          .where('serial', '=', serial)
          .executeTakeFirst();
        if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
        if (row.lifecycle === 'scrap') return fail('LIFECYCLE_FORBIDS', { facts: { serial, state: row.lifecycle } });
        await rooms.enrolment().expectAnew(tx, serial, secret, version);
        await note(tx, serial, 'claim-reissued', { by: by.subject });
        return ok(row);
      });
      secret.wipe();
      if (!stored.ok) return stored;
      world.log('warn', 'claimReissued', { serial, by: by.subject });
      rooms.registered(serial);
      announce(serial);
      const { model, parent, relay_port: relayPort } = stored.value;
      return ok(bundle({ serial, model, parent, relayPort }, claimSecret));
    },

    async wiped(tx, serial) {
      await tx.updateTable('terminals').set({ enrolled_at: null }).where('serial', '=', serial).execute();
      await note(tx, serial, 'wiped');
    },

    async trouble(serial, { code, record }) {
      const known = await store.write(async (tx) => {
        if (!(await isRegistered(tx, serial))) return false;
        const row = { at: world.clock.now(), code, record: record ?? null };
        await tx
          .insertInto('terminal_troubles')
          .values({ serial, ...row })
          .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
          .execute();
        await note(tx, serial, 'alarm', { code, ...(record !== undefined && { record }) });
        return true;
      });
      if (known) announce(serial);
      return known ? ok(undefined) : fail('TERMINAL_UNKNOWN', { facts: { serial } });
    },

    async recount(serial) {
      const known = await store.write(async (tx) => {
        if (!(await isRegistered(tx, serial))) return false;
        await tx.updateTable('presence').set({ boot_seq: 0, hello_seq: 0 }).where('serial', '=', serial).execute();
        await rooms.recounted(tx, serial);
        return true;
      });
      return known ? ok(undefined) : fail('TERMINAL_UNKNOWN', { facts: { serial } });
    },

    async enrolled(tx, serial) {
      await tx.updateTable('terminals').set({ enrolled_at: world.clock.now() }).where('serial', '=', serial).execute();
      await tx.updateTable('presence').set({ boot_seq: 0, hello_seq: 0 }).where('serial', '=', serial).execute();
      await note(tx, serial, 'enrolled');
    },

    async hello(tx, serial, { boot, seq }, hello) {
      const known = await tx
        .selectFrom('terminals')
        .leftJoin('terminal_troubles as trouble', 'trouble.serial', 'terminals.serial')
        .leftJoin('presence', 'presence.serial', 'terminals.serial')
        .select(['model', 'trouble.code as trouble', 'state', 'since', 'boot_seq', 'hello_seq', 'hello'])
        .where('terminals.serial', '=', serial)
        .executeTakeFirst();
      if (!known) return fail('TERMINAL_UNKNOWN');
      const newest = known.boot_seq;
      if (newest !== null && (boot < newest || (boot === newest && seq <= (known.hello_seq ?? 0))))
        return fail('MESSAGE_STALE', { facts: { boot, newest } });
      if (newest !== null && !isBootPlausible(boot, newest))
        return fail('BOOT_IMPLAUSIBLE', { facts: { boot, newest } });
      const now = world.clock.now();
      const isNews = newest !== boot || known.state !== 'ready';
      const row = {
        state: 'ready' as const,
        since: known.state === 'ready' ? (known.since ?? now) : now,
        boot_seq: boot,
        hello_seq: seq,
        hello_at: now,
        hello: JSON.stringify(hello),
      };
      await tx
        .insertInto('presence')
        .values({ serial, ...row })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
        .execute();
      await rooms.contacted(tx, serial);
      // What it told of one by one before is in its count.
      if (hello.waiting !== undefined) await tx.deleteFrom('queued_sales').where('serial', '=', serial).execute();
      if (known.trouble !== null) await tx.deleteFrom('terminal_troubles').where('serial', '=', serial).execute();
      const setAside = hello.setAside ?? [];
      const told = setAside.length > 0 ? (helloOf(known)?.setAside ?? []) : [];
      for (const one of setAside)
        if (!told.some(({ record, at }) => record === one.record && at === one.at))
          await note(tx, serial, 'alarm', { code: one.code, record: one.record });
      if (isNews)
        await note(tx, serial, 'hello', { boot, software: hello.software.version, slot: hello.software.slot });
      if (hello.model !== known.model)
        await note(tx, serial, 'alarm', { code: 'MODEL_UNKNOWN', registered: known.model, reported: hello.model });
      return ok({ isNews });
    },

    linkChanged: (serial, state, boot) => noteLink({ serial, state, boot }),

    async keyLoaded(tx, serial, { slot, kcv, ksn }) {
      const row = await tx.selectFrom('presence').select('hello').where('serial', '=', serial).executeTakeFirst();
      const hello = row && helloOf(row);
      if (hello) {
        const keys = [
          ...hello.keys.filter((key) => key.slot !== slot),
          { slot, kcv, ...(ksn !== undefined && { ksn }) },
        ];
        await tx
          .updateTable('presence')
          .set({ hello: JSON.stringify({ ...hello, keys }) })
          .where('serial', '=', serial)
          .execute();
      }
      await note(tx, serial, 'key-loaded', { slot, kcv });
    },

    async saleEnded(serial, sale, messageId) {
      const isNew = await store.write(async (tx) => {
        const facts = {
          ...(sale.kind !== undefined && { kind: sale.kind }),
          outcome: sale.outcome,
          amountMinor: sale.amountMinor,
          scheme: sale.scheme,
          lastFour: sale.lastFour,
          ...(sale.reason !== undefined && { reason: sale.reason }),
        };
        if (!(await noteOnce(tx, serial, messageId, 'sale', facts))) return false;
        const row = {
          at: world.clock.now(),
          outcome: sale.outcome,
          amount_minor: sale.amountMinor,
          last_four: sale.lastFour,
          reason: sale.reason ?? null,
        };
        const isWithTheTerminal = sale.isQueued === true || sale.decidedBy === 'terminal';
        if (isWithTheTerminal && sale.stan !== '')
          await tx
            .insertInto('queued_sales')
            .values({ serial, stan: sale.stan, at: row.at })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        if (!isInquiry(sale.kind))
          await tx
            .insertInto('last_sales')
            .values({ serial, ...row })
            .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
            .execute();
        return true;
      });
      if (isNew) announce(serial);
    },

    async alarm(serial, code, detail) {
      await store.write((tx) => note(tx, serial, 'alarm', { code, ...(detail !== undefined && { detail }) }));
      announce(serial);
    },

    alarms: (filter, page) => terminalAlarms.unseen(store.db, alarmFilterOf(filter), page),
    alarmCounts: () => terminalAlarms.counts(store.db),
    alarmSeen: (id, { subject }) => terminalAlarms.seen(store, id, subject, world.clock.now()),
    alarmsSeen: ({ until, ...filter }, { subject }) =>
      terminalAlarms.seenAll(
        store,
        { ...alarmFilterOf(filter), untilMs: Date.parse(until) },
        subject,
        world.clock.now(),
      ),

    async census() {
      const rows = await store.db
        .selectFrom('terminals')
        .leftJoin('presence', 'presence.serial', 'terminals.serial')
        .select((all) => ['terminals.model', 'presence.state', all.fn.countAll<number>().as('count')])
        .groupBy(['terminals.model', 'presence.state'])
        .execute();
      return rows.map(({ model, state, count }) => ({ model, link: state ?? 'never', count: Number(count) }));
    },

    close() {
      isClosed = true;
      flushing?.cancel();
      overviewing?.cancel();
    },
  };
  return estate;
}
