import { type CaPublicKey, RsaSigner, type Scheme, schemes } from '../emv/index.ts';
import type { TestCardName } from './cards.ts';
import { testPrimes } from './primes.ts';

/** Schemes that the test CA serves. */
export type TestScheme = keyof typeof testPrimes.ca;

/** Index (8F) of the test CA's key, the same under every RID; the schemes keep F0 to FF for tests. */
const caIndex = 0xf1;
const caExpiry = '2035-12-31';

const made = new Map<string, RsaSigner>();

/** Reading a key from its primes takes a millisecond, so each is made once. */
function signerOf(name: string, { p, q }: { readonly p: string; readonly q: string }): RsaSigner {
  const known = made.get(name) ?? new RsaSigner(p, q);
  made.set(name, known);
  return known;
}

/** Whether the test CA serves a scheme. */
export const isTestScheme = (scheme: Scheme): scheme is TestScheme => Object.hasOwn(testPrimes.ca, scheme);

/** The test CA's private key for a scheme, 1408 bits. */
export const caSigner = (scheme: TestScheme): RsaSigner => signerOf(`ca ${scheme}`, testPrimes.ca[scheme]);

/** The fictional issuer's private key, 1152 bits. */
export const issuerSigner = (scheme: TestScheme): RsaSigner => signerOf(`issuer ${scheme}`, testPrimes.issuer[scheme]);

/** A card's private key, 1024 bits: it signs, and deciphers PINs. */
export const cardSigner = (name: TestCardName): RsaSigner => signerOf(`card ${name}`, testPrimes.card[name]);

/** The test CA's public keys, one a scheme, as a terminal loads them. */
export function testCaKeys(): readonly CaPublicKey[] {
  return Object.keys(testPrimes.ca)
    .filter((scheme): scheme is TestScheme => Object.hasOwn(testPrimes.ca, scheme))
    .map((scheme) => {
      const { modulus, exponent } = caSigner(scheme).publicKey;
      return { rid: schemes[scheme].rid, index: caIndex, modulus, exponent, expiry: caExpiry };
    });
}

/** 8F of every test card. */
export const testCaIndex: number = caIndex;
