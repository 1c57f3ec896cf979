import { type BlockCipher, blockBytes, type BlockEncrypter, cbcEncrypter } from './block-cipher.ts';

/**
 * CMAC of `data` under a readied key: 16 bytes for AES, 8 for TDES.
 *
 * @see NIST SP 800-38B, 6.2; ISO/IEC 9797-1:2011, algorithm 5
 */
export function cmac(key: BlockEncrypter, data: Uint8Array): Uint8Array {
  const size = key.blockBytes;
  const blocks = Math.max(1, Math.ceil(data.length / size));
  const isWhole = data.length === blocks * size;
  const subkey = doubled(key.encrypt(new Uint8Array(size)));
  const last = new Uint8Array(size);
  last.set(data.subarray((blocks - 1) * size));
  if (!isWhole) last[data.length - (blocks - 1) * size] = 0x80;
  xorInto(last, isWhole ? subkey : doubled(subkey), 0);
  let state: Uint8Array = new Uint8Array(size);
  for (let block = 0; block < blocks - 1; block += 1) {
    xorInto(state, data, block * size);
    state = key.encrypt(state);
  }
  xorInto(last, state, 0);
  return key.encrypt(last);
}

/**
 * A key that is ready for CMACs of longer messages: one call of the cipher each, whatever the length. Result and source as of `cmac`.
 *
 * One chain serves all messages: what begins anew with zeros is, in a chain that goes on, a first block to which the last one of the chain is added.
 */
export function cmacUnder(cipher: Exclude<BlockCipher, 'DES'>, key: Uint8Array): (data: Uint8Array) => Uint8Array {
  const size = blockBytes[cipher];
  const chained = cbcEncrypter(cipher, key);
  let state = chained(new Uint8Array(size));
  // The first block of a chain that begins with zeros is what the subkeys are made of.
  const whole = doubled(state);
  const part = doubled(whole);
  return (data) => {
    const padded = new Uint8Array(Math.max(1, Math.ceil(data.length / size)) * size);
    padded.set(data);
    const isWhole = data.length === padded.length;
    if (!isWhole) padded[data.length] = 0x80;
    xorInto(padded.subarray(-size), isWhole ? whole : part, 0);
    xorInto(padded.subarray(0, size), state, 0);
    state = chained(padded).slice(-size);
    return state.slice();
  };
}

/** CMACs of several messages of one block or less, in two calls of the cipher. Key derivation in TR-31 B and D is made of these. */
export function cmacOfShortMessages(key: BlockEncrypter, messages: readonly Uint8Array[]): Uint8Array {
  const size = key.blockBytes;
  const wholeMask = doubled(key.encrypt(new Uint8Array(size)));
  const partMask = doubled(wholeMask);
  const blocks = new Uint8Array(size * messages.length);
  messages.forEach((message, index) => {
    if (message.length > size) throw new Error('not a short message');
    const block = blocks.subarray(index * size, (index + 1) * size);
    block.set(message);
    if (message.length < size) block[message.length] = 0x80;
    xorInto(block, message.length === size ? wholeMask : partMask, 0);
  });
  return key.encrypt(blocks);
}

// Multiplication by x in GF(2^64) and GF(2^128), in the same time whatever the bits (SP 800-38B, 5.3).
function doubled(block: Uint8Array): Uint8Array {
  const result = new Uint8Array(block.length);
  let carry = 0;
  for (let index = block.length - 1; index >= 0; index -= 1) {
    const byte = block[index] ?? 0;
    result[index] = (byte << 1) | carry;
    carry = byte >> 7;
  }
  const constant = block.length === 16 ? 0x87 : 0x1b;
  result[block.length - 1] = (result[block.length - 1] ?? 0) ^ (constant & -carry);
  return result;
}

function xorInto(target: Uint8Array, source: Uint8Array, offset: number): void {
  for (let index = 0; index < target.length; index += 1) {
    target[index] = (target[index] ?? 0) ^ (source[offset + index] ?? 0);
  }
}
