import { createPrivateKey } from 'node:crypto';
import { frameKeys, pinKeyOf } from '@tsunagu/protocols/acquiring';
import { combineComponents } from '@tsunagu/protocols/components';
import {
  type DukptKsn,
  deriveAesInitialKeyBy,
  deriveAesTransactionKey,
  deriveTdesInitialKeyBy,
  deriveTdesTransactionKey,
  parseKsn,
  type TransactionKey,
  tdesVariantKey,
  wipeTransactionKey,
} from '@tsunagu/protocols/dukpt';
import { customaryCheckValue, weaknessOf } from '@tsunagu/protocols/kcv';
import { fail, hex, ok, type Result, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { panMacBy, permutationKey, permutePan } from '@tsunagu/protocols/negative';
import { packParcel, type Parcel } from '@tsunagu/protocols/offline-root';
import { decipherPin, encipherPinBy } from '@tsunagu/protocols/pinblock';
import { type OptionalBlock, protectionBy, wrapKeyBlockWith } from '@tsunagu/protocols/tr31';
import { writeKeyToken } from '@tsunagu/protocols/tr34';
import type { World } from '@tsunagu/protocols/world';
import {
  type AcquirerUse,
  type CeremonyUse,
  type DukptWorkingKeys,
  type KeyFacts,
  keyUses,
  type ReleasedUse,
  type Vault,
  type WrappedKey,
} from './port.ts';
import type { StrongRoom } from './strong-room.ts';

const tokenKey = 'pan-token';
const sealingKey = 'sealing';

/** What a key for one company may do: TR-31 usage and mode. X9.143, 6.3.2 and 6.3.4. */
const acquirerBlocks = {
  'acquirer-pin': { keyUsage: 'P0', modeOfUse: 'E' },
  'acquirer-mac': { keyUsage: 'M6', modeOfUse: 'C' },
  'acquirer-data': { keyUsage: 'D0', modeOfUse: 'B' },
} as const satisfies Record<AcquirerUse, { keyUsage: string; modeOfUse: string }>;

/** The header of a key-block protection key in a TR-34 token: AES, to wrap and unwrap, not exportable. */
const protectionHeader = 'D0000K1AB00N0000';

/** The vault's doors, over any strong room: base and protection keys stay in there, and what is derived of them for one call is wiped after it. */
export async function openVault(room: StrongRoom, world: Pick<World, 'entropy'>): Promise<Vault> {
  // The keys behind doors that name none.
  await room.ensure(tokenKey, 'pan-token');
  await room.ensure(sealingKey, 'sealing');
  const { entropy } = world;

  function wrap(
    protection: string,
    use: 'key-block-protection' | 'zone-protection',
    key: Secret<'key'>,
    block: { readonly keyUsage: string; readonly modeOfUse: string },
    optionalBlocks: readonly OptionalBlock[] = [],
    algorithm: 'A' | 'T' = 'A',
  ): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'> {
    const cipher = room.cipher(protection, use);
    if (!cipher.ok) return cipher;
    const attributes = {
      versionId: 'D',
      ...block,
      algorithm,
      keyVersion: '00',
      exportability: 'N',
      reserved: '00',
    } as const;
    const readied = protectionBy(cipher.value, keyUses[use].lengthBytes);
    const keyBlock = unwrap(wrapKeyBlockWith(readied, { attributes, optionalBlocks, key, entropy }));
    return ok({ keyBlock, checkValue: checkValueOf(algorithm, key) });
  }

  /** Lends the key of one transaction to `work`, and wipes it. */
  function withTransaction<T, C extends 'VAULT_KEY_UNKNOWN' | 'PINBLOCK_UNREADABLE' = never>(
    base: string,
    ksn: Uint8Array,
    work: (key: TransactionKey) => Result<T, C>,
  ): Result<T, C | 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID'> {
    const read = parseKsn(ksn);
    if (!read.ok) return read;
    const transaction = transactionKeyOf(base, read.value);
    if (!transaction.ok) return transaction;
    try {
      return work(transaction.value);
    } finally {
      wipeTransactionKey(transaction.value);
    }
  }

  function transactionKeyOf(
    base: string,
    { scheme, initialKeyId, counter }: DukptKsn,
  ): Result<TransactionKey, 'VAULT_KEY_UNKNOWN' | 'DUKPT_COUNTER_INVALID'> {
    if (scheme === 'aes') {
      const initial = aesInitialKeyOf(base, initialKeyId);
      if (!initial.ok) return initial;
      const transaction = deriveAesTransactionKey(initial.value, counter);
      initial.value.key.wipe();
      return transaction;
    }
    const initial = tdesInitialKeyOf(base, initialKeyId);
    if (!initial.ok) return initial;
    const transaction = deriveTdesTransactionKey(initial.value, counter);
    initial.value.key.wipe();
    return transaction;
  }

  function aesInitialKeyOf(base: string, initialKeyId: Uint8Array) {
    const bdk = room.cipher(base, 'dukpt-base');
    return bdk.ok ? ok(deriveAesInitialKeyBy(bdk.value, 'AES128', initialKeyId)) : bdk;
  }

  function tdesInitialKeyOf(base: string, initialKsn: Uint8Array) {
    const left = room.cipher(base, 'dukpt-base-tdes');
    if (!left.ok) return left;
    const right = room.cipher(variantOf(base), 'dukpt-base-tdes-variant');
    return right.ok ? ok(deriveTdesInitialKeyBy(left.value, right.value, initialKsn)) : right;
  }

  let making: Promise<unknown> = Promise.resolve();
  /**
   * A TDES base key and its variant: initial keys are made under both, and a token does not mask the keys that it keeps. The base comes last: what has
   * no base is made anew.
   */
  async function keepTdesBase(id: string, key: Secret<'key'>): Promise<KeyFacts> {
    if (room.find(id)) throw new Error(`key ${id} is there already`);
    await room.destroy(variantOf(id));
    await room.keep(variantOf(id), 'dukpt-base-tdes-variant', tdesVariantKey(key));
    return await room.keep(id, 'dukpt-base-tdes', key);
  }
  function ensureTdesBase(id: string): Promise<KeyFacts> {
    const made = making.then(() =>
      room.find(id)
        ? room.ensure(id, 'dukpt-base-tdes')
        : keepTdesBase(id, Secret.take('key', entropy(keyUses['dukpt-base-tdes'].lengthBytes))),
    );
    making = made.catch(() => undefined);
    return made;
  }

  const keep: Vault['keep'] = (id, use, key) =>
    use === 'dukpt-base-tdes' ? keepTdesBase(id, key) : room.keep(id, use, key);

  function withReleased<T, C extends 'VAULT_KEY_UNKNOWN' | 'INPUT_INVALID' | 'PINBLOCK_UNREADABLE'>(
    id: string,
    use: ReleasedUse,
    work: (key: Secret<'key'>) => Result<T, C>,
  ): Result<T, C | 'VAULT_KEY_UNKNOWN'> {
    const key = room.release(id, use);
    if (!key.ok) return key;
    try {
      return work(key.value);
    } finally {
      key.value.wipe();
    }
  }

  return {
    ensure: (id, use) => (use === 'dukpt-base-tdes' ? ensureTdesBase(id) : room.ensure(id, use)),
    keep,
    find: (id) => room.find(id),
    idsFor: (use) => room.idsFor(use),
    async destroy(id) {
      const use = room.find(id)?.use;
      await room.destroy(id);
      if (use === 'dukpt-base-tdes') await room.destroy(variantOf(id));
    },
    publicKey: (id) => room.publicKey(id),
    sign: (id, use, bytes) => unwrap(room.sign(id, use, bytes)),

    parcelOf: (id, receiver) =>
      withReleased<Parcel, 'INPUT_INVALID'>(id, 'certificate-signing', (pkcs8) => {
        const packed = packParcel(pkcs8, receiver, entropy);
        return packed ? ok(packed) : fail('INPUT_INVALID', { field: 'receiver' });
      }),
    tlsKey: (id) =>
      withReleased<string, never>(id, 'tls', (pkcs8) =>
        ok(
          pkcs8.use((der) =>
            String(
              createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }).export({
                format: 'pem',
                type: 'pkcs8',
              }),
            ),
          ),
        ),
      ),
    zoneKey: (id) => room.release(id, 'zone-protection'),

    wrapInitialKey(protection, base, initialKeyId) {
      const isTdes = room.find(base)?.use === 'dukpt-base-tdes';
      const initial = isTdes ? tdesInitialKeyOf(base, initialKeyId) : aesInitialKeyOf(base, initialKeyId);
      if (!initial.ok) return initial;
      const { key } = initial.value;
      try {
        // X9.143, 6.3.6: whose key it is.
        const id = { id: isTdes ? 'KS' : 'IK', data: toHex(initialKeyId) };
        const block = { keyUsage: 'B1', modeOfUse: 'X' };
        return wrap(protection, 'key-block-protection', key, block, [id], isTdes ? 'T' : 'A');
      } finally {
        key.wipe();
      }
    },
    wrapTagKey: (protection, id) =>
      withReleased(id, 'negative-tag', (key) =>
        wrap(protection, 'key-block-protection', key, { keyUsage: 'M6', modeOfUse: 'C' }),
      ),
    wrapZonePin: (protection, id, mode = 'D') =>
      withReleased(id, 'zone-pin', (key) =>
        wrap(protection, 'zone-protection', key, { keyUsage: 'P0', modeOfUse: mode }),
      ),
    wrapAcquirerKey: (protection, id, use, label) =>
      withReleased(id, use, (key) =>
        wrap(protection, 'key-block-protection', key, acquirerBlocks[use], [{ id: 'LB', data: label }]),
      ),

    async protectionKeyToken(id, host, token) {
      const key = Secret.take('key', entropy(keyUses['key-block-protection'].lengthBytes));
      try {
        if (!room.find(host)) return fail('VAULT_KEY_UNKNOWN', { facts: { key: host } });
        const written = writeKeyToken({
          ...token,
          kdhKey: (bytes) => unwrap(room.sign(host, 'key-distribution', bytes)),
          key,
          header: protectionHeader,
          entropy,
        });
        if (!written.ok) return written;
        const kept = await room.keep(
          id,
          'key-block-protection',
          Secret.take(
            'key',
            key.use((bytes) => bytes.slice()),
          ),
        );
        return ok({ token: written.value, checkValue: kept.checkValue });
      } finally {
        key.wipe();
      }
    },

    sealComponent(context, use, component) {
      const kcv = customaryCheckValue(algorithmOf(use), component);
      if (!kcv.ok || component.length !== keyUses[use].lengthBytes)
        return fail('KEY_LENGTH_INVALID', { field: 'component' });
      if (component.use((bytes) => bytes.every((byte) => byte === 0))) return fail('KEY_COMPONENT_WORTHLESS');
      const sealed = component.use((bytes) => unwrap(room.seal(sealingKey, 'sealing', context, bytes)));
      return ok({ sealed, kcv: toHex(kcv.value) });
    },
    async combine(id, use, components, kcv) {
      const opened: Secret<'key'>[] = [];
      try {
        for (const { context, sealed } of components) {
          const clear = unwrap(room.open(sealingKey, 'sealing', context, sealed));
          if (!clear) return fail('VAULT_DAMAGED', { facts: { context } });
          opened.push(Secret.take('key', clear));
        }
        const algorithm = algorithmOf(use);
        const combined = combineComponents({
          algorithm,
          kcvMethod: algorithm === 'AES' ? 'cmac' : 'legacy',
          components: opened,
          expectedKcv: hex(kcv),
        });
        if (!combined.ok) return combined;
        if (combined.value.key.length !== keyUses[use].lengthBytes)
          return fail('KEY_LENGTH_INVALID', { field: 'components' });
        const weakness = algorithm === 'TDES' ? weaknessOf(combined.value.key) : undefined;
        if (weakness !== undefined) return fail('KEY_WEAK', { facts: { weakness } });
        return ok(await keep(id, use, combined.value.key));
      } finally {
        for (const component of opened) component.wipe();
      }
    },

    translatePin(from, to, block, pan) {
      const translate = (
        format: 0 | 4,
        pinKey: Secret<'key'>,
      ): Result<Uint8Array, 'VAULT_KEY_UNKNOWN' | 'PINBLOCK_UNREADABLE'> => {
        const zone = room.cipher(to, 'zone-pin');
        if (!zone.ok) return zone;
        const pin = decipherPin(format, pinKey, block, pan);
        if (!pin.ok) return fail('PINBLOCK_UNREADABLE');
        const translated = encipherPinBy(zone.value, { pin: pin.value, pan, entropy });
        pin.value.wipe();
        return translated.ok ? translated : fail('PINBLOCK_UNREADABLE');
      };
      if ('zone' in from) return withReleased(from.zone, 'zone-pin', (key) => translate(4, key));
      if ('acquirerPin' in from) return withReleased(from.acquirerPin, 'acquirer-pin', (key) => translate(4, key));
      return withTransaction(from.base, from.ksn, (transaction) => {
        const [format, pinKey] = pinKeyOf(transaction);
        try {
          return translate(format, pinKey);
        } finally {
          pinKey.wipe();
        }
      });
    },
    dukptKeys: (base, ksn) =>
      withTransaction<DukptWorkingKeys, never>(base, ksn, (transaction) =>
        ok({ request: frameKeys(transaction, 'request'), answer: frameKeys(transaction, 'answer') }),
      ),

    acquirerKeys(data, mac) {
      const encryption = room.release(data, 'acquirer-data');
      if (!encryption.ok) return encryption;
      const authentic = room.release(mac, 'acquirer-mac');
      if (!authentic.ok) {
        encryption.value.wipe();
        return authentic;
      }
      const keys = { encryption: encryption.value, mac: authentic.value };
      return ok({ request: keys, answer: keys });
    },

    negativeTag(id, pan) {
      const cipher = room.cipher(id, 'negative-tag');
      return cipher.ok ? ok(panMacBy(cipher.value, pan)) : cipher;
    },
    negativePlace: (id, pan) =>
      withReleased(id, 'negative-tag', (tagKey) => {
        const permuting = permutationKey(tagKey);
        try {
          return ok(permutePan(permuting, pan));
        } finally {
          permuting.wipe();
        }
      }),
    panToken(pan) {
      const mac = pan.use((digits) => unwrap(room.hmac(tokenKey, 'pan-token', digits)));
      return `tok_${toHex(mac).toLowerCase().slice(0, 20)}`;
    },

    seal: (context, bytes) => unwrap(room.seal(sealingKey, 'sealing', context, bytes)),
    open(context, sealed) {
      const clear = unwrap(room.open(sealingKey, 'sealing', context, sealed));
      return clear ? ok(clear) : fail('VAULT_DAMAGED', { facts: { context } });
    },

    head: () => room.head(),
    onHead: (moved) => room.onHead(moved),
    close: () => room.close(),
  };
}

const checkValueOf = (algorithm: 'A' | 'T', key: Secret<'key'>): string =>
  toHex(unwrap(customaryCheckValue(algorithm === 'A' ? 'AES' : 'TDES', key)));

/** What a key for a use that people bring in does. */
const algorithmOf = (use: CeremonyUse): 'AES' | 'TDES' => (keyUses[use].kind === 'tdes' ? 'TDES' : 'AES');

/** The variant of a TDES base key is a key beside it. */
const variantOf = (base: string): string => `${base}/variant`;
