import { inspect } from 'node:util';

/** What a secret is; it is also all that a secret ever prints. */
export type SecretKind = 'pan' | 'pin' | 'key' | 'claim';

/**
 * Bytes that must not be printed, logged, stored or sent by accident. Wherever a secret lands
 * (template string, JSON, `console.log`, an error) it shows its kind and nothing else.
 */
export class Secret<Kind extends SecretKind = SecretKind> {
  readonly kind: Kind;
  readonly #bytes: Uint8Array;

  private constructor(kind: Kind, bytes: Uint8Array) {
    this.kind = kind;
    this.#bytes = bytes;
  }

  /** Copies the bytes, then zeroes the caller's buffer: one owner from here on. */
  static take<K extends SecretKind>(kind: K, bytes: Uint8Array): Secret<K> {
    const owned = new Uint8Array(bytes);
    bytes.fill(0);
    return new Secret(kind, owned);
  }

  /** Copies the bytes and leaves the caller's as they are: for views into a message that is still being read. */
  static copy<K extends SecretKind>(kind: K, bytes: Uint8Array): Secret<K> {
    return new Secret(kind, new Uint8Array(bytes));
  }

  /** Length in bytes; not secret by itself except for a PIN. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Lends the bytes to `work`; they must not be kept. */
  use<T>(work: (bytes: Uint8Array) => T): T {
    return work(this.#bytes);
  }

  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return `[${this.kind}]`;
  }

  toJSON(): string {
    return `[${this.kind}]`;
  }

  [inspect.custom](): string {
    return `[${this.kind}]`;
  }
}

/** A PAN as its ASCII digits. */
export const secretPan = (digits: string): Secret<'pan'> =>
  Secret.take('pan', Uint8Array.from(Buffer.from(digits, 'latin1')));

/** The last four digits of a PAN, which a person may see (PCI DSS 4.0.1, 3.4.1). */
export const lastFour = (pan: Secret<'pan'>): string =>
  pan.use((digits) => Buffer.from(digits.subarray(Math.max(0, digits.length - 4))).toString('latin1'));
