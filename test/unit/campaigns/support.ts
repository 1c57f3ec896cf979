import type { CampaignDetail, SettingValues, Why } from '@tsunagu/protocols/fleet';
import { jobOrder, openDocument, parseJson } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { encodeSoftwareImage } from '@tsunagu/protocols/software';
import { onTestFinished } from 'vitest';
import { person } from '../core/person.ts';
import { enrol, newFolder, removeFolder, signedIn, type TestHouse, testHouse, TestLink } from '../core/support.ts';

/** A house whose sales count at once; it is closed after the test, and its folder goes. */
export async function start(folder = newFolder(), more: Parameters<typeof testHouse>[1] = {}) {
  onTestFinished(() => removeFolder(folder));
  const house = await testHouse(folder, { saleSettleMs: 0, ...more });
  onTestFinished(() => house.house.close());
  return { ...house, folder };
}

/** Somebody who is asked for campaigns. */
async function caller(house: TestHouse, name: string, role: 'operator' | 'admin') {
  const post = await signedIn(house, name, role);
  return async (path: string, body: unknown) =>
    (await post(path, body)) as unknown as CampaignDetail & { code?: string; token?: string };
}

type Publisher = Awaited<ReturnType<typeof person>>;
const publishers = new WeakMap<TestHouse, Publisher>();
/** Publishes an image; the first one makes the repository. */
export async function publish(
  house: TestHouse & { readonly folder: string },
  version: string,
  counter = 1,
  requires: Parameters<Publisher['publish']>[1] = {},
): Promise<string> {
  let publisher = publishers.get(house);
  if (!publisher) {
    const keys = newFolder();
    onTestFinished(() => removeFolder(keys));
    publisher = await person(house, house.folder, keys);
    await publisher.init();
    publishers.set(house, publisher);
  }
  return await publisher.publish(
    encodeSoftwareImage({ version, model: 'CT-5100', counter }, new Uint8Array(64)),
    requires,
  );
}

/** An operator proposes a campaign. */
export async function propose(
  house: TestHouse,
  asked: object,
  path = '/campaigns',
): Promise<CampaignDetail & { code?: string }> {
  const operator = operators.get(house) ?? (await caller(house, 'operator', 'operator'));
  operators.set(house, operator);
  return await operator(path, asked);
}
export const operators = new WeakMap<TestHouse, Awaited<ReturnType<typeof caller>>>();
/** The administrator acts. */
export async function act(house: TestHouse, id: string, verb: string, reason = '') {
  // An administrator whom the owner of the machine let in beside the operator.
  const approver = approvers.get(house) ?? (await caller(house, 'approver', 'admin'));
  approvers.set(house, approver);
  const body = await approver(`/campaigns/${id}/acts`, { verb, reason });
  return { status: 'status' in body ? body.status : 200, body };
}
export const approvers = new WeakMap<TestHouse, Awaited<ReturnType<typeof caller>>>();

/** A terminal of these tests: it installs and sets what it is told, and sells. */
export class Terminal {
  version = '1.0.0';
  configuration: { version: number; hash: string; values: SettingValues } = { version: 0, hash: '', values: {} };
  readonly link: TestLink;
  private constructor(link: TestLink) {
    this.link = link;
  }
  static async open(house: TestHouse, serial: string): Promise<Terminal> {
    const link = await TestLink.open(house, await enrol(house, await house.register(serial)));
    onTestFinished(() => link.close());
    const terminal = new Terminal(link);
    await terminal.hello();
    return terminal;
  }
  hello(): Promise<void> {
    const { values: _, ...configuration } = this.configuration;
    return this.link.hello({ software: { version: this.version, slot: 'A' }, configuration });
  }
  /** Pulls until nothing is left; key loads are failed, the rest is done (or not). Says what versions it was told. */
  async work(how: 'do' | 'fail' | 'wait' = 'do'): Promise<readonly string[]> {
    const told: string[] = [];
    for (;;) {
      const answer = await this.link.ask('pull', 'request', { pull: 'job' });
      if (answer.kind !== 'job' || !answer.order) return told;
      const order = unwrap(
        parseJson(jobOrder, unwrap(openDocument('tsunagu-job-v1', answer.order, this.link.terminal.answer.jobKey))),
      );
      const report = (body: object) =>
        this.link.ask({ kind: 'job', job: order.job }, 'job', { attempt: order.attempt, ...body });
      if (order.type === 'software.install') {
        told.push(order.params.version);
        if (how === 'do') this.version = order.params.version;
        await report(
          how === 'do'
            ? { state: 'succeeded', software: { version: this.version, slot: 'B' } }
            : { state: 'failed', fault: 'SOFTWARE_REVERTED' },
        );
        if (how === 'do') await this.hello();
      } else if (order.type === 'configuration.apply') {
        const code = { do: undefined, fail: 'CONFIGURATION_REVERTED', wait: 'CONFIGURATION_WAITS' }[how];
        await this.configure(code);
        const { version, hash } = this.configuration;
        await report(
          code === undefined
            ? { state: 'succeeded', configuration: { version, hash } }
            : { state: 'failed', fault: code },
        );
      } else await report({ state: 'failed', fault: 'SOFTWARE_REVERTED' });
    }
  }
  /** Fetches what is desired, and has it in force or says why not. */
  async configure(drift?: string): Promise<void> {
    const twin = await this.link.ask('pull', 'request', { pull: 'twin' });
    if (twin.kind !== 'twin') throw new Error('no twin');
    const { version, hash, values } = twin;
    if (drift === undefined) this.configuration = { version, hash, values };
    const { values: set, ...now } = this.configuration;
    await this.link.say({ kind: 'twin' }, 'twin', {
      base: version,
      answers: hash,
      ...now,
      values: set,
      ...(drift !== undefined && { drift }),
    });
  }
  /** A sale that ended at the terminal, well or not. */
  sale(outcome: 'approved' | 'refused'): Promise<void> {
    const sale = { outcome, amountMinor: 1, currency: 'JPY', card: '', scheme: 'visa', entry: 'contact', lastFour: '' };
    return this.link.say({ kind: 'event', event: 'sale' }, 'sale', {
      at: Date.now(),
      sale: { ...sale, stan: '', durationMs: 1, ...(outcome === 'refused' && { reason: 'CARD_UNREADABLE' }) },
    });
  }
}

/** A campaign of software in two rings. */
export const spec = (images: string[], back: string[], more: object = {}) => ({
  name: 'release',
  target: 'model = CT-5100',
  action: { kind: 'software', images, back },
  rings: [{ percent: 34 }, { percent: 100 }],
  gate: null,
  ...more,
});

/** A campaign as the API has it. */
export const detail = async (house: TestHouse, id: string): Promise<CampaignDetail> =>
  (await house.call('GET', `/campaigns/${id}`)).body as unknown as CampaignDetail;
/** Why one terminal is not through. */
export const why = async (house: TestHouse, id: string, serial: string): Promise<Why> => {
  const { body } = await house.call('POST', '/why', { target: { kind: 'campaign', id }, serials: [serial] });
  return (body as unknown as { items: Why[] }).items[0] as Why;
};
