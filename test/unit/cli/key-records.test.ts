import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ceremonyStep, type CeremonyStep, keyIdOf, nextLink, signDocumentBy } from '@tsunagu/protocols/fleet';
import { ok } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { writePack } from '../../../cli/src/commands/evidence.ts';
import { verifyRecord } from '../../../cli/src/commands/keys.ts';
import { saveRecord } from '../../../cli/src/commands/record-file.ts';
import { openConsole } from '../../../cli/src/console/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-key-records-'));
afterAll(() => rmSync(folder, { recursive: true }));

const said: string[] = [];
const console = (lang: 'ja' | 'en') =>
  openConsole({
    env: {},
    lang,
    stdout: { write: (text: string) => said.push(text) },
    stderr: { write: (text: string) => said.push(text) },
  });
const told = () => said.splice(0).join('');

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const spki = publicKey.export({ format: 'der', type: 'spki' });
const recordOf = (steps: readonly CeremonyStep[]) => ({
  document: signDocumentBy(
    'tsunagu-key-record-v1',
    JSON.stringify({ record: 'ceremony', id: 'c-1', steps }),
    keyIdOf(spki),
    (bytes) => sign(null, bytes, privateKey),
  ),
  publicKey: spki.toString('base64'),
});
const at = '2026-01-01T00:00:00Z';
function stepsOf(until: 'begun' | 'entered' | 'done' | 'aborted'): CeremonyStep[] {
  const steps: CeremonyStep[] = [];
  // In the order of the schema: the next step holds the digest of this text.
  const add = ({ by, ...step }: { by: string; what: string; [part: string]: unknown }) => {
    const { seq, prev } = nextLink(steps);
    steps.push(ceremonyStep.parse({ seq, at, by, prev, ...step }));
  };
  add({ by: 'olga', what: 'begun', key: 'bdk/2', use: 'dukpt-base', custodians: ['anna', 'ben'] });
  if (until === 'begun') return steps;
  add({ by: 'ben', what: 'component', index: 1, kcv: '1111111111', session: 'b' });
  add({ by: 'anna', what: 'component', index: 0, kcv: '2222222222', session: 'a' });
  if (until === 'done') add({ by: 'ben', what: 'confirmed', kcv: '3333333333', session: 'b' });
  if (until === 'aborted') add({ by: 'olga', what: 'aborted', reason: 'wrong envelope' });
  return steps;
}

test('a record of a ceremony that is not over does not pass for a whole one', async () => {
  const verify = async (until: Parameters<typeof stepsOf>[0], lang: 'ja' | 'en' = 'en', json = false) => {
    const file = join(folder, `${until}-${lang}-${json}.json`);
    writeFileSync(file, JSON.stringify(recordOf(stepsOf(until))));
    return { code: await verifyRecord(console(lang), json, file), said: told() };
  };
  expect(await verify('done')).toEqual({ code: 0, said: expect.stringContaining('The record is whole') });
  const begun = await verify('begun');
  expect(begun).toEqual({ code: 5, said: expect.stringContaining('still to come: components of anna ben') });
  expect(begun.said).not.toContain('whole');
  expect(await verify('entered', 'ja')).toEqual({
    code: 5,
    said: expect.stringMatching(/未完了です[^]+残り: 検査値の確認\(次のいずれか1名: ben\)/),
  });
  expect(await verify('aborted')).toEqual({ code: 5, said: expect.stringContaining('no key came of it') });
  const json = await verify('entered', 'en', true);
  expect([json.code, JSON.parse(json.said)]).toMatchObject([
    5,
    { isOver: false, unfinished: { awaits: 'confirmation', from: ['ben'] } },
  ]);
});

test('a record or a pack that is there already is neither written over nor mixed with another', async () => {
  const world = systemWorld(() => undefined);
  const client = openClient({ url: 'http://127.0.0.1:9', token: 'nobody' }, world);
  const context = { world, client, console: console('en'), json: false };
  const file = join(folder, 'record.json');
  writeFileSync(file, 'of last year');
  expect(await saveRecord(context, Promise.resolve(ok(recordOf(stepsOf('done')))), file)).toBe(1);
  expect(told()).toContain('FILE_EXISTS');
  expect(readFileSync(file, 'utf8')).toBe('of last year');
  const pack = join(folder, 'pack');
  mkdirSync(pack);
  writeFileSync(join(pack, 'steps.jsonl'), 'of last year');
  for (const out of [pack, file]) {
    expect(await writePack(context, { from: '2026-01-01', to: '2026-01-31', out })).toBe(1);
    expect(told()).toContain('FILE_EXISTS');
  }
  expect(readdirSync(pack)).toEqual(['steps.jsonl']);
});
