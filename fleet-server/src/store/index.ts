export { among, amongText } from './among.ts';
export type { Database } from './database.ts';
export type { ColumnTypes, Migration } from './migration.ts';
export type { SqlConnection, SqlValue } from './connection.ts';
export { openPostgresStore } from './postgres-store.ts';
export { takeTenure, type Tenure, type TenureListener, tenureMs } from './tenure.ts';
export { openSqlite3, openSqlite3Beside } from './sqlite3-connection.ts';
export { countChanges, openStore, openStoreOn, type Queryable, type SideFile, type Store } from './store.ts';
export {
  boundedLimit,
  isoTime,
  keyOfCursor,
  type Page,
  pageLimitMax,
  pageOf,
  type PageRequest,
} from './page.ts';
export { highestFirst, inAlphabet, lowestFirst, newestFirst, oldestFirst, pageOn, viewPage } from './listing.ts';
export { type FolderLock, lockFolder } from './folder-lock.ts';
export {
  type Columns,
  insertRows,
  lotText,
  namesOf,
  rowsOfLot,
  rowTexts,
  rowWith,
  selectRows,
  triggeredInsert,
  triggeredUpdate,
  updateRows,
} from './rows.ts';
