import { equalInConstantTime, fail, ok, type Result, toHex } from '../kit/index.ts';
import { caKeyHash } from './certificates.ts';
import type { CaPublicKey } from './schemes.ts';

/** A CA public key as a terminal is given it: with the checksum that tells whether it arrived whole. */
export interface CaKeyEntry extends CaPublicKey {
  /** SHA-1 over RID, index, modulus and exponent, 20 bytes. EMV 4.3 Book 2, 11.2.2, table 30. */
  readonly hash: Uint8Array;
}

/** The most keys that a scheme may have in a terminal; EMV demands room for six. EMV 4.3 Book 2, 11.2.2. */
export const caKeysPerSchemeMax = 16;

/** CA public keys that were checked when they were loaded, by RID and index. */
export class CaKeyTable {
  readonly #keys: ReadonlyMap<string, CaPublicKey>;

  private constructor(keys: ReadonlyMap<string, CaPublicKey>) {
    this.#keys = keys;
  }

  static readonly empty: CaKeyTable = new CaKeyTable(new Map());

  /**
   * Loads keys: EMV_KEY_INVALID names RID and index of the first that is wrong (checksum, exponent, size, named twice, too many of one
   * scheme).
   */
  static load(entries: readonly CaKeyEntry[]): Result<CaKeyTable, 'EMV_KEY_INVALID'> {
    const keys = new Map<string, CaPublicKey>();
    const perScheme = new Map<string, number>();
    for (const entry of entries) {
      const name = nameOf(entry.rid, entry.index);
      const count = (perScheme.get(entry.rid) ?? 0) + 1;
      perScheme.set(entry.rid, count);
      if (!isSound(entry) || keys.has(name) || count > caKeysPerSchemeMax)
        return fail('EMV_KEY_INVALID', { field: name });
      keys.set(name, entry);
    }
    return ok(new CaKeyTable(keys));
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Of each scheme the key that ends next, or the last that has ended where all have, by RID. @param today YYYY-MM-DD */
  nextToEnd(today: string): readonly { readonly rid: string; readonly index: string; readonly expiry: string }[] {
    const next = new Map<string, { readonly rid: string; readonly index: string; readonly expiry: string }>();
    for (const { rid, index, expiry } of this.#keys.values()) {
      const before = next.get(rid);
      const isNext =
        before === undefined ||
        (before.expiry < today ? expiry > before.expiry : expiry >= today && expiry < before.expiry);
      if (isNext) next.set(rid, { rid, index: toHex(Uint8Array.of(index)), expiry });
    }
    return [...next.values()].toSorted((one, other) => (one.rid < other.rid ? -1 : 1));
  }

  /** The key that a card names (8F) under its RID, unless it has expired. @param today YYYY-MM-DD */
  find(rid: Uint8Array, index: number, today: string): CaPublicKey | undefined {
    const key = this.#keys.get(nameOf(toHex(rid), index));
    return key === undefined || key.expiry < today ? undefined : key;
  }
}

const nameOf = (rid: string, index: number): string => `${rid}/${toHex(Uint8Array.of(index))}`;

function isSound(entry: CaKeyEntry): boolean {
  const { rid, index, modulus, exponent, expiry, hash } = entry;
  return (
    /^[0-9A-F]{10}$/.test(rid) &&
    Number.isInteger(index) &&
    index >= 0 &&
    index <= 0xff &&
    modulus.length >= 64 &&
    modulus.length <= 248 &&
    (exponent === 3 || exponent === 65537) &&
    /^\d{4}-\d{2}-\d{2}$/.test(expiry) &&
    equalInConstantTime(caKeyHash(entry), hash)
  );
}

/** One issuer certificate that a scheme has withdrawn. EMV 4.3 Book 2, 5.1.2. */
export interface RevokedCertificate {
  /** RID, 5 bytes in hexadecimal. */
  readonly rid: string;
  /** Index of the CA key (8F). */
  readonly index: number;
  /** Serial number of the certificate, 3 bytes in hexadecimal. */
  readonly serial: string;
}

/** The most entries that a terminal keeps; EMV demands room for thirty per scheme. EMV 4.3 Book 2, 5.1.2. */
export const revokedCertificatesMax = 1024;

/** Withdrawn issuer certificates. */
export class RevocationList {
  readonly #names: ReadonlySet<string>;

  constructor(entries: readonly RevokedCertificate[]) {
    if (entries.length > revokedCertificatesMax) throw new Error('more withdrawn certificates than a terminal keeps');
    this.#names = new Set(entries.map(({ rid, index, serial }) => `${nameOf(rid, index)}/${serial}`));
  }

  static readonly empty: RevocationList = new RevocationList([]);

  has(rid: Uint8Array, index: number, serial: Uint8Array): boolean {
    return this.#names.size > 0 && this.#names.has(`${nameOf(toHex(rid), index)}/${toHex(serial)}`);
  }
}
