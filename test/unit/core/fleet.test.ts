import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  configurationHash,
  configuration,
  jobOrder,
  notify,
  openDocument,
  parseJson,
  type SignedDocument,
} from '@tsunagu/protocols/fleet';
import { checkValue } from '@tsunagu/protocols/kcv';
import { secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { containerRoot, hashTag, openContainer, overlayBits, panMac, tagOf } from '@tsunagu/protocols/negative';
import { decodeManifest, decodeSigned } from '@tsunagu/protocols/negative/authority';
import { unwrapKeyBlock } from '@tsunagu/protocols/tr31';
import { afterEach, describe, expect, it } from 'vitest';
import {
  enrol,
  newFolder,
  removeFolder,
  secondOf,
  signedIn,
  type TestHouse,
  testHouse,
  TestLink,
  type TestTerminal,
  until,
} from './support.ts';
import { cutPower } from '../../power-cut.ts';
import { withCheckDigit } from '../../negative/lists.ts';

const folders: string[] = [];
const open: (() => Promise<void>)[] = [];
const start = async (folder = newFolder()): Promise<TestHouse & { folder: string }> => {
  folders.push(folder);
  const house = await testHouse(folder);
  open.push(() => house.house.close());
  return { ...house, folder };
};
const connect = async (house: TestHouse, terminal: TestTerminal, boot?: number): Promise<TestLink> => {
  const link = await TestLink.open(house, terminal, boot);
  open.push(() => link.close());
  return link;
};
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  for (const folder of folders.splice(0)) removeFolder(folder);
});

/** Pulls the next order and reads it with the key that was pinned at enrolment. */
async function pullJob(link: TestLink) {
  const answer = await link.ask('pull', 'request', { pull: 'job' });
  if (answer.kind !== 'job') throw new Error(answer.kind);
  return answer.order && readOrder(link.terminal, answer.order);
}
const readOrder = (terminal: TestTerminal, order: SignedDocument) =>
  unwrap(parseJson(jobOrder, unwrap(openDocument('tsunagu-job-v1', order, terminal.answer.jobKey))));

/** Does what a key load asks for, and reports it. */
async function load(link: TestLink, order: NonNullable<Awaited<ReturnType<typeof pullJob>>>) {
  if (order.type !== 'key.load') throw new Error(order.type);
  const { key, header, optionalBlocks } = unwrap(unwrapKeyBlock(link.terminal.kbpk, order.params.keyBlock));
  const kcv = toHex(unwrap(checkValue('AES', 'cmac', key)));
  const ksn = optionalBlocks.find((block) => block.id === 'IK')?.data;
  const evidence = { slot: order.params.slot, kcv, ...(ksn !== undefined && { ksn: `${ksn}00000001` }) };
  const report = () =>
    link.ask({ kind: 'job', job: order.job }, 'job', { attempt: order.attempt, state: 'succeeded', evidence });
  return { key, kcv, usage: header.keyUsage, ksn, evidence, report, said: order.params.kcv };
}

const currentOf = (config = configuration.parse({})) => ({ version: 1, hash: configurationHash(config) });

