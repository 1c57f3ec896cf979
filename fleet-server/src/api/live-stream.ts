import type { ServerResponse } from 'node:http';
import { type LiveEventName, liveEvents } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { LiveFeed, NumberedEvent } from './ports.ts';

/** How long a stream may be silent. Twice that without a beat, and a client shows its figures as stale. */
export const beatMs = 5_000;
/** What may wait in one client's socket before it is read to from the log, at its own pace. */
export const backlogBytesMax = 256 * 1024;
/** A client that takes nothing for so long is cut off. */
const patienceMs = 30_000;
const pageMax = 200;
const streamsMax = 64;

/** What a client of the stream asked for. */
export interface StreamRequest {
  readonly topics: ReadonlySet<LiveEventName> | undefined;
  /** Only what happens to these terminals. */
  readonly serials: ReadonlySet<string> | undefined;
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
 * Server-sent events (WHATWG HTML, 9.2). A client is a place in the log: it is sent what comes as long as it takes it, and what
 * it did not take yet is read for it later and not kept in memory. Ids are `run-number`: a number of another log cannot be
 * mistaken for one of this. A client whose place the log no longer has gets `resync`, and nothing of what it missed.
 */
export function openLiveStreams(world: World, live: LiveFeed, drainMs = patienceMs): LiveStreams {
  const run = live.run ?? Buffer.from(world.entropy(4)).toString('hex');
  const frames = new WeakMap<NumberedEvent, string>();
  const open = new Set<() => void>();
  const read = async (id: number): Promise<readonly NumberedEvent[] | undefined> =>
    live.read ? await live.read(id, pageMax) : live.since(id)?.slice(0, pageMax);

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
    open(response, { topics, serials, lastEventId, isAllowed }) {
      response.writeHead(200, {
        ...response.getHeaders(),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.write('retry: 2000\n\n');
      let sent = live.latest;
      /** Whether it is being read to from the log. */
      let isBehind = false;
      let isOver = false;
      let drained: (() => void) | undefined;

      const resync = (): void => {
        sent = live.latest;
        response.write(`id: ${run}-${sent}\nevent: resync\ndata: {}\n\n`);
      };
      const send = (numbered: NumberedEvent): void => {
        if (numbered.id <= sent) return;
        sent = numbered.id;
        const { name, data } = numbered.event;
        if (topics && !topics.has(name)) return;
        if (serials && !('serial' in data && serials.has(data.serial)) && name !== 'resync') return;
        const frame = frameOf(run, numbered, frames);
        if (frame === undefined) world.log('error', 'a live event had the wrong shape', { name });
        else response.write(frame);
      };
      const isChoked = (): boolean => response.writableLength > backlogBytesMax;
      /** Waits until the client took what it was sent; false when it takes too long, and is cut off. */
      const drain = async (): Promise<boolean> => {
        if (isOver || !isChoked()) return !isOver;
        const hasDrained = await new Promise<boolean>((resolve) => {
          const timer = world.timers.after(drainMs, () => resolve(false));
          drained = () => {
            timer.cancel();
            resolve(!isOver);
          };
        });
        drained = undefined;
        if (!hasDrained && !isOver) {
          world.log('warn', 'slow live stream cut off', { waitedMs: drainMs });
          end();
          response.destroy();
        }
        return hasDrained;
      };
      const catchUp = async (): Promise<void> => {
        isBehind = true;
        while (await drain()) {
          if (sent >= live.latest) break;
          const missed = await read(sent);
          if (!missed) resync();
          else if (missed.length === 0) sent = live.latest;
          else missed.forEach(send);
        }
        isBehind = false;
      };
      const follow = (): void => {
        catchUp().catch((cause: unknown) => {
          world.log('error', 'live stream failed', { fault: { code: 'INTERNAL', cause } });
          end();
        });
      };
      const end = (): void => {
        isOver = true;
        drained?.();
        open.delete(end);
        unlisten();
        beat.cancel();
        response.end();
      };

      const unlisten = live.listen((numbered) => {
        if (isBehind) return;
        send(numbered);
        if (isChoked()) follow();
      });
      const place = placeOf(lastEventId, run, live.latest);
      if (place === undefined) resync();
      else {
        sent = place;
        if (sent < live.latest) follow();
      }
      const sayBeat = (): void => {
        if (!isAllowed()) return end();
        if (isChoked()) return;
        response.write(`event: beat\ndata: {"at":"${new Date(world.clock.now()).toISOString()}"}\n\n`);
      };
      sayBeat();
      const beat = world.timers.every(beatMs, sayBeat);
      response.on('drain', () => drained?.());
      response.on('close', end);
      response.on('error', end);
      open.add(end);
    },
  };
}

/** Where a client stands: at the end when it is new, undefined when its id is none of this log. */
function placeOf(lastEventId: string | undefined, run: string, latest: number): number | undefined {
  if (lastEventId === undefined || lastEventId === '') return latest;
  const [ofRun, number] = lastEventId.split('-');
  if (ofRun !== run || !/^\d{1,15}$/.test(number ?? '') || Number(number) > latest) return undefined;
  return Number(number);
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
