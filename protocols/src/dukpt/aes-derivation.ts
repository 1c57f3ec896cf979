import {
  type BlockEncrypter,
  encryptSlices,
  freshKeyEncrypter,
  fromSlices,
  setSliceBit,
  toSlices,
} from '../cipher/index.ts';

/** The AES types that a BDK, an initial key and a derivation key can have. */
export type AesKeyType = 'AES128' | 'AES192' | 'AES256';

/** The types of key that AES DUKPT derives. ANSI X9.24-3:2017, 6.2.1, tables 2 and 3. */
export const keyTypes = {
  '2TDEA': { algorithm: 0x0000, lengthBits: 128, strengthBits: 112 },
  '3TDEA': { algorithm: 0x0001, lengthBits: 192, strengthBits: 112 },
  AES128: { algorithm: 0x0002, lengthBits: 128, strengthBits: 128 },
  AES192: { algorithm: 0x0003, lengthBits: 192, strengthBits: 192 },
  AES256: { algorithm: 0x0004, lengthBits: 256, strengthBits: 256 },
  HMAC128: { algorithm: 0x0005, lengthBits: 128, strengthBits: 128 },
  HMAC192: { algorithm: 0x0005, lengthBits: 192, strengthBits: 192 },
  HMAC256: { algorithm: 0x0005, lengthBits: 256, strengthBits: 256 },
} as const satisfies Record<string, { algorithm: number; lengthBits: number; strengthBits: number }>;

/** A type of key that AES DUKPT derives. */
export type DukptKeyType = keyof typeof keyTypes;

/** What a working key is for. ANSI X9.24-3:2017, 6.2.1, table 1. */
export const keyUsages = {
  keyEncryptionKey: 0x0002,
  pinEncryption: 0x1000,
  macGeneration: 0x2000,
  macVerification: 0x2001,
  macBothWays: 0x2002,
  dataEncryptionEncrypt: 0x3000,
  dataEncryptionDecrypt: 0x3001,
  dataEncryptionBothWays: 0x3002,
  keyDerivation: 0x8000,
} as const;

/** What a working key is for. A request uses the generate and encrypt usages, a response the verify and decrypt ones. */
export type DukptKeyUsage = keyof typeof keyUsages;

const initialKeyUsage = 0x8001;

/** Key types by length in bytes. */
export const aesTypeOfLength: ReadonlyMap<number, AesKeyType> = new Map([
  [16, 'AES128'],
  [24, 'AES192'],
  [32, 'AES256'],
]);

/** Whether a type goes with a usage: HMAC keys serve the MAC usages and no other (X9.24-3:2017, 6.2.1). */
export const suits = (type: DukptKeyType, usage: DukptKeyUsage): boolean =>
  !type.startsWith('HMAC') || (keyUsages[usage] & 0xf000) === 0x2000;

/** Whether a key of type `type` is at most as strong as its parent. X9.24-3:2017, 6.2: a working key never is stronger. */
export const isWithinStrength = (type: DukptKeyType, parent: AesKeyType): boolean =>
  keyTypes[type].strengthBits <= keyTypes[parent].strengthBits;

/**
 * The keys of one parent: derivation data, enciphered block by block, and cut to length.
 * A parent's cipher is readied once, however many keys are derived from it.
 *
 * @see ANSI X9.24-3:2017, 6.2.2 (Derive Key) and 6.3.2 (derivation data)
 */
export function deriveKey(
  parent: BlockEncrypter,
  usage: number,
  type: DukptKeyType,
  tail: (data: Uint8Array) => void,
): Uint8Array {
  const data = derivationData(usage, type);
  tail(data);
  const derived = parent.encrypt(withSecondBlock(data));
  return keyTypes[type].lengthBits === 192 ? derived.subarray(0, 24) : derived;
}

// The head of the derivation data, with room for the second block of a key longer than one.
function derivationData(usage: number, type: DukptKeyType): Uint8Array {
  const { algorithm, lengthBits } = keyTypes[type];
  const data = new Uint8Array(lengthBits > 128 ? 32 : 16);
  data[0] = 1;
  data[1] = 1;
  data[2] = usage >> 8;
  data[3] = usage & 0xff;
  data[5] = algorithm;
  data[6] = lengthBits >> 8;
  data[7] = lengthBits & 0xff;
  return data;
}

