import { constants, createHash, publicEncrypt, sign } from 'node:crypto';
import { cbcDecrypt } from '../../protocols/src/cipher/index.ts';
import {
  advanceAesKsn,
  advanceTdesKsn,
  aesDukptHost,
  deriveAesWorkingKey,
  deriveTdesWorkingKey,
  formatAesKsn,
  formatTdesKsn,
  oneBits,
  parseAesKsn,
  parseTdesKsn,
  tdesDukptHost,
} from '@tsunagu/protocols/dukpt';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { protectionOf, unwrapKeyBlock, unwrapWith, wrapKeyBlock } from '@tsunagu/protocols/tr31';
import { injectionsPerSecond } from './keys-injection.ts';
import { naiveAesDukpt, naiveTdesDukpt, naiveUnwrapD } from './keys-naive.ts';
import type { BenchReport } from './report.ts';
import { acceptKeyToken, writeKeyToken } from '@tsunagu/protocols/tr34';
import { ourPki } from '../vectors/tr34-pki.ts';

type Part = Pick<BenchReport, 'figures' | 'ratios' | 'goals'>;

type Job = (index: number) => Uint8Array | undefined;

const rounds = 7;
const roundMs = 150;

// Contestants take turns in short rounds, and each keeps its best, by the processor time of this process: on a machine that others use, a round of wall
// time measures who was let run.
function race(contestants: Readonly<Record<string, Job>>): Record<string, number> {
  const best: Record<string, number> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, job] of Object.entries(contestants)) {
      let done = 0;
      const start = process.cpuUsage();
      let elapsedMs = 0;
      while (elapsedMs < roundMs) {
        for (let index = 0; index < 64; index += 1) job(done + index);
        done += 64;
        const { user, system } = process.cpuUsage(start);
        elapsedMs = (user + system) / 1e3;
      }
      best[name] = Math.max(best[name] ?? 0, (done / elapsedMs) * 1000);
    }
  }
  return best;
}

const drawn = (label: string, lengthBytes: number): Buffer =>
  createHash('shake256', { outputLength: lengthBytes }).update(label).digest();

// Counters of a terminal's working life, 9.2 one-bits on average for AES and 7.8 for TDES, each of another device.
function ksns(lengthBytes: 10 | 12, onesMean: number): Buffer[] {
  const bits = lengthBytes === 12 ? 32 : 21;
  return Array.from({ length: 512 }, (_, index) => {
    const ksn = drawn(`ksn ${index}`, lengthBytes);
    const at = lengthBytes - 4;
    const fixed = bits === 32 ? 0 : (ksn.readUInt32BE(at) & ~0x1fffff) >>> 0;
    const wanted = Math.max(
      1,
      Math.floor(onesMean) - 2 + ((index * 7) % 5) + (index % 5 === 0 ? Math.round((onesMean % 1) * 5) : 0),
    );
    let counter = 0;
    for (let draw = 0; oneBits(counter) < wanted; draw += 1)
      counter = (counter | (1 << ((drawn(`bit ${index} ${draw}`, 1)[0] ?? 0) % bits))) >>> 0;
    ksn.writeUInt32BE((fixed | counter) >>> 0, at);
    return ksn;
  });
}

// The KSNs of 512 transactions of one device that follow one another.
function followingTdes(device: Uint8Array): Uint8Array[] {
  let ksn = { ...unwrap(parseTdesKsn(device)), counter: 0x2d600 };
  return Array.from({ length: 512 }, () => {
    ksn = unwrap(advanceTdesKsn(ksn));
    return formatTdesKsn(ksn);
  });
}

function followingAes(device: Uint8Array): Uint8Array[] {
  let ksn = { ...unwrap(parseAesKsn(device)), counter: 0x2d600 };
  return Array.from({ length: 512 }, () => {
    ksn = unwrap(advanceAesKsn(ksn));
    return formatAesKsn(ksn);
  });
}