describe('a terminal that says hello', () => {
  it('is asked to when what it is to hold of keys changes, and is ordered the rest by what it shows', async () => {
    const house = await start();
    const link = await connect(house, await enrol(house, await house.register('ASKED-0001')));
    await link.hello();
    const held = [];
    for (let count = 0; count < 2; count++) {
      const order = await until('a key', async () => (await pullJob(link)) ?? undefined);
      const loaded = await load(link, order);
      await loaded.report();
      held.push({ slot: loaded.evidence.slot, kcv: loaded.kcv });
    }
    expect(await pullJob(link)).toBeNull();
    const asked = () =>
      link.received.filter(({ message }) => notify.safeParse(message.body).data?.hello === true).length;
    expect(asked()).toBe(0);
    const olga = await signedIn(house, 'olga', 'operator');
    const begun = await olga('/keys/rotations', { key: 'negative/tags/2' });
    expect(begun).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ id: 'negative/tags/2' })]),
    });
    await until('the question', () => asked() === 1);
    await link.hello({ keys: held });
    const next = await until('the next key', () => pullJob(link));
    expect(next).toMatchObject({ type: 'key.load', params: { slot: 'negative/2' } });
  });

  it('is told of its work, pulls its configuration and keys, and has each report acknowledged', async () => {
    const house = await start();
    const link = await connect(house, await enrol(house, await house.register('HELLO-0001')));
    await link.hello();
    const work = await until('the notice', () => link.last('dn/notify'));
    expect(notify.parse(work.body)).toEqual({ configuration: 1, jobs: 2, contact: expect.anything() });
    const twin = await link.ask('pull', 'request', { pull: 'twin' });
    const values = configuration.parse({});
    expect(twin).toEqual({ kind: 'twin', version: 1, hash: configurationHash(values), layers: {}, values });

    const loaded = [];
    for (let index = 0; index < 2; index++) {
      const order = await pullJob(link);
      if (!order) throw new Error('no order');
      // Asked again before it reported, a terminal gets the same attempt again: it may have lost the first answer.
      expect(await pullJob(link)).toEqual(order);
      const key = await load(link, order);
      expect(key.kcv).toBe(key.said);
      expect(await key.report()).toEqual({ kind: 'acknowledged', job: order.job, state: 'succeeded' });
      // A report that comes twice is acknowledged twice.
      expect(await key.report()).toEqual({ kind: 'acknowledged', job: order.job, state: 'succeeded' });
      loaded.push(key);
    }
    expect(await pullJob(link)).toBeNull();
    expect(loaded.map(({ usage }) => usage).sort()).toEqual(['B1', 'M6']);
    expect(loaded.find(({ usage }) => usage === 'B1')?.ksn).toMatch(/^[0-9A-F]{16}$/);
    const shown = await house.call('GET', '/terminals/HELLO-0001');
    expect(shown.body.keys).toHaveLength(2);
    expect(shown.body.link).toMatchObject({ state: 'ready', bootSeq: 1 });
  });

  it('needs nothing when it holds everything, also when its reports were lost', async () => {
    const house = await start();
    const link = await connect(house, await enrol(house, await house.register('HELLO-0002')));
    await link.hello();
    const keys = [];
    for (let index = 0; index < 2; index++) {
      const order = await pullJob(link);
      if (!order) throw new Error('no order');
      const { evidence } = await load(link, order);
      keys.push(evidence);
      await link.ask({ kind: 'job', job: order.job }, 'job', { attempt: order.attempt, state: 'running' });
    }
    // Both keys are in the terminal, and no report of it came through. Its next birth shows them.
    await link.hello({ keys, configuration: currentOf() });
    await until('both keys in the ledger', async () => {
      const { sync } = (await house.call('GET', '/overview')).body as unknown as { sync: { keys: number } };
      return sync.keys === 1;
    });
    const orders = await pullJob(link);
    expect(orders).toBeNull();
  });

  it('gets another initial key when it lost the one it had, never the same one again', async () => {
    const house = await start();
    const link = await connect(house, await enrol(house, await house.register('HELLO-0003')));
    await link.hello();
    const ids: (string | undefined)[] = [];
    for (let round = 1; round <= 2; round++) {
      for (let index = 0; index < 2; index++) {
        const order = await pullJob(link);
        if (!order) throw new Error('no order');
        const key = await load(link, order);
        if (key.usage === 'B1') ids.push(key.ksn);
        await key.report();
      }
      await link.hello({ keys: [] });
    }
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
  });

  it('is not believed about an earlier boot', async () => {
    const house = await start();
    const terminal = await enrol(house, await house.register('HELLO-0004'));
    const link = await connect(house, terminal, 7);
    await link.hello();
    await link.close();
    const stale = await connect(house, terminal, 6);
    await stale.hello();
    await until('the stale message in the log', () => house.lines.some((line) => line.code === 'MESSAGE_STALE'));
    expect((await house.call('GET', '/terminals/HELLO-0004')).body.link).toMatchObject({ bootSeq: 7 });
  });

  it('is shown as lost when its connection breaks, and as ready when it is back', async () => {
    const house = await start();
    const terminal = await enrol(house, await house.register('HELLO-0005'));
    const state = async () =>
      ((await house.call('GET', '/terminals/HELLO-0005')).body as unknown as { link: { state: string } }).link.state;
    expect(await state()).toBe('never');
    const link = await connect(house, terminal);
    await link.hello();
    await until('ready', async () => (await state()) === 'ready');
    link.client.stream.destroy();
    await until('lost', async () => (await state()) === 'lost');
    await (await connect(house, terminal, 2)).hello();
    await until('ready again', async () => (await state()) === 'ready');
  });
});