function withSecondBlock(data: Uint8Array): Uint8Array {
  if (data.length > 16) {
    data.copyWithin(16, 0, 16);
    data[17] = 2;
  }
  return data;
}

function setCounter(data: Uint8Array, counter: number): void {
  data[12] = counter >>> 24;
  data[13] = (counter >>> 16) & 0xff;
  data[14] = (counter >>> 8) & 0xff;
  data[15] = counter & 0xff;
}

/** Writes the last four bytes of the initial key id and the counter: the tail of all derivation data but the initial key's. */
export const counterTail =
  (initialKeyId: Uint8Array, counter: number) =>
  (data: Uint8Array): void => {
    data.set(initialKeyId.subarray(4, 8), 8);
    setCounter(data, counter);
  };

/** The initial key of a terminal: the one derivation that holds all eight bytes of the id (X9.24-3:2017, 6.3.1). */
export const deriveInitialKey = (bdk: BlockEncrypter, type: AesKeyType, initialKeyId: Uint8Array): Uint8Array =>
  deriveKey(bdk, initialKeyUsage, type, (data) => data.set(initialKeyId, 8));

/** The child of a derivation key for one more one-bit of the counter. */
export const deriveChild = (
  parent: BlockEncrypter,
  type: AesKeyType,
  initialKeyId: Uint8Array,
  counter: number,
): Uint8Array => deriveKey(parent, keyUsages.keyDerivation, type, counterTail(initialKeyId, counter));

/** Walks the counter's one-bits from the top, from the initial key to the derivation key of the counter (X9.24-3:2017, 6.3.3). */
export function walkToCounter(
  initialKey: Uint8Array,
  type: AesKeyType,
  initialKeyId: Uint8Array,
  counter: number,
): Uint8Array {
  return walk(initialKey, type, initialKeyId, 0, counter);
}

type OnStep = (counter: number, key: Uint8Array) => void;

/**
 * Walks on from the key of `from`, a counter that consists of the upper one-bits of `to`.
 * `onStep` sees each key on the way: what a cache of the tree's upper nodes keeps.
 */
export function walk(
  start: Uint8Array,
  type: AesKeyType,
  initialKeyId: Uint8Array,
  from: number,
  to: number,
  onStep?: OnStep,
): Uint8Array {
  const data = derivationData(keyUsages.keyDerivation, type);
  data.set(initialKeyId.subarray(4, 8), 8);
  setCounter(data, from);
  const steps = (to ^ from) >>> 0;
  return type === 'AES128'
    ? walkInSlices(start, data, from, steps, onStep)
    : walkInBytes(start, data, from, steps, onStep);
}

/** AES-128: what one step gives is the key of the next, and becomes bytes only where somebody looks. */
function walkInSlices(start: Uint8Array, head: Uint8Array, from: number, steps: number, onStep?: OnStep): Uint8Array {
  const key = toSlices(start);
  const data = toSlices(head);
  let shown = start;
  let reached = from;
  for (let left = steps; left !== 0; ) {
    const index = 31 - Math.clz32(left);
    left = (left ^ (1 << index)) >>> 0;
    reached = (reached | (1 << index)) >>> 0;
    setSliceBit(data, index);
    encryptSlices(key, data, key);
    if (onStep === undefined && left !== 0) continue;
    shown = fromSlices(key);
    onStep?.(reached, shown);
  }
  key.fill(0);
  return shown;
}

function walkInBytes(start: Uint8Array, data: Uint8Array, from: number, steps: number, onStep?: OnStep): Uint8Array {
  const { length } = start;
  const encrypt = freshKeyEncrypter('AES', length);
  let key = start;
  let reached = from;
  for (let left = steps; left !== 0; ) {
    const bit = 0x80000000 >>> Math.clz32(left);
    left = (left ^ bit) >>> 0;
    reached = (reached | bit) >>> 0;
    setCounter(data, reached);
    const derived = encrypt(key, withSecondBlock(data));
    if (onStep === undefined && key !== start) wipe(key);
    key = derived.length === length ? derived : derived.subarray(0, length);
    onStep?.(reached, key);
  }
  return key;
}

// Buffer's own fill spends longer on its arguments than sixteen assignments take.
function wipe(bytes: Uint8Array): void {
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = 0;
}
