import { createCipheriv, createDecipheriv } from 'node:crypto';

// The peers of the key benches: what one writes first with node:crypto, a cipher object for every block. Correct, and
// compared with the library before anything is timed.

type Bytes = Uint8Array;

const xor = (a: Bytes, b: Bytes): Bytes => a.map((byte, index) => byte ^ (b[index] ?? 0));

function block(algorithm: string, key: Bytes, data: Bytes): Bytes {
  const cipher = createCipheriv(algorithm, key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

function unblock(algorithm: string, key: Bytes, data: Bytes): Bytes {
  const cipher = createDecipheriv(algorithm, key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

const aes = (key: Bytes, data: Bytes): Bytes => block(`aes-${key.length * 8}-ecb`, key, data);
const tdes = (key: Bytes, data: Bytes): Bytes =>
  block('des-ede3', key.length === 16 ? Buffer.concat([key, key.subarray(0, 8)]) : key, data);
const des = (key: Bytes, data: Bytes): Bytes => block('des-ede3', Buffer.concat([key, key, key]), data);

function cbcDecrypt(one: (data: Bytes) => Bytes, size: number, data: Bytes): Bytes {
  const output: Bytes[] = [];
  let previous: Bytes = new Uint8Array(size);
  for (let at = 0; at < data.length; at += size) {
    const current = data.subarray(at, at + size);
    output.push(xor(one(current), previous));
    previous = current;
  }
  return Buffer.concat(output);
}

function aesDerive(parent: Bytes, usage: number, tail: Bytes): Bytes {
  const algorithm = { 16: 2, 24: 3, 32: 4 }[parent.length] ?? 0;
  const bits = parent.length * 8;
  const parts = [1, 2]
    .slice(0, Math.ceil(bits / 128))
    .map((counter) =>
      aes(
        parent,
        Buffer.concat([Uint8Array.of(1, counter, usage >> 8, usage & 255, 0, algorithm, bits >> 8, bits & 255), tail]),
      ),
    );
  return Buffer.concat(parts).subarray(0, parent.length);
}

/** AES DUKPT: initial key, transaction key, data key, 64 bytes deciphered. */
export function naiveAesDukpt(bdk: Bytes, ksn: Bytes, data: Bytes): Bytes {
  const id = ksn.subarray(0, 8);
  const counter = Buffer.from(ksn).readUInt32BE(8);
  const tail = (value: number): Bytes => {
    const whole = Buffer.alloc(8);
    whole.set(id.subarray(4));
    whole.writeUInt32BE(value >>> 0, 4);
    return whole;
  };
  let key = aesDerive(bdk, 0x8001, id);
  let reached = 0;
  for (let bit = 31; bit >= 0; bit -= 1) {
    if (((counter >>> bit) & 1) === 0) continue;
    reached += 2 ** bit;
    key = aesDerive(key, 0x8000, tail(reached));
  }
  const dataKey = aesDerive(key, 0x3000, tail(counter));
  return cbcDecrypt((one) => unblock(`aes-${dataKey.length * 8}-ecb`, dataKey, one), 16, data);
}

const mask = Buffer.from('C0C0C0C000000000C0C0C0C000000000', 'hex');

function tdesChild(key: Bytes, register: Bytes): Bytes {
  const half = (of: Bytes): Bytes => xor(des(of.subarray(0, 8), xor(register, of.subarray(8))), of.subarray(8));
  return Buffer.concat([half(xor(key, mask)), half(key)]);
}

/** TDES DUKPT: initial key, transaction key, data key, 64 bytes deciphered. */
export function naiveTdesDukpt(bdk: Bytes, ksn: Bytes, data: Bytes): Bytes {
  const base = Buffer.from(ksn);
  const counter = base.readUInt32BE(6) & 0x1fffff;
  base.writeUInt32BE((base.readUInt32BE(6) & ~0x1fffff) >>> 0, 6);
  const left = base.subarray(0, 8);
  let key: Bytes = Buffer.concat([tdes(bdk, left), tdes(xor(bdk, mask), left)]);
  const register = Buffer.from(base.subarray(2));
  for (let bit = 20; bit >= 0; bit -= 1) {
    if (((counter >>> bit) & 1) === 0) continue;
    const low = register.readUInt32BE(4);
    register.writeUInt32BE((low | (1 << bit)) >>> 0, 4);
    key = tdesChild(key, register);
  }
  const variant = xor(key, Buffer.from('0000000000FF00000000000000FF0000', 'hex'));
  const dataKey = Buffer.concat([tdes(variant, variant.subarray(0, 8)), tdes(variant, variant.subarray(8))]);
  const full = Buffer.concat([dataKey, dataKey.subarray(0, 8)]);
  return cbcDecrypt((one) => unblock('des-ede3', full, one), 8, data);
}

function doubled(data: Bytes): Bytes {
  const value = BigInt(`0x${Buffer.from(data).toString('hex')}`) << 1n;
  const wrapped = value >> 128n ? (value ^ 0x87n) & ((1n << 128n) - 1n) : value;
  return Buffer.from(wrapped.toString(16).padStart(32, '0'), 'hex');
}

function cmac(key: Bytes, data: Bytes): Bytes {
  const k1 = doubled(aes(key, Buffer.alloc(16)));
  const blocks = Math.max(1, Math.ceil(data.length / 16));
  const isWhole = data.length === blocks * 16;
  const padded = Buffer.alloc(blocks * 16);
  padded.set(data);
  if (!isWhole) padded[data.length] = 0x80;
  let state: Bytes = Buffer.alloc(16);
  for (let index = 0; index < blocks; index += 1) {
    let input = xor(state, padded.subarray(index * 16, index * 16 + 16));
    if (index === blocks - 1) input = xor(input, isWhole ? k1 : doubled(k1));
    state = aes(key, input);
  }
  return state;
}

/** TR-31 version D: unwraps a block without optional blocks; the key, or nothing. */
export function naiveUnwrapD(kbpk: Bytes, keyBlock: string): Bytes | undefined {
  const bits = kbpk.length * 8;
  const algorithm = { 16: 2, 24: 3, 32: 4 }[kbpk.length] ?? 0;
  const derive = (usage: number): Bytes =>
    Buffer.concat(
      [1, 2]
        .slice(0, Math.ceil(kbpk.length / 16))
        .map((counter) => cmac(kbpk, Uint8Array.of(counter, 0, usage, 0, 0, algorithm, bits >> 8, bits & 255))),
    ).subarray(0, kbpk.length);
  const encryption = derive(0);
  const authentication = derive(1);
  const body = Buffer.from(keyBlock.slice(16), 'hex');
  const mac = body.subarray(-16);
  const encrypted = body.subarray(0, -16);
  const first = cbcDecrypt((one) => unblock(`aes-${bits}-ecb`, encryption, one), 16, encrypted);
  const payload = Buffer.concat([xor(first.subarray(0, 16), mac), first.subarray(16)]);
  const computed = cmac(authentication, Buffer.concat([Buffer.from(keyBlock.slice(0, 16), 'latin1'), payload]));
  if (Buffer.compare(computed, mac) !== 0) return undefined;
  return payload.subarray(2, 2 + payload.readUInt16BE(0) / 8);
}
