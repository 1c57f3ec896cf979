import type { SwitchRuleKind } from '@tsunagu/protocols/fleet';
import type { Generated } from 'kysely';

/** Tables of the rules of the switch, and of what was approved by them in an issuer's place. */
export interface SwitchRuleTables {
  /** Every version of the rules of a kind. Rows are never changed. */
  readonly switch_rules: {
    seq: Generated<number>;
    kind: SwitchRuleKind;
    version: number;
    /** JSON. */
    rules: string;
    at: number;
    by: string;
    reason: string;
  };
  /** Approvals in an issuer's place. A row is there before its sale is, so that what was given away is never more than a limit. */
  readonly switch_stand_in: {
    sale_id: string;
    at: number;
    link: string;
    rule_version: number;
    /** Which node gave it away. */
    node: string;
    /** YYMMDD, local time. */
    day: string;
    pan_token: string;
    last_four: string;
    merchant: string;
    amount_minor: number;
    approval_code: string;
    state: 'advising' | 'taken' | 'refused';
    /** Of the issuer, about the advice. */
    action_code: string | null;
  };
}
