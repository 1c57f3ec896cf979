import { z } from 'zod';
import { parcel } from '../offline-root/parcel.ts';
import { authorityName } from './device-api.ts';
import { serialSchema } from './identity.ts';
import { trustAnchors } from './trust.ts';

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const pem = z.string().max(4_096);

export const authorityView = z
  .object({
    id: authorityName,
    kind: z.enum(['root', 'issuing']).describe('A root signs issuing CAs; an issuing CA signs everything else.'),
    name: z.string().describe('Its common name.'),
    issuer: authorityName.nullable().describe('The root above an issuing CA.'),
    state: z
      .enum(['requested', 'active', 'superseded', 'retired'])
      .describe(
        '`requested` waits for the signature of a root; `superseded` counts still, and something newer is there; `retired` counts no more.',
      ),
    keyIsHere: z.boolean().describe('Whether its key is in the vault of this server.'),
    certificate: pem.nullable().describe('PEM; null while it is requested.'),
    madeAt: time,
    notAfter: time.nullable().describe('When it ends.'),
    certificates: z.number().int().describe('Certificates below it that count.'),
    terminals: z
      .object({
        count: z.number().int().describe('How many.'),
        first: z.array(serialSchema).describe('The first twenty of them, by serial.'),
      })
      .describe('Terminals that hang on it: their certificate is below it, or they know no other root.'),
  })
  .describe('An authority of the house.');
export type AuthorityView = z.infer<typeof authorityView>;

export const authoritiesView = z
  .object({
    authorities: z.array(authorityView).describe('The newest first, retired ones too; a hundred at most.'),
    trust: trustAnchors.describe('What terminals are told now.'),
    behind: z.number().int().describe('Terminals that have not taken that up yet.'),
  })
  .describe('The authorities of the house, and what hangs on them.');
export type AuthoritiesView = z.infer<typeof authoritiesView>;

export const authorityRequest = z
  .object({ id: authorityName, request: z.string().describe('PKCS #10 (RFC 2986), PEM.') })
  .describe('What a root is asked to sign.');
/** Brings an issuing CA's certificate to the server that asked for it. */
export const installAuthority = z.object({ certificate: pem.describe("The root's answer, PEM.") });
export const rotateAuthority = z
  .object({ kind: z.enum(['issuing', 'root']).default('issuing').describe('What gets a successor.') })
  .describe('Makes a new authority by keys that are here; the old one counts until nothing hangs on it.');
export const exportRoot = z
  .object({
    receiver: z
      .string()
      .regex(/^[A-Za-z0-9+/]+=*$/)
      .max(256)
      .describe('P-256 key of the receiver: SPKI DER, base64.'),
  })
  .describe('Asks for the key of a root, wrapped for whoever asks.');
export const exportedRoot = z
  .object({ certificate: pem.describe('PEM.'), parcel })
  .describe('A root on its way to its file.');
export const removeRoot = z
  .object({
    proof: z
      .string()
      .regex(/^[A-Za-z0-9_-]{64,100}$/)
      .describe(
        'Signature of the root (ECDSA with SHA-256, DER, base64url) over "tsunagu-root-held-v1", LF, tenant, LF, id.',
      ),
  })
  .describe('Shows that the key is held elsewhere, so that it may go from here.');
/** What a root signs to show that its key is held elsewhere. */
export const rootHeldStatement = (tenant: string, id: string): Uint8Array =>
  Buffer.from(`tsunagu-root-held-v1\n${tenant}\n${id}`, 'utf8');

export const manufacturer = z
  .object({
    fingerprint: z.string().describe('SHA-256 of the certificate, hex.'),
    model: z.string().describe('Model id of the catalogue whose terminals it may vouch for.'),
    subject: z.string().describe('Whose certificate it is.'),
    notAfter: time,
    addedAt: time,
    addedBy: z.string().describe('Who registered it.'),
  })
  .describe('An authority of a maker: its certificates prove a claim for one model.');
export type Manufacturer = z.infer<typeof manufacturer>;
export const addManufacturer = z
  .object({
    model: z.string().max(32).describe('Model id of the catalogue.'),
    certificate: z.string().max(8_192).describe('CA certificate of the maker, PEM.'),
  })
  .describe("Registers a maker's authority for a model.");
