import { z } from 'zod';

const dayMs = 86_400_000;

/** When a terminal comes to its server, as the server hands it out in answer to hello. The terminal keeps it. */
export const contact = z
  .object({
    slotMs: z
      .number()
      .int()
      .min(0)
      .max(dayMs)
      .describe("Where the terminal's moment lies in each heartbeat period, counted from 1970-01-01T00:00:00Z."),
    jitterMs: z.number().int().min(0).max(dayMs).describe('So much later at most, at random each time.'),
    spreadMs: z
      .number()
      .int()
      .min(0)
      .max(3_600_000)
      .describe('Over so much the terminals spread their first try after a lost connection and after a boot.'),
    firstMs: z.number().int().min(100).max(60_000).describe('The shortest pause after a try that failed.'),
    maxMs: z.number().int().min(1_000).max(3_600_000).describe('The longest pause.'),
  })
  .describe('Contact slot and back-off (docs: protocols/src/fleet, "Coming back").');
/** A contact slot and back-off, read. */
export type Contact = z.infer<typeof contact>;

/** What holds for a terminal that has not been told anything else. */
export const defaultContact: Contact = { slotMs: 0, jitterMs: 0, spreadMs: 0, firstMs: 500, maxMs: 30_000 };

/**
 * The pause before the next try to connect, in ms: somewhere in the spread after a good connection or a boot, then decorrelated
 * jitter – between the shortest pause and three times the last one, and no longer than the longest.
 *
 * @param beforeMs the last pause; undefined when the last connection was a good one, or at boot
 * @param random from 0 to below 1, uniform
 */
export function pauseBeforeConnect(contact: Contact, beforeMs: number | undefined, random: number): number {
  if (beforeMs === undefined) return Math.round(random * contact.spreadMs);
  const ceilingMs = Math.max(contact.firstMs, Math.min(contact.maxMs, beforeMs * 3));
  return Math.round(contact.firstMs + random * (ceilingMs - contact.firstMs));
}

/** How long until a terminal's next moment of contact, in ms: at least half a period away, so that no period has two. */
export function untilContact(contact: Contact, periodMs: number, now: number, random: number): number {
  const toSlot = (((contact.slotMs - now) % periodMs) + periodMs) % periodMs;
  const waitMs = toSlot < periodMs / 2 ? toSlot + periodMs : toSlot;
  return Math.round(waitMs + random * Math.min(contact.jitterMs, periodMs / 4));
}
