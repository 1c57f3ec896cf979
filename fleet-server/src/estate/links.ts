import type { Serial } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { type Columns, insertRows, selectRows, type Store, updateRows } from '../store/index.ts';

/** How the link of a terminal is now. */
export interface LinkChange {
  readonly serial: Serial;
  readonly state: 'ready' | 'lost' | 'disconnected';
  /** Of the boot that says so; undefined where the connection itself tells. */
  readonly boot: number | undefined;
}

/** Changes that one transaction notes. */
const batchMax = 512;

interface Presence {
  readonly serial: string;
  readonly state: LinkChange['state'];
  readonly since: number;
}
type Known = Presence & { readonly boot_seq: number };
type Noted = { readonly serial: string; readonly at: number; readonly kind: string; readonly facts: string };
const presenceColumns: Columns<Presence & Record<string, string | number>> = { plain: ['state', 'since'] };
const noteColumns: Columns<Noted & Record<string, string | number>> = { plain: ['serial', 'at', 'kind', 'facts'] };

/** What the links of terminals stand on. */
export interface LinkRooms {
  readonly world: Pick<World, 'clock'>;
  readonly store: Store;
  /** Whether a terminal has a connection now. */
  readonly isConnected: (serial: Serial) => boolean;
  readonly announce: (serial: Serial) => void;
}

/**
 * Notes changes of links. Losses are noted in batches, what comes while one is written in the next: a whole fleet that goes at once costs a few
 * transactions, and whoever comes back finds the house idle. A loss is noted later than it was seen, so one whose terminal is back by then
 * is none: what its hello said stands.
 */
export function openLinks({ world, store, isConnected, announce }: LinkRooms): (change: LinkChange) => Promise<void> {
  const waiting: { readonly change: LinkChange; readonly tell: (noted: Promise<void>) => void }[] = [];
  let isNoting = false;

  async function note(changes: readonly LinkChange[]): Promise<void> {
    const noted = await store.write(async (tx) => {
      const since = world.clock.now();
      const keys = [...new Set(changes.map(({ serial }) => serial))].map((serial) => [serial]);
      const rows = await selectRows<'presence', Known>(
        tx,
        'presence',
        ['serial'],
        keys,
        'serial, state, since, boot_seq',
      );
      const before = new Map(rows.map((row) => [row.serial, row]));
      const after = new Map<Serial, Known>();
      const notes: Noted[] = [];
      for (const change of changes) {
        const { serial, state } = change;
        const present = after.get(serial) ?? before.get(serial);
        if (!present || !isNews(present, change) || (state === 'lost' && isConnected(serial))) continue;
        after.set(serial, { ...present, state, since });
        const kind = state === 'ready' ? 'connected' : 'lost';
        notes.push({ serial, at: since, kind, facts: JSON.stringify({ state }) });
      }
      await updateRows(tx, 'presence', 'serial', presenceColumns, [...after.values()].map(shown));
      await insertRows(
        tx,
        'timeline',
        noteColumns,
        notes.map(({ ...row }) => row),
      );
      return after.keys();
    });
    for (const serial of noted) announce(serial);
  }

  async function noteAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchMax);
      const noted = note(batch.map(({ change }) => change));
      for (const { tell } of batch) tell(noted);
      await noted.catch(() => undefined);
    }
    isNoting = false;
  }

  return (change) => {
    if (change.state !== 'lost') return note([change]);
    return new Promise((tell) => {
      waiting.push({ change, tell });
      if (isNoting) return;
      isNoting = true;
      void noteAll();
    });
  };
}

const shown = ({ serial, state, since }: Known) => ({ serial, state, since });

/** Whether a change of a link changes what is known. An earlier boot has no say; a link that ended on purpose is not lost when its connection closes after that. */
const isNews = (known: Known, { state, boot }: LinkChange): boolean =>
  known.state !== state &&
  (boot === undefined || boot >= known.boot_seq) &&
  !(state === 'lost' && known.state === 'disconnected');
