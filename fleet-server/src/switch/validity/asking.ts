import { paymentRequest, withCard } from '@tsunagu/protocols/acquiring';
import type { DecodedMessage } from '@tsunagu/protocols/iso8583';
import type { Secret } from '@tsunagu/protocols/kit';
import {
  bringsCard,
  type CheckedCard,
  sealCard,
  type ValidityHeader,
  type ValidityVerdict,
} from '@tsunagu/protocols/validity';
import type { World } from '@tsunagu/protocols/world';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import { isFenced } from '../journal/epoch.ts';
import { differences, issuerRequest } from '../transaction/messages.ts';
import type { ValidityRooms } from './rooms.ts';
import { acquirerOf, judgeValidity, nowhere, type ValidityWord } from './rules.ts';
import type { Seals } from './seals.ts';
import type { CardRow } from './tables.ts';

/** Cards of one look at what waits. */
const lot = 250;
/** An issuer that says nothing about a card, so often: it is not judged. */
const attemptsMax = 6;
/** Pauses: until a link is looked at again that is not there or has no room, and between two attempts at one card. */
const lookMs = 1_000;
const againMs = 5_000;

/** The issuers being asked, each at the pace of its link. */
export interface Asking {
  /** Goes on with whatever waits. */
  begin(): void;
  /** Asks nothing more; resolves when nothing is under way. */
  close(): Promise<void>;
}

/** Asks about the cards of all files that have arrived. */
export function openAsking(
  world: Pick<World, 'clock' | 'timers' | 'entropy' | 'log'>,
  rooms: Pick<ValidityRooms, 'store' | 'journal' | 'issuers' | 'numbers' | 'centre'>,
  seals: Pick<Seals, 'cardOf' | 'keyOf'>,
): Asking {
  const { db } = rooms.store;
  const pumps = new Map<string, Promise<void>>();
  let isStopped = false;

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
    const card = seals.cardOf(row);
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
      const isOwn = answer.type === 'answered' && differences(issuer.link, request, answer.message).length === 0;
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
  const files = new Map<string, Promise<OpenFile>>();
  function fileOf(id: string): Promise<OpenFile> {
    const known = files.get(id);
    if (known) return known;
    const opening = openFile(id);
    files.set(id, opening);
    opening.catch(() => files.delete(id));
    return opening;
  }
  async function openFile(id: string): Promise<OpenFile> {
    const row = await db.selectFrom('switch_validity_files').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const header = JSON.parse(row.header) as ValidityHeader;
    const acquirer = acquirerOf(rooms.centre(row.link)?.link, header) ?? header.acquirer;
    return { header, acquirer, key: seals.keyOf(row) };
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

  return {
    begin,
    async close() {
      isStopped = true;
      await Promise.all(pumps.values());
      for (const opened of files.values()) (await opened).key.wipe();
    },
  };
}

function wordOf(message: DecodedMessage): ValidityWord {
  const pan = message.secret(2);
  return {
    actionCode: message.text(39) ?? '909',
    pan: pan?.kind === 'pan' ? (pan as Secret<'pan'>) : undefined,
    expiry: message.text(14),
  };
}
