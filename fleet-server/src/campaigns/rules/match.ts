import type {
  DriftReason,
  LifecycleState,
  Query,
  QueryField,
  QueryOperator,
  QueryValue,
} from '@tsunagu/protocols/fleet';
import semver from 'semver';

/** What is known of a terminal, as queries and rules look at it. What is not known is undefined. */
export interface TerminalFacts {
  readonly ordinal: number;
  readonly serial: string;
  readonly model: string;
  readonly merchant: string;
  readonly shop: string;
  readonly lane: string;
  readonly parent: string | undefined;
  /** How the line of its parent stands: a child is heard through it alone. */
  readonly parentLink?: string | undefined;
  readonly lifecycle: LifecycleState;
  readonly link: string;
  readonly drift: string | undefined;
  /** What keeps it from what is desired of it now, the answer to something older left out. */
  readonly driftReason?: DriftReason | undefined;
  readonly version: string | undefined;
  /** Revision of its hardware. */
  readonly hardware?: string | undefined;
  readonly enrolled: boolean;
  /** Whether it has a certificate in force: without one it never comes back by itself. */
  readonly isCertified?: boolean;
  readonly tampered: boolean;
  /** Milliseconds since 1970: since when the link is as it is. */
  readonly linkSince: number | undefined;
  /** Milliseconds since 1970: the last sale; of a terminal that never sold, its enrolment. */
  readonly idleSince: number | undefined;
  readonly battery: number | undefined;
  readonly baseKey: string | undefined;
  readonly hello: unknown;
  readonly reported: unknown;
  readonly desired: unknown;
  /** What the terminal's own layer sets, above all campaigns. */
  readonly own?: unknown;
  readonly desiredVersion: number;
  /** Whether what is in force equals what is desired. */
  readonly isAsDesired: boolean;
}

/** What stands in a field; `now` is what ages are told from. */
export function valueOf(field: QueryField, facts: TerminalFacts, now: number): unknown {
  if (field.kind === 'any') return atPath(facts[field.name], field.path);
  switch (field.name) {
    case 'offlineHours':
      return facts.link === 'ready' || facts.linkSince === undefined ? undefined : (now - facts.linkSince) / 3_600_000;
    case 'idleMinutes':
      return facts.idleSince === undefined ? undefined : (now - facts.idleSince) / 60_000;
    default:
      return facts[field.name];
  }
}

/** A place in a document; numbers are places in lists. */
export function atPath(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    const isPlace = /^\d+$/.test(step);
    if (Array.isArray(value)) value = isPlace ? value[Number(step)] : undefined;
    else value = isPlace ? undefined : new Map(Object.entries(value)).get(step);
  }
  return value ?? undefined;
}

/** Whether a terminal meets a query. */
export const matches = (query: Query, facts: TerminalFacts, now: number): boolean =>
  firstFailure(query, facts, now) === undefined;

/**
 * The test that keeps a terminal out: its text, and the field that it is about. `field` is empty where other fields would do as well: then
 * none of them alone is the reason. Undefined when the terminal meets the query.
 */
export function firstFailure(
  query: Query,
  facts: TerminalFacts,
  now: number,
): { readonly text: string; readonly field: string } | undefined {
  switch (query.kind) {
    case 'all':
      return undefined;
    case 'and':
      for (const part of query.parts) {
        const failure = firstFailure(part, facts, now);
        if (failure) return failure;
      }
      return undefined;
    case 'or': {
      const failures = query.parts.map((part) => firstFailure(part, facts, now));
      if (failures.some((failure) => failure === undefined)) return undefined;
      return {
        text: failures.map((failure) => failure?.text).join(' or '),
        field: onlyOne(failures.map((failure) => failure?.field)),
      };
    }
    case 'not':
      return firstFailure(query.part, facts, now) === undefined
        ? { text: query.text, field: fieldOf(query.part) }
        : undefined;
    case 'compare':
    case 'in':
      return holds(query, valueOf(query.field, facts, now)) ? undefined : { text: query.text, field: query.field.name };
  }
}

/** The field that a query is about; empty where it is about several. */
function fieldOf(query: Query): string {
  if ('field' in query) return query.field.name;
  if ('part' in query) return fieldOf(query.part);
  return 'parts' in query ? onlyOne(query.parts.map(fieldOf)) : '';
}

const onlyOne = (fields: readonly (string | undefined)[]): string =>
  fields.every((field) => field === fields[0]) ? (fields[0] ?? '') : '';

/** Whether a test holds for what stands in its field. */
export function holds(test: Extract<Query, { readonly field: QueryField }>, found: unknown): boolean {
  if (found === undefined || found === null) return false;
  if (test.kind === 'in') return test.values.some((value) => compare(test.field, found, '=', value));
  return compare(test.field, found, test.operator, test.value);
}

function compare(field: QueryField, found: unknown, operator: QueryOperator, value: QueryValue): boolean {
  if (operator === '~') return typeof found === 'string' && plainLower(found).includes(plainLower(String(value)));
  const isOrder = operator !== '=' && operator !== '!=';
  if (isByVersion(field, operator, value))
    return typeof found === 'string' && byVersion(found, operator, String(value));
  if (typeof found !== typeof value) return false;
  if (isOrder && typeof found !== 'number') return false;
  if (typeof found === 'object') return false;
  return byOrder(found === value ? 0 : Number(found) < Number(value) ? -1 : 1, operator);
}

/** Whether a test compares versions: as such they have an order that no database knows. */
export const isByVersion = (field: QueryField, operator: QueryOperator, value: QueryValue): boolean =>
  operator !== '~' &&
  (field.kind === 'version' ||
    (field.kind === 'any' && typeof value === 'string' && operator !== '=' && operator !== '!='));

/** Versions by the precedence of Semantic Versioning 2.0.0, 11; what is none is only equal to itself. */
function byVersion(found: string, operator: QueryOperator, value: string): boolean {
  const [one, other] = [versionOf(found), versionOf(value)];
  if (one && other) return byOrder(semver.compare(one, other), operator);
  return operator === '=' ? found === value : operator === '!=' && found !== value;
}

/** A version, with parts that were left out as 0. */
const versionOf = (text: string): semver.SemVer | null => {
  const parts = /^(\d+)(?:\.(\d+))?$/.exec(text);
  return semver.parse(parts ? `${parts[1]}.${parts[2] ?? 0}.0` : text);
};

/** Whether one version comes after another; false where one of them is none. */
export const isNewer = (version: string, than: string): boolean => byVersion(version, '>', than);

function byOrder(order: number, operator: QueryOperator): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case '~':
      return false;
  }
}

/** Lower case of A to Z alone, as the database does it. */
const plainLower = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