function agree(...jobs: readonly Job[]): void {
  for (let index = 0; index < 512; index += 1) {
    const [first, ...others] = jobs.map((job) => Buffer.from(job(index) ?? []).toString('hex'));
    if (!first || others.some((other) => other !== first)) throw new Error(`the contestants disagree on job ${index}`);
  }
}

const ratio = (figures: Record<string, number>, ours: string, peer: string): number =>
  (figures[ours] ?? 0) / (figures[peer] ?? Infinity);

/** AES or TDES DUKPT: initial key, transaction key, data key, 64 bytes deciphered; every message from another device, or one device's next. */
function dukpt(kind: 'AES-128' | 'AES-256' | 'TDES'): Part {
  const isTdes = kind === 'TDES';
  const bdk = drawn(`bdk ${kind}`, kind === 'AES-256' ? 32 : 16);
  const data = drawn('data', 64);
  const messages = isTdes ? ksns(10, 7.8) : ksns(12, 9.2);
  const type = kind === 'AES-256' ? 'AES256' : 'AES128';
  const secret = Secret.copy('key', bdk);
  const job = (devicesMax: number, ksnOf: (index: number) => Uint8Array): Job => {
    if (isTdes) {
      const host = unwrap(tdesDukptHost(secret, { devicesMax }));
      return (index) =>
        deriveTdesWorkingKey(unwrap(host.transactionKey(ksnOf(index))), 'dataRequest').use((key) =>
          cbcDecrypt('TDES', key, new Uint8Array(8), data),
        );
    }
    const host = unwrap(aesDukptHost(secret, { devicesMax }));
    return (index) =>
      unwrap(deriveAesWorkingKey(unwrap(host.transactionKey(ksnOf(index))), 'dataEncryptionEncrypt', type)).use((key) =>
        cbcDecrypt('AES', key, new Uint8Array(16), data),
      );
  };
  const any = (index: number): Uint8Array => messages[index % 512] ?? new Uint8Array(0);
  const following = isTdes ? followingTdes(any(0)) : followingAes(any(0));
  const next = (index: number): Uint8Array => following[index % 512] ?? new Uint8Array(0);
  const naive = isTdes ? naiveTdesDukpt : naiveAesDukpt;
  const contestants = {
    [`${kind} DUKPT`]: job(0, any),
    [`${kind} DUKPT, naive`]: (index: number) => naive(bdk, any(index), data),
    [`${kind} DUKPT, device cache`]: job(1000, next),
    [`${kind} DUKPT, naive, same device`]: (index: number) => naive(bdk, next(index), data),
  };
  const [ours = '', peer = '', cached = '', cachedPeer = ''] = Object.keys(contestants);
  agree(contestants[ours] ?? (() => undefined), contestants[peer] ?? (() => undefined));
  agree(contestants[cached] ?? (() => undefined), contestants[cachedPeer] ?? (() => undefined));
  const figures = race(contestants);
  return {
    figures,
    ratios: {
      [`${ours} / naive`]: ratio(figures, ours, peer),
      [`${cached} / naive`]: ratio(figures, cached, cachedPeer),
    },
    goals: { [`${ours} / naive`]: isTdes ? 1.5 : 2, [`${cached} / naive`]: 3 },
  };
}

