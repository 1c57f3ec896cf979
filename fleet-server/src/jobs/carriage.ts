import {
  type CarriedJobs,
  carriedKinds,
  type CarriedReport,
  carriedStatement,
  jobIdSchema,
  type JobReport,
  type JobType,
  parseJson,
  type Serial,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Actor } from '../audit/index.ts';
import type { Database, Store } from '../store/index.ts';
import type { JobRow } from './row.ts';

/** Orders to a terminal without a line, and its word on them, in somebody's hands. */
export interface Carriage {
  /**
   * Hands out what waits for a terminal to whoever goes there: the orders that it would pull, of the kinds that need no server. Both ways may be gone:
   * an order has its effect once.
   */
  carry(serial: Serial, by: Actor): Promise<Result<CarriedJobs, 'TERMINAL_UNKNOWN'>>;
  /** Takes what a terminal signed and somebody carried here. SIGNATURE_INVALID: no certificate of it that is in force did. */
  carried(
    report: CarriedReport,
    by: Actor,
  ): Promise<
    Result<{ readonly serial: Serial; readonly job: string }, 'INPUT_INVALID' | 'SIGNATURE_INVALID' | 'JOB_UNKNOWN'>
  >;
}

/** What carriage needs of the engine, and of who knows the terminals' keys. */
export interface CarriageRooms {
  readonly world: Pick<World, 'log'>;
  readonly store: Store;
  /** What could be handed out now, what goes first at the head. */
  readonly offered: (
    tx: Transaction<Database>,
    serial: Serial,
  ) => Promise<readonly { readonly row: JobRow; readonly attempt: number }[]>;
  /** Hands one out: it counts as offered, and is signed. */
  readonly hand: (
    tx: Transaction<Database>,
    row: JobRow,
    attempt: number,
  ) => Promise<CarriedJobs['orders'][number]['document']>;
  readonly report: (serial: Serial, job: string, report: JobReport) => Promise<Result<void, 'JOB_UNKNOWN'>>;
  /** Whether the key of a certificate of the terminal that is in force signed it. Without this nobody's word is carried here. */
  readonly isSigned?: ((serial: Serial, report: CarriedReport) => Promise<boolean>) | undefined;
}

export function openCarriage({ world, store, offered, hand, report, isSigned }: CarriageRooms): Carriage {
  return {
    async carry(serial, by) {
      const handed = await store.write(async (tx): Promise<Result<CarriedJobs, 'TERMINAL_UNKNOWN'>> => {
        const terminal = await tx
          .selectFrom('terminals')
          .select('serial')
          .where('serial', '=', serial)
          .executeTakeFirst();
        if (!terminal) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
        const orders: CarriedJobs['orders'] = [];
        const left: JobType[] = [];
        for (const { row, attempt } of await offered(tx, serial)) {
          if (!carriedKinds.includes(row.type)) {
            left.push(row.type);
            continue;
          }
          // Announced as of now: nobody else has to fetch it before it could have been carried there.
          const document = await hand(tx, row, attempt);
          const until = new Date(row.deadline_at).toISOString();
          orders.push({ job: jobIdSchema.parse(row.id), type: row.type, until, document });
        }
        return ok({ serial, orders, left });
      });
      if (handed.ok) world.log('info', 'jobsCarried', { serial, count: handed.value.orders.length, by: by.subject });
      return handed;
    },
    async carried(carried, by) {
      const said = parseJson(carriedStatement, carried.statement, carried.statement.length);
      if (!said.ok) return fail('INPUT_INVALID', { field: 'statement' });
      const { serial, job, report: told } = said.value;
      if ((await isSigned?.(serial, carried)) !== true) return fail('SIGNATURE_INVALID', { facts: { serial, job } });
      const taken = await report(serial, job, told);
      if (!taken.ok) return taken;
      world.log('info', 'reportCarried', { serial, job, state: told.state, by: by.subject });
      return ok({ serial, job });
    },
  };
}
