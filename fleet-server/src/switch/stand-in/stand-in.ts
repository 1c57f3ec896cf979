import { createHash } from 'node:crypto';
import { adviceReasons, localTransactionTime, operations, terminalLink } from '@tsunagu/protocols/acquiring';
import type { StandInRule, StandInUse } from '@tsunagu/protocols/fleet';
import { type FieldValue, type Message } from '@tsunagu/protocols/iso8583';
import { lastFour, type Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import { type Database, isoTime, type Store } from '../../store/index.ts';
import type { SwitchRules } from '../rules/rules.ts';
import {
  adviceOf,
  judgeRequest,
  judgeStandIn,
  type StandInAdvice,
  type StandInRefusal,
  type StandInRequest,
  type StandInUsed,
} from './rules.ts';

/** What somebody wants while the issuer is away, with what limits are counted by. */
export interface StandInAsked extends Omit<StandInRequest, 'isListed'> {
  readonly saleId: string;
  readonly link: string;
  readonly pan: Secret<'pan'>;
  readonly panToken: string;
  /** DE42. */
  readonly merchant: string;
}

/** An approval in the issuer's place: durable, and counted, before anybody hears of it. */
export interface StoodIn {
  /** DE38: six characters. */
  readonly approvalCode: string;
  /** What the issuer is told by. */
  readonly advice: StandInAdvice;
}

/** Answers in the place of issuers that are away, within what they allow. */
export interface StandIn {
  /** Whether it would approve; changes nothing. `approve`, or why not. */
  explain(asked: Omit<StandInRequest, 'isListed'>, link: string): 'approve' | StandInRefusal;
  /** Approves, or says why not. What was given away is on disk when this resolves. */
  approve(asked: StandInAsked): Promise<StoodIn | StandInRefusal>;
  /** Takes back an approval that nobody was told of: the request was known already. */
  release(saleId: string): Promise<void>;
  /** The sale of an approval is on disk by now, or its commit failed: it is in nobody's hand any more. */
  left(saleId: string): void;
  /**
   * Takes back the approvals that no sale ever came of: the process died, or the commit failed, between the two. Nobody was told of any. For whoever holds the
   * epoch, which no other node can commit a sale under; what this node has in hand stays.
   */
  releaseLost(): Promise<void>;
  /** Whether a sale was approved here. */
  has(saleId: string): Promise<boolean>;
  /** Approvals, newest first. */
  list(
    limit: number,
    before: number | undefined,
    state: StandInUse['state'] | undefined,
  ): Promise<readonly (StandInUse & { readonly seq: number })[]>;
}

const minuteMs = 60_000;
/** The highest rowid that a page begins below; SQLite and PostgreSQL alike order by time and id. */
const everything = Number.MAX_SAFE_INTEGER;

/** Opens stand-in. @param node which of the nodes of the switch this is: its share of each limit is its own */
export function openStandIn(
  world: Pick<World, 'clock'>,
  store: Store,
  rules: () => SwitchRules,
  isListed: (pan: Secret<'pan'>) => Promise<boolean>,
  node = 'main',
  /** A commit under the epoch, where a sale that the log alone has counts as well. */
  fenced: <T>(work: (tx: Transaction<Database>) => Promise<T>) => Promise<T> = (work) => store.write(work),
): StandIn {
  const inHand = new Set<string>();
  const ruleOf = (link: string): StandInRule | undefined => rules().standIn.issuers.find((rule) => rule.link === link);

  return {
    explain: (asked, link) => judgeRequest(ruleOf(link), { ...asked, isListed: false }) ?? 'approve',
    async approve(asked) {
      const rule = ruleOf(asked.link);
      const early = judgeRequest(rule, { ...asked, isListed: false });
      const advice = adviceOf(asked.operation);
      if (rule === undefined || early !== undefined) return early ?? 'no-rule';
      if (advice === undefined) return 'operation';
      if (await isListed(asked.pan)) return 'listed';
      const at = world.clock.now();
      const day = localTransactionTime(at).slice(0, 6);
      const approvalCode = approvalCodeOf(asked.saleId);
      inHand.add(asked.saleId);
      const given = await store.write(async (tx): Promise<StoodIn | StandInRefusal> => {
        const latelyFrom = at - (rule.velocity?.minutes ?? 0) * minuteMs;
        const used = await usedOf(tx, asked, node, day, latelyFrom);
        const refusal = judgeStandIn(rule, node, { ...asked, isListed: false }, used);
        if (refusal !== undefined) return refusal;
        await tx
          .insertInto('switch_stand_in')
          .values({
            sale_id: asked.saleId,
            at,
            link: asked.link,
            rule_version: rules().standIn.version,
            node,
            day,
            pan_token: asked.panToken,
            last_four: lastFour(asked.pan),
            merchant: asked.merchant,
            amount_minor: asked.amountMinor,
            approval_code: approvalCode,
            state: 'advising',
            action_code: null,
          })
          .execute();
        return { approvalCode, advice };
      });
      if (typeof given !== 'object') inHand.delete(asked.saleId);
      return given;
    },
    left: (saleId) => void inHand.delete(saleId),
    async releaseLost() {
      await fenced(async (tx) => {
        const lost = await tx
          .selectFrom('switch_stand_in')
          .select('sale_id')
          .where('state', '=', 'advising')
          .where((row) =>
            row.not(
              row.exists(
                row
                  .selectFrom('switch_sales')
                  .select('switch_sales.id')
                  .whereRef('switch_sales.id', '=', 'switch_stand_in.sale_id')
                  .where('switch_sales.state', 'in', ['posting', 'posted', 'voiding', 'reversing', 'reversed']),
              ),
            ),
          )
          .execute();
        for (const { sale_id } of lost)
          if (!inHand.has(sale_id)) await tx.deleteFrom('switch_stand_in').where('sale_id', '=', sale_id).execute();
      });
    },
    async release(saleId) {
      await store.write((tx) => tx.deleteFrom('switch_stand_in').where('sale_id', '=', saleId).execute());
    },
    has: async (saleId) =>
      (await store.db
        .selectFrom('switch_stand_in')
        .select('sale_id')
        .where('sale_id', '=', saleId)
        .executeTakeFirst()) !== undefined,
    async list(limit, before = everything, state) {
      let query = store.db.selectFrom('switch_stand_in').selectAll().where('at', '<', before);
      if (state !== undefined) query = query.where('state', '=', state);
      const rows = await query.orderBy('at', 'desc').orderBy('sale_id', 'desc').limit(limit).execute();
      return rows.map((row) => ({
        seq: row.at,
        sale: row.sale_id,
        at: isoTime(row.at),
        link: row.link,
        rule: row.rule_version,
        lastFour: row.last_four,
        amountMinor: row.amount_minor,
        node: row.node,
        state: row.state,
        actionCode: row.action_code,
      }));
    },
  };
}

/** What this node gave away, and all of them, and what still stands: a sale that was reversed gives its part of every limit back. One look at the rows of the day. */
async function usedOf(
  tx: Transaction<Database>,
  { link, panToken, merchant }: Pick<StandInAsked, 'link' | 'panToken' | 'merchant'>,
  node: string,
  day: string,
  latelyFrom: number,
): Promise<{ readonly own: StandInUsed; readonly all: StandInUsed }> {
  const today = sql<boolean>`switch_stand_in.day = ${day}`;
  const card = sql<boolean>`switch_stand_in.pan_token = ${panToken}`;
  const shop = sql<boolean>`switch_stand_in.merchant = ${merchant}`;
  const lately = sql<boolean>`switch_stand_in.at > ${latelyFrom}`;
  const mine = sql<boolean>`switch_stand_in.node = ${node}`;
  const both = (conditions: readonly RawBuilder<boolean>[]) => sql.join(conditions, sql` and `);
  const minor = (...conditions: readonly RawBuilder<boolean>[]) =>
    sql<number>`coalesce(sum(case when ${both(conditions)} then switch_stand_in.amount_minor end), 0)`;
  const count = (...conditions: readonly RawBuilder<boolean>[]) =>
    sql<number>`count(case when ${both(conditions)} then 1 end)`;
  const used = await tx
    .selectFrom('switch_stand_in')
    .leftJoin('switch_sales', 'switch_sales.id', 'switch_stand_in.sale_id')
    .where('switch_stand_in.link', '=', link)
    .where((on) => on.or([today, on.and([card, lately])]))
    .where((on) =>
      on.or([on('switch_sales.state', 'is', null), on('switch_sales.state', 'not in', ['reversing', 'reversed'])]),
    )
    .select([
      minor(mine, today, card).as('ownCardMinor'),
      count(mine, today, card).as('ownCardCount'),
      count(mine, card, lately).as('ownCardLately'),
      minor(mine, today, shop).as('ownShopMinor'),
      minor(mine, today).as('ownIssuerMinor'),
      minor(today, card).as('cardMinor'),
      count(today, card).as('cardCount'),
      count(card, lately).as('cardLately'),
      minor(today, shop).as('shopMinor'),
      minor(today).as('issuerMinor'),
    ])
    .executeTakeFirstOrThrow();
  return {
    own: {
      cardDay: { minor: Number(used.ownCardMinor), count: Number(used.ownCardCount) },
      cardLately: Number(used.ownCardLately),
      merchantDayMinor: Number(used.ownShopMinor),
      issuerDayMinor: Number(used.ownIssuerMinor),
    },
    all: {
      cardDay: { minor: Number(used.cardMinor), count: Number(used.cardCount) },
      cardLately: Number(used.cardLately),
      merchantDayMinor: Number(used.shopMinor),
      issuerDayMinor: Number(used.issuerMinor),
    },
  };
}

/** Begins with S, so that anybody who reads a slip knows whose approval it is. */
const approvalCodeOf = (saleId: string): string =>
  `S${createHash('sha256').update(saleId).digest('hex').slice(0, 5).toUpperCase()}`;

/**
 * What the issuer hears of an approval in its place: a 1220 of a sale, a 1120 of an authorisation, which posts nothing, with reason, approval code and
 * decision, and who decided (DE58). PIN and track stay behind: they are for a decision that was made.
 */
export function standInAdvice(request: Message, { approvalCode, advice }: StoodIn): Message {
  const { mti, functions } = operations[advice];
  const fields: { [element: number]: FieldValue } = {};
  for (const [number, value] of Object.entries(request.fields))
    if (number !== '35' && number !== '52') fields[Number(number)] = value;
  return {
    mti,
    fields: {
      ...fields,
      24: functions[0],
      25: adviceReasons.issuerUnavailable,
      38: approvalCode,
      39: '000',
      58: terminalLink.acquirerId,
    },
  };
}