function keyBlocks(): Part {
  const kbpk = hex('88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6');
  const secret = Secret.copy('key', kbpk);
  const attributes = {
    versionId: 'D',
    keyUsage: 'P0',
    algorithm: 'A',
    modeOfUse: 'E',
    keyVersion: '00',
    exportability: 'E',
    reserved: '00',
  } as const;
  const blocks = Array.from({ length: 64 }, (_, index) =>
    unwrap(
      wrapKeyBlock(secret, {
        attributes,
        key: Secret.copy('key', drawn(`key ${index}`, 32)),
        entropy: (lengthBytes) => drawn(`padding ${index}`, lengthBytes),
      }),
    ),
  );
  const block = (index: number): string => blocks[index % 64] ?? '';
  const ready = unwrap(protectionOf('D', secret));
  const contestants = {
    'TR-31 D unwrap': (index: number) => unwrap(unwrapKeyBlock(secret, block(index))).key.use((key) => key),
    'TR-31 D unwrap, KBPK ready': (index: number) => unwrap(unwrapWith(ready, block(index))).key.use((key) => key),
    'TR-31 D unwrap, naive': (index: number) => naiveUnwrapD(kbpk, block(index)),
  };
  agree(...Object.values(contestants));
  const figures = race(contestants);
  return {
    figures,
    ratios: {
      'TR-31 D unwrap / naive': ratio(figures, 'TR-31 D unwrap', 'TR-31 D unwrap, naive'),
      'TR-31 D unwrap, KBPK ready / naive': ratio(figures, 'TR-31 D unwrap, KBPK ready', 'TR-31 D unwrap, naive'),
    },
    goals: { 'TR-31 D unwrap / naive': 1.5, 'TR-31 D unwrap, KBPK ready / naive': 1.5 },
  };
}

/**
 * TR-34 has no naive peer that is worth its name. The floor of a host is what no token can do without: one signature by its own key and one OAEP
 * encryption under the device's, by node:crypto and nothing around them.
 */
function keyTokens(): Part {
  const pki = ourPki();
  const [kdh, krd] = [pki.certificate('kdh1'), pki.certificate('krd1')];
  const [kdhKey, krdKey] = [pki.privateKey('kdh1'), pki.privateKey('krd1')];
  const nonce = drawn('nonce', 16);
  const write = (index: number): Uint8Array =>
    unwrap(
      writeKeyToken({
        kdh,
        kdhKey,
        krd,
        key: Secret.copy('key', drawn(`kbpk ${index % 64}`, 32)),
        header: 'D0000K1AB00N0000',
        freshness: { passes: 2, nonce },
        entropy: (lengthBytes) => drawn(`entropy ${index}`, lengthBytes),
      }),
    );
  const tokens = Array.from({ length: 16 }, (_, index) => write(index));
  const receiver = { trust: pki.trust, kdh, krd, privateKey: krdKey };
  const figures = race({
    'TR-34 token, host': write,
    'RSA-2048 signature': (index) => sign('sha256', drawn(`message ${index % 64}`, 32), kdhKey),
    'RSA-2048 signature and OAEP': (index) => {
      const message = drawn(`message ${index % 64}`, 32);
      publicEncrypt({ key: krd.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, message);
      return sign('sha256', message, kdhKey);
    },
    'TR-34 token, device': (index) =>
      unwrap(acceptKeyToken(receiver, tokens[index % 16] ?? new Uint8Array(0), { passes: 2, nonce }, pki.atMs)).key.use(
        (key) => key,
      ),
  });
  return {
    figures,
    ratios: {
      'TR-34 token, host / RSA-2048 signature': ratio(figures, 'TR-34 token, host', 'RSA-2048 signature'),
      'TR-34 token, host / RSA-2048 signature and OAEP': ratio(
        figures,
        'TR-34 token, host',
        'RSA-2048 signature and OAEP',
      ),
    },
    goals: { 'TR-34 token, host / RSA-2048 signature and OAEP': 0.7 },
  };
}

/** Payment keys against what one writes first with node:crypto. */
export default async function run(): Promise<BenchReport> {
  const injections = { figures: await injectionsPerSecond(), ratios: {}, goals: {} };
  const parts: readonly Part[] = [
    dukpt('AES-128'),
    dukpt('AES-256'),
    dukpt('TDES'),
    keyBlocks(),
    keyTokens(),
    injections,
  ];
  return {
    name: 'payment keys',
    figures: Object.assign({}, ...parts.map(({ figures }) => figures)),
    ratios: Object.assign({}, ...parts.map(({ ratios }) => ratios)),
    goals: Object.assign({}, ...parts.map(({ goals }) => goals)),
    peers: {
      naive: 'what one writes first with node:crypto: a cipher object for each block; DUKPT deciphers 64 bytes',
    },
  };
}
