import type { ServerResponse } from 'node:http';
import { type LiveEventName, liveEvents } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { LiveFeed, NumberedEvent } from './ports.ts';

/** How long a stream may be silent. Twice that without a beat, and a client shows its figures as stale. */
export const beatMs = 5_000;
/** What may wait in one client's socket before events are left out and replaced by one `resync`. */
export const backlogBytesMax = 256 * 1024;
const streamsMax = 64;

/** What a client of the stream asked for. */
export interface StreamRequest {
  readonly topics: ReadonlySet<LiveEventName> | undefined;
  /** `Last-Event-ID` of a reconnecting client, as it came. */
  readonly lastEventId: string | undefined;
  /** Asked at every beat: a stream ends with the session that opened it. */
  readonly isAllowed: () => boolean;
}

/** The server's end of `GET /api/v1/events`. */
export interface LiveStreams {
  /** How many are open. */
  readonly count: number;
  /** Whether one more may be opened. */
  readonly hasRoom: boolean;
  /** Writes events to `response` until either side ends it. */
  open(response: ServerResponse, request: StreamRequest): void;
  close(): void;
}

/**
 * Server-sent events (WHATWG HTML, 9.2). Ids are `run-number`: a number of another run of the server cannot be mistaken
 * for one of this run. A client that fell behind the ring, comes from another run, or reads too slowly gets `resync`
 * and nothing of what it missed.
 */
export function openLiveStreams(world: World, live: LiveFeed): LiveStreams {
  const run = Buffer.from(world.entropy(4)).toString('hex');
  const frames = new WeakMap<NumberedEvent, string>();
  const open = new Set<() => void>();

  return {
    get count() {
      return open.size;
    },
    get hasRoom() {
      return open.size < streamsMax;
    },
    close() {
      for (const end of open) end();
    },
    open(response, { topics, lastEventId, isAllowed }) {
      response.writeHead(200, {
        ...response.getHeaders(),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.write('retry: 2000\n\n');
      let isBehind = false;
      let sent = live.latest;

      const resync = (): void => void response.write(`id: ${run}-${live.latest}\nevent: resync\ndata: {}\n\n`);
      const send = (numbered: NumberedEvent): void => {
        if (numbered.id <= sent) return;
        sent = numbered.id;
        if (isBehind || (topics && !topics.has(numbered.event.name))) return;
        const frame = frameOf(run, numbered, frames);
        if (frame === undefined) {
          world.log('error', 'a live event had the wrong shape', { name: numbered.event.name });
          return;
        }
        response.write(frame);
        isBehind = response.writableLength > backlogBytesMax;
      };
      const end = (): void => {
        open.delete(end);
        unlisten();
        beat.cancel();
        response.end();
      };

      const unlisten = live.listen(send);
      const missed = missedSince(lastEventId, run, live);
      if (missed === undefined) resync();
      else {
        sent = missed[0] ? missed[0].id - 1 : sent;
        missed.forEach(send);
      }
      const sayBeat = (): void => {
        if (!isAllowed()) return end();
        if (isBehind) return;
        response.write(`event: beat\ndata: {"at":"${new Date(world.clock.now()).toISOString()}"}\n\n`);
      };
      sayBeat();
      const beat = world.timers.every(beatMs, sayBeat);
      response.on('drain', () => {
        if (!isBehind) return;
        isBehind = false;
        resync();
      });
      response.on('close', end);
      response.on('error', end);
      open.add(end);
    },
  };
}

/** What a returning client missed: nothing for a new one, undefined when that cannot be told any more. */
function missedSince(
  lastEventId: string | undefined,
  run: string,
  live: LiveFeed,
): readonly NumberedEvent[] | undefined {
  if (lastEventId === undefined || lastEventId === '') return [];
  const [ofRun, number] = lastEventId.split('-');
  if (ofRun !== run || !/^\d{1,15}$/.test(number ?? '') || Number(number) > live.latest) return undefined;
  return live.since(Number(number));
}

/** One event on the wire, stripped to its declared shape; undefined when it does not have it. Made once for all clients. */
function frameOf(run: string, numbered: NumberedEvent, frames: WeakMap<NumberedEvent, string>): string | undefined {
  const made = frames.get(numbered);
  if (made !== undefined) return made;
  const { id, event } = numbered;
  const checked = liveEvents[event.name].safeParse(event.data);
  if (!checked.success) return undefined;
  const frame = `id: ${run}-${id}\nevent: ${event.name}\ndata: ${JSON.stringify(checked.data)}\n\n`;
  frames.set(numbered, frame);
  return frame;
}
