import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { negativeAuthority, negativeState } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type House, type Ran, runCli, startHouse, until } from './house.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-custody-'));
const at = (name: string): string => join(folder, name);
let house: House;

beforeAll(async () => {
  house = await startHouse({ args: ['--terminals', '2', '--sale-every-seconds', '3600'] });
}, 180_000);
afterAll(async () => {
  await house.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A command of a custodian, each of whom has a passphrase of their own. */
const as = async (who: string, ...args: readonly string[]): Promise<Ran> =>
  runCli(['--data', house.data, ...args], { TSUNAGU_KEY_PASSPHRASE: `the passphrase of ${who}` });
const negative = async (who: string, ...args: readonly string[]): Promise<string> => {
  const ran = await as(who, 'negative', ...args);
  expect(ran.stderr).toBe('');
  expect(ran.code).toBe(0);
  return ran.stdout;
};
const authority = async () => negativeAuthority.parse((await house.api('/api/v1/negative/authority')).body);
/** Whether every terminal has what was published last. */
async function spread() {
  let state = await stateNow();
  await until(async () => {
    state = await stateNow();
    return state.spread.total === 2 && state.spread.reached === 2;
  }, 60_000);
  return state;
}
const stateNow = async () => negativeState.parse((await house.api('/api/v1/negative/state')).body);

test('root and list keys leave the server, and from then on nobody but their keepers publishes', async () => {
  await spread();
  for (const who of ['anna', 'ben', 'chie', 'dai', 'emi']) await negative(who, 'key', 'make', at(`${who}.key`));
  expect(statSync(at('anna.key')).mode & 0o777).toBe(0o600);
  // What is no name is a mistake of the command line, and no fault of the program.
  const misnamed = await as('anna', 'negative', 'lists', 'set', 'Bad Name');
  expect(misnamed).toMatchObject({ code: 2 });
  expect(misnamed.stderr).not.toMatch(/\n\s+at /);
  // Nobody's key is written over, and a short passphrase is none.
  expect((await as('anna', 'negative', 'key', 'make', at('anna.key'))).stderr).toContain('FILE_UNWRITABLE');
  expect(
    (await runCli(['negative', 'key', 'make', at('f.key')], { TSUNAGU_KEY_PASSPHRASE: 'short' })).stderr,
  ).toContain('KEY_PASSPHRASE_SHORT');

  await negative('anna', 'root', 'fetch', at('root-1'));
  const roots = ['anna', 'ben', 'chie'].flatMap((who) => ['--root-key', at(`${who}.key`)]);
  const lists = ['dai', 'emi'].flatMap((who) => ['--list-key', at(`${who}.key`)]);
  await negative('anna', 'root', 'propose', at('root-2'), '--from', at('root-1'), ...roots, ...lists);
  // Without the root before it, and with one signature of its own, no terminal would take it.
  await negative('anna', 'root', 'sign', at('root-2'), '--key', at('anna.key'));
  expect((await as('anna', 'negative', 'root', 'publish', at('root-2'))).stderr).toContain('SIGNATURE_INVALID');
  expect((await as('ben', 'negative', 'root', 'sign', at('root-2'), '--key', at('chie.key'))).stderr).toContain(
    'SIGNING_KEY_INVALID',
  );
  await negative('ben', 'root', 'sign', at('root-2'), '--key', at('ben.key'));
  await negative('ben', 'root', 'countersign', at('root-2'));
  await negative('ben', 'root', 'publish', at('root-2'));

  // It waits for the first version under it; until then the old root is in force.
  expect(await authority()).toMatchObject({ nextVersion: 2, pending: { signed: 0, signers: 1 } });
  const before = await spread();
  expect((await as('anna', 'negative', 'sign', '--key', at('anna.key'))).stderr).toContain('SIGNATURE_INVALID');
  expect((await as('dai', 'negative', 'sign', '--key', at('dai.key'), '--cards', '77')).stderr).toContain(
    'INPUT_INVALID',
  );
  await negative('dai', 'sign', '--key', at('dai.key'));
  const after = await authority();
  expect(after).toMatchObject({ nextVersion: null, pending: null });
  expect(after.keys.filter(({ role }) => role === 'root' || role === 'list').every(({ held }) => !held)).toBe(true);
  expect((await spread()).version).toBe(before.version + 1);
}, 180_000);

test('an emergency entry still goes at once, a version waits for its signatures, and terminals follow both', async () => {
  const { version } = await spread();
  await negative('nobody', 'add', '4761739001010127');
  expect((await spread()).overlaySeq).toBe(1);
  expect(await negative('nobody', 'publish')).toContain('waits for signatures');
  expect((await spread()).version).toBe(version);
  expect(await negative('emi', 'sign', '--key', at('emi.key'))).toContain(`Version ${version + 1} is published`);
  expect(await spread()).toMatchObject({ version: version + 1, cards: 1 });
  // Half of the list goes: two keepers have to want that.
  expect(await as('nobody', 'negative', 'remove', '4761739001010127')).toMatchObject({ code: 5 });
  expect(await negative('nobody', 'publish', '--second-signature')).toContain('waits for');
  expect(await negative('dai', 'sign', '--key', at('dai.key'))).toContain('One more list key');
  expect(await negative('emi', 'sign', '--key', at('emi.key'))).toContain('is published');
  expect(await spread()).toMatchObject({ version: version + 2, cards: 0 });
  // No key lies in the server's vault under another name.
  expect(
    readFileSync(join(house.data, 'server', 'vault.jsonl'), 'utf8').match(
      /"id":"sign\/negative-list\/1","destroyed":true/,
    ),
  ).toBeTruthy();
}, 180_000);

test('what went, who lists a card and what a terminal held is told in both languages, and so is what was wrong with the question', async () => {
  const listed = '4761739001010127';
  await negative('nobody', 'add', listed, '--reason', 'stolen');
  const { version } = await spread();
  const items = (await house.api('/api/v1/terminals')).body as { items: { serial: string }[] };
  const serial = items.items[0]?.serial ?? expect.fail('no terminal');
  const ask = (lang: string, ...args: readonly string[]) =>
    runCli(['--data', house.data, 'negative', ...args], { TSUNAGU_LANG: lang });

  const proof = at('proof.json');
  expect((await ask('ja', 'prove', listed, serial, '--out', proof)).code).toBe(0);
  // Nobody is asked: there is no house where this runs.
  const alone = (lang: string, ...args: readonly string[]) =>
    runCli(['--data', at('nowhere'), 'negative', 'verify', ...args], { TSUNAGU_LANG: lang });
  await negative('anna', 'root', 'fetch', at('root-now'));
  const english = await alone('en', proof, '--root', at('root-now'));
  expect(english).toMatchObject({ code: 0, stderr: '' });
  expect(english.stdout).toContain(`The proof holds. Card ending 0127 on ${serial}`);
  expect(english.stdout).toContain('listed (stolen), by overlay');
  // A root that came by hand earlier vouches for the one that followed it.
  expect((await alone('ja', proof, '--root', at('root-1'))).stdout).toContain('証明は成立します');
  expect(readFileSync(proof, 'utf8')).not.toContain(listed);
  const { claim, ...others } = JSON.parse(readFileSync(proof, 'utf8')) as { claim: string };
  writeFileSync(at('changed.json'), JSON.stringify({ ...others, claim: claim.replace(/.(?=.{8}$)/, 'A') }));

  const wrong = [
    [2, 'diff', 'x', '2'],
    [2, 'diff', '0', '2'],
    [1, 'diff', String(version), '999'],
    [2, 'explain', 'abc'],
    [1, 'explain', '4761739001010011'],
    [1, 'explain', listed, '--list', 'nobody'],
    [1, 'prove', '4761739001010011', serial],
    [1, 'prove', listed, 'NOBODY-0001'],
    [1, 'prove', listed, serial, '--at', 'yesterday'],
    [1, 'prove', listed, serial, '--at', '2099-01-01T00:00:00Z'],
    [1, 'prove', listed, serial, '--at', '2020-01-01T00:00:00Z'],
    [2, 'verify', at('none.json')],
    [1, 'verify', at('changed.json')],
    [1, 'verify', at('anna.key')],
    [1, 'verify', proof, '--root', at('anna.key')],
  ] as const;
  for (const [code, ...args] of wrong) {
    const both = await Promise.all(['en', 'ja'].map(async (lang) => ({ lang, ran: await ask(lang, ...args) })));
    for (const { lang, ran } of both) {
      expect(ran.code, args.join(' ')).toBe(code);
      expect(ran.stdout, args.join(' ')).toBe('');
      // A sentence and a next step in that language; no trace of the program's inside.
      expect(ran.stderr, args.join(' ')).not.toMatch(/\n\s+at |node:|Error:/);
      expect(/[\u3040-\u30ff]/.test(ran.stderr), `${lang}: ${args.join(' ')}: ${ran.stderr}`).toBe(lang === 'ja');
    }
  }
}, 300_000);
