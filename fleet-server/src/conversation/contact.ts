import { createHash } from 'node:crypto';
import { type Contact, defaultContact, type Serial } from '@tsunagu/protocols/fleet';

/** What the slots are reckoned from. */
export interface ContactPolicy {
  /** Terminals that the server takes back a second without strain. */
  readonly returnsPerSecond: number;
  /** A fleet as small as this comes back at once. */
  readonly smallFleet: number;
  readonly spreadMaxMs: number;
}

export const contactPolicy: ContactPolicy = { returnsPerSecond: 400, smallFleet: 256, spreadMaxMs: 600_000 };

const dayMs = 86_400_000;
const jitterMs = 2_000;

/**
 * A terminal's slot: its serial's place in the day, always the same and evenly spread over the fleet; and over how long a fleet
 * of this size comes back. Sizes are taken up to the next power of two, so that a terminal does not rewrite its flash for every neighbour.
 */
export function contactOf(
  serial: Serial,
  fleetSize: number,
  { returnsPerSecond, smallFleet, spreadMaxMs }: ContactPolicy = contactPolicy,
): Contact {
  const slotMs = Math.floor((createHash('sha256').update(serial).digest().readUInt32BE(0) / 2 ** 32) * dayMs);
  if (fleetSize <= smallFleet) return { ...defaultContact, slotMs, jitterMs };
  const rounded = 2 ** Math.ceil(Math.log2(fleetSize));
  const spreadMs = Math.min(spreadMaxMs, Math.ceil((rounded / returnsPerSecond) * 1_000));
  return { slotMs, jitterMs, spreadMs, firstMs: 1_000, maxMs: Math.max(defaultContact.maxMs, spreadMs) };
}
