import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { keyIdOf, openDocument, signDocument, signedDocument } from '../fleet/signed.ts';
import { parseJson } from '../fleet/parse.ts';
import { fail, ok, type Result } from '../kit/index.ts';

/** Readers times cards in one attestation. */
export const runsMax = 64;
/** Longest file that is read, characters. */
export const attestationCharactersMax = 131_072;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const count = z.number().int().min(0);

/** One reader with one card. */
export const attestedRun = z.strictObject({
  reader: z
    .strictObject({
      name: z.string().max(80).describe('What the reader calls itself.'),
      vendorId: z.number().int().min(0).max(0xffff).describe('USB vendor.'),
      productId: z.number().int().min(0).max(0xffff).describe('USB product.'),
      isEmulated: z.boolean().describe('Whether it is emulated, no hardware.'),
    })
    .describe('The reader that was tried.'),
  card: z.string().max(40).describe("The fictional card's name, or `other`."),
  script: z.string().max(30).describe('Name of the script that was run.'),
  steps: z
    .record(z.string().max(30), z.string().max(60))
    .describe('Step to verdict: passed, skipped, or failed with its code behind a colon.'),
  passed: count.describe('How many steps passed.'),
  failed: count.describe('How many failed.'),
  skipped: count.describe('How many were left out, since reader or card cannot do them.'),
  traceHash: sha256.describe('SHA-256 of the recorded session: the same dialogue has the same hash.'),
  tookMs: z.number().min(0).describe('How long the run took, milliseconds.'),
});
export type AttestedRun = z.infer<typeof attestedRun>;

/** So many readers, each with so many cards, have to have been tried in earnest. */
export const coverage = z.strictObject({
  readers: z.number().int().min(1).max(runsMax).describe('How many readers.'),
  cards: z.number().int().min(1).max(runsMax).describe('How many cards at each of them.'),
});
export type Coverage = z.infer<typeof coverage>;

/** What was tried, with what, and how it ended. */
export const attestation = z.strictObject({
  v: z.literal(1),
  madeAt: z.iso.datetime().describe('When it was made, by the clock of the bridge.'),
  nonce: z
    .string()
    .max(128)
    .describe('What whoever demanded the attestation gave, so that an old one cannot be handed in.'),
  bridge: z
    .strictObject({
      version: z.string().max(40).describe('Version of the bridge.'),
      node: z.string().max(40).describe('Version of Node.js.'),
      platform: z.string().max(80).describe('Operating system and processor.'),
    })
    .describe('What made it.'),
  atLeast: coverage
    .optional()
    .describe('What whoever made it undertook to try; one reader with one card when absent. Less is no attestation.'),
  runs: z.array(attestedRun).min(1).max(runsMax).describe('Each reader with each card.'),
  digest: sha256.describe('SHA-256 over the trace hashes in order: one figure to compare.'),
});
export type Attestation = z.infer<typeof attestation>;

const signedAttestation = signedDocument.extend({ publicKey: z.string().regex(/^[A-Za-z0-9+/=]{40,120}$/) });
const purpose = 'tsunagu-bridge-attestation-v1';

/** Signs an attestation (Ed25519, as `fleet/signed.ts`); the public key is attached so that the file stands alone. */
export function signAttestation(
  made: Attestation,
  key: KeyObject,
  publicKey: Uint8Array,
): Result<string, 'ATTESTATION_INVALID'> {
  const payload = JSON.stringify(made);
  if (payload.length > 65_536) return fail('ATTESTATION_INVALID', { facts: { characters: payload.length } });
  const document = signDocument(purpose, payload, keyIdOf(publicKey), key);
  return ok(`${JSON.stringify({ ...document, publicKey: Buffer.from(publicKey).toString('base64') }, null, 2)}\n`);
}

/** An attestation that was opened. */
export interface OpenedAttestation {
  readonly attestation: Attestation;
  readonly kid: string;
  /** Whether it was signed by the key that is trusted, not merely by the one attached. */
  readonly isTrusted: boolean;
}

/**
 * Opens a file and checks its signature and its own sums. Without `trusted` (SPKI) the attached key is used: the file is then whole,
 * and nobody vouches for who made it.
 * @returns ATTESTATION_INVALID for what is none; ATTESTATION_NOT_AUTHENTIC for one that was changed, or signed by another key
 */
export function openAttestation(
  text: string,
  trusted?: Uint8Array,
): Result<OpenedAttestation, 'ATTESTATION_INVALID' | 'ATTESTATION_NOT_AUTHENTIC'> {
  const document = parseJson(signedAttestation, text, attestationCharactersMax);
  if (!document.ok) return fail('ATTESTATION_INVALID', { cause: document.fault });
  const spki = trusted ?? Uint8Array.from(Buffer.from(document.value.publicKey, 'base64'));
  const opened = openWith(document.value, spki);
  if (!opened.ok) return opened;
  const made = parseJson(attestation, opened.value);
  if (!made.ok) return fail('ATTESTATION_INVALID', { cause: made.fault });
  return ok({ attestation: made.value, kid: document.value.kid, isTrusted: trusted !== undefined });
}

function openWith(
  document: z.infer<typeof signedAttestation>,
  spki: Uint8Array,
): Result<string, 'ATTESTATION_NOT_AUTHENTIC'> {
  try {
    const publicKey = Buffer.from(spki).toString('base64');
    const opened = openDocument(purpose, document, { kid: keyIdOf(spki), publicKey });
    if (opened.ok) return opened;
  } catch {
    // Bytes that are no key at all: as good as another one.
  }
  return fail('ATTESTATION_NOT_AUTHENTIC', { facts: { kid: document.kid } });
}

/** How many steps of all runs ended how. */
export const totalsOf = ({
  runs,
}: Attestation): { readonly passed: number; readonly failed: number; readonly skipped: number } => ({
  passed: runs.reduce((sum, run) => sum + run.passed, 0),
  failed: runs.reduce((sum, run) => sum + run.failed, 0),
  skipped: runs.reduce((sum, run) => sum + run.skipped, 0),
});

/** A run counts when nothing failed, and more of its steps were done than left out. */
const isInEarnest = ({ passed, failed, skipped }: AttestedRun): boolean => failed === 0 && passed > skipped;

/**
 * Whether so many readers were tried in earnest with so many cards each. Readers are told apart by make and name, and cards by name; real
 * ones, which have none, by what was said with them.
 *
 * @returns how many readers were, of those that were needed
 */
export function coverageOf(
  { runs, atLeast = { readers: 1, cards: 1 } }: Attestation,
  demanded: Coverage = { readers: 1, cards: 1 },
): { readonly isEnough: boolean; readonly readers: number; readonly needed: Coverage; readonly inEarnest: number } {
  const needed = {
    readers: Math.max(atLeast.readers, demanded.readers),
    cards: Math.max(atLeast.cards, demanded.cards),
  };
  const cardsAt = new Map<string, Set<string>>();
  const counted = runs.filter(isInEarnest);
  for (const { reader, card, traceHash } of counted) {
    const place = `${reader.vendorId}:${reader.productId}:${reader.name}`;
    const cards = cardsAt.get(place) ?? new Set();
    cardsAt.set(place, cards.add(card === 'other' ? traceHash : card));
  }
  const readers = [...cardsAt.values()].filter((cards) => cards.size >= needed.cards).length;
  return { isEnough: readers >= needed.readers, readers, needed, inEarnest: counted.length };
}
