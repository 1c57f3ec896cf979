import type { World } from '@tsunagu/protocols/world';
import type { SqlConnection } from './connection.ts';
import { openPostgres } from './postgres-connection.ts';
import { releaseSql, renewSql, takeSql, tenureSchema } from './tenure-schema.ts';

/** How long a holder that is not heard keeps its tenure, how often it renews it, and how often a node that waits looks. */
export const tenureMs = { lease: 3_000, renew: 400, look: 200 } as const;

/** The right to write, for as long as it is renewed. */
export interface Tenure {
  readonly epoch: number;
  /** The server that has it. */
  readonly url: string;
  /** Resolves when it is over without having been given up: another node has it, or the server is out of reach for longer than the lease. */
  readonly lost: Promise<'deposed' | 'unreachable'>;
  /** Gives it up: a node that waits has it at once. */
  release(): Promise<void>;
}

/** What a node that waits is told. */
export interface TenureListener {
  /** Somebody else has it; said once. */
  waiting(): void;
  /** The servers have been out of reach; said once each time that begins. */
  unreachable(cause: unknown): void;
}

/**
 * Waits until no other node holds the store, and takes it with a new epoch. Time is the server's alone, so clocks of nodes do not matter.
 * Of several servers the first that takes writes is used: after a server was promoted in the place of another, nodes find it by themselves.
 *
 * @param holder a name for people
 */
export async function takeTenure(
  world: Pick<World, 'timers' | 'clock'>,
  urls: readonly string[],
  holder: string,
  listener: TenureListener,
): Promise<Tenure> {
  let connection: { readonly sql: SqlConnection; readonly url: string } | undefined;
  let [saidWaiting, saidUnreachable] = [false, false];
  for (;;) {
    try {
      connection ??= await connectToWriter(urls);
      const { sql, url } = connection;
      // The epoch has to be on the copies, too; renewals need not be, and do not wait for one that is away.
      const [taken] = await sql.all(takeSql, [holder, tenureMs.lease]);
      if (taken) {
        await sql.run('SET synchronous_commit = local', []);
        return hold(world, sql, url, Number(taken['epoch']));
      }
      if (!saidWaiting) listener.waiting();
      saidWaiting = true;
      saidUnreachable = false;
    } catch (cause) {
      await connection?.sql.close().catch(() => undefined);
      connection = undefined;
      if (!saidUnreachable) listener.unreachable(cause);
      saidUnreachable = true;
    }
    await world.timers.sleep(tenureMs.look);
  }
}

async function connectToWriter(
  urls: readonly string[],
): Promise<{ readonly sql: SqlConnection; readonly url: string }> {
  let failure: unknown = new Error('no server was named');
  for (const url of urls) {
    try {
      const sql = await openPostgres(url, { idleInTransactionMs: tenureMs.lease });
      const [state] = await sql.all('SELECT pg_is_in_recovery() AS copying', []);
      if (state?.['copying']) throw new Error('a copy of another server takes no writes');
      await sql.run(tenureSchema, []);
      return { sql, url };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function hold(world: Pick<World, 'timers' | 'clock'>, sql: SqlConnection, url: string, epoch: number): Tenure {
  let end: (why: 'deposed' | 'unreachable') => void = () => undefined;
  const lost = new Promise<'deposed' | 'unreachable'>((resolve) => {
    end = resolve;
  });
  // How often it was time to renew while an answer was waited for. Not the time: a process that was itself held up for long may still have its tenure,
  // and only the server knows.
  let missed = 0;
  let isAsking = false;
  const renewing = world.timers.every(tenureMs.renew, () => {
    if (isAsking) {
      missed += 1;
      if (missed * tenureMs.renew > tenureMs.lease) finish('unreachable');
      return;
    }
    isAsking = true;
    sql
      .run(renewSql, [epoch])
      .then(
        ({ changes }) => {
          if (changes === 0) finish('deposed');
          missed = 0;
        },
        () => finish('unreachable'),
      )
      .finally(() => {
        isAsking = false;
      });
  });
  function finish(why: 'deposed' | 'unreachable'): void {
    renewing.cancel();
    end(why);
  }
  return {
    epoch,
    url,
    lost,
    async release() {
      renewing.cancel();
      await sql.run(releaseSql, [epoch]).catch(() => undefined);
      await sql.close().catch(() => undefined);
    },
  };
}
