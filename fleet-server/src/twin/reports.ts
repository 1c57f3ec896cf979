import {
  configurationHash,
  type Hello,
  parseJson,
  type Response,
  type Serial,
  type TwinReport,
  layerHashes,
  settingValues,
  isBootPlausible,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../store/index.ts';
import { completePaths } from './paths.ts';
import { isNewer, type Said } from './rules.ts';
import { scopeOf } from './scope.ts';

/** What terminals say of their configuration, and what they are told. */
export interface Reports {
  /** Stores what a hello says is in force. Returns the version to fetch; undefined when there is nothing to fetch. */
  observe(
    tx: Transaction<Database>,
    serial: Serial,
    said: Said,
    configuration: Hello['configuration'],
  ): Promise<number | undefined>;
  /** Stores a report. MESSAGE_STALE: something newer is known; INPUT_INVALID: the values are not those of the hash. */
  report(
    tx: Transaction<Database>,
    serial: Serial,
    said: Said,
    report: TwinReport,
  ): Promise<Result<void, 'MESSAGE_STALE' | 'BOOT_IMPLAUSIBLE' | 'INPUT_INVALID'>>;
  /** What a terminal should be set to. */
  desired(serial: Serial): Promise<Result<Extract<Response, { kind: 'twin' }>, 'TERMINAL_UNKNOWN' | 'MODEL_UNKNOWN'>>;
  /** A terminal was registered or moved: what is desired of it is computed if it is the first at its path. */
  placed(tx: Transaction<Database>, serial: Serial): Promise<void>;
  /** A terminal was enrolled anew: it counts its boots from the beginning. */
  enrolled(tx: Transaction<Database>, serial: Serial): Promise<void>;
}

export function openReports(world: Pick<World, 'clock'>, store: Store): Reports {
  /** What is desired of one terminal; its path is computed if it is the first to take it. */
  async function desiredRow(tx: Transaction<Database>, serial: Serial) {
    const read = () =>
      tx
        .selectFrom('terminal_configurations')
        .select(['model', 'path', 'desired_version', 'desired_hash', 'desired', 'desired_layers'])
        .where('serial', '=', serial)
        .executeTakeFirst();
    const row = await read();
    if (!row || row.path !== null) return row;
    await completePaths(tx, scopeOf({ layer: 'terminal', serial }), world.clock.now());
    return read();
  }

  const lastSaid = async (tx: Transaction<Database>, serial: Serial) =>
    tx
      .selectFrom('reported_configurations')
      .select(['hash', 'value', 'boot_seq as boot', 'seq'])
      .where('serial', '=', serial)
      .executeTakeFirst();

  return {
    async observe(tx, serial, said, { version, hash, layers = {}, answers = '', drift = null }) {
      const [before, desired] = [await lastSaid(tx, serial), await desiredRow(tx, serial)];
      const isDesired = desired?.desired_hash === hash;
      if (isNewer(said, before)) {
        const row = {
          version,
          hash,
          layers: JSON.stringify(layers),
          answers,
          drift,
          at: world.clock.now(),
          boot_seq: said.boot,
          seq: said.seq,
          path: desired?.path ?? null,
          // The values are known by their hash only: those that are desired, those that were reported before, or unknown ones.
          ...(isDesired ? { value: desired.desired } : before?.hash !== hash && { value: null }),
          ...(drift === null && { field: null }),
        };
        await tx
          .insertInto('reported_configurations')
          .values({ serial, value: null, field: null, ...row })
          .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
          .execute();
      }
      if (!desired || desired.desired_version === null || isDesired) return undefined;
      // It knows what is desired, and has said why it does not do it.
      return drift !== null && answers === desired.desired_hash ? undefined : desired.desired_version;
    },
    async report(tx, serial, said, report) {
      const { version, hash, values, answers, drift = null, field = null, layers = {}, local } = report;
      if (hash !== '' && configurationHash(values) !== hash) return fail('INPUT_INVALID', { field: 'hash' });
      const before = await lastSaid(tx, serial);
      if (!isNewer(said, before))
        return fail('MESSAGE_STALE', { facts: { boot: said.boot, newest: before?.boot ?? 0 } });
      if (!isBootPlausible(said.boot, before?.boot ?? 0))
        return fail('BOOT_IMPLAUSIBLE', { facts: { boot: said.boot, newest: before?.boot ?? 0 } });
      const row = {
        version,
        hash,
        value: JSON.stringify(values),
        layers: JSON.stringify(layers),
        answers,
        drift,
        field: local ? local.by : field,
        path: (await desiredRow(tx, serial))?.path ?? null,
        at: world.clock.now(),
        boot_seq: said.boot,
        seq: said.seq,
      };
      await tx
        .insertInto('reported_configurations')
        .values({ serial, ...row })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
        .execute();
      return ok(undefined);
    },
    async desired(serial) {
      const row = await store.write((tx) => desiredRow(tx, serial));
      if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
      if (row.desired === null || row.desired_hash === null || row.desired_version === null)
        return fail('MODEL_UNKNOWN', { facts: { model: row.model } });
      return ok({
        kind: 'twin',
        version: row.desired_version,
        hash: row.desired_hash,
        layers: unwrap(parseJson(layerHashes, row.desired_layers ?? '{}')),
        values: unwrap(parseJson(settingValues, row.desired)),
      });
    },
    async placed(tx, serial) {
      await desiredRow(tx, serial);
    },
    async enrolled(tx, serial) {
      await tx
        .updateTable('reported_configurations')
        .set({ boot_seq: 0, seq: 0 })
        .where('serial', '=', serial)
        .execute();
    },
  };
}
