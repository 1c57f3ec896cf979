import { createCipheriv, createDecipheriv } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { linkCredentials, linkCredentialsPath } from '@tsunagu/fleet-server/switch/index';
import { defaultLinks, freshZoneKeys, type Link, readZoneKeys } from '@tsunagu/protocols/acquiring';
import { FrameReader } from '@tsunagu/protocols/iso8583';
import { hasOddParity } from '@tsunagu/protocols/kcv';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { afterEach, expect, test } from 'vitest';
import { linkNamed, SmallCentre } from './small-centre.ts';
import { openSmallHouse, type SmallHouse, until } from './small-house.ts';

/** An older centre: TDES keys, a MAC of ISO 9797-1 in DE64 or DE128, messages that are not enciphered within TLS. */
function older(mac: Omit<NonNullable<Link['profile']['mac']>, 'exempt'>): Link {
  const link = linkNamed('pos-centre-1');
  return {
    ...link,
    profile: { ...link.profile, mac: { ...mac, exempt: [] } },
    session: { ...link.session, encrypt: false },
  };
}
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});
async function open(link: Link): Promise<[SmallHouse, SmallCentre]> {
  const links = defaultLinks.map((each) => (each.id === link.id ? link : each));
  const house = await openSmallHouse(undefined, { links });
  closing.push(() => house.close());
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, link.id, link);
  closing.push(() => centre.close());
  return [house, centre];
}

/** ISO 9797-1:2011, algorithm 3 with padding method 1, out of nothing but single steps of DES: DES is TDES under three equal keys. */
function retailMac(key: Uint8Array, data: Uint8Array): Buffer {
  const [one, two] = [key.subarray(0, 8), key.subarray(8, 16)];
  const thrice = (part: Uint8Array): Buffer => Buffer.concat([part, part, part]);
  const padded = Buffer.concat([data, new Uint8Array((8 - (data.length % 8)) % 8)]);
  const chain = createCipheriv('des-ede3-cbc', thrice(one), new Uint8Array(8)).setAutoPadding(false);
  const last = chain.update(padded).subarray(-8);
  const middle = createDecipheriv('des-ede3', thrice(two), null).setAutoPadding(false).update(last);
  return createCipheriv('des-ede3', thrice(one), null).setAutoPadding(false).update(middle);
}

/** What the switch wrote on the wire, message by message, with the MAC key that it handed out. */
async function written(house: SmallHouse, centre: SmallCentre) {
  const { zoneKbpk } = linkCredentials.parse(
    JSON.parse(await readFile(linkCredentialsPath(house.folder, centre.link.id), 'utf8')),
  );
  const frames = new FrameReader(centre.link.frame).push(Buffer.concat(centre.wire)).frames;
  const messages = frames.map(({ message }) => Uint8Array.from(message));
  const exchange = messages
    .map((bytes) => centre.link.codec.decode(bytes))
    .find((read) => read.ok && read.value.mti === '1804' && read.value.text(24) === '811');
  const blocks = exchange?.ok === true ? exchange.value.binary(96) : undefined;
  const keys = unwrap(readZoneKeys(centre.link, Secret.take('key', hex(zoneKbpk)), blocks));
  return { messages, mac: keys.mac ?? Secret.take('key', new Uint8Array(16)) };
}

test.each([
  ['DE64, eight bytes', { algorithm: 'ISO9797-1-ALG3', lengthBytes: 8 }, 8],
  ['DE64, four bytes', { algorithm: 'ISO9797-1-ALG3', lengthBytes: 4 }, 4],
  ['DE128, eight bytes', { algorithm: 'ISO9797-1-ALG3', lengthBytes: 8, element: 128 }, 8],
] as const)('a centre with TDES keys sells under a MAC of ISO 9797-1 algorithm 3: %s', async (_, mac, length) => {
  const [house, centre] = await open(older(mac));
  const answer = await centre.ask(centre.sale('jcb-contact', 3_300));
  expect([answer.mti, answer.text(39)]).toEqual(['1210', '000']);
  expect(house.ledger.takenMinor).toBe(3_300);
  await house.sw.operator.order('pos-centre-1', 'change-key', 'test');
  expect((await centre.ask(centre.sale('jcb-contact', 3_400))).text(39)).toBe('000');

  const wire = await written(house, centre);
  expect(hasOddParity(wire.mac)).toBe(true);
  const sold = wire.messages.find((bytes) => Buffer.from(bytes.subarray(0, 4)).toString() === '1210');
  if (!sold) throw new Error('no answer on the wire');
  const expected = wire.mac.use((key) => retailMac(key, sold.subarray(0, -8)));
  expect(Buffer.from(sold.subarray(-8))).toEqual(
    Buffer.concat([expected.subarray(0, length), new Uint8Array(8 - length)]),
  );
});

test('a TDES link may have CMAC, too', async () => {
  const [, centre] = await open(older({ algorithm: 'TDES-CMAC', lengthBytes: 8 }));
  expect((await centre.ask(centre.sale('jcb-contact', 3_500))).text(39)).toBe('000');
});

test('under another MAC than that of the link nothing is sold', async () => {
  const link = older({ algorithm: 'ISO9797-1-ALG3', lengthBytes: 8 });
  const [house, centre] = await open(link);
  // The same key, cut otherwise: the switch wants all eight bytes.
  const other = older({ algorithm: 'ISO9797-1-ALG3', lengthBytes: 4 });
  const stranger = SmallCentre.open(house.folder, house.sw.centresPort ?? 0, link.id, other);
  stranger.then(
    (opened) => closing.push(() => opened.close()),
    () => undefined,
  );
  await until(() => house.logs.some((line) => line.includes('ISSUER_MAC_INVALID') || line.includes('MAC_INVALID')));
  expect((await centre.ask(centre.sale('jcb-contact', 3_600))).text(39)).toBe('000');
  expect(house.ledger.takenMinor).toBe(3_600);
});

test('a TDES key has odd parity and two halves that differ; a source that gives nothing else is refused', () => {
  const link = older({ algorithm: 'ISO9797-1-ALG3', lengthBytes: 8 });
  let given = 0;
  const once = (lengthBytes: number): Uint8Array => {
    given += 1;
    return Uint8Array.from({ length: lengthBytes }, (_, index) => (given === 1 ? index % 8 : index));
  };
  const keys = freshZoneKeys(link, once);
  expect(given).toBe(2);
  expect(keys?.mac && hasOddParity(keys.mac)).toBe(true);
  expect(() => freshZoneKeys(link, (lengthBytes) => new Uint8Array(lengthBytes))).toThrow('the same bytes');
});
