import { z } from 'zod';
import { softwareInstall } from './job.ts';

/* W5: bodies about software and the repository that signs for it. */

/** The body of an order to install a software. */
export const startSoftware = softwareInstall.pick({ digest: true, proofTimeoutMs: true, allowDowngrade: true });
export const softwareImage = softwareInstall
  .omit({ proofTimeoutMs: true, allowDowngrade: true })
  .extend({ model: z.string().max(32).describe('The model that it was made for.') })
  .describe('A software image that was uploaded.');
export type SoftwareImage = z.infer<typeof softwareImage>;

const tufPublicKey = z
  .looseObject({
    keytype: z.string().describe('Kind of key: `ed25519`.'),
    scheme: z.string().describe('Scheme of its signatures: `ed25519`.'),
    keyval: z.looseObject({ public: z.string().describe('The key in hex.') }).describe('Its value.'),
  })
  .describe('A public key as TUF writes it (4.2.1).');
export const softwareKeys = z
  .object({ snapshot: tufPublicKey, timestamp: tufPublicKey })
  .describe('The keys of the roles that the server signs: the next root has to name them.');
export type SoftwareKeys = z.infer<typeof softwareKeys>;

export const softwareRole = z
  .object({
    role: z.enum(['root', 'timestamp', 'snapshot', 'targets']).describe('The role.'),
    version: z.number().int().min(1).describe('Version of what it signed last.'),
    expires: z.string().describe('When that expires, ISO 8601 in UTC.'),
    keyIds: z.array(z.string()).describe('Ids of the keys that count for it.'),
    threshold: z.number().int().min(1).describe('How many of them have to sign.'),
    isOnline: z.boolean().describe('Whether the server signs it by itself.'),
  })
  .describe('A role of the software repository.');
export type SoftwareRole = z.infer<typeof softwareRole>;
export const softwareRoles = z
  .object({ items: z.array(softwareRole) })
  .describe('The roles of the software repository.');

/** The body of a publication. */
export const publishSoftware = z
  .object({
    root: z.string().max(65_536).optional().describe('The next root, signed by the keys of the old one and its own.'),
    targets: z.string().max(524_288).optional().describe('The next targets, signed.'),
  })
  .describe('Metadata that people signed; both at once where a root changes who signs targets.');

export const softwareAttestation = z
  .object({
    kid: z.string().describe('Id of the key that signed it.'),
    madeAt: z.string().describe('When it was made, ISO 8601.'),
    passed: z.number().int().describe('Steps that passed; none failed.'),
    readers: z.number().int().describe('Readers with cards that were tried.'),
  })
  .describe('An attestation of a bridge that is bound to an image.');
export type SoftwareAttestation = z.infer<typeof softwareAttestation>;
/** The body of an attestation: the file as the bridge wrote it. */
export const attestSoftware = z.object({
  attestation: z.string().max(131_072).describe('The file that `tsunagu bridge attest` wrote.'),
});

export const softwareTarget = softwareImage
  .extend({
    path: z.string().describe('Its path in the repository.'),
    hardwareRevisions: z.array(z.string()).nullable().describe('Revisions it is for; null: all.'),
    requires: z
      .object({
        versionMin: z.string().optional().describe('The least version that it updates.'),
        batteryPercentMin: z.number().int().optional().describe('The least charge of the battery.'),
        attestation: z.string().optional().describe('The key (SPKI, base64) whose attestation it needs.'),
      })
      .nullable()
      .describe('What must hold before it is installed.'),
    attestation: softwareAttestation.nullable().describe('What a bridge attested of it.'),
  })
  .describe('An image that the signed targets name: what terminals take.');
export type SoftwareTarget = z.infer<typeof softwareTarget>;
