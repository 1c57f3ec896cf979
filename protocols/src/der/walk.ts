import { FaultError, type Result } from '../kit/index.ts';
import { type DerElement, elementsOf, oidText, readDer, tags, timeOf } from './reader.ts';

/**
 * Walks the elements of one constructed element in order, as an ASN.1 module lists them. A step that does not fit ends
 * the walk by throwing the fault, which `derWalk` turns back into a result: a structure of forty fields reads as forty
 * lines, and none can be skipped by mistake.
 */
export class DerWalk {
  readonly #elements: readonly DerElement[];
  #next = 0;

  constructor(content: Uint8Array) {
    this.#elements = must(elementsOf(content));
  }

  /** The next element, whatever it is. */
  any(): DerElement {
    const element = this.#elements[this.#next] ?? malformed();
    this.#next += 1;
    return element;
  }

  /** The next element, which has this tag. */
  take(tag: number): DerElement {
    const element = this.any();
    return element.tag === tag ? element : malformed();
  }

  /** The next element if it has this tag. */
  maybe(tag: number): DerElement | undefined {
    return this.#elements[this.#next]?.tag === tag ? this.any() : undefined;
  }

  /** Walks into the next element, which has this tag. */
  into(tag: number): DerWalk {
    return new DerWalk(this.take(tag).content);
  }

  /** The next element as an object identifier. */
  oid(): string {
    return oidText(this.take(tags.oid).content) ?? malformed();
  }

  /** The next element as a small number, such as a version. */
  small(): number {
    const { content } = this.take(tags.integer);
    const [octet] = content;
    return content.length === 1 && octet !== undefined && octet < 0x80 ? octet : malformed();
  }

  /** The next element as an unsigned integer's octets, without leading zeros. */
  unsigned(): Uint8Array {
    const { content } = this.take(tags.integer);
    const [first = 0x80, second = 0x80] = content;
    if (first >= 0x80 || (first === 0 && content.length > 1 && second < 0x80)) return malformed();
    return first === 0 && content.length > 1 ? content.subarray(1) : content;
  }

  /** The next element as a time in milliseconds since 1970. */
  time(): number {
    return timeOf(this.any()) ?? malformed();
  }

  /** All that is left. */
  rest(): readonly DerElement[] {
    const left = this.#elements.slice(this.#next);
    this.#next = this.#elements.length;
    return left;
  }

  get isAtEnd(): boolean {
    return this.#next === this.#elements.length;
  }

  /** States that nothing is left. */
  end(): void {
    if (!this.isAtEnd) malformed();
  }
}

/** Ends a walk: the structure is not what was expected. */
export function malformed(): never {
  throw new FaultError({ code: 'DER_INVALID' });
}

function must<T>(result: Result<T, 'DER_INVALID'>): T {
  if (result.ok) return result.value;
  throw new FaultError(result.fault);
}

/** Walks into the one element that fills `bytes` and has this tag. */
export function walkInto(bytes: Uint8Array, tag: number): DerWalk {
  const element = must(readDer(bytes));
  return element.tag === tag ? new DerWalk(element.content) : malformed();
}
