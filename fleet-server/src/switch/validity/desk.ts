import { createHash } from 'node:crypto';
import { type Link, paymentRequest, withCard } from '@tsunagu/protocols/acquiring';
import type { ValidityFileDetail, ValidityFileView } from '@tsunagu/protocols/fleet';
import { type DecodedMessage } from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result, Secret, unwrap } from '@tsunagu/protocols/kit';
import {
  bringsCard,
  type CheckedCard,
  sealCard,
  totalsOfVerdicts,
  type ValidityHeader,
  type ValidityLineFault,
  type ValidityRecord,
  ValidityRequestFile,
  type ValidityVerdict,
  validityVerdictNames,
  writeValidityAnswers,
} from '@tsunagu/protocols/validity';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import {
  boundedLimit,
  type Database,
  insertRows,
  isoTime,
  numberOfCursor,
  type Page,
  pageOf,
  type PageRequest,
  type Store,
} from '../../store/index.ts';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import { isFenced } from '../journal/epoch.ts';
import type { Journal } from '../journal/journal.ts';
import type { Numbers } from '../journal/numbers.ts';
import type { SwitchVault } from '../ports.ts';
import { leadingDigits, type LinkHealth } from '../routing/route.ts';
import type { SwitchRules } from '../rules/rules.ts';
import { firstDifference, issuerRequest } from '../transaction/messages.ts';
import { judgeValidity, type ValidityWord } from './rules.ts';
import type { ValidityTables } from './tables.ts';

/** What the desk needs of the switch. */
export interface ValidityRooms {
  readonly store: Pick<Store, 'db'>;
  readonly vault: Pick<SwitchVault, 'seal' | 'open'>;
  readonly journal: Pick<Journal, 'write'>;
  readonly rules: SwitchRules;
  readonly health: LinkHealth;
  readonly issuers: ReadonlyMap<string, IssuerLink>;
  numbers(link: string): Numbers;
  /** A merchant centre, and the key-block protection key of its zone. */
  centre(link: string): { readonly link: Link; readonly zoneKbpk: Secret<'key'> } | undefined;
}

/** Why a file is not taken. */
export type HandInCode =
  | 'LINK_UNKNOWN'
  | 'VALIDITY_LINK_REFUSED'
  | 'VALIDITY_FILE_REFUSED'
  | 'VALIDITY_FILE_DIFFERS'
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

type FileRow = Selectable<ValidityTables['switch_validity_files']>;
type CardRow = Selectable<ValidityTables['switch_validity_cards']>;

/** Records of one commit, and of one turn of the loop: sales go on between two of them. */
const takenAtOnce = 50;
/** Cards of one look at what waits. */
const lot = 250;
/** Files that may be asked about at once. */
const openMax = 64;
const faultsShown = 100;
const keptMs = 90 * 86_400_000;
/** An issuer that says nothing about a card, so often: it is not judged. */
const attemptsMax = 6;
/** Pauses: until a link is looked at again that is not there or has no room, and between two attempts at one card. */
const lookMs = 1_000;
const againMs = 5_000;
/** Who does not hear of a route goes nowhere. */
const nowhere = '';