describe('the desired configuration', () => {
  it('changes only on the version that the writer saw, and every connected terminal is told', async () => {
    const house = await start();
    const link = await connect(house, await enrol(house, await house.register('TWIN-0001')));
    await link.hello({ configuration: currentOf() });
    const change = (base: string) => house.call('PATCH', '/configuration', { language: 'en' }, { 'if-match': base });
    expect((await change('"1"')).body).toMatchObject({ version: 2 });
    expect((await change('"1"')).body.code).toBe('VERSION_CONFLICT');
    await until('the notice of version 2', () => notify.parse(link.last('dn/notify')?.body ?? {}).configuration === 2);
    const values = configuration.parse({ language: 'en' });
    await link.say({ kind: 'twin' }, 'twin', { base: 1, version: 2, hash: configurationHash(values), values });
    const shown = await until('the report', async () => {
      const { configuration: c } = (await house.call('GET', '/terminals/TWIN-0001')).body as unknown as {
        configuration: { inSync: boolean; reported: number };
      };
      return c.inSync && c;
    });
    expect(shown.reported).toBe(2);
  });
});

describe('a test sale', () => {
  it('is a job whose steps and result are kept', async () => {
    const house = await start();
    const link = await connect(house, await enrol(house, await house.register('SALE-0001')));
    await link.hello();
    for (let index = 0; index < 2; index++) {
      const order = await pullJob(link);
      if (order) await (await load(link, order)).report();
    }
    const queued = await house.call('POST', '/terminals/SALE-0001/test-sales', {
      amountMinor: 1280,
      card: 'visa-contact',
    });
    const order = await pullJob(link);
    expect(order).toMatchObject({ type: 'sale.test', job: queued.body.id, params: { amountMinor: 1280 } });
    if (!order) throw new Error('no order');
    const report = (body: object) => link.ask({ kind: 'job', job: order.job }, 'job', { attempt: 1, ...body });
    await report({ state: 'running', progress: { step: 'card-presented', atMs: 3 } });
    await report({ state: 'running', progress: { step: 'card-read', atMs: 9.5 } });
    const sale = {
      outcome: 'approved',
      amountMinor: 1280,
      currency: 'JPY',
      card: 'visa-contact',
      scheme: 'visa',
      entry: 'contact',
      lastFour: '0010',
      stan: '000001',
      durationMs: 90,
    };
    await report({ state: 'succeeded', sale });
    const job = await house.call('GET', `/jobs/${order.job}`);
    expect(job.body).toMatchObject({
      state: 'succeeded',
      sale,
      steps: [{ step: 'card-presented' }, { step: 'card-read', atMs: 9.5 }],
    });

    // The terminal tells of each payment by itself too; what only asks is no sale.
    const inquiry = { ...sale, kind: 'balance', amountMinor: 0, balanceMinor: 9_000 };
    const refund = { ...sale, kind: 'refund', amountMinor: 300, stan: '000002' };
    const repeated = crypto.randomUUID();
    // One whose acknowledgement was lost comes once more, after others.
    for (const [each, at, id] of [
      [sale, 1, repeated],
      [refund, 2, crypto.randomUUID()],
      [sale, 1, repeated],
      [inquiry, 3, crypto.randomUUID()],
    ] as const)
      await link.say({ kind: 'event', event: 'sale' }, 'sale', { at, sale: each }, undefined, id);
    const told = await until('each in the timeline once', async () => {
      const { items = [] } = (await house.call('GET', '/terminals/SALE-0001/timeline')).body;
      const sales = items.filter(({ kind }: { readonly kind: string }) => kind === 'sale');
      return sales.length >= 3 ? sales : undefined;
    });
    expect(told.map(({ facts }: { readonly facts: { readonly amountMinor: number } }) => facts.amountMinor)).toEqual([
      0, 300, 1280,
    ]);
    expect((await house.call('GET', '/terminals/SALE-0001')).body).toMatchObject({ lastSale: { amountMinor: 300 } });
  });

  it('cannot be reported by another terminal', async () => {
    const house = await start();
    const one = await connect(house, await enrol(house, await house.register('SALE-0002')));
    const other = await connect(house, await enrol(house, await house.register('SALE-0003')));
    await house.call('POST', '/terminals/SALE-0002/test-sales', { amountMinor: 1, card: 'visa-contact' });
    const order = await pullJob(one);
    if (!order) throw new Error('no order');
    expect(await other.ask({ kind: 'job', job: order.job }, 'job', { attempt: 1, state: 'failed' })).toMatchObject({
      kind: 'refused',
      code: 'JOB_UNKNOWN',
    });
    expect((await house.call('GET', `/jobs/${order.job}`)).body.state).toBe('offered');
  });
});

