import { type LiveEvent, liveEvents, parseJson } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { Store } from '../store/index.ts';
import { type LiveHub, type NumberedEvent, openLiveHub } from './hub.ts';

/** How long events are gathered before they are written together. */
const gatherMs = 40;
const batchMax = 500;
const queueMax = 20_000;
const trimEvery = 2_000;
const bytesMax = 1_048_576;

/** A hub whose events are on disk before anybody hears of them, so that a client may come back after a restart. */
export interface EventLog extends LiveHub {
  /** Which log it is: a number of another one means nothing here. */
  readonly run: string;
  /** What came after `id`, oldest first, `limit` at most; undefined when the log no longer reaches back that far. */
  read(id: number, limit: number): Promise<readonly NumberedEvent[] | undefined>;
  /** Writes what was gathered. */
  close(): Promise<void>;
}

/**
 * Opens the event log of a store. It keeps the last `capacity` numbers; overviews are passed on and not kept, since only the
 * newest is worth anything. More than can be written is left out, and everybody is told to fetch anew.
 */
export async function openEventLog(world: World, store: Store, capacity = 50_000): Promise<EventLog> {
  const known = await store.db.selectFrom('live_state').selectAll().executeTakeFirst();
  const run = known?.run ?? Buffer.from(world.entropy(4)).toString('hex');
  if (!known) await store.db.insertInto('live_state').values({ id: 1, run, latest: 0 }).execute();
  const hub = openLiveHub(2_000, known?.latest ?? 0);
  let queue: LiveEvent[] = [];
  let isFull = false;
  /** Nothing is written any more; what still comes is of a house that is being left. */
  let isClosed = false;
  let writing: Promise<void> | undefined;
  let timer: { cancel(): void } | undefined;
  let trimmedAt = hub.latest;

  async function write(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, batchMax);
      const first = hub.latest + 1;
      const at = world.clock.now();
      const rows = batch.flatMap((event, index) =>
        event.name === 'overview'
          ? []
          : [{ id: first + index, at, name: event.name, data: JSON.stringify(event.data) }],
      );
      const latest = first + batch.length - 1;
      await store.write(async (tx) => {
        if (rows.length > 0) await tx.insertInto('live_events').values(rows).execute();
        await tx.updateTable('live_state').set({ latest }).execute();
        if (latest - trimmedAt >= trimEvery)
          await tx
            .deleteFrom('live_events')
            .where('id', '<=', latest - capacity)
            .execute();
      });
      if (latest - trimmedAt >= trimEvery) trimmedAt = latest;
      queue = queue.slice(batch.length);
      for (const event of batch) hub.publish(event);
    }
    isFull = false;
  }

  function flush(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    writing ??= write()
      .catch((cause: unknown) => world.log('error', 'eventsNotKept', { fault: { code: 'INTERNAL', cause } }))
      .finally(() => {
        writing = undefined;
        if (queue.length > 0 && !isClosed) schedule();
      });
    return writing;
  }
  const schedule = (): void => {
    timer ??= world.timers.after(gatherMs, () => void flush());
  };

  return {
    run,
    get latest() {
      return hub.latest;
    },
    since: (id) => hub.since(id),
    listen: (take) => hub.listen(take),
    get isHeard() {
      return hub.isHeard;
    },
    whenHeard: (work) => hub.whenHeard(work),
    publish(event) {
      if (isClosed) return;
      if (queue.length >= queueMax) {
        if (!isFull) queue.push({ name: 'resync', data: {} });
        isFull = true;
        return;
      }
      queue.push(event);
      schedule();
    },
    async read(id, limit) {
      const recent = hub.since(id);
      if (recent) return recent.slice(0, limit);
      if (id > hub.latest || id < hub.latest - capacity) return undefined;
      const rows = await store.db
        .selectFrom('live_events')
        .selectAll()
        .where('id', '>', id)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.flatMap((row) => {
        const event = eventOf(row.name, row.data);
        return event ? [{ id: row.id, event }] : [];
      });
    },
    async close() {
      await flush();
      isClosed = true;
      timer?.cancel();
    },
  };
}

/** An event as it was written; what an older server wrote in another shape is passed over. */
function eventOf(name: string, data: string): LiveEvent | undefined {
  switch (name) {
    case 'terminal': {
      const read = parseJson(liveEvents.terminal, data, bytesMax);
      return read.ok ? { name, data: read.value } : undefined;
    }
    case 'sale': {
      const read = parseJson(liveEvents.sale, data, bytesMax);
      return read.ok ? { name, data: read.value } : undefined;
    }
    case 'job': {
      const read = parseJson(liveEvents.job, data, bytesMax);
      return read.ok ? { name, data: read.value } : undefined;
    }
    case 'timeline': {
      const read = parseJson(liveEvents.timeline, data, bytesMax);
      return read.ok ? { name, data: read.value } : undefined;
    }
    default:
      return { name: 'resync', data: {} };
  }
}
