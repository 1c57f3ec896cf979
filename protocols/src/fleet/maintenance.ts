import { z } from 'zod';
import { heldKey } from './held-key.ts';
import { serialSchema } from './identity.ts';

/** Params of a kind of job that needs none. */
export const noParams = z.object({}).describe('Nothing.');

export const renewedCertificate = z
  .object({
    fingerprint: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('SHA-256 of the certificate (DER), hex.'),
    notAfter: z.iso.datetime().describe('When it ends, RFC 3339, UTC.'),
  })
  .describe('The next certificate of a terminal: it has it, and shows it from its next connection on.');
export type RenewedCertificate = z.infer<typeof renewedCertificate>;

export const appliedConfiguration = z
  .object({
    version: z.number().int().nonnegative().describe('Version in force after the job.'),
    hash: z
      .string()
      .regex(/^[0-9a-f]{0,64}$/)
      .describe('`configurationHash` of what is in force.'),
  })
  .describe('The configuration in force.');

export const appliedNegative = z
  .object({
    list: z.string().max(32).describe('Name of the negative list.'),
    version: z.number().int().nonnegative().describe('Version in force; 0 before the first.'),
    overlaySeq: z.number().int().nonnegative().describe('Sequence number of the newest emergency entry.'),
  })
  .describe('The negative list in force.');

/** What a wiped terminal says of itself, parsed out of the text that it signed. */
export const wipeStatement = z.object({
  serial: serialSchema,
  job: z.string().max(64),
  attempt: z.number().int(),
  boot: z.number().int(),
  at: z.iso.datetime(),
  removed: z.number().int().nonnegative(),
  keys: z.number().int().nonnegative(),
  left: z.array(z.string().max(80)).max(32),
});

export const wipeProof = z
  .object({
    statement: z
      .string()
      .max(2_000)
      .describe(
        'JSON, exactly as it was signed: serial, job, attempt, boot, at, what was removed, and what was read back after it.',
      ),
    signature: z
      .string()
      .regex(/^[A-Za-z0-9+/]+=*$/)
      .max(200)
      .describe(
        "ECDSA with SHA-256 (DER, base64) by the key of the terminal's certificate, over the statement's UTF-8.",
      ),
  })
  .describe('What a wiped terminal swears to: nothing but its name is left on it.');
export type WipeProof = z.infer<typeof wipeProof>;

const bytes = (says: string) => z.number().int().nonnegative().describe(says);
const queued = (says: string) => z.number().int().nonnegative().describe(says);

export const diagnosticsReport = z
  .object({
    at: z.number().int().nonnegative().describe("Terminal's time, milliseconds since 1970."),
    uptimeMs: z.number().int().nonnegative().describe('Milliseconds since this boot.'),
    boot: z.number().int().nonnegative().describe('Boot sequence.'),
    software: z
      .object({
        version: z.string().max(32).describe('Version of what runs.'),
        slot: z.enum(['A', 'B']).describe('The slot that it runs from.'),
      })
      .describe('What runs.'),
    clockSkewMs: z
      .number()
      .int()
      .nullable()
      .describe("Terminal's time less the server's, milliseconds, half a round trip counted off; null: no answer."),
    readers: z.array(z.string().max(40)).max(16).describe('The readers of the model.'),
    storage: z
      .object({ files: bytes('How many files.'), bytes: bytes('Their length together.') })
      .describe('What lies on the medium.'),
    queues: z
      .object({
        reversals: queued('Reversals that the switch still has to take.'),
        advices: queued('Advices that the switch still has to take.'),
        sales: queued('Sales that the fleet server still has to hear of.'),
        jobs: queued('Results of jobs that the server still has to acknowledge.'),
      })
      .describe('What waits.'),
    keys: z.array(heldKey).max(16).describe('The keys that it holds.'),
    dropped: z
      .record(z.string().max(64), z.number().int())
      .describe('Messages that were dropped since the boot, by code.'),
    memory: z
      .object({ residentBytes: bytes('Resident set.'), heapBytes: bytes('Heap in use.') })
      .nullable()
      .describe('Memory of the process; null where it cannot be told.'),
    temperatureMilliC: z
      .number()
      .int()
      .nullable()
      .describe('Thousandths of a degree Celsius; null where there is no sensor.'),
  })
  .describe('A terminal about itself.');
export type DiagnosticsReport = z.infer<typeof diagnosticsReport>;

/** What a self-test looks at. */
export const selfTestParts = ['store', 'keys', 'negative', 'readers', 'printer'] as const;
export const selfTestReport = z
  .array(
    z
      .object({
        part: z.enum(selfTestParts).describe('What was tested.'),
        result: z
          .enum(['passed', 'failed', 'absent'])
          .describe('`absent`: the terminal has no such part, or nothing in it yet.'),
        detail: z.string().max(120).optional().describe('More about it, without a secret.'),
      })
      .describe('One part.'),
  )
  .max(16)
  .describe('What a self-test found.');
export type SelfTestReport = z.infer<typeof selfTestReport>;

/** The most that a pulled log may be: bytes as it travels (gzip), and lines. */
export const logBytesMax = 262_144;
export const logPull = z
  .object({
    linesMax: z.number().int().min(1).max(5_000).default(2_000).describe('The newest so many lines.'),
  })
  .describe('Which part of the log.');
export const pulledLog = z
  .object({
    lines: z.number().int().nonnegative().describe('Lines, one JSON object each.'),
    sizeBytes: z.number().int().nonnegative().max(logBytesMax).describe('Length of the gzip file.'),
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('SHA-256 of the gzip file, hex.'),
  })
  .describe('A log that lies at the server; `GET /api/v1/jobs/{id}/log` has it.');
export type PulledLog = z.infer<typeof pulledLog>;

/** The most bytes of one piece of an upload. */
export const logPieceBytesMax = 8_192;
export const logPiece = z
  .object({
    offset: z.number().int().nonnegative().max(logBytesMax).describe('Where the piece begins in the whole.'),
    of: z.number().int().min(1).max(logBytesMax).describe('Length of the whole.'),
    digest: pulledLog.shape.digest.describe('SHA-256 of the whole, hex: pieces of another whole begin anew.'),
    bytes: z
      .string()
      .regex(/^[A-Za-z0-9+/]*=*$/)
      .max(Math.ceil(logPieceBytesMax / 3) * 4)
      .meta({ contentEncoding: 'base64' })
      .describe('The piece, base64; empty: only asks how far the upload is.'),
  })
  .describe('A piece of a log on its way to the server.');
export type LogPiece = z.infer<typeof logPiece>;
export const logProgress = z
  .object({
    length: z.number().int().nonnegative().describe('So many bytes are at the server: the next piece begins there.'),
  })
  .describe('How far an upload is.');
