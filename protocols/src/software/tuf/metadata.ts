import { canonicalize } from '@tufjs/canonical-json';
import { z } from 'zod';
import { parseJson } from '../../fleet/parse.ts';
import { fail, ok, type Result } from '../../kit/index.ts';

/** The four top-level roles. TUF 1.0.33, 2.1. */
export const tufRoles = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TufRole = (typeof tufRoles)[number];

/** The most that a file of a role may be, bytes: what comes after it is not read (endless data, 5.3.3, 5.4.1). */
export const tufLengthMax = { root: 65_536, timestamp: 16_384, snapshot: 65_536, targets: 524_288 } as const;
/** The most roots that are followed in one go (5.3.2, "Y"). */
export const rootRotationsMax = 64;

const hex = z.string().regex(/^[0-9a-f]+$/);
const version = z.number().int().min(1).max(0x7fff_ffff);
/** ISO 8601, in UTC, whole seconds. 4.2.1. */
const dateTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
const common = {
  spec_version: z.string().regex(/^1\.\d+(\.\d+)?$/),
  version,
  expires: dateTime,
};

/** A public key. Those of other types count for nothing, and do not make a file invalid. 4.2.1. */
const tufKey = z.looseObject({
  keytype: z.string(),
  scheme: z.string(),
  keyval: z.looseObject({ public: z.string() }),
});
/** A public key as metadata write it. */
export type TufKey = z.infer<typeof tufKey>;

const roleKeys = z.looseObject({ keyids: z.array(hex).max(32), threshold: z.number().int().min(1).max(32) });

/** 4.3. */
const root = z.looseObject({
  _type: z.literal('root'),
  ...common,
  consistent_snapshot: z.literal(true),
  keys: z.record(hex, tufKey),
  roles: z.looseObject({ root: roleKeys, timestamp: roleKeys, snapshot: roleKeys, targets: roleKeys }),
});

const hashes = z.looseObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const length = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** What one file says of another. 4.4, 4.6. */
const metaFile = z.looseObject({ version, length: length.optional(), hashes: hashes.optional() });
/** Version of a file, and where they are told its length and hashes. */
export type MetaFile = z.infer<typeof metaFile>;

/** 4.4. */
const snapshot = z.looseObject({
  _type: z.literal('snapshot'),
  ...common,
  meta: z.looseObject({ 'targets.json': metaFile }).catchall(metaFile),
});
/** 4.6. `signed_at` is ours: a time that the terminal's clock is not believed to be before. */
const timestamp = z.looseObject({
  _type: z.literal('timestamp'),
  ...common,
  meta: z.looseObject({ 'snapshot.json': metaFile }),
  signed_at: dateTime.optional(),
});

/** What a target says to terminals (4.5, `custom`). */
export const targetCustom = z.looseObject({
  model: z.string().min(1).max(32).describe('The model that it is for.'),
  version: z
    .string()
    .regex(/^[0-9A-Za-z.+-]{1,32}$/)
    .describe('Version that the image says of itself.'),
  antiRollback: z.number().int().min(1).max(0xffff_ffff).describe('Below its own counter a terminal takes none.'),
  hardwareRevisions: z
    .array(z.string().regex(/^[0-9A-Za-z.-]{1,16}$/))
    .max(32)
    .optional()
    .describe('Revisions of the hardware that it is for; all of them when there is no list.'),
  chunks: z
    .object({
      length: z.number().int().min(4_096).max(1_048_576).describe('Length of each chunk but the last, bytes.'),
      digest: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .describe('SHA-256 of the list: the SHA-256 of each chunk in order.'),
    })
    .describe('How the image is checked piece by piece.'),
  requires: z
    .object({
      versionMin: z
        .string()
        .regex(/^[0-9A-Za-z.+-]{1,32}$/)
        .optional()
        .describe('The least version it updates.'),
      batteryPercentMin: z.number().int().min(0).max(100).optional().describe('The least charge of the battery.'),
      attestation: z
        .string()
        .regex(/^[A-Za-z0-9+/=]{40,120}$/)
        .optional()
        .describe('A bridge that holds this Ed25519 key (SPKI, base64) must have attested the image.'),
      attestationAtLeast: z
        .object({
          readers: z.number().int().min(1).max(64).describe('How many readers.'),
          cards: z.number().int().min(1).max(64).describe('How many cards at each of them.'),
        })
        .optional()
        .describe('So much has to have been tried in earnest for that; one reader with one card when absent.'),
      emulatedReaders: z
        .boolean()
        .optional()
        .describe('Whether emulated readers will do for that; without it each run has to be on hardware.'),
    })
    .optional()
    .describe('What must hold before it is installed.'),
});
export type TargetCustom = z.infer<typeof targetCustom>;

/** 4.5. Delegations are not followed: everything is signed by the targets role itself. */
const targetFile = z.looseObject({ length, hashes, custom: targetCustom });
/** Length, hashes and custom facts of a target. */
export type TargetFile = z.infer<typeof targetFile>;
const targets = z.looseObject({
  _type: z.literal('targets'),
  ...common,
  targets: z.record(
    z
      .string()
      .regex(/^[0-9A-Za-z.+_-]+(\/[0-9A-Za-z.+_-]+)*$/)
      .max(128),
    targetFile,
  ),
});

const schemas = { root, timestamp, snapshot, targets } as const;
export type Signed<Role extends TufRole> = z.output<(typeof schemas)[Role]>;
const signature = z.looseObject({ keyid: hex, sig: z.string().regex(/^[0-9a-f]*$/) });
const envelope = z.looseObject({
  signatures: z.array(signature).max(64),
  signed: z.looseObject({ _type: z.string() }),
});

/** A file of metadata that was read and not believed yet. */
export interface Metadata<Role extends TufRole> {
  readonly signed: Signed<Role>;
  /** `signed` as it stood, with what we do not know of. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** What signatures are made over. */
  readonly canonical: Uint8Array;
  readonly signatures: readonly z.output<typeof signature>[];
  readonly text: string;
}

/** Reads a file of a role. SOFTWARE_METADATA_INVALID: too long, no JSON, or not of this role and shape. 4.2, 4.3 to 4.6. */
export function readMetadata<Role extends TufRole>(
  role: Role,
  bytes: Uint8Array | string,
): Result<Metadata<Role>, 'SOFTWARE_METADATA_INVALID'> {
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8');
  const invalid = (cause?: unknown) => fail('SOFTWARE_METADATA_INVALID', { field: role, cause });
  if (text.length > tufLengthMax[role]) return invalid();
  const outer = parseJson(envelope, text, tufLengthMax[role]);
  if (!outer.ok) return invalid(outer.fault);
  const { signatures, signed: raw } = outer.value;
  const signed = schemas[role].safeParse(raw);
  if (!signed.success) return invalid(signed.error);
  try {
    // The parser of a role makes that role's shape.
    return ok({ signed: signed.data as Signed<Role>, raw, canonical: canonicalBytes(raw), signatures, text });
  } catch (cause) {
    // Fractions have no canonical form, and what is nested without end has none in bounded memory.
    return invalid(cause);
  }
}

/** The bytes that signatures are made over: OLPC canonical JSON. Throws for fractions. TUF 1.0.33, 4.2.1. */
export const canonicalBytes = (value: unknown): Uint8Array => Uint8Array.from(Buffer.from(canonicalize(value), 'utf8'));

/** A moment of metadata, milliseconds since 1970. */
export const momentOf = (text: string): number => Date.parse(text);
/** A moment as metadata write it: whole seconds. */
export const dateTimeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
