import { z } from 'zod';
import { fail, ok, type Result } from '../kit/index.ts';

/** What a field of a query holds: how it is compared follows from it. */
export type QueryFieldKind = 'text' | 'number' | 'version' | 'flag' | 'any';

/**
 * What terminals can be asked for by. `reported`, `desired` and `hello` are documents: a path follows (`hello.software.slot`),
 * and what stands there says how it is compared.
 */
export const queryFields = {
  serial: 'text',
  model: 'text',
  merchant: 'text',
  shop: 'text',
  lane: 'text',
  parent: 'text',
  lifecycle: 'text',
  /** ready, lost, disconnected, never. */
  link: 'text',
  drift: 'text',
  /** Of the software that runs. */
  version: 'version',
  /** Revision of the hardware, where a terminal says it. */
  hardware: 'text',
  enrolled: 'flag',
  tampered: 'flag',
  /** Hours since the link was lost; absent while it is up. */
  offlineHours: 'number',
  /** Minutes since the last sale; before the first, since it was enrolled. */
  idleMinutes: 'number',
  /** Per cent of charge, where a terminal says it. */
  battery: 'number',
  /** The base key of the DUKPT key that it proved last; of the one on its way where it proved none. */
  baseKey: 'text',
} as const satisfies Record<string, QueryFieldKind>;
/** A name in `queryFields`. */
export type QueryFieldName = keyof typeof queryFields;
/** Documents of a terminal that a path leads into. */
export const queryDocuments = ['reported', 'desired', 'hello'] as const;
/** A name in `queryDocuments`. */
export type QueryDocument = (typeof queryDocuments)[number];

/** What is compared: a field, or a place in a document. */
export type QueryField =
  | { readonly name: QueryFieldName; readonly kind: Exclude<QueryFieldKind, 'any'> }
  | { readonly name: QueryDocument; readonly path: readonly string[]; readonly kind: 'any' };

/** How two values are compared; `~` asks whether the text is contained, whatever its case. */
export const queryOperators = ['=', '!=', '<=', '>=', '<', '>', '~'] as const;
/** One of `queryOperators`. */
export type QueryOperator = (typeof queryOperators)[number];

/** A value that is compared with. */
export type QueryValue = string | number | boolean;

/**
 * A query as a tree. Each leaf keeps the text that it was made of, so that a person can be told which one did not hold. What a
 * terminal does not have compares as false under every operator, and `not` turns that into true: there is no third value.
 */
export type Query =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Query[] }
  | { readonly kind: 'not'; readonly part: Query; readonly text: string }
  | {
      readonly kind: 'compare';
      readonly field: QueryField;
      readonly operator: QueryOperator;
      readonly value: QueryValue;
      readonly text: string;
    }
  | {
      readonly kind: 'in';
      readonly field: QueryField;
      readonly values: readonly QueryValue[];
      readonly text: string;
    };

/** The most characters of a query, and the deepest nesting of parentheses and `not`. */
const queryLengthMax = 2_000;
/** The text of a query, as it comes from outside; `parseQuery` reads it. */
export const queryText = z.string().max(queryLengthMax);
const depthMax = 32;
const listMax = 500;

interface Token {
  readonly kind: 'word' | 'text' | 'number' | 'operator' | 'mark' | 'end';
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

const patterns = [
  ['text', /"(?:[^"\\]|\\["\\])*"/y],
  ['operator', /(?:!=|<=|>=|=|<|>|~)/y],
  ['mark', /[(),]/y],
  ['number', /-?\d+(?:\.\d+)?(?![\w.+-])/y],
  ['word', /[\p{L}\p{N}_][\p{L}\p{N}_.+-]*/uy],
] as const;

function tokensOf(source: string): Result<readonly Token[], 'QUERY_INVALID'> {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(source[at] ?? '')) at += 1;
    if (at >= source.length) break;
    const token = patterns
      .map(([kind, pattern]) => {
        pattern.lastIndex = at;
        const text = pattern.exec(source)?.[0];
        return text === undefined ? undefined : { kind, text, at, end: at + text.length };
      })
      .find((found) => found !== undefined);
    if (!token) return refuse(at, source[at] === '"' ? 'a closing quotation mark' : 'a field, value or operator');
    tokens.push(token);
    at = token.end;
  }
  return ok([...tokens, { kind: 'end', text: '', at: source.length, end: source.length }]);
}

/** The position counts UTF-16 units from 0; `expected` is told in words. */
const refuse = (at: number, expected: string): Result<never, 'QUERY_INVALID'> =>
  fail('QUERY_INVALID', { offset: at, field: `query:${at}`, facts: { at, expected } });

class Refused extends Error {
  readonly at: number;
  readonly expected: string;
  constructor(at: number, expected: string) {
    super('refused');
    this.at = at;
    this.expected = expected;
  }
}

/**
 * Reads a query. An empty one is everybody.
 *
 * ```text
 * query   = and *("or" and)          and  = unary *("and" unary)        unary = "not" unary | "(" query ")" | test
 * test    = field op value | field ["not"] "in" "(" value *("," value) ")" | flag
 * op      = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
 * ```
 *
 * @returns the tree. QUERY_INVALID says where (`offset`) and what was expected there.
 */
export function parseQuery(source: string): Result<Query, 'QUERY_INVALID'> {
  if (source.length > queryLengthMax) return refuse(queryLengthMax, 'an end');
  if (source.trim() === '') return ok({ kind: 'all' });
  const tokens = tokensOf(source);
  if (!tokens.ok) return tokens;
  try {
    const reader = new Reader(source, tokens.value);
    const query = reader.either(0);
    reader.end();
    return ok(query);
  } catch (error) {
    if (error instanceof Refused) return refuse(error.at, error.expected);
    throw error;
  }
}

