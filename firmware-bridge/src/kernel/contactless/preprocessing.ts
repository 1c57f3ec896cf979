import type { ContactlessKernel } from '@tsunagu/protocols/catalogue';
import type { ContactlessLimits, KernelTerminal, KernelTransaction } from '../terminal.ts';
import { canOnlinePin, canSign, hasContacts, isOfflineOnly, isOnlineOnly } from '../terminal-facts.ts';

/** What is settled for one kernel before a card is there. EMV Book B, 3.1. */
export interface Preprocessed {
  /** The amount reaches the reader's transaction limit: another interface must do. */
  readonly isNotAllowed: boolean;
  /** The amount reaches the limit from which the cardholder must be verified. */
  readonly isCvmRequired: boolean;
  readonly isAboveFloorLimit: boolean;
  /** Terminal transaction qualifiers (9F66) of kernels 3, 6 and 7. EMV Book A, 5.7, table 5-4. */
  readonly qualifiers: Uint8Array;
}

/** Pre-processing of one kernel. EMV Book B, 3.1.1. */
export function preprocess(
  limits: ContactlessLimits,
  terminal: KernelTerminal,
  { amountMinor, isForcedOnline }: KernelTransaction,
): Preprocessed {
  const isNotAllowed = amountMinor >= limits.transactionLimitMinor;
  const isCvmRequired = amountMinor >= limits.cvmRequiredLimitMinor;
  const isAboveFloorLimit = amountMinor > limits.floorLimitMinor;
  const isOnlineCryptogramRequired =
    !isOfflineOnly(terminal) && (isAboveFloorLimit || isOnlineOnly(terminal) || isForcedOnline);
  const qualifiers = Uint8Array.of(
    0x20 | // EMV mode
      (hasContacts(terminal) ? 0x10 : 0) |
      (isOfflineOnly(terminal) ? 0x08 : 0) |
      (canOnlinePin(terminal) ? 0x04 : 0) |
      (canSign(terminal) ? 0x02 : 0) |
      0x01, // offline data authentication for online authorisations
    (isOnlineCryptogramRequired ? 0x80 : 0) | (isCvmRequired ? 0x40 : 0),
    0x40, // verification on the cardholder's own device
    0x00,
  );
  return { isNotAllowed, isCvmRequired, isAboveFloorLimit, qualifiers };
}

/** The same for every kernel that the terminal has. */
export function preprocessAll(
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): ReadonlyMap<ContactlessKernel, { readonly limits: ContactlessLimits; readonly preprocessed: Preprocessed }> {
  const all = new Map<ContactlessKernel, { limits: ContactlessLimits; preprocessed: Preprocessed }>();
  for (const kernel of contactlessKernels) {
    const limits = terminal.contactless[kernel];
    if (limits !== undefined) all.set(kernel, { limits, preprocessed: preprocess(limits, terminal, transaction) });
  }
  return all;
}

export const contactlessKernels = [2, 3, 4, 5, 6, 7] as const satisfies readonly ContactlessKernel[];
