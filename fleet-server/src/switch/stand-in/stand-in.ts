import { createHash } from 'node:crypto';
import { adviceReasons, localTransactionTime, operations, terminalLink } from '@tsunagu/protocols/acquiring';
import type { StandInRule, StandInUse } from '@tsunagu/protocols/fleet';
import { isApproval, type FieldValue, type Message } from '@tsunagu/protocols/iso8583';
import { lastFour, type Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
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
  /** What the issuer said of the advice. Nothing happens for a sale that was not approved here. */
  advised(saleId: string, actionCode: string): Promise<void>;
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
): StandIn {
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
      return await store.write(async (tx): Promise<StoodIn | StandInRefusal> => {
        const latelyFrom = at - (rule.velocity?.minutes ?? 0) * minuteMs;
        const own = await usedOf(tx, asked, node, day, latelyFrom);
        const all = await usedOf(tx, asked, undefined, day, latelyFrom);
        const refusal = judgeStandIn(rule, node, { ...asked, isListed: false }, { own, all });
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
    },
    async release(saleId) {
      await store.write((tx) => tx.deleteFrom('switch_stand_in').where('sale_id', '=', saleId).execute());
    },
    async advised(saleId, actionCode) {
      const isTaken = isApproval(actionCode) || /^90[01]$|^913$/.test(actionCode);
      await store.write((tx) =>
        tx
          .updateTable('switch_stand_in')
          .set(isTaken ? { state: 'taken' } : { state: 'refused', action_code: actionCode })
          .where('sale_id', '=', saleId)
          .where('state', '=', 'advising')
          .execute(),
      );
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

/** What a node gave away, or all of them, and what still stands: a sale that was reversed gives its part of every limit back. */
async function usedOf(
  tx: Transaction<Database>,
  { link, panToken, merchant }: Pick<StandInAsked, 'link' | 'panToken' | 'merchant'>,
  node: string | undefined,
  day: string,
  latelyFrom: number,
): Promise<StandInUsed> {
  const given = tx
    .selectFrom('switch_stand_in')
    .leftJoin('switch_sales', 'switch_sales.id', 'switch_stand_in.sale_id')
    .where('switch_stand_in.link', '=', link)
    .where((on) =>
      on.or([on('switch_sales.state', 'is', null), on('switch_sales.state', 'not in', ['reversing', 'reversed'])]),
    );
  const standing = node === undefined ? given : given.where('switch_stand_in.node', '=', node);
  const total = standing
    .where('switch_stand_in.day', '=', day)
    .select((on) => [
      on.fn.coalesce(on.fn.sum<number>('switch_stand_in.amount_minor'), on.lit(0)).as('minor'),
      on.fn.countAll<number>().as('count'),
    ]);
  const card = await total.where('switch_stand_in.pan_token', '=', panToken).executeTakeFirstOrThrow();
  const shop = await total.where('switch_stand_in.merchant', '=', merchant).executeTakeFirstOrThrow();
  const issuer = await total.executeTakeFirstOrThrow();
  const lately = await standing
    .where('switch_stand_in.pan_token', '=', panToken)
    .where('switch_stand_in.at', '>', latelyFrom)
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return {
    cardDay: { minor: Number(card.minor), count: Number(card.count) },
    cardLately: Number(lately.count),
    merchantDayMinor: Number(shop.minor),
    issuerDayMinor: Number(issuer.minor),
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