/** Opens the desk: forgets what nobody was told of, and goes on with what was under way. */
export async function openValidityDesk(
  world: Pick<World, 'clock' | 'timers' | 'entropy' | 'id' | 'log'>,
  rooms: ValidityRooms,
): Promise<ValidityDesk> {
  const { db } = rooms.store;
  const pumps = new Map<string, Promise<void>>();
  /** Files that are being taken now, by link and number: two at once would be one. What arrives and is not among them was left half-way. */
  const arriving = new Set<string>();
  let isStopped = false;
  const sealed = (file: string, sequence: number): string => `switch/validity/${file}/${sequence}`;
  const keyOf = ({ id, data_key }: Pick<FileRow, 'id' | 'data_key'>): Secret<'key'> =>
    Secret.take('key', Uint8Array.from(unwrap(rooms.vault.open(`switch/validity/${id}`, data_key))));

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
    const content = pan.use((digits) => Buffer.concat([Buffer.from(expiry ?? '0000', 'latin1'), digits]));
    const card = rooms.vault.seal(sealed(file, sequence), content);
    content.fill(0);
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

  function cardOf(row: CardRow): CheckedCard {
    if (row.card === null) throw new Error('a card that was answered is not kept');
    const content = unwrap(rooms.vault.open(sealed(row.file, row.sequence), row.card));
    const expiry = Buffer.from(content.subarray(0, 4)).toString('latin1');
    const pan = Secret.copy('pan', content, 4);
    content.fill(0);
    return { pan, expiry: expiry === '0000' ? undefined : expiry };
  }

  /** A file that is still arriving is not asked about. */
  const asking = () => db.selectFrom('switch_validity_files').select('id').where('state', '=', 'asking');

  /** Starts to ask every issuer that cards wait for. */
  async function look(): Promise<void> {
    const waiting = await db
      .selectFrom('switch_validity_cards')
      .select('link')
      .distinct()
      .where('verdict', 'is', null)
      .where('file', 'in', asking())
      .execute();
    for (const { link } of waiting) if (!pumps.has(link) && !isStopped) pumps.set(link, pump(link));
  }

  /** Asks one issuer, card by card, at the pace of its link, until nothing waits for it. */
  async function pump(link: string): Promise<void> {
    try {
      while (!isStopped) {
        const now = world.clock.now();
        const rows = await db
          .selectFrom('switch_validity_cards')
          .selectAll()
          .where('link', '=', link)
          .where('verdict', 'is', null)
          .where('file', 'in', asking())
          .orderBy('next_at')
          .orderBy('seq')
          .limit(lot)
          .execute();
        if (rows.length === 0) {
          pumps.delete(link);
          // What came in the meantime found this one still at work.
          return begin();
        }
        const due = rows.filter(({ next_at }) => next_at <= now);
        if (due.length === 0 || !(await askAll(link, due))) await world.timers.sleep(lookMs);
      }
    } catch (cause) {
      world.log('error', 'validityStopped', { link, fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      // A node that is fenced asks no more; a disk that fails is tried again.
      if (!isFenced(cause) && !isStopped) world.timers.after(againMs, () => begin());
    }
    pumps.delete(link);
  }

  /** @returns false where the link is not there, or has no room */
  async function askAll(link: string, rows: readonly CardRow[]): Promise<boolean> {
    const issuer = rooms.issuers.get(link);
    if (!issuer) {
      for (const row of rows) await settle(row, 'notJudged', link === nowhere ? '908' : undefined, undefined);
      return true;
    }
    const { perSecond, inFlightMax } = issuer.link.batch;
    const underWay = new Set<Promise<void>>();
    let failed: { readonly cause: unknown } | undefined;
    let isRoom = true;
    for (const row of rows) {
      if (isStopped || failed) break;
      // Sales go first: half of what may be under way is left to them.
      isRoom = issuer.isReady && issuer.inFlight * 2 < issuer.link.inFlightMax;
      if (!isRoom) break;
      const asking = ask(issuer, row)
        .catch((cause: unknown) => {
          failed ??= { cause };
        })
        .finally(() => underWay.delete(asking));
      underWay.add(asking);
      await world.timers.sleep(1_000 / perSecond);
      if (underWay.size >= inFlightMax) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    if (failed) throw failed.cause;
    return isRoom;
  }

  async function ask(issuer: IssuerLink, row: CardRow): Promise<void> {
    const card = cardOf(row);
    try {
      const { header, acquirer } = await fileOf(row.file);
      const now = world.clock.now();
      const outStan = await rooms.numbers(issuer.link.id).next();
      const request = issuerRequest(
        withCard(
          paymentRequest({
            operation: 'validity',
            terminalId: 'VALIDITY',
            merchantId: header.merchant.padEnd(15),
            abilities: { readers: [], pinPad: false, printer: 'none', screen: 'mono' },
            stan: outStan,
            nowMs: now,
            amountMinor: 0,
            entry: 'stored',
            verification: 'none',
          }),
          card,
        ),
        acquirer,
        issuer.link,
        outStan,
        now,
      );
      const answer = await issuer.request(request, issuer.link.profile.timers.requestMs);
      const isOwn = answer.type === 'answered' && firstDifference(issuer.link, request, answer.message) === undefined;
      const word = isOwn ? wordOf(answer.message) : undefined;
      const verdict = word && judgeValidity(card, word);
      if (verdict) return await settle(row, verdict, word.actionCode, { card, word });
      // The line went: it was not the card's turn.
      const attempts = answer.type === 'lineLost' ? row.attempts : row.attempts + 1;
      if (attempts >= attemptsMax) return await settle(row, 'notJudged', word?.actionCode ?? '911', undefined);
      await rooms.journal.write(async (tx) => {
        await tx
          .updateTable('switch_validity_cards')
          .set({ attempts, next_at: world.clock.now() + againMs * Math.max(1, attempts) })
          .where('seq', '=', row.seq)
          .execute();
      });
    } finally {
      card.pan.wipe();
    }
  }

  interface OpenFile {
    readonly header: ValidityHeader;
    /** As the link of the centre writes it. */
    readonly acquirer: string;
    readonly key: Secret<'key'>;
  }
  const files = new Map<string, OpenFile>();
  async function fileOf(id: string): Promise<OpenFile> {
    const known = files.get(id);
    if (known) return known;
    const row = await db.selectFrom('switch_validity_files').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const header = JSON.parse(row.header) as ValidityHeader;
    const acquirer = acquirerOf(rooms.centre(row.link)?.link, header) ?? header.acquirer;
    const file = { header, acquirer, key: keyOf(row) };
    files.set(id, file);
    return file;
  }

  /** Writes down what became of a card, which is not kept any longer; with the last one its file is done. */
  async function settle(
    row: CardRow,
    verdict: ValidityVerdict,
    actionCode: string | undefined,
    renewed: { readonly card: CheckedCard; readonly word: ValidityWord } | undefined,
  ): Promise<void> {
    const { header, key } = await fileOf(row.file);
    const { sequence, reference } = row;
    const box =
      renewed && bringsCard(verdict)
        ? sealCard(
            key,
            world.entropy(12),
            { direction: 'answer', ...header, sequence, reference },
            {
              pan: renewed.word.pan ?? renewed.card.pan,
              expiry: renewed.word.expiry,
            },
          )
        : null;
    const isDone = await rooms.journal.write(async (tx) => {
      await tx
        .updateTable('switch_validity_cards')
        .set({ card: null, verdict, action_code: actionCode ?? null, box })
        .where('seq', '=', row.seq)
        .execute();
      const open = await tx
        .selectFrom('switch_validity_cards')
        .select('seq')
        .where('file', '=', row.file)
        .where('verdict', 'is', null)
        .limit(1)
        .executeTakeFirst();
      if (open) return false;
      await tx
        .updateTable('switch_validity_files')
        .set({ state: 'done', done_at: world.clock.now() })
        .where('id', '=', row.file)
        .execute();
      return true;
    });
    if (!isDone) return;
    files.delete(row.file);
    key.wipe();
    world.log('info', 'validityFileDone', { file: row.file });
  }

  function begin(): void {
    look().catch((cause: unknown) => {
      world.log('error', 'validityStopped', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      if (!isFenced(cause) && !isStopped) world.timers.after(againMs, () => begin());
    });
  }

  const waitingOf = (id: string) =>
    db
      .selectFrom('switch_validity_cards')
      .select(({ fn }) => ['link', fn.countAll<number>().as('cards')])
      .where('file', '=', id)
      .where('verdict', 'is', null)
      .groupBy('link')
      .execute();

  async function viewOf(row: FileRow): Promise<ValidityFileView> {
    const waiting = row.state === 'done' ? [] : await waitingOf(row.id);
    return {
      id: row.id,
      link: row.link,
      fileId: row.file_id,
      acquirer: (JSON.parse(row.header) as ValidityHeader).acquirer,
      state: row.state === 'done' ? 'done' : 'asking',
      records: row.records,
      waiting: waiting.reduce((sum, { cards }) => sum + Number(cards), 0),
      refused: faultsOf(row).length,
      at: isoTime(row.at),
      doneAt: row.done_at === null ? null : isoTime(row.done_at),
    };
  }

  async function detailOf(row: FileRow): Promise<ValidityFileDetail> {
    const verdicts = await db
      .selectFrom('switch_validity_cards')
      .select(({ fn }) => ['verdict', fn.countAll<number>().as('cards')])
      .where('file', '=', row.id)
      .where('verdict', 'is not', null)
      .groupBy('verdict')
      .execute();
    const counted = { ...totalsOfVerdicts([]) };
    for (const { verdict, cards } of verdicts) counted[verdictOf(verdict)] = Number(cards);
    return {
      ...(await viewOf(row)),
      verdicts: counted,
      waitingFor: (await waitingOf(row.id)).map(({ link, cards }) => ({
        link,
        cards: Number(cards),
        isUp: rooms.issuers.get(link)?.isReady === true,
      })),
      faults: faultsOf(row)
        .slice(0, faultsShown)
        .map(({ code, line, sequence }) => ({ code, line: line ?? null, sequence: sequence ?? null })),
    };
  }

  const rowOf = (id: string): Promise<FileRow | undefined> =>
    db
      .selectFrom('switch_validity_files')
      .selectAll()
      .where('id', '=', id)
      .where('state', '<>', 'arriving')
      .executeTakeFirst();

  async function handIn(link: string, text: string, by: string): Promise<Result<ValidityFileDetail, HandInCode>> {
    const centre = rooms.centre(link);
    if (!centre) return fail('LINK_UNKNOWN', { facts: { link } });
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
      if (arriving.has(name)) return fail('VALIDITY_BUSY', { facts: { file: header.fileId } });
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
          ? ok(await detailOf(known))
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
      const data_key = file.key.use((bytes) => rooms.vault.seal(`switch/validity/${id}`, Uint8Array.from(bytes)));
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
      begin();
      const row = await rowOf(id);
      if (!row) throw new Error('a file that was written is there');
      return ok(await detailOf(row));
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
  begin();

  return {
    handIn,
    async list(page) {
      const before = numberOfCursor(page.cursor);
      if (!before.ok) return before;
      const limit = boundedLimit(page.limit);
      let query = db.selectFrom('switch_validity_files').selectAll().where('state', '<>', 'arriving');
      if (before.value !== undefined) query = query.where('seq', '<', before.value);
      const rows = await query
        .orderBy('seq', 'desc')
        .limit(limit + 1)
        .execute();
      const { items, next } = pageOf(rows, limit, ({ seq }) => seq, viewOf);
      return ok({ items: await Promise.all(items), next });
    },
    async show(id) {
      const row = await rowOf(id);
      return row ? ok(await detailOf(row)) : fail('VALIDITY_FILE_UNKNOWN', { facts: { id } });
    },
    async answers(id) {
      const row = await rowOf(id);
      if (!row) return fail('VALIDITY_FILE_UNKNOWN', { facts: { id } });
      if (row.state !== 'done') return fail('VALIDITY_FILE_OPEN', { facts: { id } });
      const cards = await db
        .selectFrom('switch_validity_cards')
        .select(['sequence', 'reference', 'verdict', 'action_code', 'box'])
        .where('file', '=', id)
        .orderBy('sequence')
        .execute();
      const key = keyOf(row);
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
      isStopped = true;
      forgetting.cancel();
      await Promise.all(pumps.values());
      for (const { key } of files.values()) key.wipe();
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

const acquirerOf = (link: Link | undefined, header: ValidityHeader): string | undefined =>
  link?.parties.acquirers.find((acquirer) => acquirer.padStart(11, '0') === header.acquirer);

const faultsOf = ({ faults }: Pick<FileRow, 'faults'>): readonly ValidityLineFault[] =>
  JSON.parse(faults) as ValidityLineFault[];

function verdictOf(text: string | null): ValidityVerdict {
  const verdict = validityVerdictNames.find((name) => name === text);
  if (verdict === undefined) throw new Error('a card without a verdict');
  return verdict;
}

function wordOf(message: DecodedMessage): ValidityWord {
  const pan = message.secret(2);
  return {
    actionCode: message.text(39) ?? '909',
    pan: pan?.kind === 'pan' ? (pan as Secret<'pan'>) : undefined,
    expiry: message.text(14),
  };
}
