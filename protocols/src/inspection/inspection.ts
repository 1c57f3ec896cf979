import { z } from 'zod';
import { photoHash, sealNumber, type Standing } from '../fleet/evidence.ts';
import { serialSchema } from '../fleet/identity.ts';
import { parseJson } from '../fleet/parse.ts';
import { keyIdOf, openDocument, signDocumentBy, type SignedDocument } from '../fleet/signed.ts';
import { fail, ok, type Result } from '../kit/index.ts';

/** What a report of an inspection is signed for; the key is the technician's own (`protocols/custody`). */
export const inspectionPurpose = 'tsunagu-inspection-v1';

/** What a technician saw. */
export const surfaces = ['intact', 'marked', 'opened', 'substituted', 'missing'] as const;

export const inspection = z
  .strictObject({
    v: z.literal(1),
    id: z.uuid().describe('Made by whoever inspects, so that a report that is delivered twice counts once.'),
    serial: serialSchema,
    at: z.iso.datetime().describe('When, by the clock of the technician.'),
    by: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .describe('Key id of the technician.'),
    surface: z.enum(surfaces).describe('What the case looks like.'),
    seals: z.array(sealNumber).max(16).describe('The seals as they were read.'),
    connections: z.number().int().min(0).max(32).nullable().describe('Cables plugged in; null when it is missing.'),
    photo: photoHash.nullable().describe('SHA-256 of the photo file, hex; null without one.'),
    words: z.string().max(500).describe('What else was seen.'),
  })
  .describe('A report of an inspection: PCI DSS 4.0.1, 9.5.1.2.');
export type Inspection = z.infer<typeof inspection>;

/** Signs a report. */
export const signInspection = (
  made: Inspection,
  key: { readonly publicKey: Uint8Array; sign(bytes: Uint8Array): Uint8Array },
): SignedDocument =>
  signDocumentBy(inspectionPurpose, JSON.stringify(made), keyIdOf(key.publicKey), (bytes) => key.sign(bytes));

/** Opens a report with the key of whoever signed it. INSPECTION_INVALID: unreadable, not signed by it, or in another's name. */
export function openInspection(
  document: SignedDocument,
  signer: { readonly kid: string; readonly publicKey: string },
): Result<Inspection, 'INSPECTION_INVALID'> {
  const opened = openDocument(inspectionPurpose, document, signer);
  const read = opened.ok ? parseJson(inspection, opened.value, 65_536) : opened;
  return read.ok && read.value.by === signer.kid ? ok(read.value) : fail('INSPECTION_INVALID');
}

/** What an inspection found. */
export type InspectionFinding = 'surface' | 'seals' | 'connections' | 'photo-missing';

/** Holds what was seen against what is known of the terminal. */
export function findingsOf(made: Inspection, standing: Standing): readonly InspectionFinding[] {
  const { surface, seals, connections, photo } = made;
  const hasOtherSeals = standing.seals !== null && standing.seals.toSorted().join('\n') !== seals.toSorted().join('\n');
  return [
    ...(surface === 'intact' ? [] : (['surface'] as const)),
    ...(hasOtherSeals ? (['seals'] as const) : []),
    ...(standing.connections !== null && standing.connections !== connections ? (['connections'] as const) : []),
    ...(photo === null && surface !== 'missing' ? (['photo-missing'] as const) : []),
  ];
}

/** When a terminal is due: after its last inspection, or after it came under the plan. Milliseconds. */
export const dueAt = (lastAt: number | null, plannedSince: number, everyDays: number): number =>
  Math.max(lastAt ?? 0, plannedSince) + everyDays * 86_400_000;
