import { z } from 'zod';
import { jobIdSchema, serialSchema } from './identity.ts';

const base64 = (bytesMax: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9+/]+=*$/)
    .max(Math.ceil(bytesMax / 3) * 4);
const der = base64(4_096);

export const keyBind = z
  .object({
    root: der.describe('X.509 root of the key authorities, DER, base64.'),
    kdhCa: der.describe('The CA of key distribution hosts.'),
    krdCa: der.describe('The CA of key receiving devices.'),
    host: base64(8_192).describe('Credential token of the host (CT-KDH), TR 34-2019, B.1.'),
    passes: z.union([z.literal(1), z.literal(2)]).describe('2: the answer carries a random number token.'),
  })
  .describe(
    'Binds a terminal to a key distribution host (TR 34-2019, 6.1). The order is signed; what it names is pinned.',
  );
export type KeyBind = z.infer<typeof keyBind>;

export const keyBinding = z
  .object({
    publicKey: base64(1_024).describe("The terminal's RSA key, SPKI DER, base64."),
    random: base64(64).optional().describe('Random number token (RT-KRD), TR 34-2019, B.3. Two-pass only.'),
    signature: base64(128).describe(
      'ECDSA with SHA-256 (DER) by the identity key over `bindingText`: whoever carries the answer cannot put another key into it.',
    ),
  })
  .describe('What a terminal answers to a binding.');
export type KeyBinding = z.infer<typeof keyBinding>;

/** What the terminal's identity key signs of a binding. */
export const bindingText = (
  serial: string,
  job: string,
  { publicKey, random }: Pick<KeyBinding, 'publicKey' | 'random'>,
): Uint8Array => Buffer.from(['tsunagu-key-binding-v1', serial, job, publicKey, random ?? ''].join('\n'), 'utf8');

export const keyReceive = z
  .object({
    device: der.describe("The terminal's certificate as a key receiving device, DER, base64."),
    token: base64(8_192).describe('Key token (KT-KDH), TR 34-2019, B.4 to B.9, base64.'),
    kcv: z
      .string()
      .regex(/^[0-9A-F]{10}$/)
      .describe('Check value of the key in the token.'),
  })
  .describe('A key-block protection key under TR-34.');
export type KeyReceive = z.infer<typeof keyReceive>;

export const protectionEvidence = z
  .object({
    kcv: z.string().max(10).describe('Check value, as the terminal computed it from the key itself.'),
    by: jobIdSchema.describe('The job that brought it.'),
  })
  .describe('The key-block protection key that a terminal holds.');
export type ProtectionEvidence = z.infer<typeof protectionEvidence>;

export const keyRelease = z
  .object({
    to: z.enum(['nobody', 'host']).describe('`nobody`: unbind, and destroy every key; `host`: rebind to another host.'),
    device: der.describe("The terminal's certificate as a key receiving device, DER, base64."),
    token: base64(8_192).describe(
      'UBT-KDH or RBT-KDH, TR 34-2019, B.11 and B.12, signed by the host that it is bound to.',
    ),
  })
  .describe('Ends a binding to a key distribution host, or moves it to another one (TR 34-2019, 6.4 and 6.5).');
export type KeyRelease = z.infer<typeof keyRelease>;

const certificateDigest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of a certificate of a key host, hex.');
/** What a released terminal says of itself, parsed out of the text that it signed. */
export const releaseStatement = z.object({
  serial: serialSchema,
  job: z.string().max(64),
  at: z.iso.datetime(),
  host: certificateDigest,
  next: certificateDigest.nullable(),
  protectionKey: z.string().max(10).nullable(),
  gone: z.array(z.object({ slot: z.string().max(40), kcv: z.string().max(10) })).max(64),
  left: z.number().int().nonnegative(),
});

export const releaseProof = z
  .object({
    statement: z
      .string()
      .max(8_000)
      .describe(
        'JSON, exactly as it was signed: serial, job, at, the host that it was bound to, the next one or null, check values of the protection key and of each key that is gone, and how many keys are left.',
      ),
    signature: z
      .string()
      .regex(/^[A-Za-z0-9+/]+=*$/)
      .max(200)
      .describe(
        "ECDSA with SHA-256 (DER, base64) by the key of the terminal's certificate, over the statement's UTF-8.",
      ),
  })
  .describe('What a terminal swears to when it was unbound from a key host, or rebound to another one.');
export type ReleaseProof = z.infer<typeof releaseProof>;
