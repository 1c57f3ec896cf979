import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { CardElements } from '@tsunagu/protocols/acquiring';
import type { Scheme } from '@tsunagu/protocols/emv';
import type { transitScheme } from '@tsunagu/protocols/felica';
import { concat, fail, lastFour, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import type { SealedCard } from './sealed-card.ts';
import { schemeOfPan } from './stripe-reading.ts';

/** Seals card data where they are read and opens them where a message is enciphered. Nobody else has its key. */
export interface CardVault {
  /** @param scheme what the card said of itself; without it the number decides */
  seal(card: CardElements, scheme?: Scheme | typeof transitScheme.key): SealedCard;
  /** The caller owns what comes back, and wipes it. CARD_BOX_BROKEN: another terminal's card, or one that was changed. */
  open(card: SealedCard): Result<CardElements, 'CARD_BOX_BROKEN'>;
}

/** The card company of a card, by the leading digits of its number; undefined where none is named. */
export type CompanyOf = (digits: Uint8Array) => string | undefined;

const keyRecord = sealedRecord('card-key', z.object({ v: z.literal(1) }));
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** Opens the vault of a terminal; its key is made at the first start and stays in the sealed store. */
export async function openCardVault(
  store: SealedStore,
  world: Pick<World, 'entropy'>,
  companyOf?: CompanyOf,
): Promise<Result<CardVault, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'>> {
  const stored = await store.read(keyRecord);
  if (!stored.ok) return stored;
  if (stored.value?.secret) return ok(cardVault(stored.value.secret, world, companyOf));
  const key = Secret.take('key', world.entropy(keyBytes));
  const written = await store.write(keyRecord, { v: 1 }, key);
  return written.ok ? ok(cardVault(key, world, companyOf)) : written;
}

/** A vault under a key of 32 bytes: AES-256-GCM (NIST SP 800-38D), what a person may see as additional data. */
export const cardVault = (key: Secret<'key'>, world: Pick<World, 'entropy'>, companyOf?: CompanyOf): CardVault => ({
  seal(card, scheme) {
    const company = card.pan.use((pan) => companyOf?.(pan.subarray(0, 11)));
    const facts = {
      token: key.use((bytes) =>
        card.pan.use((pan) => createHmac('sha256', bytes).update('token\n').update(pan).digest('hex').slice(0, 16)),
      ),
      lastFour: lastFour(card.pan),
      scheme: scheme ?? schemeOfPan(card.pan) ?? '',
      ...(company !== undefined && { company }),
    };
    const plain = pack(card);
    const nonce = world.entropy(nonceBytes);
    const box = key.use((bytes) => {
      const cipher = createCipheriv('aes-256-gcm', bytes, nonce, { authTagLength: tagBytes }).setAAD(covered(facts));
      return concat(nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag());
    });
    plain.fill(0);
    return { v: 1, box: Buffer.from(box).toString('base64'), ...facts };
  },
  open(card) {
    const box = Buffer.from(card.box, 'base64');
    if (box.length < nonceBytes + tagBytes) return fail('CARD_BOX_BROKEN', { facts: { lengthBytes: box.length } });
    try {
      const plain = key.use((bytes) => {
        const decipher = createDecipheriv('aes-256-gcm', bytes, box.subarray(0, nonceBytes), {
          authTagLength: tagBytes,
        });
        decipher.setAAD(covered(card)).setAuthTag(box.subarray(box.length - tagBytes));
        return concat(decipher.update(box.subarray(nonceBytes, box.length - tagBytes)), decipher.final());
      });
      const elements = unpack(plain);
      plain.fill(0);
      return ok(elements);
    } catch {
      return fail('CARD_BOX_BROKEN', { facts: { lengthBytes: box.length } });
    }
  },
});

/** Wipes what `open` gave out. */
export function wipeCard({ pan, track2 }: CardElements): void {
  pan.wipe();
  track2?.wipe();
}

const covered = ({ token, lastFour: digits, scheme, company }: Omit<SealedCard, 'v' | 'box'>): Buffer =>
  Buffer.from(
    ['tsunagu-card-v1', token, digits, scheme, ...(company === undefined ? [] : [company])].join('\n'),
    'utf8',
  );

/** Four parts, each after its length in one byte: number, expiry, sequence number, track 2; a part that is not there is empty. */
function pack({ pan, expiry, panSequence, track2 }: CardElements): Uint8Array {
  const part = (bytes: Uint8Array): Uint8Array => concat(Uint8Array.of(bytes.length), bytes);
  const parts = [
    pan.use(part),
    part(Buffer.from(expiry ?? '', 'latin1')),
    part(panSequence === undefined ? new Uint8Array(0) : Uint8Array.of(panSequence)),
    track2 === undefined ? part(new Uint8Array(0)) : track2.use(part),
  ];
  const packed = concat(...parts);
  for (const each of parts) each.fill(0);
  return packed;
}

function unpack(plain: Uint8Array): CardElements {
  let at = 0;
  const part = (): Uint8Array => {
    const end = at + 1 + (plain[at] ?? 0);
    const bytes = plain.subarray(at + 1, end);
    at = end;
    return bytes;
  };
  const pan = Secret.copy('pan', part());
  const expiry = Buffer.from(part()).toString('latin1');
  const [panSequence] = part();
  const track = part();
  return {
    pan,
    expiry: expiry === '' ? undefined : expiry,
    panSequence,
    track2: track.length === 0 ? undefined : Secret.copy('pan', track),
  };
}
