import { switchDccMigrations } from '@tsunagu/fleet-server/switch/dcc/migrations';
import { switchMigrations } from '@tsunagu/fleet-server/switch/journal/migrations';
import { switchRuleMigrations } from '@tsunagu/fleet-server/switch/rules/migrations';

/** The switch's tables alone, as they stand on a server of their own. */
export const switchSchema = [...switchMigrations, ...switchRuleMigrations, ...switchDccMigrations];
