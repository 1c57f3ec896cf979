import type { Result } from '@tsunagu/protocols/kit';
import type { Clock } from '@tsunagu/protocols/world';
import { postgresEngine } from './engine.ts';
import type { Migration } from './migration.ts';
import { openPostgres } from './postgres-connection.ts';
import { openStoreOn, type Store } from './store.ts';
import { type Tenure, tenureMs } from './tenure.ts';

/**
 * Opens a store on PostgreSQL under a tenure, and brings its schema up to date: every transaction that writes is refused by the server itself
 * once another node has taken the tenure (SWITCH_FENCED).
 */
export const openPostgresStore = (
  { url, epoch }: Pick<Tenure, 'url' | 'epoch'>,
  migrations: readonly Migration[],
  clock: Clock,
): Promise<Result<Store, 'STORE_UNUSABLE'>> =>
  openStoreOn(
    () => openPostgres(url, { idleInTransactionMs: tenureMs.lease }),
    migrations,
    clock,
    postgresEngine(`SELECT tsunagu_hold_epoch(${epoch})`),
  );
