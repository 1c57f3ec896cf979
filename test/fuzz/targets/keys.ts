import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { checkDer, readDer } from '../../../protocols/src/der/index.ts';
import {
  formatAesKsn,
  formatTdesKsn,
  initialiseAesTerminal,
  initialiseTdesTerminal,
  parseAesKsn,
  parseAesTerminal,
  parseLegacyKsn,
  parseTdesKsn,
  parseTdesTerminal,
  serialiseAesTerminal,
  serialiseTdesTerminal,
  aesInitialKey,
  tdesInitialKey,
} from '@tsunagu/protocols/dukpt';
import { fail, hex, ok, type Result, Secret, unwrap } from '@tsunagu/protocols/kit';
import { isPinBlockFormat, readClearPinBlock, readPinField } from '@tsunagu/protocols/pinblock';
import { formatHeader, readHeader, unwrapKeyBlock } from '@tsunagu/protocols/tr31';
import {
  acceptCredentialToken,
  acceptKeyToken,
  acceptRebindToken,
  acceptUnbindToken,
  type Certificate,
  checkCertificate,
  branchOf,
  parseCertificate,
  readRandomToken,
  writeRandomToken,
  writeRebindToken,
  writeUnbindToken,
} from '@tsunagu/protocols/tr34';
import { buildCertificateRequest, parseCertificateRequest } from '@tsunagu/protocols/x509';
import { bytesOf, derOf, vectors } from '../seeds.ts';
import { decoder, must, type Target, text } from '../target.ts';

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const key = (bytes: Uint8Array): Secret<'key'> => Secret.copy('key', bytes);

const pki = (() => {
  const found = vectors('tr34').find(({ op }) => op === 'pki');
  const part = (name: string): Readonly<Record<string, unknown>> =>
    Object.fromEntries(Object.entries(Object(found?.[name])));
  const certificate = (name: string): Certificate => unwrap(parseCertificate(derOf(part('certificates')[name])));
  return {
    atMs: Date.parse(String(found?.['validationTime'])),
    trust: { root: certificate('root'), kdhCa: certificate('kdhCa'), krdCa: certificate('krdCa') },
    certificate,
    certificates: Object.values(part('certificates')).map(derOf),
    lists: Object.values(part('crls')).map(derOf),
    privateKey: (name: string) =>
      createPrivateKey({ key: Buffer.from(derOf(part('privateKeysPkcs8')[name])), format: 'der', type: 'pkcs8' }),
  };
})();

/** Every token of the vectors. */
const tokens = (): readonly Uint8Array[] =>
  vectors('tr34').flatMap((each) =>
    Object.entries(each)
      .filter(([name]) => /token/i.test(name))
      .map(([, value]) => derOf(value)),
  );

const binding = { trust: pki.trust, kdh: pki.certificate('kdh1'), krd: pki.certificate('krd1') };
const byHost = { by: 'kdh', nonce: hex('00112233445566778899AABBCCDDEEFF') } as const;
const request = {
  kdh: binding.kdh,
  krd: binding.krd,
  signer: { certificate: binding.kdh, privateKey: pki.privateKey('kdh1') },
  authority: byHost,
} as const;

const receiver = { ...binding, privateKey: pki.privateKey('krd1') };
const derTokens = [
  '3082',
  '3080',
  '0500',
  '020101',
  'A0',
  'A1',
  '0402',
  '31',
  '06092A864886F70D010702',
  'DF',
  '84FFFFFFFF',
].map(hex);
const token = { seeds: tokens, tokens: derTokens, lengthMax: 8_192, work: { base: 200_000, perByte: 3_000 } } as const;

const keyBlocks = (): readonly string[] =>
  vectors('tr31').flatMap(({ keyBlock }) => (typeof keyBlock === 'string' ? [keyBlock] : []));

/** A key block under the key of its vector, or under the first of the strength of its version. */
const kbpks = new Map(vectors('tr31').map(({ keyBlock, kbpk }) => [String(keyBlock), bytesOf(kbpk)]));
const someKbpks = [...new Map([...kbpks.values()].map((each) => [each.length, each])).values()];

function unwrapAny(input: Uint8Array): Result<unknown> {
  const block = latin(input);
  const known = kbpks.get(block);
  const [first, ...others] = known ? [known] : someKbpks;
  const outcomes = [first ?? new Uint8Array(16), ...others].map((kbpk) => unwrapKeyBlock(key(kbpk), block));
  return outcomes.find(({ ok: isGood }) => isGood) ?? outcomes[0] ?? fail('INPUT_INVALID');
}

/** PIN fields as they stand before the PAN is added. ISO 9564-1:2017, 9.3 and 9.4. */
const pinFields = {
  0: ['041234FFFFFFFFFE', '041234FFFFFFFFFF'],
  1: ['141234567890ABCD'],
  2: ['241234FFFFFFFFFF'],
  3: ['341234ABCDEFABCD', '341234ABCDEFABCE'],
  4: ['441234AAAAAAAAAA0123456789ABCDEF'],
};

const state = { work: { base: 60_000, perByte: 3_000 } } as const;

