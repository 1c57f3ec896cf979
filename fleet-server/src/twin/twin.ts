import {
  type changeConfiguration,
  configuration,
  type DesiredConfiguration,
  parseJson,
  parseWith,
  type Serial,
  type TwinReport,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { z } from 'zod';
import type { Database, Store } from '../store/index.ts';
import { changed, type Desired, isInSync } from './rules.ts';

/** Desired and reported configuration. One layer for now; every version is kept. */
export interface Twin {
  /** In force now. */
  readonly current: Desired;
  desired(): Promise<DesiredConfiguration>;
  /** Writes the version after `base`; VERSION_CONFLICT when `base` is not the newest. Without a change there is no new version. */
  change(
    base: number,
    values: z.infer<typeof changeConfiguration>,
    by: { readonly subject: string },
  ): Promise<Result<DesiredConfiguration, 'VERSION_CONFLICT' | 'INPUT_INVALID'>>;
  /** Stores what a hello says is in force. Returns whether it is the desired one. */
  observe(
    tx: Transaction<Database>,
    serial: Serial,
    reported: { readonly version: number; readonly hash: string },
  ): Promise<boolean>;
  /** Stores a terminal's report. */
  report(tx: Transaction<Database>, serial: Serial, report: TwinReport): Promise<void>;
}

/** Opens the twin. `changedTo` is called after a new version is on disk. */
export async function openTwin(
  world: Pick<World, 'clock' | 'log'>,
  store: Store,
  changedTo: (desired: Desired) => void,
): Promise<Twin> {
  const newest = await store.db
    .selectFrom('desired_configurations')
    .selectAll()
    .orderBy('version', 'desc')
    .executeTakeFirst();
  let current: Desired = newest
    ? { version: newest.version, values: unwrap(parseJson(configuration, newest.value)) }
    : { version: 1, values: configuration.parse({}) };
  const write = (tx: Transaction<Database>, { version, values }: Desired) =>
    tx
      .insertInto('desired_configurations')
      .values({ version, value: JSON.stringify(values), at: world.clock.now() })
      .execute();
  if (!newest) await store.write((tx) => write(tx, current));

  return {
    get current() {
      return current;
    },
    desired: () => Promise.resolve(current),
    async change(base, changes, by) {
      const next = await store.write(async (tx): Promise<Result<Desired, 'VERSION_CONFLICT' | 'INPUT_INVALID'>> => {
        const { version } = await tx
          .selectFrom('desired_configurations')
          .select((all) => all.fn.max('version').as('version'))
          .executeTakeFirstOrThrow();
        if (base !== version || base !== current.version)
          return fail('VERSION_CONFLICT', { facts: { base, newest: version } });
        const made = changed(current, definedOf(changes));
        if (!made) return ok(current);
        const valid = parseWith(configuration, made.values);
        if (!valid.ok) return valid;
        await write(tx, made);
        return ok(made);
      });
      if (!next.ok || next.value === current) return next;
      current = next.value;
      world.log('info', 'configurationChanged', { version: current.version, by: by.subject });
      changedTo(current);
      return next;
    },
    async observe(tx, serial, reported) {
      const row = { version: reported.version, hash: reported.hash, at: world.clock.now() };
      const isCurrent = isInSync(current, reported);
      await tx
        .insertInto('reported_configurations')
        .values({ serial, ...row, value: null, drift: null })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet(isCurrent ? { ...row, drift: null } : row))
        .execute();
      return isCurrent;
    },
    async report(tx, serial, { version, hash, values, drift = null }) {
      const row = { version, hash, value: JSON.stringify(values), drift, at: world.clock.now() };
      await tx
        .insertInto('reported_configurations')
        .values({ serial, ...row })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
        .execute();
    },
  };
}

/** Only what was given: `undefined` changes nothing. */
const definedOf = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
