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
    const owned = copyOf(bytes);
    wipe(bytes);
    return new Secret(kind, owned);
  }

  /** Copies bytes (all, or from `start` up to `end`) and leaves the caller's as they are: for a message that is still being read. */
  static copy<K extends SecretKind>(kind: K, bytes: Uint8Array, start = 0, end = bytes.length): Secret<K> {
    return new Secret(kind, copyOf(bytes, start, end));
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

/** Secrets are short: up to here the array functions spend longer on their arguments than on the bytes. */
const shortMax = 64;

/** A plain array, whatever kind the bytes come in: a Buffer's memory may be shared with others. */
function copyOf(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  const length = end - start;
  const copy = new Uint8Array(length);
  if (length > shortMax) copy.set(bytes.subarray(start, end));
  else for (let index = 0; index < length; index += 1) copy[index] = bytes[start + index] ?? 0;
  return copy;
}

function wipe(bytes: Uint8Array): void {
  if (bytes.length > shortMax) bytes.fill(0);
  else for (let index = 0; index < bytes.length; index += 1) bytes[index] = 0;
}

/** A PAN as its ASCII digits. */
export const secretPan = (digits: string): Secret<'pan'> =>
  Secret.take('pan', Uint8Array.from(Buffer.from(digits, 'latin1')));

/** The last four digits of a PAN, which a person may see (PCI DSS 4.0.1, 3.4.1). */
export const lastFour = (pan: Secret<'pan'>): string =>
  pan.use((digits) => Buffer.from(digits.subarray(Math.max(0, digits.length - 4))).toString('latin1'));
