import type { Query, QueryDocument, QueryField, QueryOperator, QueryValue } from '@tsunagu/protocols/fleet';
import { type RawBuilder, sql } from 'kysely';
import type { Queryable } from '../store/index.ts';
import { baseKeyOf, factsOf, factsRows } from './facts.ts';
import { holds, isByVersion, matches } from './rules/match.ts';

/** What a query stands on besides the rows. */
export interface Context {
  readonly now: number;
}

/** Text of a field in SQL; undefined where the database does not have it. */
const columns: Readonly<Record<string, RawBuilder<unknown>>> = {
  serial: sql.ref('terminals.serial'),
  model: sql.ref('terminals.model'),
  merchant: sql.ref('terminals.merchant'),
  shop: sql.ref('terminals.shop'),
  lane: sql.ref('terminals.lane'),
  parent: sql.ref('terminals.parent'),
  lifecycle: sql.ref('terminals.lifecycle'),
  link: sql`coalesce(presence.state, 'never')`,
  drift: sql.ref('twin.drift'),
  baseKey: baseKeyOf,
  version: sql`json_extract(presence.hello, '$.software.version')`,
  hardware: sql`json_extract(presence.hello, '$.hardware')`,
  // A text there is no number, and in SQLite it would be above each.
  battery: sql`case when json_type(presence.hello, '$.battery') in ('integer', 'real') then json_extract(presence.hello, '$.battery') end`,
};

const operators: Readonly<Record<Exclude<QueryOperator, '~'>, RawBuilder<unknown>>> = {
  '=': sql`=`,
  '!=': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
};

type Condition = RawBuilder<boolean>;
const document = (name: QueryDocument) => sql.ref(name === 'hello' ? 'presence.hello' : `twin.${name}`);
const jsonPath = (path: readonly string[]): string =>
  path.reduce((text, step) => text + (/^\d+$/.test(step) ? `[${step}]` : `.${step}`), '$');

/** Two values only: what is absent compares as false. */
const decided = (condition: RawBuilder<unknown>): Condition => sql<boolean>`coalesce(${condition}, 0)`;

/**
 * A query as a condition of SQL over `factsRows`. Versions
 * have no order there, so the versions that occur are asked for first and compared here.
 */
async function conditionOf(on: Queryable, query: Query, context: Context): Promise<Condition | undefined> {
  switch (query.kind) {
    case 'all':
      return sql<boolean>`1 = 1`;
    case 'not': {
      const part = await conditionOf(on, query.part, context);
      return part && sql<boolean>`not ${part}`;
    }
    case 'and':
    case 'or': {
      const parts: Condition[] = [];
      for (const one of query.parts) {
        const part = await conditionOf(on, one, context);
        if (!part) return undefined;
        parts.push(part);
      }
      return sql<boolean>`(${sql.join(parts, query.kind === 'and' ? sql` and ` : sql` or `)})`;
    }
    default:
      return await testOf(on, query, context);
  }
}

async function testOf(
  on: Queryable,
  test: Extract<Query, { readonly field: QueryField }>,
  context: Context,
): Promise<Condition | undefined> {
  const { field } = test;
  const pairs: readonly (readonly [QueryOperator, QueryValue])[] =
    test.kind === 'in' ? test.values.map((value) => ['=', value] as const) : [[test.operator, test.value]];
  if (pairs.some(([operator, value]) => isByVersion(field, operator, value))) {
    const text =
      field.kind === 'any' ? sql`json_extract(${document(field.name)}, ${jsonPath(field.path)})` : columns['version'];
    if (!text) return undefined;
    // One table has the values: joined with the others, each row of the fleet would be looked up once more.
    const from = field.kind === 'any' && field.name !== 'hello' ? sql`terminal_configurations as twin` : sql`presence`;
    const { rows: found } = await sql<{
      readonly value: unknown;
    }>`select distinct ${text} as value from ${from} limit 10000`.execute(on);
    const good = found.map(({ value }) => value).filter((value) => holds(test, value));
    return good.length === 0 ? sql<boolean>`1 = 0` : decided(sql`${text} in (${sql.join(good)})`);
  }
  const parts = pairs.map(([operator, value]) => comparison(field, operator, value, context.now));
  return sql<boolean>`(${sql.join(parts, sql` or `)})`;
}

function comparison(field: QueryField, operator: QueryOperator, value: QueryValue, now: number): Condition {
  if (field.kind === 'any') {
    const at = sql`${document(field.name)}, ${jsonPath(field.path)}`;
    const found = sql`json_extract(${at})`;
    const type = sql`json_type(${at})`;
    if (operator === '~') return decided(sql`${type} = 'text' and ${contains(found, value)}`);
    if (typeof value === 'boolean')
      return decided(
        operator === '='
          ? sql`${type} = ${String(value)}`
          : sql`${type} in ('true', 'false') and ${type} <> ${String(value)}`,
      );
    if (typeof value === 'number')
      return decided(sql`${type} in ('integer', 'real') and ${found} ${operators[operator]} ${value}`);
    return decided(sql`${type} = 'text' and ${found} ${operators[operator]} ${value}`);
  }
  if (field.name === 'enrolled' || field.name === 'tampered') {
    const isSet =
      field.name === 'enrolled'
        ? sql`terminals.enrolled_at is not null`
        : sql`coalesce(json_type(presence.hello, '$.tampered'), 'null') <> 'null'`;
    return sql<boolean>`((${isSet}) = ${(operator === '=') === value ? 1 : 0})`;
  }
  const found =
    field.name === 'offlineHours'
      ? sql`case when presence.state in ('lost', 'disconnected') then (${now} - presence.since) / 3600000.0 end`
      : field.name === 'idleMinutes'
        ? sql`(${now} - coalesce(sale.at, terminals.enrolled_at)) / 60000.0`
        : (columns[field.name] ?? sql`null`);
  if (operator === '~') return decided(contains(found, value));
  return decided(sql`${found} ${operators[operator]} ${value}`);
}

const contains = (found: RawBuilder<unknown>, value: QueryValue): RawBuilder<unknown> =>
  sql`instr(lower(${found}), lower(${String(value)})) > 0`;

/** A terminal that a query found. */
export interface Found {
  readonly ordinal: number;
  readonly serial: string;
}

/** How many rows are looked at in one go where the database cannot decide. */
const pageMax = 5_000;

/**
 * Ordinals and serials of the terminals that meet a query, by rising ordinal. Terminals without an ordinal are left out: `numberTerminals` first.
 * @param part those behind an ordinal, so many at the most; all unless told
 */
export async function select(
  on: Queryable,
  query: Query,
  context: Context,
  part?: { readonly after: number; readonly limit: number },
): Promise<readonly Found[]> {
  const condition = await conditionOf(on, query, context);
  if (condition) {
    return await factsRows(on)
      .select(['ordinals.ordinal', 'ordinals.serial'])
      .where(condition)
      .$if(part !== undefined, (rows) =>
        rows.where('ordinals.ordinal', '>', part?.after ?? 0).limit(part?.limit ?? pageMax),
      )
      .orderBy('ordinals.ordinal')
      .execute();
  }
  const found: Found[] = [];
  for (let after = part?.after ?? 0; ; ) {
    const rows = await factsOf(on, { after, limit: pageMax });
    for (const facts of rows)
      if (matches(query, facts, context.now)) found.push({ ordinal: facts.ordinal, serial: facts.serial });
    const last = rows.at(-1);
    if (part && found.length >= part.limit) return found.slice(0, part.limit);
    if (!last || rows.length < pageMax) return found;
    after = last.ordinal;
  }
}
