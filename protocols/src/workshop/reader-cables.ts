import { z } from 'zod';
import { readerKinds } from '../catalogue/index.ts';

/**
 * The cables of an emulated terminal's readers. What a person does to one lies as a file in the terminal's folder; the bridge that runs the
 * terminal does it, and says in a second file that it was done and which readers hang on the bus now.
 */
export const cableFiles = { order: 'reader-cable.json', state: 'reader-cables-state.json' } as const;

/** What a person does to a cable, as the file that lies in the terminal's folder. */
export const cableOrder = z.object({
  id: z.string().min(1).max(64),
  reader: z.enum(readerKinds),
  does: z.enum(['pull', 'plug']),
  /** Pulled in the middle of the transfer to the reader with this number, counted from 1 from now on; at once without it. */
  atTransfer: z.number().int().min(1).max(10_000).optional(),
});
/** What a person does to a cable of a reader. */
export type CableOrder = z.infer<typeof cableOrder>;

/** What the bridge did last, and which readers hang on the bus since, as the file beside the order. */
export const cablesState = z.object({
  /** The order that was done. */
  done: z.string(),
  readers: z.partialRecord(z.enum(readerKinds), z.enum(['plugged', 'pulled'])),
});
/** The cables of a terminal's readers after the last order. */
export type CablesState = z.infer<typeof cablesState>;
