import { hasBit } from '@tsunagu/protocols/emv';
import type { KernelTerminal } from './terminal.ts';

/** Last digit of the terminal type (9F35): attended and what it can do about lines. EMV 4.3 Book 4, A1. */
const environment = ({ type }: KernelTerminal): number => (type[0] ?? 0) & 0x0f;

/** It asks the issuer each time. */
export const isOnlineOnly = (terminal: KernelTerminal): boolean => [1, 4].includes(environment(terminal));
/** It has no line to the issuer. */
export const isOfflineOnly = (terminal: KernelTerminal): boolean => [3, 6].includes(environment(terminal));
export const isAttended = (terminal: KernelTerminal): boolean => environment(terminal) <= 3;
/** A cash machine: unattended, run by a financial institution, and it gives out cash. EMV 4.3 Book 4, A1. */
export const isCashMachine = (terminal: KernelTerminal): boolean =>
  [0x14, 0x15, 0x16].includes(terminal.type[0] ?? 0) && hasBit(terminal.additionalCapabilities, 1, 8);

/** What stands in 9F33. EMV 4.3 Book 4, A2. */
export const canSign = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 2, 6);
export const canPlainPin = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 2, 8);
export const canEncipherPin = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 2, 5);
export const canOnlinePin = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 2, 7);
export const canGoWithoutCvm = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 2, 4);
export const canSda = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 3, 8);
export const canDda = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 3, 7);
export const canCda = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 3, 4);
export const hasContacts = ({ capabilities }: KernelTerminal): boolean => hasBit(capabilities, 1, 6);
