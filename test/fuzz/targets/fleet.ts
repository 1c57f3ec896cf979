import { createPrivateKey, createPublicKey } from 'node:crypto';
import { frameKeys, openFrame, readFrame, refusalFrame, sealFrame } from '@tsunagu/protocols/acquiring';
import { aesInitialKey, deriveAesTransactionKey } from '@tsunagu/protocols/dukpt';
import {
  configuration,
  downTopic,
  encodeEnvelope,
  enrolmentRequest,
  jobOrder,
  keyIdOf,
  messages,
  openDocument,
  parseDownTopic,
  parseEnvelope,
  parseJson,
  parseTerminalUri,
  parseUpTopic,
  serialSchema,
  signDocument,
  signedDocument,
  tenantSchema,
  terminalUri,
  upTopic,
} from '@tsunagu/protocols/fleet';
import { hex, ok, Secret, unwrap } from '@tsunagu/protocols/kit';
import {
  applyDelta,
  containerRoot,
  decodeContainer,
  decodeOverlay,
  encodeContainer,
  encodeOverlay,
  entryOf,
  makeDelta,
  openContainer,
  overlayMax,
  tagOf,
} from '@tsunagu/protocols/negative';
import { decodeSigned, encodeSigned } from '@tsunagu/protocols/negative/authority';
import type { z } from 'zod';
import { changed, randomExact, randomHashes } from '../../negative/lists.ts';
import { decoder, expectOurs, expectSame, must, type Target, text } from '../target.ts';

// Made once: the making of a seed is no work of the decoder.
const containers = [randomHashes(1, 0, 30), randomHashes(2, 400, 34, 3), randomExact(3, 200, 5, 2)].map(
  encodeContainer,
);
const deltaBase = randomHashes(5, 500, 34, 2);
const deltaRoot = containerRoot(unwrap(openContainer(encodeContainer(deltaBase))));
const deltas = [changed(deltaBase, 1, 0.05), randomHashes(9, 300, 34, 2)].map((head) =>
  makeDelta(deltaBase, head, deltaRoot),
);
const overlayEntries = Float64Array.from({ length: 20 }, (_, at) => entryOf(at * 1_000_003, at % 3));

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const json = (value: unknown): Uint8Array => text(JSON.stringify(value));
const jsonTokens = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  'null',
  'true',
  '-1',
  '1e309',
  '"__proto__":',
  '\\u0000',
  '0',
].map(text);

const keys = (() => {
  const initialKey = unwrap(aesInitialKey(Secret.take('key', new Uint8Array(16).fill(9)), hex('1234567890123456')));
  return frameKeys(unwrap(deriveAesTransactionKey(initialKey, 1)), 'request');
})();
const ksn = hex('123456789012345600000001');

// RFC 8032, 7.1, test 1: a published key.
const signer = createPrivateKey({
  key: Buffer.concat([
    hex('302E020100300506032B657004220420'),
    hex('9D61B19DEFFD5A60BA844AF492EC2CC44449C5697B326919703BAC031CAE7F60'),
  ]),
  format: 'der',
  type: 'pkcs8',
});
const spki = createPublicKey(signer).export({ type: 'spki', format: 'der' });
const trusted = { kid: keyIdOf(spki), publicKey: spki.toString('base64') };

const envelopeSeed = { v: 1, id: 'a1', corr: 'c1', iat: 1, exp: 2, boot: 3, seq: 4, ct: 'hello', body: { model: 'x' } };
const tenant = tenantSchema.parse('demo');
const serial = serialSchema.parse('CATS200-0001');

const sale = {
  outcome: 'approved',
  amountMinor: 1980,
  currency: 'JPY',
  card: 'visa-contact',
  scheme: 'visa',
  entry: 'contact',
  lastFour: '0010',
  stan: '000042',
  rrn: '633006000042',
  durationMs: 12.5,
};
const values = { language: 'ja', merchantName: 'x' };
const job = { tenant, serial, job: '0123abcd-0123-4567-89ab-0123456789ab', attempt: 1, exp: 9 };

