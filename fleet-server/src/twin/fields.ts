import type { SettingName } from '@tsunagu/protocols/fleet';
import { sql } from 'kysely';

/**
 * Reads a setting out of the view `terminal_configurations` inside a query: `desired` is what the terminal should be set to, `reported`
 * what it said is in force. NULL where the model cannot do it or nothing was reported; a flag is 1 or 0.
 */
export const twinField = (side: 'desired' | 'reported', setting: SettingName) =>
  sql<string | number | null>`json_extract(${sql.ref(`terminal_configurations.${side}`)}, ${`$.${setting}`})`;
