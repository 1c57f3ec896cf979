import {
  balanceOf,
  type KeyRecord,
  type KeyRun,
  type LifecycleState,
  type ManifestCheck,
  manifestDigest,
  mayJoinRun,
  type RunDevice,
  type Serial,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import { type Actor, areApart, personOf } from '../audit/index.ts';
import {
  type Database,
  isoTime,
  newestFirst,
  type Page,
  type PageRequest,
  type Queryable,
  type Store,
  pageOn,
  viewPage,
} from '../store/index.ts';

/**
 * Injection runs. A run is proposed with its manifest, authorised by somebody else, takes devices one by one, and closes when it balances.
 *
 * | state of a device | meaning |
 * |---|---|
 * | listed | on the manifest, not seen yet |
 * | submitted | at the bench; its keys are on their way |
 * | keyed | it proved every key of its slots |
 * | rejected | taken out by a person |
 * | refused, then investigated | not on the manifest |
 *
 * @see PCI PIN 3.1, 30-3
 */
export interface KeyRuns {
  /** KEY_RUN_MANIFEST_REFUSED: `check` says which lines are at fault, and nothing is stored. */
  propose(name: string, serials: readonly string[], by: Actor): Promise<Result<KeyRun>>;
  /** Holds a manifest against the inventory, and stores nothing. */
  check(serials: readonly string[]): Promise<Result<ManifestCheck, 'KEY_RUN_MANIFEST_EMPTY'>>;
  list(page: PageRequest & { readonly isOpen?: boolean }): Promise<Result<Page<KeyRun>, 'INPUT_INVALID'>>;
  get(id: string): Promise<Result<KeyRun, 'KEY_RUN_UNKNOWN'>>;
  authorise(id: string, by: Actor): Promise<Result<KeyRun>>;
  /**
   * A device is at the bench. KEY_RUN_NOT_LISTED: written down as refused, and to be investigated. KEY_RUN_STATE_UNFIT: it is listed, and went into
   * another state since.
   */
  submit(id: string, serial: string, by: Actor): Promise<Result<KeyRun>>;
  reject(id: string, serial: string, note: string, by: Actor): Promise<Result<KeyRun>>;
  investigate(id: string, serial: string, note: string, by: Actor): Promise<Result<KeyRun>>;
  close(id: string, by: Actor): Promise<Result<KeyRun>>;
  /** @param people names of the people in it by id, as they are today: they stand in the record beside the ids. */
  record(id: string, people?: Readonly<Record<string, string>>): Promise<Result<KeyRecord, 'KEY_RUN_UNKNOWN'>>;
  /** A terminal proved a key: takes part in that transaction. */
  proven(tx: Transaction<Database>, serial: Serial): Promise<void>;
}

/** @param ask has a terminal that is connected show its keys */
export function openKeyRuns(
  world: Pick<World, 'clock' | 'id'>,
  store: Store,
  sign: (payload: object) => KeyRecord,
  slotsHeld: (tx: Transaction<Database>, serial: Serial) => Promise<Readonly<Record<string, string>> | undefined>,
  ask: (serial: Serial) => void,
): KeyRuns {
  async function read(on: Queryable, id: string): Promise<KeyRun | undefined> {
    const row = await on.selectFrom('key_runs').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) return undefined;
    const rows = await on.selectFrom('key_run_devices').selectAll().where('run', '=', id).orderBy('serial').execute();
    return runOf(row, rows);
  }

  function runOf(
    row: Selectable<Database['key_runs']>,
    rows: readonly Selectable<Database['key_run_devices']>[],
  ): KeyRun {
    const devices = rows.map(
      (device): RunDevice => ({
        serial: device.serial,
        state: device.state,
        isListed: device.is_listed === 1,
        at: isoTime(device.at),
        by: device.by,
        kcvs: JSON.parse(device.kcvs),
        note: device.note,
      }),
    );
    const { open, ...figures } = balanceOf(devices);
    return {
      id: row.id,
      name: row.name,
      state: row.state,
      digest: row.digest,
      orderedBy: row.ordered_by,
      authorisedBy: row.authorised_by,
      begunAt: isoTime(row.begun_at),
      closedAt: row.closed_at === null ? null : isoTime(row.closed_at),
      balance: { ...figures, open: [...open], isBalanced: figures.isBalanced },
      devices,
    };
  }

  const put = (
    tx: Transaction<Database>,
    run: string,
    serial: string,
    changes: { state: RunDevice['state']; by: string; note?: string; kcvs?: Readonly<Record<string, string>> },
  ) =>
    tx
      .updateTable('key_run_devices')
      .set({
        state: changes.state,
        by: changes.by,
        at: world.clock.now(),
        ...(changes.note !== undefined && { note: changes.note }),
        ...(changes.kcvs && { kcvs: JSON.stringify(changes.kcvs) }),
      })
      .where('run', '=', run)
      .where('serial', '=', serial)
      .execute();

  /** Does something to a run in a state that allows it. */
  async function change(
    id: string,
    from: KeyRun['state'],
    work: (tx: Transaction<Database>, run: KeyRun) => Promise<Result<void>>,
  ): Promise<Result<KeyRun>> {
    return await store.write(async (tx): Promise<Result<KeyRun>> => {
      const run = await read(tx, id);
      if (!run) return fail('KEY_RUN_UNKNOWN');
      if (run.state !== from) return fail('KEY_RUN_NOT_NOW', { facts: { state: run.state } });
      const listed = run.devices.filter(({ isListed }) => isListed).map(({ serial }) => serial);
      if (manifestDigest(listed) !== run.digest) return fail('KEY_RUN_MANIFEST_CHANGED');
      const done = await work(tx, run);
      if (!done.ok) return done;
      const after = await read(tx, id);
      return after ? ok(after) : fail('KEY_RUN_UNKNOWN');
    });
  }

  /** Whether a device that is at the bench holds all of its keys by now. */
  async function settle(tx: Transaction<Database>, run: string, serial: Serial): Promise<void> {
    const kcvs = await slotsHeld(tx, serial);
    if (kcvs) await put(tx, run, serial, { state: 'keyed', by: 'server', kcvs });
  }

  /** Which of these are on the inventory, and in which state of life. */
  async function statesOf(on: Queryable, serials: readonly string[]): Promise<ReadonlyMap<string, LifecycleState>> {
    const found = new Map<string, LifecycleState>();
    for (let from = 0; from < serials.length; from += 500)
      for (const { serial, lifecycle } of await on
        .selectFrom('terminals')
        .select(['serial', 'lifecycle'])
        .where('serial', 'in', serials.slice(from, from + 500))
        .execute())
        found.set(serial, lifecycle);
    return found;
  }

  async function check(
    on: Queryable,
    serials: readonly string[],
  ): Promise<Result<ManifestCheck, 'KEY_RUN_MANIFEST_EMPTY'>> {
    if (serials.length === 0) return fail('KEY_RUN_MANIFEST_EMPTY', { field: 'serials' });
    const states = await statesOf(on, serials);
    const seen = new Set<string>();
    const items = serials.map((serial, index): ManifestCheck['items'][number] => {
      const lifecycle = states.get(serial) ?? null;
      const code = !serialSchema.safeParse(serial).success
        ? 'INPUT_INVALID'
        : lifecycle === null
          ? 'TERMINAL_UNKNOWN'
          : seen.has(serial)
            ? 'KEY_RUN_LINE_TWICE'
            : mayJoinRun(lifecycle)
              ? null
              : 'KEY_RUN_STATE_UNFIT';
      seen.add(serial);
      return { line: index + 1, serial, ok: code === null, code, lifecycle };
    });
    const failed = items.filter(({ ok: isGood }) => !isGood).length;
    return ok({ dryRun: true, total: items.length, succeeded: items.length - failed, failed, items });
  }

  const deviceOf = (run: KeyRun, serial: string) => run.devices.find((device) => device.serial === serial);

  return {
    async propose(name, serials, by) {
      const id = world.id();
      const now = world.clock.now();
      return await store.write(async (tx): Promise<Result<KeyRun>> => {
        const checked = await check(tx, serials);
        if (!checked.ok) return checked;
        const { items, failed } = checked.value;
        if (failed > 0) {
          const wrong = items.filter(({ ok: isGood }) => !isGood).map(({ line, code }) => `${line}:${code}`);
          return fail('KEY_RUN_MANIFEST_REFUSED', {
            field: 'serials',
            facts: { failed, lines: wrong.slice(0, 20).join(' ') },
          });
        }
        await tx
          .insertInto('key_runs')
          .values({
            id,
            name,
            state: 'proposed',
            digest: manifestDigest(serials),
            ordered_by: personOf(by),
            authorised_by: null,
            begun_at: now,
            closed_at: null,
          })
          .execute();
        for (let from = 0; from < serials.length; from += 100)
          await tx
            .insertInto('key_run_devices')
            .values(
              serials.slice(from, from + 100).map((serial) => ({
                run: id,
                serial,
                state: 'listed' as const,
                is_listed: 1,
                at: now,
                by: personOf(by),
                kcvs: '{}',
                note: null,
              })),
            )
            .execute();
        const run = await read(tx, id);
        return run ? ok(run) : fail('KEY_RUN_UNKNOWN');
      });
    },

    check: (serials) => check(store.db, serials),

    async list({ isOpen = false, ...page }) {
      const query = store.db
        .selectFrom('key_runs')
        .selectAll()
        .$if(isOpen, (all) => all.where('state', '!=', 'closed'));
      const found = await pageOn(query, newestFirst('begun_at', 'id'), page);
      if (!found.ok) return found;
      const ids = found.value.items.map(({ id }) => id);
      const all =
        ids.length === 0
          ? []
          : await store.db
              .selectFrom('key_run_devices')
              .selectAll()
              .where('run', 'in', ids)
              .orderBy('serial')
              .execute();
      return viewPage(
        found,
        (row): KeyRun => ({
          ...runOf(
            row,
            all.filter(({ run }) => run === row.id),
          ),
          devices: [],
        }),
      );
    },

    async get(id) {
      const run = await read(store.db, id);
      return run ? ok(run) : fail('KEY_RUN_UNKNOWN');
    },

    authorise: (id, by) =>
      change(id, 'proposed', async (tx, run) => {
        if (run.orderedBy === personOf(by)) return fail('APPROVAL_OWN');
        if (!(await areApart(tx, run.orderedBy, personOf(by)))) return fail('APPROVAL_NOT_APART');
        await tx
          .updateTable('key_runs')
          .set({ state: 'open', authorised_by: personOf(by) })
          .where('id', '=', id)
          .execute();
        return ok(undefined);
      }),

    async submit(id, serial, by) {
      let isRefused = false;
      const known = serialSchema.safeParse(serial);
      const run = await change(id, 'open', async (tx, { devices }) => {
        const device = devices.find((each) => each.serial === serial);
        if (!device || !device.isListed || !known.success) {
          // The refusal is a fact that stays: the transaction must not be undone for it.
          isRefused = true;
          if (!device)
            await tx
              .insertInto('key_run_devices')
              .values({
                run: id,
                serial,
                state: 'refused',
                is_listed: 0,
                at: world.clock.now(),
                by: personOf(by),
                kcvs: '{}',
                note: null,
              })
              .execute();
          return ok(undefined);
        }
        if (device.state !== 'listed') return fail('KEY_RUN_NOT_NOW', { facts: { state: device.state } });
        const state = (await statesOf(tx, [serial])).get(serial);
        if (state === undefined || !mayJoinRun(state))
          return fail('KEY_RUN_STATE_UNFIT', { field: 'serial', facts: { state: state ?? 'unknown' } });
        await put(tx, id, serial, { state: 'submitted', by: personOf(by) });
        await settle(tx, id, known.data);
        return ok(undefined);
      });
      if (run.ok && !isRefused && known.success) ask(known.data);
      return run.ok && isRefused ? fail('KEY_RUN_NOT_LISTED', { field: 'serial' }) : run;
    },

    reject: (id, serial, note, by) =>
      change(id, 'open', async (tx, run) => {
        const state = deviceOf(run, serial)?.state;
        if (state !== 'submitted') return fail('KEY_RUN_NOT_NOW', { facts: { state: state ?? 'unknown' } });
        await put(tx, id, serial, { state: 'rejected', by: personOf(by), note });
        return ok(undefined);
      }),

    investigate: (id, serial, note, by) =>
      change(id, 'open', async (tx, run) => {
        const state = deviceOf(run, serial)?.state;
        if (state !== 'refused') return fail('KEY_RUN_NOT_NOW', { facts: { state: state ?? 'unknown' } });
        await put(tx, id, serial, { state: 'investigated', by: personOf(by), note });
        return ok(undefined);
      }),

    close: (id) =>
      change(id, 'open', async (tx, { balance }) => {
        if (!balance.isBalanced)
          return fail('KEY_RUN_UNBALANCED', { facts: { open: balance.open.slice(0, 20).join(' ') } });
        await tx
          .updateTable('key_runs')
          .set({ state: 'closed', closed_at: world.clock.now() })
          .where('id', '=', id)
          .execute();
        return ok(undefined);
      }),

    async record(id, people) {
      const run = await read(store.db, id);
      return run ? ok(sign({ record: 'run', run, ...(people && { people }) })) : fail('KEY_RUN_UNKNOWN');
    },

    async proven(tx, serial) {
      const rows = await tx
        .selectFrom('key_run_devices')
        .innerJoin('key_runs', 'key_runs.id', 'key_run_devices.run')
        .select('run')
        .where('serial', '=', serial)
        .where('key_run_devices.state', '=', 'submitted')
        .where('key_runs.state', '=', 'open')
        .execute();
      for (const { run } of rows) await settle(tx, run, serial);
    },
  };
}

/** Whether a terminal is on the manifest of a run. */
export async function isInRun(
  tx: Transaction<Database>,
  serial: Serial,
  state: 'listed' | 'submitted',
  run: 'proposed' | 'open',
): Promise<boolean> {
  const found = await tx
    .selectFrom('key_run_devices')
    .innerJoin('key_runs', 'key_runs.id', 'key_run_devices.run')
    .select('run')
    .where('serial', '=', serial)
    .where('is_listed', '=', 1)
    .where('key_run_devices.state', '=', state)
    .where('key_runs.state', '=', run)
    .executeTakeFirst();
  return found !== undefined;
}