export const targets: readonly Target[] = [
  decoder({
    name: 'tr31-header',
    seeds: () => keyBlocks().map(text),
    tokens: ['00', '0400', 'KS', 'PB', 'KC', 'CT', 'D0112P0AE00E0000', '9999'].map(text),
    decode: (input) => readHeader(latin(input)),
    check: ({ header }) =>
      must(typeof formatHeader === 'function' && header.optionalBlockCount <= 99, 'blocks without end'),
  }),
  decoder({
    name: 'tr31-unwrap',
    seeds: () => keyBlocks().map(text),
    tokens: ['00', '0400', 'KS', 'PB', 'D0144P0AE00E0200'].map(text),
    decode: unwrapAny,
  }),
  decoder({
    ...token,
    name: 'tr34-key-token-one-pass',
    decode: (input) => acceptKeyToken(receiver, input, { passes: 1 }, pki.atMs),
  }),
  decoder({
    ...token,
    name: 'tr34-key-token-two-pass',
    decode: (input) => acceptKeyToken(receiver, input, { passes: 2, nonce: hex('DB3DBE3EBF5B6EF4') }, pki.atMs),
  }),
  ...(['kdh', 'krd'] as const).map((role) =>
    decoder({
      ...token,
      name: `tr34-credential-token-${role}`,
      decode: (input: Uint8Array) => acceptCredentialToken(pki.trust, role, input, pki.atMs),
    }),
  ),
  decoder({
    ...token,
    name: 'tr34-unbind-token',
    seeds: () => [writeUnbindToken(request)],
    decode: (input) => acceptUnbindToken(binding, input, byHost, pki.atMs),
  }),
  decoder({
    ...token,
    name: 'tr34-rebind-token',
    seeds: () => [writeRebindToken({ ...request, newKdh: pki.certificate('kdh2') })],
    decode: (input) => acceptRebindToken(binding, input, byHost, pki.atMs),
  }),
  decoder({ ...token, name: 'tr34-random-token', decode: readRandomToken, encode: writeRandomToken }),
  decoder({
    ...token,
    name: 'x509-certificate',
    seeds: () => pki.certificates,
    decode: (input) => {
      const read = parseCertificate(input);
      if (read.ok) checkCertificate(read.value, branchOf(pki.trust, 'kdh'), pki.atMs, 'digitalSignature');
      return read.ok ? ok(read.value.encoded) : read;
    },
  }),
  decoder({
    ...token,
    name: 'x509-request',
    seeds: () => [
      buildCertificateRequest('CATS200-0001', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    ],
    decode: (input) => {
      const read = parseCertificateRequest(input);
      return read.ok ? ok([read.value.commonName, read.value.spki]) : read;
    },
  }),
  decoder({
    ...token,
    name: 'der',
    seeds: () => [...pki.certificates, ...pki.lists, ...tokens()],
    decode: (input) => {
      const checked = checkDer(input);
      return checked.ok ? readDer(input) : checked;
    },
    encode: ({ encoded }) => encoded,
  }),
  ...([0, 1, 2, 3, 4] as const).map((format) =>
    decoder({
      name: `pinblock-${format}`,
      seeds: () =>
        vectors('pinblock')
          .filter((each) => each['format'] === format && isPinBlockFormat(format))
          .map((each) => bytesOf(each['clearPinBlock'] ?? each['pinField']))
          .concat(pinFields[format].map(hex)),
      decode: (input) => {
        const read =
          format === 4 || ((input[0] ?? 0) & 0x80) === 0
            ? readPinField(format, input)
            : readClearPinBlock(format, input, '4929777766665555');
        // Whatever is wrong with it, an answer must not tell where: it would tell the length of the PIN.
        must(
          read.ok || (read.fault.code === 'PINBLOCK_UNREADABLE' && Object.keys(read.fault).length === 1),
          'an oracle',
        );
        return read;
      },
    }),
  ),
  decoder({
    ...state,
    name: 'dukpt-aes-state',
    seeds: () =>
      [16, 24, 32].map((length) =>
        serialiseAesTerminal(
          initialiseAesTerminal(unwrap(aesInitialKey(key(new Uint8Array(length).fill(7)), hex('1234567890123456')))),
        ).use((bytes) => Uint8Array.from(bytes)),
      ),
    decode: (input) => parseAesTerminal(key(input)),
    encode: (value) => serialiseAesTerminal(value).use((bytes) => Uint8Array.from(bytes)),
  }),
  decoder({
    ...state,
    name: 'dukpt-tdes-state',
    seeds: () => [
      serialiseTdesTerminal(
        initialiseTdesTerminal(
          unwrap(tdesInitialKey(key(new Uint8Array(16).fill(7)), unwrap(parseTdesKsn(hex('FFFF9876543210E00000'))))),
        ),
      ).use((bytes) => Uint8Array.from(bytes)),
    ],
    decode: (input) => parseTdesTerminal(key(input)),
    encode: (value) => serialiseTdesTerminal(value).use((bytes) => Uint8Array.from(bytes)),
  }),
  decoder({
    name: 'ksn-aes',
    seeds: () => [hex('123456789012345600000001')],
    decode: parseAesKsn,
    encode: formatAesKsn,
  }),
  decoder({
    name: 'ksn-tdes',
    seeds: () => [hex('FFFF9876543210E00008')],
    decode: parseTdesKsn,
    encode: formatTdesKsn,
  }),
  decoder({ name: 'ksn-legacy', seeds: () => [hex('07777777777777E00001')], decode: parseLegacyKsn }),
];
