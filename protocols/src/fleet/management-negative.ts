import { z } from 'zod';
import { negativeReasons } from '../negative/coding/reasons.ts';
import { serialSchema } from './identity.ts';

/* W5: bodies about the negative file. */

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const pan = z
  .string()
  .regex(/^\d{12,19}$/)
  .describe('Primary account number: 12 to 19 digits.');
const negativeSource = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/)
  .default('manual')
  .describe('Who lists the card: an issuer, a brand, or "manual".');
/** What negative lists are called. */
export const negativeListName = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/)
  .describe('Name of the negative list, one for an issuer or a brand.');
const list = negativeListName.default('regular');
const codec = z.enum(['KH', 'KP']).describe('KH: keyed hashes. KP: exact, a keyed permutation inside each BIN.');
const secondSignature = z
  .boolean()
  .default(false)
  .describe(
    'Sign with the second list key too: a list that lets more than a twentieth of its cards go needs it, by somebody who took none of them off.',
  );
const reason = z.string().describe('Why the card is listed.');
const count = (says: string) => z.number().int().describe(says);

export const addNegative = z
  .object({
    list,
    pan,
    reason: z.enum(negativeReasons).default('other').describe('Why the card is listed.'),
    source: negativeSource,
  })
  .describe(
    'Adds a card to the negative list at once (emergency). The PAN is stored as a keyed MAC and its last four digits only.',
  );
export const removeNegative = z
  .object({ list, pan, source: negativeSource })
  .describe('Takes a card off for one source; it stays listed while another source lists it.');
export const importNegative = z
  .object({
    list,
    source: negativeSource,
    mode: z.enum(['add', 'replace']).describe('`replace`: what the file does not name is off for this source.'),
    text: z
      .string()
      .max(64 * 1024 * 1024)
      .describe('CSV (`pan,reason`) or JSON lines (`{"pan":"…","reason":"…"}`).'),
  })
  .describe("An issuer's list.");
export const publishNegative = z.object({ list, secondSignature }).describe('Makes a new version out of all entries.');
export const addNegativeRange = z
  .object({
    list,
    low: z
      .string()
      .regex(/^\d{1,12}$/)
      .describe('Lowest leading digits.'),
    high: z
      .string()
      .regex(/^\d{1,12}$/)
      .describe('Highest leading digits, as many.'),
    until: time.describe('When it ends.'),
  })
  .describe('A block of cards by their leading digits, until a moment.');
export const allowNegative = z
  .object({ list, pan, withdraw: z.boolean().default(false).describe('Whether the exception ends instead.') })
  .describe(
    'Lets a good card through that meets a listed one by chance, or lies in a blocked range. A card that a source lists is never let through.',
  );
export const explainNegative = z.object({ list, pan }).describe('Asks who lists a card.');
export const proveNegative = z
  .object({ list, pan, serial: serialSchema, at: time.describe('The time asked about.') })
  .describe('Asks whether a card was blocked on a terminal at a time.');

const negativeEntryFields = {
  lastFour: z.string().describe('Last four digits of the PAN.'),
  reason,
  addedAt: time.describe('When it was listed.'),
  token: z.string().describe('Stands for the PAN: the same card has the same token.'),
  source: z.string().describe('Who lists it.'),
};
export const negativeEntry = z.object(negativeEntryFields).describe('A card on the negative list.');
export const negativeAdded = z
  .object({
    entry: negativeEntry.describe('The entry as it stands in the list.'),
    version: count('Version of the list that it is an overlay of.'),
    overlaySeq: count('Sequence number of the newest emergency entry.'),
    already: z.boolean().describe('Whether the source listed the card before.'),
  })
  .describe('What became of an emergency entry.');
export type NegativeAdded = z.infer<typeof negativeAdded>;
const publishedFields = {
  version: count('The newest version.'),
  count: count('Cards that the new version has, or would have.'),
  published: z.boolean().describe('Whether a new version was published.'),
  needsSecondSignature: z
    .boolean()
    .describe('Whether cards that were taken off stay until a second list key signs that.'),
  awaitsSignatures: z.boolean().describe('Whether it waits for list keys that lie elsewhere: `tsunagu negative sign`.'),
};
export const negativePublished = z
  .object(publishedFields)
  .describe('What became of a change that needs a new version.');
