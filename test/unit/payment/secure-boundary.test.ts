import { readdirSync, readFileSync } from 'node:fs';
import type { Runtime } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  CardSide,
  CardSideOptions,
  PaymentOptions,
  PaymentRun,
  ReversalImage,
} from '@tsunagu/firmware-bridge/payment/index';
import type { Advice, Transaction } from '@tsunagu/firmware-bridge/sales/index';
import type {
  ChipHands,
  ChipOutcome,
  OnlineQuestion,
  SealedCard,
  SecurePart,
  StripeReading,
} from '@tsunagu/firmware-bridge/secure/index';
import type { printSlip, SlipBlock } from '@tsunagu/firmware-bridge/slips/index';
import type { OpenMessage } from '@tsunagu/protocols/acquiring';
import type { SaleResult } from '@tsunagu/protocols/fleet';
import { ok, Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { openEmulatedStation } from '@tsunagu/firmware-bridge/readers/station';
import { openCardHand, openSecurePart } from '@tsunagu/firmware-bridge/secure/index';
import { Centre } from './centre.ts';
import { boot, type Booted } from './terminal.ts';

/** Whether a value of the type can hold a secret at any depth: in properties, elements, arguments or results. */
type HoldsSecret<T, Depth extends 0[] = []> = Depth['length'] extends 6
  ? false
  : T extends Secret
    ? true
    : T extends Uint8Array | string | number | boolean | null | undefined | symbol | bigint | Date
      ? false
      : T extends (...args: infer Arguments) => infer Result
        ? HoldsSecret<Arguments[number], [...Depth, 0]> | HoldsSecret<Awaited<Result>, [...Depth, 0]>
        : T extends object
          ? { [Key in keyof T]-?: HoldsSecret<T[Key], [...Depth, 0]> }[keyof T]
          : false;

/** Compiles only where the type holds none. */
const free = <T>(..._proof: true extends HoldsSecret<T> ? ['this type holds a secret'] : []): void => undefined;

describe('what payment, sales and slips can hold', () => {
  it('has no secret in its types', () => {
    free<SealedCard>();
    free<OnlineQuestion>();
    free<ChipOutcome>();
    free<StripeReading>();
    free<ChipHands>();
    free<SecurePart>();
    free<OpenMessage>();
    free<Transaction>();
    free<Advice>();
    free<ReversalImage>();
    free<SlipBlock>();
    free<SaleResult>();
    free<PaymentOptions['ports']>();
    free<PaymentRun>();
    free<CardSide>();
    // The check bites: the composition of secure part and payment holds the vault and the line.
    // @ts-expect-error card numbers go through these ports
    free<CardSideOptions>();
    // @ts-expect-error so they would through a message with a card
    free<{ readonly message: { readonly fields: Record<number, string | Secret> } }>();
  });

  it('does not take a card number where a sealed card, a message or a slip is wanted', () => {
    const pan = secretPan('4761739001010010');
    // @ts-expect-error a secret is no sealed card
    const card: SealedCard = pan;
    // @ts-expect-error an open message has no secrets
    const message: OpenMessage = { mti: '1200', fields: { 2: pan } };
    // @ts-expect-error a slip is text
    const block: SlipBlock = { type: 'pair', label: '', value: pan };
    expect([card, message.fields[2], block]).toHaveLength(3);
  });

  it('never names the types that hold one, nor reaches behind the door of the secure part', () => {
    const source = fileURLToPath(new URL('../../../firmware-bridge/src/', import.meta.url));
    for (const room of ['payment', 'sales', 'slips', 'signature'])
      for (const file of readdirSync(join(source, room)).filter((name) => name.endsWith('.ts'))) {
        const text = readFileSync(join(source, room, file), 'utf8');
        expect(text, `${room}/${file}`).not.toMatch(/\bSecret\b|secretPan|CardElements|withCard|\.reveal|revealText/);
        for (const [, path] of text.matchAll(/from '\.\.\/(secure|readers|kernel|cards)\/([^']+)'/g))
          expect(path, `${room}/${file}`).toBeDefined();
        expect(text, `${room}/${file}`).not.toMatch(/from '\.\.\/secure\/(?!index\.ts)/);
        expect(text, `${room}/${file}`).not.toMatch(/from '\.\.\/readers\/(?!station\.ts)/);
      }
  });
});

/** What the inspector says of an object; Node's types leave the private ones out. */
interface Properties {
  readonly result: readonly Property[];
  readonly privateProperties?: readonly Property[] | undefined;
  readonly internalProperties?: readonly Property[] | undefined;
}
type Property = { readonly name: string; readonly value?: Runtime.RemoteObject | undefined };

/** Everything reachable from a value, private fields included, except behind objects of these classes. */
async function reachable(root: unknown, stops: readonly string[]): Promise<{ texts: string[]; objects: number }> {
  const session = new Session();
  session.connect();
  Object.assign(globalThis, { rootOfSearch: root });
  const texts: string[] = [];
  const seen = new Set<string>();
  let objects = 0;
  try {
    const { result } = await session.post('Runtime.evaluate', { expression: 'globalThis.rootOfSearch' });
    const queue = [result];
    while (queue.length > 0 && objects < 60_000) {
      const next = queue.pop();
      if (next === undefined) break;
      if (next.type === 'string') texts.push(String(next.value));
      if (next.objectId === undefined) continue;
      // The protocol gives no identity of its own: a description of contents tells most repetitions apart.
      const answer: Properties = await session.post('Runtime.getProperties', {
        objectId: next.objectId,
        ownProperties: true,
      });
      const { result: own, privateProperties = [], internalProperties = [] } = answer;
      objects += 1;
      if (next.subtype === 'typedarray') {
        const bytes = own.filter(({ name }) => /^\d+$/.test(name)).map(({ value }) => Number(value?.value));
        texts.push(Buffer.from(bytes).toString('latin1'), Buffer.from(bytes).toString('hex'));
        continue;
      }
      const mark = `${next.className}/${own
        .map(({ name, value }) => `${name}=${value?.value ?? value?.description ?? ''}`)
        .join(',')
        .slice(0, 400)}/${privateProperties.map(({ name }) => name).join()}`;
      if (seen.has(mark)) continue;
      seen.add(mark);
      if (stops.includes(next.className ?? '')) continue;
      for (const { name, value } of [...own, ...privateProperties, ...internalProperties]) {
        texts.push(name);
        // The prototype chain, and what all code shares, is not the payment's.
        if (
          value &&
          name !== '[[Prototype]]' &&
          name !== '[[Scopes]]' &&
          name !== 'constructor' &&
          name !== '[[FunctionLocation]]'
        )
          queue.push(value);
      }
    }
  } finally {
    delete (globalThis as { rootOfSearch?: unknown }).rootOfSearch;
    session.disconnect();
  }
  return { texts, objects };
}

/** A card number in the forms in which it could lie about. */
const formsOf = (digits: string): readonly string[] => [
  digits,
  Buffer.from(digits, 'latin1').toString('hex'),
  Buffer.from(digits, 'latin1').toString('base64').replace(/=+$/, '').slice(0, -1),
  digits.slice(0, 12),
];

describe('what is reachable from payment while it works', () => {
  const centre = new Centre();
  let booted: Booted;
  const outputs: unknown[] = [];
  const cards = [
    'visa-contact',
    'visa-stripe',
    'visa-offline',
    'mastercard-contactless',
    'visa-silent-stripe',
  ] as const;
  beforeAll(async () => {
    booted = await boot({ acquirer: (isAlive) => centre.line(isAlive) });
    centre.mood = ({ mti }) => (mti === '1420' || mti === '1421' ? 'down' : 'whole');
    for (const card of cards) {
      const onStep = (...step: unknown[]): unknown => outputs.push(step);
      const sold = await booted.side.run({ kind: 'sale', amountMinor: 900, card }, onStep);
      outputs.push(sold, booted.side.trace());
      for (const format of ['text', 'escpos', 'pdf'] as const) {
        const slip = await booted.side.print({
          what: 'payment',
          format,
          copy: 'merchant',
          columns: 32,
          language: 'ja',
        });
        if (slip.ok) outputs.push(Buffer.from(slip.value.base64, 'base64').toString('latin1'));
      }
      outputs.push(await booted.side.run({ kind: 'void', original: sold.stan }, onStep));
    }
    outputs.push(unwrap(await booted.side.totals(true)), booted.lines);
  });
  afterAll(() => booted.side.close());

  const digits = [...new Set(['visa-contact', 'visa-offline', 'mastercard-contactless', 'visa-silent'] as const)].map(
    (name) => testCard(name).pan.use((pan) => Buffer.from(pan).toString('latin1')),
  );

  it('finds a planted number, in a private field, a map and a buffer', async () => {
    class Holder {
      readonly #kept = new Map([['a', { bytes: Buffer.from('4761739001010010') }]]);
      get size(): number {
        return this.#kept.size;
      }
    }
    const { texts } = await reachable({ holder: new Holder() }, []);
    expect(texts.some((text) => text.includes('4761739001010010'))).toBe(true);
  });

  it('holds no card number, up to the secure part', async () => {
    const { sales, advices, reversals } = booted.ports;
    // The stores keep theirs in closures: what they give out is searched.
    const stored = {
      sales: await Promise.all(sales.all().map(({ slip }) => sales.read(slip))),
      advices: await Promise.all(advices.entries().map(({ seq }) => advices.read(seq))),
      reversals: await reversals.list(),
    };
    expect(stored.advices.length * stored.reversals.length).toBeGreaterThan(0);
    const root = { payment: booted.side.payment, stored };
    const { texts, objects } = await reachable(root, ['EmulatedSecurePart']);
    expect(objects).toBeGreaterThan(100);
    for (const number of digits)
      for (const form of formsOf(number)) expect(texts.some((text) => text.includes(form))).toBe(false);
    // It did hold the sealed cards all the while.
    expect(texts.some((text) => text.includes('lastFour'))).toBe(true);
  });

  it('tells none in steps, results, traces, slips, totals and logs, and stores none', async () => {
    const said = JSON.stringify(outputs);
    const stored: string[] = [];
    for (const name of [
      'reversals.sealed',
      'advices.sealed',
      'advice-1.sealed',
      'sale-00001.sealed',
      'card-key.sealed',
    ])
      stored.push(Buffer.from((await booted.files.read(name)) ?? []).toString('latin1'));
    for (const number of digits)
      for (const form of formsOf(number)) {
        expect(said.includes(form)).toBe(false);
        expect(stored.some((text) => text.includes(form))).toBe(false);
      }
  });
});

it('wipes a card number that an answer of the switch holds, and hands payment an answer without it', async () => {
  const echoed = { 2: secretPan('4761739001010010'), 35: Secret.copy('pan', Buffer.from('4761739001010010D3012')) };
  const { world, ports, side } = await boot({ acquirer: () => new Centre().line(() => true) });
  const model = modelOf('CT-5100');
  if (!model) throw new Error('no such model');
  const acquirer = {
    exchange: () => Promise.resolve(ok({ mti: '1210', fields: { ...echoed, 11: '000001', 39: '000' } })),
  };
  const hand = openCardHand({ world, model }, openEmulatedStation(world, model));
  const secure = openSecurePart({ world, model, vault: ports.vault, negative: ports.negative, acquirer, hand });
  const message = { mti: '1200', fields: { 11: '000001' } };
  const answer = unwrap(await secure.exchange(message, undefined, { timeoutMs: 1_000 }));
  expect(answer).toEqual({ mti: '1210', fields: { 11: '000001', 39: '000' } });
  for (const secret of Object.values(echoed))
    secret.use((bytes) => expect(bytes.every((byte) => byte === 0)).toBe(true));
  await secure.close();
  await side.close();
});

it('has one function for slips, whose sources hold no secret', () => {
  free<Parameters<typeof printSlip>[1]>();
});
