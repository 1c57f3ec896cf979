import { type KernelTrace, kernelTrace, tracesMax } from '@tsunagu/protocols/kernel-trace';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

const keptTrace = z.object({ seq: z.number().int().nonnegative(), trace: kernelTrace });
/** A trace in its place; there are as many places as traces are kept, and the newest takes that of the oldest. */
const placeOf = (seq: number) => sealedRecord(`trace-${seq % tracesMax}`, keptTrace);

/** A trace and its number; a later state of the same one keeps it. */
export interface KeptTrace {
  readonly seq: number;
  readonly trace: KernelTrace;
}

/** The traces of the last payments, across restarts. None of them is worth a sale: one that cannot be written or read is done without. */
export interface TraceStore {
  /** What was kept before this start, oldest first. */
  readonly before: readonly KeptTrace[];
  keep(seq: number, trace: KernelTrace): Promise<void>;
}

/** Opens the traces of a sealed store. */
export async function openTraceStore(store: SealedStore, world: Pick<World, 'log'>): Promise<TraceStore> {
  const before: KeptTrace[] = [];
  for (let place = 0; place < tracesMax; place++) {
    const stored = await store.read(placeOf(place));
    if (!stored.ok) world.log('warn', 'traceForgotten', { fault: stored.fault });
    else if (stored.value) before.push(stored.value.facts);
  }
  return {
    before: before.toSorted((a, b) => a.seq - b.seq),
    async keep(seq, trace) {
      const written = await store.write(placeOf(seq), { seq, trace });
      if (!written.ok) world.log('warn', 'traceNotStored', { fault: written.fault });
    },
  };
}
