import { createHash } from 'node:crypto';

/**
 * The card acceptor terminal identification (DE41, ans 8) of a terminal: "T" and seven hexadecimal digits that follow
 * from its serial, so that neither side has to keep a list, and the switch can compare it with the certificate.
 */
export const terminalIdOf = (serial: string): string => `T${digest(`terminal\n${serial}`).slice(0, 7)}`;

/** Whether a text could be one. Of which terminal it is only its serial tells, or a transaction. */
export const isTerminalId = (text: string): boolean => /^T[0-9A-F]{7}$/.test(text);

/** The card acceptor identification (DE42, ans 15) of all terminals of a tenant: "M" and 14 hexadecimal digits. */
export const merchantIdOf = (tenant: string): string => `M${digest(`merchant\n${tenant}`).slice(0, 14)}`;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').toUpperCase();
