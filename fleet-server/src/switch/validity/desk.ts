import { createHash } from 'node:crypto';
import type { ValidityFileDetail, ValidityFileView } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  type CheckedCard,
  type ValidityHeader,
  type ValidityLineFault,
  type ValidityRecord,
  ValidityRequestFile,
  writeValidityAnswers,
} from '@tsunagu/protocols/validity';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import { type Database, insertRows, highestFirst, type Page, type PageRequest, pageOn } from '../../store/index.ts';
import { linkUnknown } from '../link/link-unknown.ts';
import { leadingDigits } from '../routing/route.ts';
import { openAsking } from './asking.ts';
import { acquirerOf, nowhere } from './rules.ts';
import { openSeals } from './seals.ts';
import type { CardRow, FileRow } from './tables.ts';
import type { ValidityRooms } from './rooms.ts';
import { faultsOf, openViews, verdictOf } from './views.ts';

/** Why a file is not taken. */
export type HandInCode =
  | 'LINK_UNKNOWN'
  | 'VALIDITY_LINK_REFUSED'
  | 'VALIDITY_FILE_REFUSED'
  | 'VALIDITY_FILE_DIFFERS'
  | 'VALIDITY_FILE_ARRIVING'
  | 'VALIDITY_BUSY';

/** Files of cards that merchant centres ask about. */
export interface ValidityDesk {
  /** Takes a file; every card of it is on disk, sealed, when this resolves. The same file again changes nothing. */
  handIn(link: string, text: string, by: string): Promise<Result<ValidityFileDetail, HandInCode>>;
  /** Newest first. */
  list(page: PageRequest): Promise<Result<Page<ValidityFileView>, 'INPUT_INVALID'>>;
  show(id: string): Promise<Result<ValidityFileDetail, 'VALIDITY_FILE_UNKNOWN'>>;
  /** The answers, sealed for whoever sent the file. */
  answers(
    id: string,
  ): Promise<Result<{ readonly name: string; readonly text: string }, 'VALIDITY_FILE_UNKNOWN' | 'VALIDITY_FILE_OPEN'>>;
  /** Asks nothing more; resolves when nothing is under way. */
  close(): Promise<void>;
}