export type NegativePublished = z.infer<typeof negativePublished>;
const base64Text = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9+/]+=*$/);
const digestText = z.string().regex(/^[0-9a-f]{64}$/);
/** A document of the negative file's authority as it travels: payload and signatures, base64. */
export const negativeRootDocument = z
  .object({ document: base64Text(16_384).describe('A root as it travels: payload and signatures, base64.') })
  .describe('A root of the negative file, or a proposal for one.');
export const negativeSignatureBrought = z
  .object({
    list,
    digest: digestText.describe('SHA-256 of what is signed, hex: as the version that waits says it.'),
    keyId: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .describe('Which list key signed.'),
    signature: base64Text(88).describe('Ed25519, base64.'),
  })
  .describe('A signature by a list key that lies elsewhere.');
export const negativeAuthority = z
  .object({
    root: negativeRootDocument.describe('The root in force.'),
    nextVersion: z
      .number()
      .int()
      .nullable()
      .describe('A root that was brought and comes into force with the next version.'),
    keys: z
      .array(
        z
          .object({
            id: z.string().describe('First 8 bytes of the SHA-256 of the key, hex.'),
            role: z.enum(['root', 'list', 'emergency', 'head']).describe('What it may sign.'),
            held: z.boolean().describe('Whether the server has it.'),
          })
          .describe('A key of the root under which the next version is signed.'),
      )
      .describe('Who may sign what.'),
    pending: z
      .object({
        version: count('The version that waits.'),
        count: count('Cards that it has.'),
        before: count('Cards of the version in force.'),
        payload: base64Text(1_024).describe('What is to be signed: the payload of its manifest, base64.'),
        digest: digestText.describe('SHA-256 of the payload, hex.'),
        signers: z.number().int().describe('How many list keys have to sign it.'),
        signed: z.number().int().describe('How many have.'),
      })
      .nullable()
      .describe('The version that waits for signatures.'),
  })
  .describe('Who may speak for the negative file, and what waits for them.');
export type NegativeAuthority = z.infer<typeof negativeAuthority>;
export const negativeImported = z
  .object({
    ...publishedFields,
    added: count('Cards that the source did not list before.'),
    removed: count('Cards that the source lists no more.'),
    kept: count('Cards that the source listed before and lists still.'),
    refused: z
      .array(
        z
          .object({
            line: count('Line of the file, from 1.'),
            why: z.enum(['form', 'pan', 'reason']).describe('What is wrong with it.'),
          })
          .describe('A line that was no card.'),
      )
      .describe('Lines that were no card; their content is never repeated.'),
  })
  .describe("What became of an issuer's list.");
export type NegativeImported = z.infer<typeof negativeImported>;
export const negativeOverview = z
  .object({
    list: z.string().describe('Name of the negative list.'),
    version: count('Version of the list.'),
    overlaySeq: count('Sequence number of the newest emergency entry.'),
    entries: z.array(negativeEntry).describe('Entries, newest first.'),
    next: z.string().nullable().describe('Cursor of the following page; null on the last.'),
    terminals: z
      .object({
        current: count('Terminals that hold the newest, overlay included.'),
        behind: count('Terminals that do not.'),
      })
      .describe('How many terminals hold it.'),
  })
  .describe('A page of the negative list, and how far terminals are with it.');