const pan = '4761739001010010';
describe('a card that is put on the negative list', () => {
  it('is in the signed head of every connected terminal, and of each that comes later', async () => {
    const house = await start();
    const terminal = await enrol(house, await house.register('NEG-0001'));
    const link = await connect(house, terminal);
    await link.hello();
    let tagKey;
    for (let index = 0; index < 2; index++) {
      const order = await pullJob(link);
      const key = order && (await load(link, order));
      if (key?.usage === 'M6') tagKey = key.key;
      await key?.report();
    }
    if (!tagKey) throw new Error('no tag key');
    const added = await house.call('POST', '/negative/entries', { pan, reason: 'stolen' });
    expect(added.body).toMatchObject({ overlaySeq: 1, already: false, entry: { lastFour: '0010' } });
    const head = await until('the head with the entry', () => {
      const read = link.negativeHead();
      return read?.seq === 1 && read;
    });
    const tag = hashTag(unwrap(panMac(tagKey, secretPan(pan))), overlayBits);
    expect([...head.entries].map(tagOf)).toEqual([tag]);
    expect(head.bytes.length).toBeLessThan(320);

    const again = await house.call('POST', '/negative/entries', { pan, reason: 'lost' });
    expect(again.body).toMatchObject({ overlaySeq: 1, already: true });
    await link.close();
    const later = await connect(house, terminal, 2);
    const retained = await until('the retained head', () => later.negativeHead());
    expect([...retained.entries].map(tagOf)).toEqual([tag]);
  });

  it('has what is new at once while what was taken off waits for its second signature', async () => {
    const house = await start();
    const bodies = (prefix: number, count: number) =>
      Array.from({ length: count }, (_, at) => withCheckDigit(`${prefix}${String(at).padStart(9, '0')}`));
    const put = async (source: string, mode: 'add' | 'replace', pans: readonly string[]) =>
      (await house.call('POST', '/negative/imports', { source, mode, text: pans.join('\n') })).body;
    const pans = bodies(476_173, 60);
    expect(await put('issuer-a', 'add', pans)).toMatchObject({ count: 60, published: true });
    const kept = pans.slice(0, 20);
    const shrunk = await put('issuer-a', 'replace', kept);
    expect(shrunk).toMatchObject({ removed: 40, published: false, needsSecondSignature: true });
    expect((await house.call('GET', '/negative/state')).body).toMatchObject({ cards: 60, withheld: 40 });
    const more = await put('issuer-b', 'add', bodies(541_333, 5));
    expect(more).toMatchObject({ added: 5, count: 65, published: true, needsSecondSignature: true });
    expect((await house.call('GET', '/negative/state')).body).toMatchObject({ cards: 65, withheld: 40 });
    const until = new Date(Date.now() + 86_400_000).toISOString();
    const range = (await house.call('POST', '/negative/ranges', { low: '411111', high: '411119', until })).body;
    expect(range).toMatchObject({ count: 65, published: true, needsSecondSignature: true });
    const nothingNew = (await house.call('POST', '/negative/versions', {})).body;
    expect(nothingNew).toMatchObject({ version: range.version, published: false, needsSecondSignature: true });
    // Who let them go has given the first signature.
    const own = await house.call('POST', '/negative/versions', { secondSignature: true });
    expect(own).toMatchObject({ status: 403, body: { code: 'APPROVAL_OWN' } });
    const signed = await secondOf(house);
    expect(signed).toMatchObject({ count: 25, published: true, needsSecondSignature: false });
    expect((await house.call('GET', '/negative/state')).body).toMatchObject({ cards: 25, withheld: 0 });
  });

  it('needs two people to come off where more goes than one may let go: neither who let go, nor whom they let in', async () => {
    const house = await start();
    const [mori, sato] = await Promise.all([signedIn(house, 'mori', 'admin'), signedIn(house, 'sato', 'operator')]);
    const text = Array.from({ length: 40 }, (_, at) => withCheckDigit(`476173${String(at).padStart(9, '0')}`));
    const all = { source: 'issuer-a', mode: 'replace', text: text.join('\n') };
    expect(await mori('/negative/imports', all)).toMatchObject({ count: 40, published: true });
    const few = { ...all, text: text.slice(0, 10).join('\n') };
    expect(await mori('/negative/imports', few)).toMatchObject({ removed: 30, needsSecondSignature: true });
    const second = { secondSignature: true };
    expect(await mori('/negative/versions', second)).toMatchObject({ code: 'APPROVAL_OWN' });
    // Another token of theirs is still them, and so is whom they let in.
    const made = await mori('/tokens', { name: 'cli', roles: ['admin'] });
    const token = { authorization: `Bearer ${String(made['token'])}` };
    expect((await house.call('POST', '/negative/versions', second, token)).body.code).toBe('APPROVAL_OWN');
    const puppet = await signedIn(house, 'puppet', 'operator', mori);
    expect(await puppet('/negative/versions', second)).toMatchObject({ code: 'APPROVAL_NOT_APART' });
    expect((await house.call('GET', '/negative/state')).body).toMatchObject({ cards: 40, withheld: 30 });
    // Whoever takes off more has a hand in it from then on.
    expect(await sato('/negative/removals', { pan: text[0], source: 'issuer-a' })).toMatchObject({ published: false });
    expect(await sato('/negative/versions', second)).toMatchObject({ code: 'APPROVAL_OWN' });
    const kato = await signedIn(house, 'kato', 'operator');
    expect(await kato('/negative/versions', second)).toMatchObject({ count: 9, published: true });
    // That is settled: what goes next is judged by itself.
    expect(await kato('/negative/removals', { pan: text[1], source: 'issuer-a' })).toMatchObject({ published: false });
    expect(await mori('/negative/versions', second)).toMatchObject({ count: 8, published: true });
  });

  it('stays on a list that would be exchanged for another until there is a second signature, and what is new goes out', async () => {
    const house = await start();
    const bodies = (prefix: number, count: number) =>
      Array.from({ length: count }, (_, at) => withCheckDigit(`${prefix}${String(at).padStart(9, '0')}`));
    const put = async (pans: readonly string[]) =>
      (await house.call('POST', '/negative/imports', { source: 'a', mode: 'replace', text: pans.join('\n') })).body;
    const [first, others] = [bodies(476_173, 60), bodies(541_333, 60)];
    expect(await put(first)).toMatchObject({ count: 60, published: true });
    expect(await put([...first.slice(3), ...others.slice(0, 3)])).toMatchObject({
      count: 60,
      needsSecondSignature: false,
    });
    // Three of sixty went already, and nothing wore off since.
    const exchanged = await put([...first.slice(4), ...others.slice(0, 4)]);
    expect(exchanged).toMatchObject({ count: 61, published: true, needsSecondSignature: true });
    expect((await house.call('GET', '/negative/state')).body).toMatchObject({ cards: 61, withheld: 1 });
    // Neither by the way of an exception, nor by another codec.
    const allowed = (await house.call('POST', '/negative/exceptions', { pan })).body;
    expect(allowed).toMatchObject({ published: false, needsSecondSignature: true });
    expect(await put(others)).toMatchObject({ removed: 56, count: 117, needsSecondSignature: true });
    expect(await secondOf(house)).toMatchObject({ count: 60, needsSecondSignature: false });
    expect((await house.call('GET', '/negative/state')).body).toMatchObject({ cards: 60, withheld: 0 });
  });

  it('stays listed while another source lists it, and its removal is a version of two signatures', async () => {
    const house = await start();
    const other = '5413330089020011';
    const text = `pan,reason\n${pan},stolen\n${other},lost\n4111111111111112,lost\n`;
    const imported = await house.call('POST', '/negative/imports', { source: 'issuer-a', mode: 'add', text });
    expect(imported.body).toMatchObject({ added: 2, removed: 0, published: true, refused: [{ line: 4, why: 'pan' }] });
    expect(
      (await house.call('POST', '/negative/entries', { pan, reason: 'stolen', source: 'brand-b' })).body,
    ).toMatchObject({
      overlaySeq: 0,
      already: false,
    });
    // Half of the list goes: the one source alone takes nothing off, the other needs a second signature.
    const whole = (lines: string) => ({ source: 'issuer-a', mode: 'replace', text: lines });
    // A whole list that is broken or empty lets nothing go.
    for (const lines of [text, ''])
      expect((await house.call('POST', '/negative/imports', whole(lines))).body.code).toBe('NEGATIVE_LIST_REFUSED');
    const halved = (await house.call('POST', '/negative/imports', whole('4111111111111111,lost'))).body;
    expect(halved).toMatchObject({ added: 1, removed: 2, published: true });
    const gone = (await house.call('POST', '/negative/removals', { pan: '4111111111111111', source: 'issuer-a' })).body;
    expect(gone).toMatchObject({ published: false, needsSecondSignature: true });
    expect((await house.call('GET', '/negative/state')).body).toMatchObject({ cards: 2, withheld: 1 });
    const explained = (await house.call('POST', '/negative/explanations', { pan })).body;
    expect(explained).toMatchObject({ listed: true, entries: [{ source: 'brand-b' }] });
    const second = await secondOf(house);
    expect(second).toMatchObject({ count: 1, published: true });
    const version = Number(second['version']);
    const state = (await house.call('GET', '/negative/state')).body;
    expect(state).toMatchObject({ version, cards: 1, sources: [{ source: 'brand-b', cards: 1 }] });
    const diff = (await house.call('GET', `/negative/diff?from=${version - 1}&to=${version}`)).body;
    expect(diff).toMatchObject({ added: 0, removed: 1 });
    const nobody = await house.call('POST', '/negative/removals', { pan, source: 'issuer-a' });
    expect(nobody.body.code).toBe('NEGATIVE_ENTRY_UNKNOWN');
  });

  it('is let through as an exception in a blocked range unless a source lists it, and the exception can end', async () => {
    const house = await start();
    const good = '5413330089020011';
    /** What lies beside the newest version's list, on the server's disk. */
    const beside = async () => {
      const { version } = (await house.call('GET', '/negative/state')).body as unknown as { version: number };
      const files = readdirSync(house.folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /artefacts.[0-9a-f]{64}$/.test(name))
        .map((name) => Uint8Array.from(readFileSync(join(house.folder, name))));
      const roots = files.flatMap((bytes) => {
        const document = decodeSigned(bytes);
        const manifest = document.ok ? decodeManifest(document.value.document.payload) : document;
        return manifest.ok && manifest.value.version === version ? [toHex(manifest.value.root)] : [];
      });
      const containers = files.map((bytes) => openContainer(bytes)).filter((opened) => opened.ok);
      const newest = containers.find(({ value }) => roots.includes(toHex(containerRoot(value))));
      if (!newest) throw new Error(`no container of version ${version}`);
      return newest.value.beside;
    };
    const until = new Date(Date.now() + 86_400_000).toISOString();
    expect((await house.call('POST', '/negative/ranges', { low: '5413', high: '5413', until })).body.published).toBe(
      true,
    );
    const allowed = (await house.call('POST', '/negative/exceptions', { pan: good })).body;
    expect(allowed).toMatchObject({ published: true, count: 0 });
    expect(await beside()).toMatchObject({ ranges: [{ low: 5413 }], exceptions: [expect.any(Number)] });
    // The same again is the same exception.
    await house.call('POST', '/negative/exceptions', { pan: good });
    expect((await beside()).exceptions).toHaveLength(1);
    const explained = (await house.call('POST', '/negative/explanations', { pan: good })).body;
    expect(explained).toMatchObject({ listed: false, changes: [{ kind: 'allowed' }] });

    await house.call('POST', '/negative/entries', { pan, reason: 'stolen' });
    const refused = await house.call('POST', '/negative/exceptions', { pan });
    expect(refused.body.code).toBe('NEGATIVE_CARD_LISTED');
    // A card that is listed later is no exception any more; off the list again, it is one again until that is ended.
    await house.call('POST', '/negative/entries', { pan: good, reason: 'lost' });
    await house.call('POST', '/negative/versions', {});
    expect((await beside()).exceptions).toEqual([]);
    await house.call('POST', '/negative/removals', { pan: good });
    await secondOf(house);
    expect((await beside()).exceptions).toHaveLength(1);
    await house.call('POST', '/negative/exceptions', { pan: good, withdraw: true });
    expect((await beside()).exceptions).toEqual([]);
  });

  it('is on the list of its issuer alone, which has a codec, keys and versions of its own', async () => {
    const house = await start();
    const exact = { list: 'visa-jp', codec: 'KP' };
    expect((await house.call('POST', '/negative/lists', exact)).body).toMatchObject({ ...exact, version: 1, cards: 0 });
    const text = `pan,reason\n${pan},stolen\n5413330089020011,lost\n`;
    const file = { list: 'visa-jp', source: 'visa', mode: 'replace', text };
    expect((await house.call('POST', '/negative/imports', file)).body).toMatchObject({
      added: 2,
      count: 2,
      version: 2,
    });
    // Nobody could ever find it in an exact list.
    const short = { ...file, text: '400000000002,lost\n' };
    expect((await house.call('POST', '/negative/imports', short)).body.code).toBe('NEGATIVE_LIST_REFUSED');
    await house.call('POST', '/negative/entries', { pan, reason: 'lost' });
    const lists = (await house.call('GET', '/negative/lists')).body;
    expect(lists).toMatchObject({
      items: [
        { list: 'regular', codec: 'KH', overlaySeq: 1 },
        { list: 'visa-jp', codec: 'KP', version: 2, overlaySeq: 0, cards: 2 },
      ],
    });
    // Off one list, on the other still.
    await house.call('POST', '/negative/removals', { pan });
    await secondOf(house);
    const asked = (list: string) => house.call('POST', '/negative/explanations', { list, pan });
    expect((await asked('regular')).body).toMatchObject({ listed: false });
    expect((await asked('visa-jp')).body).toMatchObject({ listed: true, entries: [{ source: 'visa' }] });
    expect((await asked('nobody')).body.code).toBe('NEGATIVE_LIST_UNKNOWN');
    const { keys } = (await house.call('GET', '/negative/authority?list=visa-jp')).body as unknown as {
      keys: { id: string; role: string }[];
    };
    const others = (await house.call('GET', '/negative/authority')).body as unknown as {
      keys: { id: string; role: string }[];
    };
    const idsOf = (from: { id: string; role: string }[]) =>
      from.flatMap(({ id, role }) => (role === 'list' ? [id] : []));
    expect(idsOf(keys)).toHaveLength(2);
    expect(idsOf(keys).filter((id) => idsOf(others.keys).includes(id))).toEqual([]);
    // To keyed hashes it goes at any time, in a new epoch; back only while nothing came meanwhile.
    const hashed = (await house.call('POST', '/negative/lists', { list: 'visa-jp', codec: 'KH' })).body;
    expect(hashed).toMatchObject({ codec: 'KH', version: 3, cards: 2 });
    expect((await house.call('GET', '/negative/state?list=visa-jp')).body).toMatchObject({ epoch: 2 });
    await house.call('POST', '/negative/entries', { list: 'visa-jp', pan: '4111111111111111' });
    expect((await house.call('POST', '/negative/lists', exact)).body.code).toBe('NEGATIVE_CODEC_IMPOSSIBLE');
  });

  it('leaves a terminal behind that has one list and not the other, in its row and in the count of the fleet', async () => {
    const house = await start();
    const link = await connect(house, await enrol(house, await house.register('LISTS-0001')));
    await house.call('POST', '/negative/lists', { list: 'visa-jp', codec: 'KH' });
    const freshAt = [1_800_000_000_000, 1_700_000_000_000] as const;
    const entry = async (list: string, at: number) => {
      const { version, overlaySeq } = (await house.call('GET', `/negative/state?list=${list}`)).body as unknown as {
        version: number;
        overlaySeq: number;
      };
      return { list, version, overlaySeq, freshAt: at };
    };
    const row = async () => (await house.call('GET', '/terminals/LISTS-0001')).body;
    const told = async (negative: Awaited<ReturnType<typeof entry>>[]) => {
      await link.hello({ negative });
      return await until('the row', async () => {
        const { negative: seen } = (await row()) as unknown as { negative: { freshAt: string | null } };
        return seen.freshAt !== null && Date.parse(seen.freshAt) === negative.at(-1)?.freshAt && seen;
      });
    };
    const regular = await entry('regular', freshAt[0]);
    expect(await told([regular])).toMatchObject({ current: false, version: regular.version });
    const inSync = async () => (await house.call('GET', '/overview')).body;
    expect(await inSync()).toMatchObject({ sync: { negative: 0 } });
    expect(await told([regular, await entry('visa-jp', freshAt[1])])).toMatchObject({ current: true });
    expect(await inSync()).toMatchObject({ sync: { negative: 1 } });
    // An emergency entry of the second list alone.
    await house.call('POST', '/negative/entries', { list: 'visa-jp', pan, reason: 'stolen' });
    expect(await row()).toMatchObject({ negative: { current: false } });
    expect(await inSync()).toMatchObject({ sync: { negative: 0 } });
  });

  it('exposes a terminal by its own floor limit, one that registered after the limit was set and never called by the highest', async () => {
    const house = await start();
    const set = async (layer: string, floorLimitMinor: number, version: number) =>
      (
        await house.call(
          'PATCH',
          `/configuration?${layer}&reason=test`,
          { floorLimitMinor },
          { 'if-match': `"${version}"` },
        )
      ).status;
    expect(await set('layer=defaults', 3_000, 1)).toBe(200);
    const given = await house.register('EXPOSED-0001');
    const exposures = async () =>
      (
        (await house.call('GET', '/negative/state')).body as unknown as { behind: { exposureMinor: number }[] }
      ).behind.map(({ exposureMinor }) => exposureMinor);
    expect(await exposures()).toEqual([150_000]);
    const link = await connect(house, await enrol(house, given));
    await link.hello();
    await house.register('EXPOSED-0002', 'JET-Smart');
    await house.register('EXPOSED-0003');
    expect(await set('layer=terminal&serial=EXPOSED-0003', 9_000, 0)).toBe(200);
    // Half a million by signed policy at most; a model that approves nothing by itself exposes nobody.
    await until('its own limit', async () => String(await exposures()) === '450000,150000,0');
  });

  it('must have a card number', async () => {
    const house = await start();
    const refused = await house.call('POST', '/negative/entries', { pan: '4761739001010011', reason: 'stolen' });
    expect(refused.body.code).toBe('PAN_INVALID');
  });
});

