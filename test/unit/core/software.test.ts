import { encodeSoftwareImage } from '@tsunagu/protocols/software';
import { openDocument, signedDocument } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enrol, newFolder, removeFolder, type TestHouse, testHouse, TestLink } from './support.ts';

const folder = newFolder();
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(folder);
});
afterAll(async () => {
  await house.house.close();
  removeFolder(folder);
});

const token = (): string => JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')).token as string;
const upload = async (bytes: Uint8Array) => {
  const answer = await fetch(`${house.house.managementUrl}/api/v1/software`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/octet-stream' },
    body: Uint8Array.from(bytes),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, never> & { code?: string } };
};
const image = encodeSoftwareImage({ version: '2', model: 'CT-5100', counter: 2 }, new Uint8Array(70_000));

it('takes an image by its bytes, orders it by its digest in a signed document, and refuses what does not fit', async () => {
  expect((await upload(Buffer.from('no image'))).body.code).toBe('SOFTWARE_IMAGE_INVALID');
  const uploaded = await upload(image);
  expect(uploaded).toMatchObject({
    status: 201,
    body: { version: '2', model: 'CT-5100', counter: 2, size: image.length },
  });
  expect(await upload(image)).toEqual(uploaded);
  const { digest } = uploaded.body as unknown as { digest: string };

  const terminal = await enrol(house, await house.register('SOFT-0001'));
  await house.register('SOFT-0002', 'CATS200');
  const order = (serial: string, body: object) => house.call('POST', `/terminals/${serial}/software`, body);
  expect((await order('SOFT-0002', { digest })).body.code).toBe('SOFTWARE_NOT_FOR_MODEL');
  expect((await order('SOFT-0001', { digest: 'f'.repeat(64) })).body.code).toBe('ARTEFACT_UNKNOWN');
  expect((await order('NOBODY-1', { digest })).body.code).toBe('TERMINAL_UNKNOWN');
  expect((await order('SOFT-0001', { digest, proofTimeoutMs: 5_000 })).status).toBe(202);

  const link = await TestLink.open(house, terminal);
  await link.hello({ keys: [] });
  const orders: string[] = [];
  for (let pulls = 0; pulls < 4; pulls++) {
    const answer = await link.ask('pull', 'request', { pull: 'job' });
    if (answer.kind !== 'job' || !answer.order) break;
    const payload = unwrap(openDocument('tsunagu-job-v1', signedDocument.parse(answer.order), terminal.answer.jobKey));
    orders.push(payload);
    const { job } = JSON.parse(payload) as { job: string };
    await link.ask({ kind: 'job', job } as never, 'job', { attempt: 1, state: 'failed', fault: 'KEY_SLOT_EMPTY' });
  }
  await link.close();
  const installs = orders.filter((text) => text.includes('software.install'));
  expect(installs).toHaveLength(1);
  expect(JSON.parse(installs[0] ?? '')).toMatchObject({
    serial: 'SOFT-0001',
    params: { digest, size: image.length, version: '2', counter: 2, proofTimeoutMs: 5_000 },
  });
});
