import { connect, type Socket } from 'node:net';
import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Address } from './address.ts';

/** Where the program is that a card is lent to: a TCP address, or the path of a local socket. */
export type PeerAddress = Address | { readonly path: string };

export const nameOf = (address: PeerAddress): string =>
  'path' in address ? address.path : `${address.host}:${address.port}`;

/** What speaks to a peer once it is there. */
export interface Conversation {
  /** First words of ours. */
  open(write: (bytes: Uint8Array) => void): void;
  /** Takes what can be taken off the head of what is unread. @returns how many bytes; a fault ends the connection */
  take(unread: Uint8Array, write: (bytes: Uint8Array) => void): Result<number>;
  /** Last words, before we close by ourselves. */
  leave(write: (bytes: Uint8Array) => void): void;
  closed(): void;
}

const connectMs = 5_000;
/** Unread bytes at most: the longest message of either protocol, twice. */
const unreadBytesMax = 140_000;
const firstPauseMs = 200;
const longestPauseMs = 3_000;

/**
 * Connects to the peer and converses until it closes, or `signal` ends it. With `reconnect` it waits for the peer, again and
 * again, until `signal`.
 * @returns EXPORT_PEER_UNREACHABLE when nobody listens and `reconnect` is not asked for; the conversation's own fault
 */
export async function converse(
  world: World,
  address: PeerAddress,
  conversation: Conversation,
  options: { readonly reconnect: boolean; readonly signal: AbortSignal },
): Promise<Result<void>> {
  let pauseMs = firstPauseMs;
  while (!options.signal.aborted) {
    const connected = await connectTo(world, address);
    if (connected.ok) {
      pauseMs = firstPauseMs;
      const ended = await talk(connected.value, conversation, options.signal);
      if (!ended.ok || !options.reconnect) return ended;
    } else if (!options.reconnect) return connected;
    try {
      await world.timers.sleep(pauseMs, options.signal);
    } catch {
      break;
    }
    pauseMs = Math.min(2 * pauseMs, longestPauseMs);
  }
  return ok(undefined);
}

function connectTo(world: World, address: PeerAddress): Promise<Result<Socket>> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, noDelay: true });
    const deadline = world.timers.after(connectMs, () => socket.destroy(new Error('no answer')));
    socket.once('error', (cause) => {
      deadline.cancel();
      resolve(fail('EXPORT_PEER_UNREACHABLE', { cause, facts: { peer: nameOf(address), reason: cause.message } }));
    });
    socket.once('connect', () => {
      deadline.cancel();
      socket.removeAllListeners('error');
      resolve(ok(socket));
    });
  });
}

function talk(socket: Socket, conversation: Conversation, signal: AbortSignal): Promise<Result<void>> {
  return new Promise((resolve) => {
    let outcome: Result<void> = ok(undefined);
    let unread: Uint8Array = new Uint8Array(0);
    const write = (bytes: Uint8Array): void => void (socket.destroyed || socket.write(bytes));
    const leave = (): void => {
      conversation.leave(write);
      socket.end();
      // A peer that does not close its own half is not waited for.
      socket.destroySoon();
    };
    socket.on('data', (chunk) => {
      unread = unread.length === 0 ? chunk : concat(unread, chunk);
      const taken = conversation.take(unread, write);
      if (!taken.ok || unread.length - taken.value > unreadBytesMax) {
        if (!taken.ok) outcome = taken;
        socket.destroy();
        return;
      }
      unread = unread.subarray(taken.value);
    });
    // Whatever ends a connection, it ends with "close".
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      signal.removeEventListener('abort', leave);
      conversation.closed();
      resolve(outcome);
    });
    signal.addEventListener('abort', leave, { once: true });
    conversation.open(write);
    if (signal.aborted) leave();
  });
}