describe('a server that loses its power', () => {
  it('finds all that it said was done, and hello heals what it had no time to say', async () => {
    const house = await start();
    const terminal = await enrol(house, await house.register('POWER-0001'));
    const link = await connect(house, terminal);
    await link.hello();
    for (let index = 0; index < 2; index++) {
      const order = await pullJob(link);
      if (order) await (await load(link, order)).report();
    }
    const { keys } = (await house.call('GET', '/terminals/POWER-0001')).body as unknown as { keys: { kcv: string }[] };
    await link.close();
    // Nobody is connected now: what is queued and listed cannot be told to anyone before the lights go out.
    const sale = await house.call('POST', '/terminals/POWER-0001/test-sales', { amountMinor: 5, card: 'visa-contact' });
    await house.call('POST', '/negative/entries', { pan, reason: 'stolen' });
    // The disk as it is at this very moment, without any goodbye.
    const disk = newFolder();
    await cutPower(house.folder, disk);

    const again = await start(disk);
    const shown = (await again.call('GET', '/terminals/POWER-0001')).body as unknown as {
      keys: unknown;
      link: { state: string };
    };
    expect(shown.keys).toEqual(keys);
    expect(shown.link.state).toBe('lost');
    const back = await connect(again, terminal, 2);
    expect((await until('the head', () => back.negativeHead())).seq).toBe(1);
    await back.hello({
      keys: keys.map(({ kcv }, index) => ({ slot: index === 0 ? 'dukpt' : 'negative', kcv })) as never,
    });
    await until('notice of the job', () => (notify.parse(back.last('dn/notify')?.body ?? {}).jobs ?? 0) > 0);
    expect((await pullJob(back))?.job).toBe(sale.body.id);
  });
});