class Reader {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: string, tokens: readonly Token[]) {
    this.#source = source;
    this.#tokens = tokens;
  }

  get #token(): Token {
    const token = this.#tokens[this.#next];
    if (!token) throw new Error('read beyond the end');
    return token;
  }

  #take(): Token {
    const token = this.#token;
    if (token.kind !== 'end') this.#next += 1;
    return token;
  }

  #isWord = (word: string): boolean => this.#token.kind === 'word' && this.#token.text.toLowerCase() === word;

  #accept(isIt: boolean): boolean {
    if (isIt) this.#next += 1;
    return isIt;
  }

  #mark(mark: string): void {
    if (!this.#accept(this.#token.kind === 'mark' && this.#token.text === mark))
      throw new Refused(this.#token.at, `"${mark}"`);
  }

  end(): void {
    if (this.#token.kind !== 'end') throw new Refused(this.#token.at, '"and", "or" or the end');
  }

  either(depth: number): Query {
    return this.#chain('or', () => this.#chain('and', () => this.#unary(depth)));
  }

  #chain(kind: 'and' | 'or', part: () => Query): Query {
    const first = part();
    const parts = [first];
    while (this.#accept(this.#isWord(kind))) parts.push(part());
    return parts.length === 1 ? first : { kind, parts };
  }

  #unary(depth: number): Query {
    const { at, kind, text } = this.#token;
    if (depth > depthMax) throw new Refused(at, 'less nesting');
    if (this.#accept(this.#isWord('not'))) {
      const part = this.#unary(depth + 1);
      return { kind: 'not', part, text: this.#textFrom(at) };
    }
    if (this.#accept(kind === 'mark' && text === '(')) {
      const inner = this.either(depth + 1);
      this.#mark(')');
      return inner;
    }
    return this.#test();
  }

  #textFrom = (at: number): string => this.#source.slice(at, this.#tokens[this.#next - 1]?.end ?? at);

  #test(): Query {
    const { at } = this.#token;
    const field = this.#field();
    const isNegated = this.#accept(this.#isWord('not'));
    if (this.#accept(this.#isWord('in'))) {
      this.#mark('(');
      const values = [this.#value(field, '=')];
      while (this.#accept(this.#token.kind === 'mark' && this.#token.text === ',')) {
        if (values.length >= listMax) throw new Refused(this.#token.at, `at most ${listMax} values`);
        values.push(this.#value(field, '='));
      }
      this.#mark(')');
      const text = this.#textFrom(at);
      const test: Query = { kind: 'in', field, values, text };
      return isNegated ? { kind: 'not', part: test, text } : test;
    }
    if (isNegated) throw new Refused(this.#token.at, '"in"');
    if (this.#token.kind !== 'operator') {
      if (field.kind === 'flag')
        return { kind: 'compare', field, operator: '=', value: true, text: this.#textFrom(at) };
      throw new Refused(this.#token.at, 'an operator or "in"');
    }
    const said = this.#take();
    const operator = queryOperators.find((one) => one === said.text) ?? '=';
    if (operator !== '=' && operator !== '!=' && field.kind === 'flag') throw new Refused(said.at, '"=" or "!="');
    if (operator === '~' && field.kind === 'number') throw new Refused(said.at, 'a comparison of numbers');
    if (field.kind === 'text' && /[<>]/.test(operator)) throw new Refused(said.at, '"=", "!=" or "~"');
    const value = this.#value(field, operator);
    return { kind: 'compare', field, operator, value, text: this.#textFrom(at) };
  }

  #field(): QueryField {
    const token = this.#take();
    if (token.kind !== 'word') throw new Refused(token.at, 'a field');
    const [first = '', ...path] = token.text.split('.');
    const document = queryDocuments.find((name) => name === first);
    if (document) {
      if (path.length === 0 || path.length > 8 || !path.every((step) => /^\w{1,40}$/.test(step)))
        throw new Refused(token.at, `a path after "${document}."`);
      return { name: document, path, kind: 'any' };
    }
    if (!isFieldName(token.text)) throw new Refused(token.at, `one of ${Object.keys(queryFields).join(', ')}`);
    return { name: token.text, kind: queryFields[token.text] };
  }

  #value(field: QueryField, operator: QueryOperator): QueryValue {
    const token = this.#take();
    if (token.kind === 'text') {
      if (field.kind === 'number') throw new Refused(token.at, 'a number');
      if (field.kind === 'flag') throw new Refused(token.at, '"true" or "false"');
      return token.text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
    }
    if (token.kind !== 'number' && token.kind !== 'word') throw new Refused(token.at, 'a value');
    if (field.kind === 'text') return token.text;
    if (field.kind === 'version') {
      if (/[<>]/.test(operator) && !/^\d/.test(token.text)) throw new Refused(token.at, 'a version like 1.2.3');
      return token.text;
    }
    if (field.kind === 'flag' || (field.kind === 'any' && token.kind === 'word')) {
      const word = token.text.toLowerCase();
      if (word === 'true' || word === 'false') return word === 'true';
      if (field.kind === 'flag') throw new Refused(token.at, '"true" or "false"');
    }
    if (token.kind === 'number') return Number(token.text);
    if (field.kind === 'number') throw new Refused(token.at, 'a number');
    return token.text;
  }
}

const isFieldName = (name: string): name is QueryFieldName => Object.hasOwn(queryFields, name);

/** The fields that a query names. */
export function fieldsOf(query: Query): ReadonlySet<string> {
  if (query.kind === 'all') return new Set();
  if ('parts' in query) return new Set(query.parts.flatMap((part) => [...fieldsOf(part)]));
  return 'part' in query ? fieldsOf(query.part) : new Set([query.field.name]);
}
