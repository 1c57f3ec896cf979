import { caKeyHash, type CaPublicKey, exponentBytes, RsaSigner, type Scheme, schemes } from '../emv/index.ts';
import { toHex } from '../kit/index.ts';
import type { CardData } from './card-data.ts';
import { testPrimes } from './primes.ts';

/** Schemes that the test CA serves. */
export type TestScheme = keyof typeof testPrimes.ca;

/** A chain of certificates: lengths and exponents of CA, issuer and card differ. */
export type TestChain = NonNullable<CardData['chain']>;

/** Index (8F) of the test CA's keys, the same under every RID; the schemes keep F0 to FF for tests. */
const caIndexes = { standard: 0xf1, long: 0xf3 } as const satisfies Record<TestChain, number>;
const caExpiry = '2035-12-31';

const made = new Map<string, RsaSigner>();

/** Reading a key from its primes takes a millisecond, so each is made once. */
function signerOf(name: string, { p, q }: { readonly p: string; readonly q: string }, exponent = 3): RsaSigner {
  const known = made.get(name) ?? new RsaSigner(p, q, exponent);
  made.set(name, known);
  return known;
}

/** Whether the test CA serves a scheme. */
export const isTestScheme = (scheme: Scheme): scheme is TestScheme => Object.hasOwn(testPrimes.ca, scheme);

/** The test CA's private key for a scheme: 1408 bits, or 1984 in the long chain, which Visa alone has. */
export const caSigner = (scheme: TestScheme, chain: TestChain = 'standard'): RsaSigner =>
  chain === 'long' ? signerOf('ca long', testPrimes.long.ca) : signerOf(`ca ${scheme}`, testPrimes.ca[scheme]);

/** The fictional issuer's private key: 1152 bits, or 1408 with exponent 65537 in the long chain. */
export const issuerSigner = (scheme: TestScheme, chain: TestChain = 'standard'): RsaSigner =>
  chain === 'long'
    ? signerOf('issuer long', testPrimes.long.issuer, 65537)
    : signerOf(`issuer ${scheme}`, testPrimes.issuer[scheme]);

/** A card's private key, 1024 bits unless the table says otherwise: it signs, and deciphers PINs. */
export const chipSigner = (key: CardData['key']): RsaSigner =>
  signerOf(`card ${key}`, testPrimes.card[key], key === 'long' ? 65537 : 3);

/** 8F of a card. */
export const testCaIndexOf = (chain: TestChain = 'standard'): number => caIndexes[chain];

/** 8F of every card but those of the long chain. */
export const testCaIndex: number = caIndexes.standard;

/** The test CA's public keys, as a terminal loads them: one a scheme, and Visa's of the long chain. */
export function testCaKeys(): readonly CaPublicKey[] {
  const own = Object.keys(testPrimes.ca)
    .filter((scheme): scheme is TestScheme => Object.hasOwn(testPrimes.ca, scheme))
    .map((scheme) => caPublicKey(scheme, 'standard'));
  return [...own, caPublicKey('visa', 'long')];
}

function caPublicKey(scheme: TestScheme, chain: TestChain): CaPublicKey {
  const { modulus, exponent } = caSigner(scheme, chain).publicKey;
  return { rid: schemes[scheme].rid, index: caIndexes[chain], modulus, exponent, expiry: caExpiry };
}

/** A CA key as a person or another terminal's configuration takes it: hexadecimal, but for the day. */
export interface ListedCaKey {
  /** Registered provider identifier, 5 bytes. */
  readonly rid: string;
  /** 8F, 1 byte. */
  readonly index: string;
  readonly modulus: string;
  /** 03 or 010001. */
  readonly exponent: string;
  /** The last day on which it may be used, YYYY-MM-DD. */
  readonly expiry: string;
  /** SHA-1 over RID, index, modulus and exponent. EMV 4.3 Book 2, 11.2.2, table 30. */
  readonly hash: string;
}

/** Every key of the test CA, to be printed or loaded elsewhere. */
export const listTestCaKeys = (): readonly ListedCaKey[] =>
  testCaKeys().map((key) => ({
    rid: key.rid,
    index: toHex(Uint8Array.of(key.index)),
    modulus: toHex(key.modulus),
    exponent: toHex(exponentBytes(key.exponent)),
    expiry: key.expiry,
    hash: toHex(caKeyHash(key)),
  }));

/** Serial number of the issuer certificates that the test CA takes back. */
export const revokedSerial = 'FFFFFF';

/** A certificate that a terminal must refuse. EMV 4.3 Book 2, 5.1 (certification revocation list). */
export interface RevokedCertificate {
  readonly rid: string;
  /** 8F. */
  readonly index: number;
  /** Three bytes in hexadecimal. */
  readonly serial: string;
}

/** The revocation list of the test CA: one serial number a scheme. */
export const revokedTestCertificates = (): readonly RevokedCertificate[] =>
  testCaKeys().map(({ rid, index }) => ({ rid, index, serial: revokedSerial }));