export const negativeState = z
  .object({
    list: z.string().describe('Name of the negative list.'),
    codec,
    epoch: count('Rises when the key of the list changes, or its codec.'),
    version: count('Version of the list.'),
    overlaySeq: count('Sequence number of the newest emergency entry.'),
    cards: count('Cards in the newest version.'),
    withheld: count('Cards among them that were taken off here: they stay until enough list keys have signed that.'),
    sizeBytes: count('Length of its container.'),
    headIssuedAt: time.describe('When the head was signed.'),
    headNotAfter: time.describe('When it ends.'),
    versions: z
      .array(
        z
          .object({
            version: count('Number of the version.'),
            count: count('Its cards.'),
            sizeBytes: count('Length of its container.'),
            issuedAt: time.describe('When it was published.'),
          })
          .describe('A version.'),
      )
      .describe('The newest versions, newest first.'),
    sources: z
      .array(
        z
          .object({ source: z.string().describe('Issuer or brand.'), cards: count('Cards that it lists.') })
          .describe('Somebody who lists cards.'),
      )
      .describe('Who lists how many cards.'),
    spread: z
      .object({
        reached: count('Terminals that said they have the newest head in force.'),
        total: count('All terminals.'),
        lastMs: z
          .number()
          .int()
          .nullable()
          .describe('When the last of them said so, milliseconds after the head was signed.'),
      })
      .describe('How the newest head spread.'),
    exposureMinor: count(
      'Minor units: what terminals that are behind may approve offline until they hear of the newest head.',
    ),
    behind: z
      .array(
        z
          .object({
            serial: z.string().describe('Serial of the terminal.'),
            version: count('The version that it has; 0 none.'),
            overlaySeq: count('The newest emergency entry that it has.'),
            freshAt: time.nullable().describe('When what it has last equalled a head.'),
            exposureMinor: count('What it may approve offline, minor units.'),
          })
          .describe('A terminal that is behind.'),
      )
      .describe('Terminals that are behind, the most exposed first; a hundred at most.'),
  })
  .describe('Versions of the negative list, how far the fleet has them, and what that may cost.');
export type NegativeStateView = z.infer<typeof negativeState>;
/** Query of whatever is asked of one list. */
export const ofNegativeList = z.object({ list });
export const setNegativeList = z
  .object({ list: negativeListName, codec: codec.default('KH') })
  .describe('Makes a list of its own, or has it published in another codec from its next version on.');
export const negativeListView = z
  .object({
    list: z.string().describe('Name of the list.'),
    codec,
    version: count('Its newest version; 0 while the first waits for signatures.'),
    overlaySeq: count('Sequence number of the newest emergency entry.'),
    cards: count('Cards in the newest version.'),
    sizeBytes: count('Length of its container.'),
    reached: count('Terminals that have the newest head in force.'),
    total: count('All terminals.'),
    exposureMinor: count('Minor units: what terminals that are behind with it may approve offline.'),
  })
  .describe('A negative list.');
export type NegativeListView = z.infer<typeof negativeListView>;
/** All negative lists. */
export const negativeLists = z.object({ items: z.array(negativeListView).describe('The lists by name.') });
export const negativeDiff = z
  .object({
    from: count('The older version.'),
    to: count('The newer version.'),
    added: count('Cards that came.'),
    removed: count('Cards that went.'),
    deltaBytes: count('Length of the delta.'),
    snapshotBytes: count('Length of the whole container.'),
  })
  .describe('What lies between two versions.');
export const negativeExplanation = z
  .object({
    listed: z.boolean().describe('Whether anybody lists the card now.'),
    atTerminals: z
      .enum(['clear', 'listed', 'range-listed', 'stale', 'unknown-key'])
      .describe(
        'What a terminal says that has what was published last. A card that nobody lists is refused there while a second signature is missing, in a blocked range, or by chance (keyed hashes).',
      ),
    lastFour: z.string().describe('Last four digits of the PAN.'),
    token: z.string().describe('Stands for the PAN.'),
    entries: z
      .array(
        z
          .object({
            ...negativeEntryFields,
            version: z.number().int().nullable().describe('The version that has it first; null: emergency entry.'),
          })
          .describe('An entry of one source.'),
      )
      .describe('Who lists it.'),
    changes: z
      .array(
        z
          .object({
            at: time.describe('When.'),
            kind: z
              .enum(['listed', 'unlisted', 'allowed', 'disallowed'])
              .describe('What happened; `allowed` is an exception.'),
            source: z.string().describe('For which source.'),
            reason,
            by: z.string().describe('Who did it.'),
          })
          .describe('A change.'),
      )
      .describe('What happened to it, newest first.'),
  })
  .describe('Who lists a card, why and since when.');
export type NegativeExplanation = z.infer<typeof negativeExplanation>;