/** Records of one commit, and of one turn of the loop: sales go on between two of them. */
const takenAtOnce = 50;
/** Files that may be asked about at once. */
const openMax = 64;
const keptMs = 90 * 86_400_000;
/** Opens the desk: forgets what nobody was told of, and goes on with what was under way. */
export async function openValidityDesk(
  world: Pick<World, 'clock' | 'timers' | 'entropy' | 'id' | 'log'>,
  rooms: ValidityRooms,
): Promise<ValidityDesk> {
  const { db } = rooms.store;
  const seals = openSeals(rooms.vault);
  const views = openViews(rooms.store, rooms.issuers);
  const asking = openAsking(world, rooms, seals);
  /** Files that are being taken now, by link and number: two at once would be one. What arrives and is not among them was left half-way. */
  const arriving = new Set<string>();
  const owner = (card: CheckedCard): string =>
    rooms.rules.router.route(
      {
        digits: leadingDigits(card.pan),
        operation: 'validity',
        entry: 'stored',
        amountMinor: 0,
        nowMs: world.clock.now(),
      },
      rooms.health,
    ).first?.link ?? nowhere;

  async function forget(): Promise<void> {
    await rooms.journal.write(async (tx) => {
      const gone = await tx
        .selectFrom('switch_validity_files')
        .select(['id', 'link', 'file_id'])
        .where((where) =>
          where.or([where('state', '=', 'arriving'), where('done_at', '<', world.clock.now() - keptMs)]),
        )
        .execute();
      for (const { id, link, file_id } of gone) if (!arriving.has(`${link}/${file_id}`)) await remove(tx, id);
    });
  }

  /** The records of a file, sealed by the vault, lot by lot. */
  async function take(id: string, file: ValidityRequestFile, row: Omit<FileRow, 'seq'>): Promise<void> {
    const faults: ValidityLineFault[] = [];
    let records = 0;
    await rooms.journal.write(async (tx) => {
      await tx.insertInto('switch_validity_files').values(row).execute();
    });
    while (!file.isOver) {
      const read = file.read(takenAtOnce);
      faults.push(...read.faults);
      records += read.records.length;
      const rows = read.records.map((record) => cardRow(id, record));
      await rooms.journal.write((tx) => insertRows(tx, 'switch_validity_cards', cardColumns, rows));
    }
    const isDone = records === 0;
    await rooms.journal.write(async (tx) => {
      await tx
        .updateTable('switch_validity_files')
        .set({
          records,
          faults: JSON.stringify(faults),
          state: isDone ? 'done' : 'asking',
          done_at: isDone ? world.clock.now() : null,
        })
        .where('id', '=', id)
        .execute();
    });
    world.log('info', 'validityFileTaken', { file: id, link: row.link, records, refused: faults.length, by: row.by });
  }

  function cardRow(file: string, { sequence, reference, pan, expiry }: ValidityRecord): Omit<CardRow, 'seq'> {
    const card = seals.sealCard(file, sequence, { pan, expiry });
    const link = owner({ pan, expiry });
    pan.wipe();
    return {
      file,
      sequence,
      reference,
      card,
      link,
      attempts: 0,
      next_at: world.clock.now(),
      verdict: null,
      action_code: null,
      box: null,
    };
  }

  async function handIn(link: string, text: string, by: string): Promise<Result<ValidityFileDetail, HandInCode>> {
    const centre = rooms.centre(link);
    if (!centre) return linkUnknown(link);
    if (centre.link.side !== 'acquirer') return fail('VALIDITY_LINK_REFUSED', { field: 'link', facts: { link } });
    const opened = ValidityRequestFile.open(text, centre.zoneKbpk);
    if (!opened.ok) return opened;
    const file = opened.value;
    const { header } = file;
    const name = `${link}/${header.fileId}`;
    let isTaker = false;
    try {
      if (acquirerOf(centre.link, header) === undefined)
        return fail('VALIDITY_LINK_REFUSED', { field: 'acquirer', facts: { link, acquirer: header.acquirer } });
      if (arriving.has(name)) return fail('VALIDITY_FILE_ARRIVING', { facts: { file: header.fileId } });
      arriving.add(name);
      isTaker = true;
      const digest = createHash('sha256').update(text).digest('hex');
      const known = await db
        .selectFrom('switch_validity_files')
        .selectAll()
        .where('link', '=', link)
        .where('file_id', '=', header.fileId)
        .executeTakeFirst();
      if (known && known.state !== 'arriving')
        return known.digest === digest
          ? ok(await views.detail(known))
          : fail('VALIDITY_FILE_DIFFERS', { facts: { file: header.fileId, id: known.id } });
      // Its taking failed half-way, and nobody was told of it.
      if (known) await rooms.journal.write((tx) => remove(tx, known.id));
      const open = await db
        .selectFrom('switch_validity_files')
        .select(({ fn }) => fn.countAll<number>().as('files'))
        .where('state', '<>', 'done')
        .executeTakeFirstOrThrow();
      if (Number(open.files) >= openMax) return fail('VALIDITY_BUSY', { facts: { open: Number(open.files) } });
      const id = world.id();
      const data_key = seals.sealKey(id, file.key);
      await take(id, file, {
        id,
        link,
        file_id: header.fileId,
        digest,
        header: JSON.stringify(header),
        data_key,
        state: 'arriving',
        records: 0,
        faults: '[]',
        at: world.clock.now(),
        done_at: null,
        by,
      });
      asking.begin();
      const row = await views.row(id);
      if (!row) throw new Error('a file that was written is there');
      return ok(await views.detail(row));
    } finally {
      if (isTaker) arriving.delete(name);
      file.key.wipe();
    }
  }

  await forget();
  const forgetting = world.timers.every(86_400_000, () => {
    forget().catch((cause: unknown) =>
      world.log('error', 'validityNotForgotten', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } }),
    );
  });
  asking.begin();

  return {
    handIn,
    async list(page) {
      const query = db.selectFrom('switch_validity_files').selectAll().where('state', '<>', 'arriving');
      const found = await pageOn(query, highestFirst('seq'), page);
      if (!found.ok) return found;
      return ok({ ...found.value, items: await Promise.all(found.value.items.map((row) => views.view(row))) });
    },
    async show(id) {
      const row = await views.row(id);
      return row ? ok(await views.detail(row)) : fail('VALIDITY_FILE_UNKNOWN', { facts: { id } });
    },
    async answers(id) {
      const row = await views.row(id);
      if (!row) return fail('VALIDITY_FILE_UNKNOWN', { facts: { id } });
      if (row.state !== 'done') return fail('VALIDITY_FILE_OPEN', { facts: { id } });
      const cards = await db
        .selectFrom('switch_validity_cards')
        .select(['sequence', 'reference', 'verdict', 'action_code', 'box'])
        .where('file', '=', id)
        .orderBy('sequence')
        .execute();
      const key = seals.keyOf(row);
      const lines = cards.map(({ sequence, reference, verdict, action_code, box }) => ({
        sequence,
        reference,
        verdict: verdictOf(verdict),
        actionCode: action_code ?? undefined,
        box: box ?? undefined,
      }));
      const header = JSON.parse(row.header) as ValidityHeader;
      const text = writeValidityAnswers(header, lines, faultsOf(row), key, world.entropy(12));
      key.wipe();
      return ok({ name: `${row.link}-${row.file_id}.answers`, text });
    },
    async close() {
      forgetting.cancel();
      await asking.close();
    },
  };
}

async function remove(tx: Transaction<Database>, id: string): Promise<void> {
  await tx.deleteFrom('switch_validity_cards').where('file', '=', id).execute();
  await tx.deleteFrom('switch_validity_files').where('id', '=', id).execute();
}

const cardColumns = {
  plain: ['file', 'sequence', 'reference', 'link', 'attempts', 'next_at', 'verdict', 'action_code', 'box'],
  bytes: ['card'],
} as const;
