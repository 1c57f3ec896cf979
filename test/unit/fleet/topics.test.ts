import { downTopic, parseDownTopic, parseUpTopic, serialSchema, tenantSchema, upTopic } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';

const tenant = tenantSchema.parse('demo');
const serial = serialSchema.parse('CT5100-0001');

test('every topic of a terminal reads back as itself', () => {
  const job = { kind: 'job', job: '0e9b5b1e-2a7c-4b8f-9f6e-6f1f2f3f4f5f' };
  for (const topic of [
    { kind: 'hello' },
    { kind: 'presence' },
    { kind: 'twin' },
    { kind: 'event', event: 'sale' },
    { kind: 'request', corr: 'a-1' },
    job,
  ] as Parameters<typeof upTopic>[2][]) {
    expect(parseUpTopic(upTopic(tenant, serial, topic))).toEqual({ tenant, serial, topic });
  }
  expect(parseDownTopic(tenant, serial, downTopic(tenant, serial, { kind: 'response', corr: 'a-1' }))).toEqual({
    kind: 'response',
    corr: 'a-1',
  });
});

test('a topic that is not ours is nobody’s', () => {
  for (const name of [
    'tms/v1/demo/CT5100-0001/up/hello/x',
    'tms/v2/demo/CT5100-0001/up/hello',
    'tms/v1/demo/+/up/hello',
    'tms/v1/demo/CT5100-0001/up/evt/none',
    '$SYS/x',
    'tms/v1/demo/CT5100-0001/dn/notify',
    'tms/v1/demo/CT5100-0001/up/req/',
  ]) {
    expect(parseUpTopic(name)).toBeUndefined();
  }
});