/** Bodies of JSON: a value, or the property that is wrong and never what it was. Each with whole examples. */
const bodies: Readonly<Record<string, readonly [z.ZodType, ...object[]]>> = {
  hello: [
    messages.hello,
    {
      model: 'm',
      software: { version: '1', slot: 'A' },
      configuration: { version: 0, hash: '' },
      keys: [{ slot: 'dukpt', kcv: '0123456789', ksn: '00' }],
      negative: [{ list: 'x', version: 1, overlaySeq: 0, freshAt: 2 }],
      cards: ['visa-contact'],
    },
  ],
  presence: [messages.presence, { state: 'ready' }],
  twin: [
    messages.twin,
    { base: 1, version: 2, hash: 'ab', values },
    {
      base: 1,
      answers: 'cd',
      version: 2,
      hash: 'ab',
      values,
      drift: 'X',
      field: 'y',
      local: { by: 'z', at: 1, settings: ['y'] },
    },
  ],
  job: [
    messages.job,
    { attempt: 1, state: 'succeeded', sale },
    { attempt: 1, state: 'running', progress: { step: 's', atMs: 1 } },
    { attempt: 1, state: 'failed', evidence: { slot: 'dukpt', kcv: '00' }, fault: 'X' },
  ],
  request: [messages.request, { pull: 'twin' }],
  response: [
    messages.response,
    { kind: 'time', now: 1 },
    { kind: 'twin', version: 1, hash: 'ab', layers: { shop: 'ab' }, values },
    { kind: 'job', order: null },
  ],
  notify: [messages.notify, { configuration: 1, jobs: 2 }],
  sale: [messages.sale, { at: 1, sale }],
  alarm: [messages.alarm, { at: 1, code: 'x', detail: 'y' }],
  configuration: [configuration, values],
  'job-order': [
    jobOrder,
    { ...job, type: 'sale.test', params: { amountMinor: 1, card: 'visa-contact' } },
    { ...job, type: 'key.load', params: { slot: 'dukpt', keyBlock: 'D0112B1AX00E0000', kcv: '0123456789' } },
  ],
  enrolment: [enrolmentRequest, { tenant, serial, model: 'm', csr: 'AAAA', agreementKey: 'AAAA', proof: 'AAAA' }],
  'signed-document': [signedDocument, { kid: trusted.kid, payload: '{}', sig: 'A'.repeat(86) }],
};

const underCompany = { acquirer: 'acs', kcvs: { pin: '0102030405', mac: '0A0B0C0D0E', data: 'F0F1F2F3F4' } };

