import { setFlagsFromString } from 'node:v8';

/**
 * A thread of a terminal needs little: most of it is code. A young generation of 4 MB is scavenged often and in about a millisecond, where
 * the 16 MB that a thread has by itself take five to eight of them, in the middle of a sale.
 */
export const terminalThreadLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4, stackSizeMb: 4 };

/**
 * Lets each thread scavenge by itself. With so little to copy helpers save nothing, and where the processors are taken the sale stands still
 * until they have had their turn. For all threads of this process; call it before the first terminal.
 */
export const scavengeAlone = (): void => setFlagsFromString('--no-parallel-scavenge');
