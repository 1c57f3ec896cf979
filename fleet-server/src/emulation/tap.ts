import { connect } from 'node:net';
import { linkProfileSchema } from '@tsunagu/protocols/iso8583';
import { toHex } from '@tsunagu/protocols/kit';
import { z } from 'zod';

/** Which side of the switch a line is on. */
export type TapSide = 'acquirer' | 'issuer';

/** What of a link's profile says how its messages are written. */
const writing = linkProfileSchema.pick({ dialect: true, fieldOverrides: true });
type Writing = z.infer<typeof writing>;

/** One message as it passed an emulator's edge: a JSON line to the ledger oracle. It holds card numbers, and is never written down. */
export const tapped = z.strictObject({
  side: z.enum(['acquirer', 'issuer']),
  /** The connection it was on. */
  line: z.string().max(80),
  /** As seen by the emulator. */
  direction: z.enum(['in', 'out']),
  writing,
  /** The ISO 8583 message, clear, without its frame. */
  hex: z.string().regex(/^([0-9A-F]{2}){1,4096}$/),
});
export type Tapped = z.infer<typeof tapped>;

/** Where an emulator shows its messages. */
export interface Tap {
  message(line: string, direction: Tapped['direction'], bytes: Uint8Array): void;
  close(): void;
}

/** Nobody looks. */
export const noTap: Tap = { message: () => undefined, close: () => undefined };

/** Shows messages to an oracle that listens on this port of the loopback. An oracle that goes away is no fault of the emulator. */
export function openTap(side: TapSide, { dialect, fieldOverrides }: Writing, port: number): Tap {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  socket.resume();
  return {
    message(line, direction, bytes) {
      const shown: Tapped = { side, line, direction, writing: { dialect, fieldOverrides }, hex: toHex(bytes) };
      if (!socket.destroyed) socket.write(`${JSON.stringify(shown)}\n`);
    },
    close: () => socket.end(),
  };
}
