import type { Serial } from '@tsunagu/protocols/fleet';
import { fail, type Result } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { connect } from 'mqtt';

/** Makes credentials that a broker takes for a terminal's: client certificate and key, PEM. */
export type StandIn = (serial: Serial) => Result<{ readonly cert: string; readonly key: string }>;

/** What a broker that is not ours is reached with, and who counts there. */
export interface TakeOverOptions {
  readonly world: Pick<World, 'timers' | 'log'>;
  /** `mqtts://host:port`. */
  readonly url: string;
  /** Our certificate and key, and whose certificate the broker must show, PEM: as they are now, which changes. */
  readonly tls: () => { readonly cert: string; readonly key: string; readonly ca: string };
  /** Whether a terminal is to be heard: it has a certificate that is in force. Asked once a connection of it. */
  readonly isHeard: (serial: Serial) => Promise<boolean>;
  /** Credentials under a terminal's name, with which its connection is taken over. */
  readonly standIn: StandIn;
}

/** Ends connections at a broker that is not ours. */
export interface TakeOver {
  /** Ends a terminal's connection, if it has one. */
  end(serial: Serial): void;
  /** Somebody speaks who does not count: they are in, or in again. */
  isStillThere(serial: Serial): void;
  close(): Promise<void>;
}

/** Connections of ours at a time. */
const parallelMax = 8;
const timeoutMs = 5_000;
/** Whoever does not count and comes back before the broker has read its revocation list is cut off again: after the list is there, and after it was written anew (`mosquitto-files.ts`). */
const againMs = [3_000, 15_000] as const;

/**
 * Any MQTT broker drops the older of two connections with one client id [MQTT-3.1.4-2]. So we connect under the terminal's name, with a clean session
 * (whatever was queued for it goes) and without a will, and leave at once. The terminal's own will comes as ever; no message of ours does, so that
 * this is no clone.
 */
export function openTakeOver({ world, url, tls, standIn, isHeard }: TakeOverOptions): TakeOver {
  const waiting = new Set<Serial>();
  const repeats = new Map<Serial, { readonly timer: Timer; readonly next: number }>();
  const under = new Set<Promise<void>>();
  let isClosed = false;

  function pump(): void {
    while (under.size < parallelMax) {
      const [serial] = waiting;
      if (serial === undefined || isClosed) return;
      waiting.delete(serial);
      const work: Promise<void> = takeOver(serial)
        .catch((cause: unknown) =>
          world.log('warn', 'connectionNotEnded', { serial, fault: fail('CONNECTION_ENDED', { cause }).fault }),
        )
        .finally(() => {
          under.delete(work);
          pump();
        });
      under.add(work);
    }
  }

  async function takeOver(serial: Serial): Promise<void> {
    const credentials = standIn(serial);
    if (!credentials.ok) {
      world.log('error', 'connectionNotEnded', { serial, fault: credentials.fault });
      return;
    }
    const client = connect(url, {
      protocolVersion: 4,
      clientId: serial,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: timeoutMs,
      ca: tls().ca,
      ...credentials.value,
    });
    try {
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.once('error', reject);
        client.once('close', () => reject(new Error('closed before it was connected')));
      });
      await client.endAsync();
      world.log('info', 'connectionTakenOver', { serial });
    } finally {
      client.on('error', () => undefined);
      client.end(true);
    }
  }

  function repeatLater(serial: Serial, next: number): void {
    repeats.get(serial)?.timer.cancel();
    repeats.delete(serial);
    const ms = againMs[next];
    if (ms === undefined || isClosed) return;
    const timer = world.timers.after(ms, () => {
      isHeard(serial).then(
        (counts) => {
          repeatLater(serial, counts ? againMs.length : next + 1);
          if (!counts) begin(serial);
        },
        (cause: unknown) =>
          world.log('error', 'connectionNotEnded', { serial, fault: fail('INTERNAL', { cause }).fault }),
      );
    });
    repeats.set(serial, { timer, next });
  }

  function begin(serial: Serial): void {
    waiting.add(serial);
    pump();
  }

  const end = (serial: Serial): void => {
    if (isClosed) return;
    begin(serial);
    repeatLater(serial, 0);
  };
  return {
    end,
    isStillThere(serial) {
      if (!repeats.has(serial)) end(serial);
    },
    async close() {
      isClosed = true;
      waiting.clear();
      for (const { timer } of repeats.values()) timer.cancel();
      repeats.clear();
      await Promise.all(under);
    },
  };
}
