import { z } from 'zod';
import type { Result } from '../kit/index.ts';
import { parseJson } from './parse.ts';

/** The most a fleet message may hold, in bytes. What is larger goes over HTTPS (W2). */
export const envelopeLengthMax = 65_536;

export const envelope = z
  .object({
    v: z.literal(1).describe('Version of the envelope.'),
    id: z.string().min(1).max(64).describe('Unique per message; the same message sent again keeps it.'),
    corr: z.string().max(64).optional().describe('The request that this answers, or the conversation it belongs to.'),
    iat: z
      .number()
      .int()
      .nonnegative()
      .describe("Sender's time of day, milliseconds since 1970. A terminal's clock may be wrong: informative only."),
    exp: z
      .number()
      .int()
      .nonnegative()
      .optional()
      .describe("After this moment (receiver's clock) the message has no effect."),
    boot: z
      .number()
      .int()
      .nonnegative()
      .describe("The terminal's boot sequence: a message from an earlier boot is recognised by it. 0 from the server."),
    seq: z.number().int().nonnegative().describe('Counts the messages of one boot; a gap shows a loss.'),
    ct: z.string().min(1).max(64).describe('Content type: names the schema of the body.'),
    body: z.unknown().describe('The message itself, by the schema that `ct` names.'),
  })
  .describe(
    'What wraps every fleet message: the fields that MQTT 3.1.1 lacks, named as in MQTT 5 where it has them. `ct` says what the body is; the body is read by the schema of that name (`messages.ts`).',
  );
export type Envelope = z.infer<typeof envelope>;

/** Boots that a terminal may be ahead of what is known of it: a year of one every hour. More is not the terminal that was known. */
const bootJumpMax = 10_000;

/** Whether a terminal whose newest boot is known can be at this one. @param known 0: nothing is known of it */
export const isBootPlausible = (boot: number, known: number): boolean => known === 0 || boot - known <= bootJumpMax;

/** Reads an envelope; the body stays unread. */
export const parseEnvelope = (payload: Uint8Array): Result<Envelope, 'INPUT_INVALID'> =>
  parseJson(envelope, payload, envelopeLengthMax);

/** The bytes of an envelope as they go onto the wire. */
export const encodeEnvelope = (message: Envelope): Buffer => Buffer.from(JSON.stringify(message), 'utf8');
