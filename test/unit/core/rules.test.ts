import { FrameGuard, packetLengthMax } from '@tsunagu/fleet-server/broker/index';
import { decideSlot } from '@tsunagu/fleet-server/keys/index';
import { openLiveHub } from '@tsunagu/fleet-server/live/index';
import {
  hasCheckDigit,
  isCardNumber,
  headLifeMs,
  headRenewBeforeMs,
  manifestLifeMs,
  manifestRenewBeforeMs,
  readImportFile,
  shrinks,
} from '@tsunagu/fleet-server/negative/index';
import { describe, expect, it } from 'vitest';

describe('the rules of key slots', () => {
  const entry = { id: '1', kcv: 'AAAAAAAAAA', state: 'allocated', protectedBy: 'k' } as const;
  const shown = { slot: 'dukpt', kcv: 'AAAAAAAAAA' } as const;
  it.each([
    ['an empty slot', undefined, undefined, false, 'allocate'],
    ['an empty slot while a load is under way', undefined, undefined, true, 'nothing'],
    ['a key whose report was lost', entry, shown, false, 'mark-loaded'],
    ['a key whose report was lost while its job is open', entry, shown, true, 'mark-loaded'],
    ['a key that is known to be there', { ...entry, state: 'loaded' }, shown, false, 'nothing'],
    ['a key that got lost', { ...entry, state: 'loaded' }, undefined, false, 'allocate'],
    ['a key that is not ours', entry, { ...shown, kcv: 'BBBBBBBBBB' }, false, 'allocate'],
  ] as const)('see what to do about %s', (_name, ledger, reported, isOpen, decision) => {
    expect(decideSlot(ledger, reported, isOpen)).toBe(decision);
  });
});

describe('the rules of the negative list', () => {
  it('renew a head and a list long before a terminal would call them stale', () => {
    expect(headRenewBeforeMs).toBeLessThan(headLifeMs);
    expect(manifestRenewBeforeMs).toBeLessThan(manifestLifeMs);
  });
  it('ask for a second signature when more than a twentieth goes', () => {
    expect([shrinks(95, 100), shrinks(94, 100), shrinks(0, 1), shrinks(0, 0)]).toEqual([false, true, true, false]);
  });
  it('read issuers’ lists as CSV and as JSON lines, and say which lines are none', () => {
    const file = readImportFile(
      [
        'pan,reason',
        '4761739001010010,stolen',
        '"5413 3300 8902 0011";LOST',
        '{"pan":"4111111111111111","reason":"fraud"}',
        '4761739001010010,lost',
        '4761739001010011,lost',
        '4111111111111111,sold',
        '{"pan":41}',
        '# the end',
        '',
      ].join('\r\n'),
    );
    expect(file.cards).toEqual([
      { pan: '4761739001010010', reason: 'stolen' },
      { pan: '5413330089020011', reason: 'lost' },
      { pan: '4111111111111111', reason: 'fraud' },
    ]);
    expect(file.refused).toEqual([
      { line: 6, why: 'pan' },
      { line: 7, why: 'reason' },
      { line: 8, why: 'form' },
    ]);
  });
  it('know a check digit', () => {
    const digits = (text: string) => Uint8Array.from(Buffer.from(text));
    expect(hasCheckDigit(digits('4761739001010010'))).toBe(true);
    expect(hasCheckDigit(digits('4761739001010011'))).toBe(false);
    expect(hasCheckDigit(digits('4761739001010100'))).toBe(false);
    // A transit card's number has no room for one.
    expect(isCardNumber(digits('9392392716885082116'))).toBe(true);
    expect(isCardNumber(digits('9392692716885082116'))).toBe(false);
  });
});

describe('the frame guard', () => {
  const connectPacket = Uint8Array.of(0x10, 2, 0, 0);
  const code = (...chunks: Uint8Array[]) => {
    const guard = new FrameGuard();
    for (const chunk of chunks) {
      const checked = guard.accept(chunk);
      if (!checked.ok) return checked.fault.code;
    }
    return 'accepted';
  };
  it('follows packets through any cut of their bytes', () => {
    const stream = Uint8Array.of(...connectPacket, 0x30, 0x81, 0x01, ...new Uint8Array(129), 0xc0, 0, 0xe0, 0);
    expect(code(stream)).toBe('accepted');
    expect(code(...Array.from(stream, (byte) => Uint8Array.of(byte)))).toBe('accepted');
  });
  it('wants CONNECT first and once', () => {
    expect(code(Uint8Array.of(0x30, 2, 0, 0))).toBe('MQTT_PACKET_INVALID');
    expect(code(connectPacket, connectPacket)).toBe('MQTT_PACKET_INVALID');
  });
  it('lets through only packets that a client may send, with their flags', () => {
    const allowed = Array.from({ length: 256 }, (_, byte) => byte).filter(
      (byte) => code(connectPacket, Uint8Array.of(byte, 0)) === 'accepted',
    );
    expect(allowed.map((byte) => byte.toString(16))).toEqual([
      '30',
      '31',
      '32',
      '33',
      '38',
      '39',
      '3a',
      '3b',
      '40',
      '82',
      'a2',
      'c0',
      'e0',
    ]);
  });
  it('stops at a length that is too large or never ends, whatever follows', () => {
    const lengthOf = (value: number) => {
      const bytes = [];
      for (let rest = value; ; rest >>>= 7) {
        bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) return bytes;
      }
    };
    expect(code(connectPacket, Uint8Array.of(0x30, ...lengthOf(packetLengthMax)))).toBe('accepted');
    expect(code(connectPacket, Uint8Array.of(0x30, ...lengthOf(packetLengthMax + 1)))).toBe('MQTT_PACKET_TOO_LARGE');
    expect(code(connectPacket, Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80))).toBe('MQTT_PACKET_INVALID');
  });
});

describe('the live hub', () => {
  const event = { name: 'resync', data: {} } as const;
  it('gives back what somebody missed, or says that it cannot', () => {
    const hub = openLiveHub(3);
    for (let index = 0; index < 5; index++) hub.publish(event);
    expect(hub.since(5)).toEqual([]);
    expect(hub.since(3)?.map(({ id }) => id)).toEqual([4, 5]);
    expect(hub.since(2)?.map(({ id }) => id)).toEqual([3, 4, 5]);
    expect(hub.since(1)).toBeUndefined();
    expect(hub.since(6)).toBeUndefined();
  });
});
