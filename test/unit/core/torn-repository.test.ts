import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSoftwareImage } from '@tsunagu/protocols/software';
import { afterEach, expect, it } from 'vitest';
import { person } from './person.ts';
import { newFolder, removeFolder, type TestHouse, testHouse } from './support.ts';

let folder = '';
let house: TestHouse;
afterEach(async () => {
  await house.house.close();
  removeFolder(folder);
});

const repository = (): string => join(folder, 'server', 'software', 'repository');
const bytesOf = (name: string): Buffer => readFileSync(join(repository(), name));
const versionOf = (name: string): number =>
  (JSON.parse(bytesOf(name).toString('utf8')) as { signed: { version: number } }).signed.version;
const image = (version: string): Uint8Array =>
  encodeSoftwareImage({ version, model: 'CT-5100', counter: 1 }, new Uint8Array(64));
const order = (digest: string) => house.call('POST', '/terminals/TORN-0001/software', { digest });

/** A house with two published images, so that there are two of each file. */
async function published() {
  folder = newFolder();
  house = await testHouse(folder);
  await house.register('TORN-0001');
  const keys = join(folder, 'signing');
  const publisher = await person(house, folder, keys);
  await publisher.init();
  await publisher.publish(image('2.0.0'));
  const before = bytesOf('timestamp.json');
  const digest = await publisher.publish(image('2.0.1'));
  return { before, digest, keys };
}
async function restart(between: () => void): Promise<void> {
  await house.house.close();
  between();
  house = await testHouse(folder);
}

it('power that fails between two files leaves the repository of before, and the next start announces what was written', async () => {
  const { before, digest } = await published();
  const newest = versionOf('timestamp.json');
  await restart(() => writeFileSync(join(repository(), 'timestamp.json'), before));
  expect((await order(digest)).status).toBe(202);
  // Nobody was shown the one that was lost: its number is given again, and none goes back.
  expect(versionOf('timestamp.json')).toBe(newest);
});

const highest = (role: string): string =>
  readdirSync(repository())
    .filter((name) => name.endsWith(`.${role}.json`))
    .toSorted((one, other) => Number.parseInt(other, 10) - Number.parseInt(one, 10))[0] ?? '';

it.each(['timestamp', 'snapshot', 'targets'] as const)(
  'a %s that was announced and is damaged is told by name; nothing begins anew under it, and with the file back all goes on',
  async (role) => {
    const { digest, keys } = await published();
    const name = role === 'timestamp' ? 'timestamp.json' : highest(role);
    const whole = bytesOf(name);
    await restart(() => truncateSync(join(repository(), name), 100));
    const files = readdirSync(repository()).map((one) => [one, bytesOf(one).toString('hex')]);
    expect((await order(digest)).body).toMatchObject({ code: 'SOFTWARE_REPOSITORY_TORN', field: name });
    const publisher = await person(house, folder, keys);
    await expect(publisher.publish(image('2.0.2'))).rejects.toThrow();
    expect(house.lines.map(({ event }) => event)).toContain('softwareRepositoryTorn');
    // What terminals can fetch is what it was.
    expect(readdirSync(repository()).map((one) => [one, bytesOf(one).toString('hex')])).toEqual(files);
    await restart(() => writeFileSync(join(repository(), name), whole));
    expect((await order(digest)).status).toBe(202);
    await restart(() => rmSync(join(repository(), name)));
    expect((await order(digest)).body).toMatchObject({ code: 'SOFTWARE_REPOSITORY_TORN', field: name });
  },
);
