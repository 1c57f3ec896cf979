import {
  type Hours,
  type Operation,
  type PaymentMethod,
  parsePaymentMethod,
  readVerifications,
  verificationElement,
} from '@tsunagu/protocols/acquiring';
import { type Message, textOf } from '@tsunagu/protocols/iso8583';
import { type Secret } from '@tsunagu/protocols/kit';
import { leadingDigits, type LinkHealth } from '../routing/route.ts';
import type { ContractRefusal } from '../schemes/contracts.ts';
import type { SwitchRules } from './rules.ts';

/** A transaction that arrived, as the rules see it. */
export interface Arrived {
  readonly message: Message;
  readonly pan: Secret<'pan'>;
  readonly operation: Operation;
  readonly entry: string;
  readonly amountMinor: number;
  readonly nowMs: number;
}

/** What the rules say before an issuer is asked. */
export interface Admission {
  readonly routingVersion: number;
  /** `unknown` where no rule fits. */
  readonly scheme: string;
  /** The link to ask; undefined where there is none, or none that is up. */
  readonly link: string | undefined;
  /** The link whose card it is, up or down. */
  readonly owner: string | undefined;
  /** The card company under whose keys a terminal has to ask; undefined for none. */
  readonly acquirer: string | undefined;
  /** How the cardholder pays. */
  readonly method: PaymentMethod | undefined;
  /** Why it is refused whatever links are doing. */
  readonly refusal:
    | {
        readonly actionCode: string;
        readonly reason: AdmissionReason;
        /** The element that it is about, where whoever asked can do something about it (DE44). */
        readonly element?: number | undefined;
        /** When it would not be refused (DE44). */
        readonly hours?: Hours | undefined;
        /** What of the contract forbids it. */
        readonly contract?: ContractRefusal['why'];
      }
    | undefined;
}

/** What of a contract is about how the cardholder wants to pay (DE48). */
const aboutMethod: ReadonlySet<ContractRefusal['why']> = new Set(['method', 'instalments', 'amount']);

/** Codes of the error table. */
export type AdmissionReason = 'SWITCH_ROUTE_UNKNOWN' | 'SWITCH_CONTRACT_FORBIDS' | 'ACQUIRING_MESSAGE_REFUSED';

/** Routes a transaction and looks at its contract. Order: a route at all (908), a payment method that makes sense (904), what the contract says. */
export function admit(rules: SwitchRules, arrived: Arrived, health: LinkHealth): Admission {
  const { message, operation, entry, amountMinor, nowMs } = arrived;
  const digits = leadingDigits(arrived.pan);
  const { taken, first } = rules.router.route({ digits, operation, entry, amountMinor, nowMs }, health);
  const rule = taken ?? first;
  const admission = {
    routingVersion: rules.router.table.version,
    scheme: rule?.scheme ?? 'unknown',
    link: taken?.link,
    owner: rule?.link,
    // Whose card it is, whichever link is up.
    acquirer: (first ?? taken)?.acquirer,
    method: undefined,
    refusal: undefined,
  };
  if (rule === undefined) return { ...admission, refusal: { actionCode: '908', reason: 'SWITCH_ROUTE_UNKNOWN' } };
  const text = (number: number): string | undefined => textOf(message, number);
  const method = parsePaymentMethod(text(48));
  if (!method.ok) return { ...admission, refusal: { actionCode: '904', reason: 'ACQUIRING_MESSAGE_REFUSED' } };
  const verifications = readVerifications(text(verificationElement), text(22) ?? '');
  if (!verifications.ok) return { ...admission, refusal: { actionCode: '904', reason: 'ACQUIRING_MESSAGE_REFUSED' } };
  const refused = rules.contracts.judge({
    scheme: rule.scheme,
    link: rule.link,
    merchant: text(42) ?? '',
    operation,
    amountMinor,
    method: method.value,
    entry,
    hasPin: message.fields[52] !== undefined,
    verifications: verifications.value,
    digits,
    cardholderCurrency: text(51),
    nowMs,
  });
  return {
    ...admission,
    method: method.value,
    refusal: refused && {
      actionCode: refused.actionCode,
      reason: 'SWITCH_CONTRACT_FORBIDS',
      element: aboutMethod.has(refused.why) ? 48 : undefined,
      contract: refused.why,
      hours: refused.hours,
    },
  };
}
