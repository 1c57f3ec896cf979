import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type Job, jobCancels, jobStates, serialSchema } from '@tsunagu/protocols/fleet';
import { encodeSoftwareImage } from '@tsunagu/protocols/software';
import { systemWorld } from '@tsunagu/protocols/world';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { outlookOf } from '../../../cli/src/commands/job-outlook.ts';
import { publishImage, showKeys } from '../../../cli/src/commands/software-repository.ts';
import { person } from '../core/person.ts';
import { newFolder, patientMs, removeFolder, testHouse } from '../core/support.ts';
import { keptConsole } from './kept-console.ts';

const job: Job = {
  id: '7d7c7a4e-0000-4000-8000-000000000000',
  serial: serialSchema.parse('CLI-0001'),
  type: 'negative.fetch',
  state: 'queued',
  attempt: 0,
  attemptsMax: 5,
  createdAt: '2026-03-01T00:00:00.000Z',
  finishedAt: null,
  notBefore: '2026-03-01T01:02:03.000Z',
  notAfter: '2026-03-02T04:05:06.000Z',
  fault: null,
  steps: [],
  sale: null,
  evidence: null,
  totals: null,
  document: null,
  result: null,
  priority: 'routine',
  orderedBy: 'x',
  approvedBy: null,
  reference: null,
  isCancelling: false,
  isLate: false,
};
const told = (some: Partial<Job>, lang = 'en'): string =>
  outlookOf(keptConsole(lang).console, { ...job, ...some }).join('\n');

describe('what is told of a job', () => {
  it('is the fault of the last attempt, and when the next one goes', () => {
    const text = told({ attempt: 2, fault: 'ARTEFACT_UNAVAILABLE' });
    expect(text).toMatch(/^Attempt 2 ended with ARTEFACT_UNAVAILABLE: \S[\s\S]*next: \S/);
    expect(text).toContain('tried again: attempt 3 of 5');
    expect(text).toContain('not before 2026-03-01 01:02:03 UTC; given up at 2026-03-02 04:05:06 UTC');
    // One for now has no such time.
    for (const lang of ['en', 'ja'])
      expect(told({ notBefore: '1970-01-01T00:00:00.000Z' }, lang)).not.toContain('1970');
  });

  it('tells a failure that is not tried again from one whose attempts are used up', () => {
    expect(told({ state: 'failed', attempt: 1, fault: 'SIGNATURE_INVALID' })).toContain('not tried again by itself');
    expect(told({ state: 'failed', attempt: 5, fault: 'LINK_DOWN' })).toContain('the last attempt of 5');
  });

  it.each(['en', 'ja'])(
    'says in each state what taking it back does, and nothing where nothing can be taken back: %s',
    (lang) => {
      for (const state of jobStates) {
        const [text, asked] = [
          told({ state, attempt: 1 }, lang),
          told({ state, attempt: 1, isCancelling: true }, lang),
        ];
        expect(text.includes(`job cancel ${job.id}`), state).toBe(jobCancels[state] !== 'nothing');
        expect(asked.includes('job cancel'), state).toBe(false);
        expect(text.includes(`job retry ${job.id}`), state).toBe(state === 'failed' || state === 'timed-out');
      }
    },
  );
});

test('nobody signs for a model that there is not, and is told of one that no terminal is', async () => {
  const [folder, keys] = [newFolder(), newFolder()];
  onTestFinished(() => [folder, keys].forEach(removeFolder));
  const house = await testHouse(folder);
  onTestFinished(() => house.house.close());
  const { init, client } = await person(house, folder, keys);
  await init();
  async function publish(model: string, lang = 'en') {
    const { console, printed } = keptConsole(lang);
    const file = join(folder, `${model}.tsw`);
    const image = encodeSoftwareImage({ model, version: '2.0.0', counter: 2, boot: 'proves' }, new Uint8Array(100));
    await writeFile(file, image);
    const code = await publishImage({ world: house.world, console, client, json: false }, file, { keys });
    return { code, ...printed() };
  }
  const nope = await publish('NOPE');
  expect([nope.code, nope.err]).toEqual([1, expect.stringMatching(/^MODEL_UNKNOWN: .*NOPE/)]);
  expect(await client.software()).toMatchObject({ ok: true, value: [] });
  const nobodys = await publish('CT-5100');
  expect([nobodys.code, nobodys.err]).toEqual([0, expect.stringContaining('No terminal of model CT-5100')]);
  expect((await publish('CT-5100', 'ja')).err).toContain('機種 CT-5100 の端末は台帳に1台もありません');
  await house.register('CT5100-0001');
  expect(await publish('CT-5100')).toMatchObject({ code: 0, err: '' });
});

test('a role of the software repository that has run out, or soon will, is marked with its day and the next step', async () => {
  const [folder, keys] = [newFolder(), newFolder()];
  onTestFinished(() => [folder, keys].forEach(removeFolder));
  const house = await testHouse(folder);
  onTestFinished(() => house.house.close());
  await (await person(house, folder, keys)).init();
  const { token } = JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')) as { token: string };
  const world = systemWorld(() => undefined);
  const client = openClient({ url: house.house.managementUrl, token }, world, patientMs);
  async function after(days: number, lang = 'en') {
    const { console, printed } = keptConsole(lang);
    const clock = { ...world.clock, now: () => world.clock.now() + days * 86_400_000 };
    const code = await showKeys({ world: { ...world, clock }, console, client, json: false }, { keys });
    return { code, lines: printed().out.split('\n') };
  }
  const now = await after(0);
  expect([now.code, now.lines.filter((line) => line.startsWith('  '))]).toEqual([0, []]);
  const near = await after(300);
  expect(near.code).toBe(5);
  expect(near.lines.find((line) => line.includes('renew targets'))).toMatch(/^ {2}runs out on \d{4}-\d\d-\d\d: /);
  expect(near.lines.some((line) => line.includes('renew root'))).toBe(false);
  const passed = await after(400);
  expect(passed.lines.find((line) => line.includes('renew targets'))).toMatch(/ran out on .*take no software/);
  // What the server renews by itself is marked when it did not.
  expect(passed.lines.filter((line) => line.includes('look into its log'))).toHaveLength(2);
  expect((await after(400, 'ja')).lines.some((line) => /期限が切れました.*renew targets/.test(line))).toBe(true);
});