export const targets: readonly Target[] = [
  decoder({
    name: 'envelope',
    seeds: () => [json(envelopeSeed), json({ ...envelopeSeed, body: [1, { deep: [] }] })],
    tokens: [...jsonTokens, ...Object.keys(envelopeSeed).map((name) => text(`"${name}":`))],
    decode: parseEnvelope,
    encode: encodeEnvelope,
  }),
  ...Object.entries(bodies).map(([name, [schema, ...examples]]) =>
    decoder<unknown>({
      name: `json-${name}`,
      seeds: () => examples.map(json),
      tokens: [...jsonTokens, ...['"kind":', '"4929777766665555":', '"values":', '"base":', '"version":'].map(text)],
      decode: (input) => parseJson(schema, input),
    }),
  ),
  {
    name: 'topics',
    seeds: () => [
      ...(['hello', 'presence', 'twin'] as const).map((kind) => text(upTopic(tenant, serial, { kind }))),
      text(upTopic(tenant, serial, { kind: 'event', event: 'sale' })),
      text(upTopic(tenant, serial, { kind: 'request', corr: 'c-1' })),
      text('tms/v1/demo/CATS200-0001/up/job/0123abcd-0123-4567-89ab-0123456789ab'),
      text(downTopic(tenant, serial, { kind: 'response', corr: 'c-1' })),
      text(terminalUri(tenant, serial)),
    ],
    tokens: ['/', '//', '+', '#', '$', '..', 'up', 'dn/res/', 'job', 'evt', 'tms/v1/', 'urn:tsunagu:'].map(text),
    lengthMax: 300,
    run(input) {
      const name = latin(input);
      const up = parseUpTopic(name);
      if (up) must(upTopic(up.tenant, up.serial, up.topic) === name, 'two names of one topic');
      const down = parseDownTopic(tenant, serial, name);
      if (down) must(downTopic(tenant, serial, down) === name, 'two names of one topic');
      const uri = parseTerminalUri(name);
      if (uri) must(terminalUri(uri.tenant, uri.serial) === name, 'two names of one terminal');
      return Boolean(up ?? down ?? uri);
    },
  },
  {
    name: 'signed-document',
    seeds: () => [json(signDocument('tsunagu-job-v1', '{"job":1}', trusted.kid, signer))],
    tokens: jsonTokens,
    run(input) {
      const document = parseJson(signedDocument, input);
      if (!document.ok) {
        expectOurs(document.fault, input.length);
        return false;
      }
      const opened = openDocument('tsunagu-job-v1', document.value, trusted);
      must(!opened.ok || opened.value === '{"job":1}', 'a forged document was opened');
      return opened.ok;
    },
  },
  decoder({
    name: 'negative-container',
    seeds: () => containers,
    decode: decodeContainer,
    check(set, input) {
      expectSame(encodeContainer(set), input, 'one list has two forms');
      const container = unwrap(openContainer(input));
      const [first] = set.partitions;
      for (const entry of first?.entries.subarray(0, 2) ?? [])
        must(container.find(first?.id ?? 0, tagOf(entry)) >= 0, 'a listed card is not found');
    },
  }),
  decoder({
    name: 'negative-delta',
    seeds: () => deltas,
    decode(input) {
      const applied = applyDelta(deltaBase, deltaRoot, input);
      if (!applied.ok) return applied;
      must(decodeContainer(encodeContainer(applied.value)).ok, 'a delta leads to a list that is none');
      // The list itself is as large as its base, whatever the delta's length.
      return ok(applied.value.partitions.length);
    },
  }),
  decoder({
    name: 'negative-overlay',
    seeds: () => [encodeOverlay(new Float64Array(0)), encodeOverlay(overlayEntries)],
    decode: decodeOverlay,
    check(entries) {
      must(entries.length <= overlayMax, 'an overlay is longer than it may be');
    },
  }),
  decoder({
    name: 'negative-signed-document',
    seeds: () => [encodeSigned({ payload: Uint8Array.of(4, 7), signatures: [] })],
    decode: decodeSigned,
    check({ document, end }, input) {
      expectSame(encodeSigned(document), input.subarray(0, end), 'one document has two forms');
    },
  }),
  {
    name: 'secure-frame',
    seeds: () => [
      sealFrame('request', ksn, new Uint8Array(40).fill(0x31), keys).subarray(2),
      sealFrame('answer', ksn, new Uint8Array(1), keys).subarray(2),
      refusalFrame('ACQUIRING_FRAME_INVALID', ksn).subarray(2),
      sealFrame('request', ksn, new Uint8Array(40).fill(0x31), keys, underCompany).subarray(2),
    ],
    run(input) {
      const read = readFrame(input);
      if (!read.ok) {
        expectOurs(read.fault, input.length);
        return false;
      }
      if (read.value.kind === 'refusal') return true;
      const opened = openFrame(read.value, keys);
      if (!opened.ok) expectOurs(opened.fault, input.length);
      must(!opened.ok || opened.value.length === 40 || opened.value.length === 1, 'a forged frame was opened');
      const { kind, under } = read.value;
      if (opened.ok)
        expectSame(
          sealFrame(kind, read.value.ksn, opened.value, keys, under).subarray(2),
          input,
          'one frame has two forms',
        );
      return opened.ok;
    },
  },
];
