import { verify, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { evidence, massBalanceOf } from './evidence.ts';
import { keySlot } from './held-key.ts';
import { serialSchema } from './identity.ts';
import { wipeStatement } from './maintenance.ts';
import { parseJson } from './parse.ts';

const time = z.iso.datetime().describe('RFC 3339, UTC.');

export const wipeRecord = z
  .object({
    serial: serialSchema,
    job: z.string().describe('The wipe.'),
    at: time.describe('When it was reported.'),
    orderedBy: z.string(),
    approvedBy: z.string().nullable().describe('The second person.'),
    statement: z.string().describe('What the terminal swore to: JSON text, exactly as it was signed.'),
    signature: z
      .string()
      .describe('ECDSA with SHA-256 over the statement, by the device key of the certificate: DER, base64.'),
    certificate: z.string().describe('The certificate of the terminal under which the signature verifies, PEM.'),
  })
  .describe('A wipe that a terminal swore to. Whoever trusts the fleet’s root can check it without the server.');
export type WipeRecord = z.infer<typeof wipeRecord>;
export const wipeCertificate = wipeRecord
  .extend({ model: z.string() })
  .describe('Certificate of the last wipe of a terminal.');
export type WipeCertificate = z.infer<typeof wipeCertificate>;

/** How a key came to its end. */
export const keyEnds = ['wipe', 'destruction', 'release', 'erasure', 'replaced', 'withdrawn', 'unstated'] as const;
export type KeyEnd = (typeof keyEnds)[number];
/** Keys that a certificate names; those that ended before are counted. */
export const deadKeysMax = 100;

export const deadKey = z
  .object({
    slot: z.union([keySlot, z.literal('protection')]).describe('`protection`: what the others travelled under.'),
    usage: z
      .string()
      .describe(
        'Key usage by ANSI X9.143:2021, 6.3.1, table 2: `B1` initial DUKPT key, `P0` PIN, `M6` MAC, `D0` data, `K1` protection.',
      ),
    id: z.string().describe('Of the ledger.'),
    initialKeyId: z
      .string()
      .nullable()
      .describe('Initial key id, or KSN with its counter cleared, hex; null: no DUKPT key.'),
    kcv: z.string(),
    givenAt: time.describe('When it was made for the terminal, or agreed with it.'),
    loadedAt: time.nullable().describe('When the terminal proved that it holds it; null: it never did.'),
    endedAt: time.nullable().describe('null: nobody wrote it down.'),
    end: z
      .enum(keyEnds)
      .describe(
        '`wipe`: the terminal swore to it. `destruction`: with its secure part. `release`: it was let go by its key host, and swore to it. `erasure`: its slot was emptied, since no list hangs on it any more. `replaced`: by the next one of its slot. `withdrawn`: it was in doubt.',
      ),
    job: z.string().nullable().describe('The wipe or the release.'),
  })
  .describe('A key of a terminal, and how it ended.');
export type DeadKey = z.infer<typeof deadKey>;

export const deathCertificate = z
  .object({
    serial: serialSchema,
    model: z.string(),
    at: time.describe('Of the step to `scrap`.'),
    by: z.string(),
    approvedBy: z.string().nullable().describe('The second person.'),
    liveKeys: z.literal(0).describe('Keys of the ledger that still count.'),
    keys: z.array(deadKey).max(deadKeysMax).describe('Every key that it had, newest first.'),
    earlierKeys: z.number().int().describe('Keys before these.'),
    wipe: evidence.shape.wipeProof.unwrap().nullable(),
    wipeRecord: wipeRecord.nullable().describe('What the terminal swore to, where it was wiped by a job.'),
    nothingOwed: evidence.shape.nothingOwed.unwrap().nullable(),
    recycling: evidence.shape.recycling
      .unwrap()
      .nullable()
      .describe('The receipt, with batteries and materials, grams.'),
    massBalance: z
      .object({
        receiptGrams: z.number().int(),
        modelGrams: z.number().int().nullable().describe('By the catalogue.'),
        toleranceGrams: z.number().int().nullable(),
        verdict: z.enum(['within', 'short', 'heavy', 'unweighed', 'model-unknown']),
      })
      .nullable()
      .describe('The receipt beside the mass of the model.'),
    harvested: z.array(z.string()).describe('Part numbers of what was taken out of it.'),
    replacedBy: serialSchema.nullable().describe('What its vendor sent in its place.'),
  })
  .describe('Certificate of death of a terminal.');
export type DeathCertificate = z.infer<typeof deathCertificate>;

export const deathRecord = z
  .object({ record: z.literal('death').describe('The kind of record.'), death: deathCertificate })
  .describe('A certificate of death as the house signs it.');

/** Whether a statement is that of the terminal that a certificate names, and says that no key is left. */
function isSworn({ serial, job, statement, signature, certificate }: WipeRecord): boolean {
  const said = parseJson(wipeStatement, statement, 8_000);
  if (!said.ok || said.value.serial !== serial || said.value.job !== job || said.value.keys !== 0) return false;
  try {
    const { subject, publicKey } = new X509Certificate(certificate);
    const isTheirs = subject.split('\n').includes(`CN=${serial}`);
    return isTheirs && verify('sha256', Buffer.from(statement, 'utf8'), publicKey, Buffer.from(signature, 'base64'));
  } catch {
    return false; // a certificate or a signature that is none
  }
}

/** The first field of a certificate that does not bear out the others; undefined when all do. */
export function flawOf(death: DeathCertificate): keyof DeathCertificate | undefined {
  const { serial, by, approvedBy, wipe, wipeRecord: sworn, recycling, massBalance } = death;
  if (approvedBy === null || approvedBy === by) return 'approvedBy';
  if (wipe?.by === 'job' && (sworn?.job !== wipe.job || sworn.serial !== serial || !isSworn(sworn)))
    return 'wipeRecord';
  const balance = massBalanceOf(recycling ?? undefined, massBalance?.modelGrams ?? null) ?? null;
  const isWeighed =
    balance?.verdict === massBalance?.verdict &&
    balance?.receiptGrams === massBalance?.receiptGrams &&
    balance?.toleranceGrams === massBalance?.toleranceGrams;
  return isWeighed ? undefined : 'massBalance';
}
