import { EmulatedHand } from '@tsunagu/firmware-bridge/cards/index';
import { openEmulatedStation } from '@tsunagu/firmware-bridge/readers/station';
import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  decodeFelicaResponse,
  decodeTransitEntry,
  encodeFelicaCommand,
  encodeTransitOpen,
  issuedAccount,
  onOpened,
  onOutcome,
  orderTransfer,
  readTransitOpening,
  transitCardKey,
  transitHistoryService,
  transitSystemCode,
} from '@tsunagu/protocols/felica';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { transitMasterKey } from '@tsunagu/protocols/test-cards';
import { afterEach, expect, test } from 'vitest';
import { fastWorld } from './support/fast-world.ts';

const { world } = fastWorld();
const model = modelOf('CT-3100');
if (model === undefined) throw new Error('no such model');
const open = () => openEmulatedStation(world, model);
let side = open();
afterEach(async () => {
  await side.station.close();
  side = open();
});

// The whole way of a charge: centre, driver of the RC-S380, its frames on the bus, the emulated antenna, the card.
test('a transit card is charged through the FeliCa antenna, and its history read there', async () => {
  const hand = new EmulatedHand(side.emulated);
  const held = unwrap(hand.hold('transit'));
  const felica = unwrap(await side.station.felica());
  const { idm } = unwrap(await felica.poll(transitSystemCode));
  const key = transitCardKey(transitMasterKey(), idm);
  const nonce = hex('0102030405060708');
  const session = unwrap(
    readTransitOpening(key, idm, nonce, unwrap(await felica.exchange(encodeTransitOpen(idm, nonce)))),
  );
  const transfer = {
    number: hex('0000000000000001'),
    kind: 'charge',
    amount: 1_000,
    terminal: 0x1f,
    process: 0x02,
    date: { year: 2026, month: 11, day: 25 },
    places: hex('00000000'),
    region: 0,
  } as const;
  const { account } = unwrap(onOpened(issuedAccount(3_000), session));
  const ordered = unwrap(orderTransfer(account, session, transfer));
  const answer = unwrap(await felica.exchange(ordered.frame));
  const booked = unwrap(onOutcome(ordered.account, session, transfer, answer));
  expect(booked.booking).toMatchObject({ outcome: 'done', amount: 1_000, balance: 4_000 });

  held.remove();
  expect(await felica.poll(transitSystemCode)).toMatchObject({ fault: { code: 'READER_CARD_ABSENT' } });
  unwrap(hand.hold('transit'));
  const again = unwrap(await felica.poll(0xffff));
  const read = encodeFelicaCommand({
    type: 'readWithoutEncryption',
    idm: again.idm,
    services: [transitHistoryService],
    blocks: [{ service: 0, block: 0 }],
  });
  const rows = unwrap(decodeFelicaResponse(unwrap(await felica.exchange(read))));
  expect('data' in rows && unwrap(decodeTransitEntry(rows.data))).toMatchObject({ balance: 4_000, process: 0x02 });
});

test('a slow card is waited for', async () => {
  const hand = new EmulatedHand(side.emulated);
  unwrap(hand.present('faulty-slow'));
  const reader = unwrap(await side.station.chip('contact'));
  unwrap(await reader.powerOn());
  const answer = unwrap(await reader.transmit(hex('00A4040007A000000003101000')));
  expect(toHex(answer.subarray(-2))).toBe('9000');
});

test('a transit card is presented at the FeliCa antenna, and needs one', () => {
  const hand = new EmulatedHand(side.emulated);
  expect(hand.present('transit')).toMatchObject({ value: { entry: 'contactless', isTransit: true } });
  expect(hand.hold('visa-contact')).toMatchObject({ fault: { code: 'CARD_UNKNOWN' } });
  expect(new EmulatedHand({}).present('transit')).toMatchObject({ fault: { code: 'MODEL_HAS_NO_READER' } });
});
