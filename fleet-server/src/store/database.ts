import type { AccessTables } from '../api/access/tables.ts';
import type { AuditTables } from '../audit/tables.ts';
import type { CampaignTables } from '../campaigns/tables.ts';
import type { CustodyTables } from '../custody/tables.ts';
import type { EstateTables } from '../estate/tables.ts';
import type { ExpiryTables } from '../expiry/tables.ts';
import type { IdentityTables } from '../identity/tables.ts';
import type { InspectionTables } from '../inspection/tables.ts';
import type { JobTables } from '../jobs/tables.ts';
import type { KeyTables } from '../keys/tables.ts';
import type { LiveTables } from '../live/tables.ts';
import type { NegativeTables } from '../negative/tables.ts';
import type { RefurbishTables } from '../refurbish/tables.ts';
import type { SalesTables } from '../sales/tables.ts';
import type { SwapTables } from '../swap/tables.ts';
import type { SwitchTables } from '../switch/journal/tables.ts';
import type { SwitchDccTables } from '../switch/dcc/tables.ts';
import type { SwitchAlarmTables } from '../switch/operator/alarm-tables.ts';
import type { SwitchRuleTables } from '../switch/rules/tables.ts';
import type { ValidityTables } from '../switch/validity/tables.ts';
import type { TwinTables } from '../twin/tables.ts';
import type { WebhookTables } from '../webhooks/tables.ts';

/**
 * Every table of the store. A room owns its tables: it declares them in its `tables.ts`, makes them in its `migrations.ts`, and is
 * the only one to write them. Columns are snake_case; times are milliseconds since 1970; JSON is text.
 */
export interface Database
  extends EstateTables,
    CustodyTables,
    SwapTables,
    RefurbishTables,
    InspectionTables,
    IdentityTables,
    ExpiryTables,
    TwinTables,
    CampaignTables,
    JobTables,
    KeyTables,
    NegativeTables,
    SalesTables,
    SwitchTables,
    SwitchDccTables,
    SwitchAlarmTables,
    SwitchRuleTables,
    ValidityTables,
    AuditTables,
    AccessTables,
    WebhookTables,
    LiveTables {
  readonly schema_steps: { name: string; applied_at: number };
}
