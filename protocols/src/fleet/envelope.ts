import { z } from 'zod';
import type { Result } from '../kit/index.ts';
import { parseJson } from './parse.ts';

/** The most a fleet message may hold, in bytes. What is larger goes over HTTPS (W2). */
export const envelopeLengthMax = 65_536;

/**
 * What wraps every fleet message: the fields that MQTT 3.1.1 lacks, named as in MQTT 5 where it has them.
 * `ct` says what the body is; the body is read by the schema of that name (`messages.ts`).
 */
export const envelope = z.object({
  v: z.literal(1),
  /** Unique per message; the same message sent again keeps it. */
  id: z.string().min(1).max(64),
  /** The request that this answers, or the conversation it belongs to. */
  corr: z.string().max(64).optional(),
  /** Sender's time of day, milliseconds since 1970. A terminal's clock may be wrong: informative only. */
  iat: z.number().int().nonnegative(),
  /** After this moment (receiver's clock) the message has no effect. */
  exp: z.number().int().nonnegative().optional(),
  /** The terminal's boot sequence: a message from an earlier boot is recognised by it. 0 from the server. */
  boot: z.number().int().nonnegative(),
  /** Counts the messages of one boot; a gap shows a loss. */
  seq: z.number().int().nonnegative(),
  ct: z.string().min(1).max(64),
  body: z.unknown(),
});
export type Envelope = z.infer<typeof envelope>;

/** Reads an envelope; the body stays unread. */
export const parseEnvelope = (payload: Uint8Array): Result<Envelope, 'INPUT_INVALID'> =>
  parseJson(envelope, payload, envelopeLengthMax);

/** The bytes of an envelope as they go onto the wire. */
export const encodeEnvelope = (message: Envelope): Buffer => Buffer.from(JSON.stringify(message), 'utf8');
