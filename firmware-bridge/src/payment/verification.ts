import { cardholderRuleOf, type Verification } from '@tsunagu/protocols/acquiring';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import { canTakeSignature } from '../kernel/index.ts';
import type { Transaction } from '../sales/index.ts';

/** How a cardholder was verified, as a record has it. */
type Verified = Transaction['verification'];

const beside = {
  onlinePin: 'onlinePinAndSignature',
  offlinePin: 'offlinePinAndSignature',
} as const satisfies Partial<Record<Verified, Verified>>;

/** What chip and terminal agreed on, with the signature that the card's scheme wants beside a PIN (UnionPay). A terminal without paper and touch screen takes none. */
export function verifiedWith(
  verification: Verified,
  scheme: string,
  model: Pick<TerminalModel, 'printer' | 'screen'>,
): Verified {
  const isPin = verification === 'onlinePin' || verification === 'offlinePin';
  return isPin && cardholderRuleOf(scheme).signsBesidePin && canTakeSignature(model)
    ? beside[verification]
    : verification;
}

/** Whether a signature is due. */
export const isSignatureOwed = (verification: Verified): boolean => /signature$/i.test(verification);

/** In the words of DE22 and DE63, which do not know the cardholder's own device. */
export const spokenOf = (verification: Verified): Verification => (verification === 'onDevice' ? 'none' : verification);
