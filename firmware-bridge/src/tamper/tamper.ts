import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { TerminalKeys } from '../keys/index.ts';
import type { Link } from '../link/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/** What watches the case. PCI PTS POI 6.2, A1 to A3. */
export const tamperSensors = ['case', 'mesh', 'temperature', 'voltage'] as const;
export const tamperSensor = z.enum(tamperSensors);
export type TamperSensor = z.infer<typeof tamperSensor>;

const tamperRecord = sealedRecord(
  'tamper',
  z.object({ at: z.number().int(), sensor: tamperSensor, isTold: z.boolean() }),
);

type Facts = z.output<(typeof tamperRecord)['facts']>;

/** The tamper response of a terminal. It cannot be undone here: a tampered terminal goes to the workshop. */
export interface Tamper {
  /** When and by which sensor; undefined while the case is sound. */
  readonly happened: { readonly at: number; readonly sensor: TamperSensor } | undefined;
  /** A sensor has spoken: the keys are gone before anything else is done, and the server is told, once the link is up. */
  trip(sensor: TamperSensor): Promise<void>;
  /** The link is up: tells what is not told yet. */
  tell(): Promise<void>;
}

export interface TamperParts {
  readonly world: World;
  readonly store: SealedStore;
  readonly keys: Pick<TerminalKeys, 'destroy'>;
  readonly link: () => Pick<Link, 'isUp' | 'publish'>;
  /** After the keys are gone. */
  readonly changed: () => void;
}

/** Opens the tamper response of a store. What a power loss interrupted is done to its end first. */
export async function openTamper(
  parts: TamperParts,
): Promise<Result<Tamper, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const { world, store, keys } = parts;
  const stored = await store.read(tamperRecord);
  if (!stored.ok) return stored;
  let facts: Facts | undefined = stored.value?.facts;
  // The record may have been written and the keys not yet destroyed.
  if (facts) await destroy();

  async function destroy(): Promise<void> {
    const gone = await keys.destroy();
    if (!gone.ok) world.log('error', 'keysNotDestroyed', { fault: gone.fault });
  }

  async function keep(next: Facts): Promise<void> {
    facts = next;
    const written = await store.write(tamperRecord, next);
    if (!written.ok) world.log('error', 'tamperNotStored', { fault: written.fault });
  }

  const tamper: Tamper = {
    get happened() {
      return facts;
    },
    async trip(sensor) {
      if (facts) return;
      // In memory at once: from here on nothing is sold, whatever the medium says.
      facts = { at: Math.round(world.clock.now()), sensor, isTold: false };
      world.log('error', 'tampered', { sensor });
      await destroy();
      await keep(facts);
      parts.changed();
      await tamper.tell();
    },
    async tell() {
      if (!facts || facts.isTold || !parts.link().isUp) return;
      const { at, sensor } = facts;
      const body = { at, code: 'TERMINAL_TAMPERED', detail: sensor };
      const told = await parts.link().publish({ kind: 'event', event: 'tamper' }, 'alarm', body);
      if (told.ok) await keep({ ...facts, isTold: true });
    },
  };
  return ok(tamper);
}
