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
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { decodeSnapshot, encodeSnapshot, isListed, tagLength } from '@tsunagu/protocols/negative';
import type { z } from 'zod';
import { decoder, expectOurs, expectSame, must, type Target, text } from '../target.ts';

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
  twin: [messages.twin, { base: 1, version: 2, hash: 'ab', values }],
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
    { kind: 'twin', version: 1, values },
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
    name: 'negative-snapshot',
    seeds: () => [
      encodeSnapshot('domestic', 7, [new Uint8Array(tagLength).fill(1), new Uint8Array(tagLength).fill(2)]),
      encodeSnapshot('x', 0, []),
    ],
    decode: decodeSnapshot,
    check(snapshot, input) {
      isListed(snapshot, new Uint8Array(tagLength).fill(1));
      const { list, version, tags } = snapshot;
      const each = Array.from({ length: tags.length / tagLength }, (_, index) =>
        tags.subarray(index * tagLength, (index + 1) * tagLength),
      );
      expectSame(encodeSnapshot(list, version, each), input, 'one snapshot has two forms');
    },
  }),
  {
    name: 'secure-frame',
    seeds: () => [
      sealFrame('request', ksn, new Uint8Array(40).fill(0x31), keys).subarray(2),
      sealFrame('answer', ksn, new Uint8Array(1), keys).subarray(2),
      refusalFrame('ACQUIRING_FRAME_INVALID', ksn).subarray(2),
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
      return opened.ok;
    },
  },
];
