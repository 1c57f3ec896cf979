import { command, encodeCommand } from '@tsunagu/protocols/apdu';
import { IsoDepCard, IsoDepReader } from '@tsunagu/protocols/iso14443';
import {
  type Dialogue,
  type Epilogue,
  type Reception,
  received,
  T0Card,
  T0CardCharacters,
  T1Card,
  T1Host,
  t0Characters,
  t0Exchange,
} from '@tsunagu/protocols/iso7816';
import { concat, type Result, toHex, unwrap } from '@tsunagu/protocols/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** What happens to one unit on the line: to the card, or from it. */
type Noise = 'none' | 'lostThere' | 'spoiltThere' | 'lostBack' | 'spoiltBack';
const noise = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Noise>('none') },
  { weight: 1, arbitrary: fc.constantFrom<Noise>('lostThere', 'spoiltThere', 'lostBack', 'spoiltBack') },
);

/** Runs a dialogue; more steps than any bound allows are a hang. */
function run<Send, Outcome>(
  dialogue: Dialogue<Send, Outcome>,
  answer: (send: Send) => Reception,
  stepsMax = 20_000,
): Result<Outcome> {
  let step = dialogue.next();
  for (let count = 0; !step.done; count++) {
    if (count > stepsMax) throw new Error('the dialogue does not end');
    step = dialogue.next(answer(step.value));
  }
  return step.value;
}

/** A card's application: its answer is a function of the command, and it counts. */
function application(responseBytes: number) {
  const executed: string[] = [];
  return {
    executed,
    transmit: (apdu: Uint8Array): Uint8Array => {
      executed.push(toHex(apdu));
      return responseTo(apdu, responseBytes);
    },
  };
}
const responseTo = (apdu: Uint8Array, responseBytes: number): Uint8Array =>
  concat(
    Uint8Array.from({ length: responseBytes }, (_, at) => ((apdu[at % apdu.length] ?? 0) + at) & 0xff),
    Uint8Array.of(0x90, 0x00),
  );

const spoil = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 0x5a : byte));
const anyBytes = fc.uint8Array({ maxLength: 40 });
const exchanges = fc.array(
  fc.record({
    data: fc.uint8Array({ minLength: 1, maxLength: 600 }),
    responseBytes: fc.integer({ min: 0, max: 600 }),
    noises: fc.array(noise, { maxLength: 40 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Sends several commands over a noisy line until one fails: each is answered rightly, and carried out once at most. */
function overNoise(
  list: readonly { data: Uint8Array; responseBytes: number; noises: readonly Noise[] }[],
  make: (transmit: (apdu: Uint8Array) => Uint8Array) => {
    exchange: (apdu: Uint8Array) => Dialogue<{ bytes: Uint8Array }, Uint8Array>;
    card: (bytes: Uint8Array) => Uint8Array | undefined;
    spoiltThere: (bytes: Uint8Array) => Uint8Array | undefined;
    spoiltBack: (bytes: Uint8Array) => Reception;
  },
): number {
  let current = application(0);
  const line = make((apdu) => current.transmit(apdu));
  let done = 0;
  for (const { data, responseBytes, noises } of list) {
    current = application(responseBytes);
    const apdu = unwrap(encodeCommand(command(0x80, 0x10, 0, 0, data)));
    const pending = [...noises];
    const result = run(line.exchange(apdu), ({ bytes }) => {
      const now = pending.shift() ?? 'none';
      if (now === 'lostThere') return { type: 'silence' };
      const heard = now === 'spoiltThere' ? line.spoiltThere(bytes) : line.card(bytes);
      if (heard === undefined || now === 'lostBack') return { type: 'silence' };
      return now === 'spoiltBack' ? line.spoiltBack(heard) : received(heard);
    });
    expect(current.executed.length).toBeLessThanOrEqual(1);
    for (const seen of current.executed) expect(seen).toBe(toHex(apdu));
    if (!result.ok) {
      expect(['TRANSMISSION_BROKEN', 'READER_CARD_MUTE']).toContain(result.fault.code);
      return done;
    }
    expect(toHex(result.value)).toBe(toHex(responseTo(apdu, responseBytes)));
    done++;
  }
  return done;
}

describe('T=1', () => {
  test.each(['lrc', 'crc'] as const)(
    'over a noisy line answers rightly or fails, and does nothing twice: %s',
    (epilogue: Epilogue) => {
      let done = 0;
      fc.assert(
        fc.property(exchanges, fc.integer({ min: 5, max: 254 }), fc.nat(3), (list, ifsc, extensions) => {
          done += overNoise(list, (transmit) => {
            const host = new T1Host({ epilogue, ifsc });
            const card = new T1Card({ epilogue, ifsc, extensions }, transmit);
            unwrap(run(host.exchangeIfs(254), ({ bytes }) => received(card.receive(bytes) ?? new Uint8Array(0))));
            return {
              exchange: (apdu) => host.exchange(apdu),
              card: (bytes) => card.receive(bytes),
              spoiltThere: (bytes) => card.receive(spoil(bytes)),
              spoiltBack: (bytes) => received(spoil(bytes)),
            };
          });
        }),
        { numRuns: 400 },
      );
      // The noise is not so loud that nothing passes.
      expect(done).toBeGreaterThan(300);
    },
  );

  test('ends with whatever a card says', () => {
    fc.assert(
      fc.property(anyBytes, fc.array(fc.option(anyBytes), { minLength: 1, maxLength: 60 }), (apdu, said) => {
        let at = 0;
        const result = run(new T1Host({ epilogue: 'lrc', ifsc: 32 }).exchange(apdu), () => {
          const bytes = said[at++ % said.length] ?? null;
          return bytes === null ? { type: 'silence' } : received(bytes);
        });
        expect(result.ok ? 'ok' : result.fault.code).toMatch(/^(ok|TRANSMISSION_BROKEN|READER_CARD_MUTE)$/);
      }),
    );
  });

  test('a card that asks for time without end, or for blocks of one byte, is given up', () => {
    const wtx = Uint8Array.of(0, 0xc3, 1, 1, 0xc3);
    const host = new T1Host({ epilogue: 'lrc', ifsc: 254 });
    expect(run(host.exchange(Uint8Array.of(0, 0xa4, 0, 0)), () => received(wtx))).toMatchObject({
      fault: { code: 'TRANSMISSION_BROKEN', facts: { reason: 'too many waiting time extensions' } },
    });
    let seq = 0;
    const endless = new T1Host({ epilogue: 'lrc', ifsc: 254 });
    const result = run(endless.exchange(Uint8Array.of(0, 0xa4, 0, 0)), () => {
      const pcb = (seq++ % 2 === 0 ? 0x00 : 0x40) | 0x20;
      return received(Uint8Array.of(0, pcb, 1, 0xaa, pcb ^ 1 ^ 0xaa));
    });
    expect(result).toMatchObject({ fault: { code: 'TRANSMISSION_BROKEN' } });
  });

  test('a card that refuses the first block is resynchronised, and the command is carried out once', () => {
    const host = new T1Host({ epilogue: 'lrc', ifsc: 254 });
    const app = application(4);
    const card = new T1Card({ epilogue: 'lrc', ifsc: 254 }, app.transmit);
    const apdu = Uint8Array.of(0, 0xb0, 0, 0, 4);
    let refusals = 3;
    const sent: number[] = [];
    const result = run(host.exchange(apdu), ({ bytes }) => {
      sent.push(bytes[1] ?? 0);
      return received((refusals-- > 0 ? card.receive(spoil(bytes)) : card.receive(bytes)) ?? new Uint8Array(0));
    });
    expect(toHex(unwrap(result))).toBe(toHex(responseTo(apdu, 4)));
    expect(sent).toEqual([0x00, 0x00, 0x00, 0xc0, 0x00]);
    expect(app.executed).toHaveLength(1);
  });
});

describe('ISO/IEC 14443-4', () => {
  test('over a noisy field answers rightly or fails, and does nothing twice', () => {
    let done = 0;
    fc.assert(
      fc.property(exchanges, fc.integer({ min: 16, max: 256 }), fc.nat(3), (list, frameBytesMax, extensions) => {
        done += overNoise(list, (transmit) => {
          const reader = new IsoDepReader(frameBytesMax);
          const card = new IsoDepCard({ frameBytesMax, extensions }, transmit);
          return {
            exchange: (apdu) => reader.exchange(apdu),
            card: (bytes) => card.receive(bytes).answer,
            // The CRC is the reader's: a spoilt frame is none to a card, and a defect to us.
            spoiltThere: () => undefined,
            spoiltBack: () => ({ type: 'garbled' }),
          };
        });
      }),
      { numRuns: 400 },
    );
    expect(done).toBeGreaterThan(300);
  });

  test('ends with whatever a card says', () => {
    fc.assert(
      fc.property(anyBytes, fc.array(fc.option(anyBytes), { minLength: 1, maxLength: 60 }), (apdu, said) => {
        let at = 0;
        const result = run(new IsoDepReader(64).exchange(apdu), () => {
          const bytes = said[at++ % said.length] ?? null;
          return bytes === null ? { type: 'silence' } : received(bytes);
        });
        expect(result.ok ? 'ok' : result.fault.code).toMatch(/^(ok|TRANSMISSION_BROKEN|READER_CARD_MUTE)$/);
      }),
    );
  });
});

/** INS D6 takes data, B0 does not. */
const takesData = ([, ins]: Uint8Array): boolean => ins === 0xd6 || ins === 0xc2;

describe('T=0', () => {
  const apdus = fc
    .record({
      data: fc.uint8Array({ maxLength: 700 }),
      le: fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined }),
      responseBytes: fc.integer({ min: 0, max: 1_000 }),
    })
    .map(({ data, le, ...rest }) => {
      const apdu = command(0x00, data.length > 0 ? 0xd6 : 0xb0, 0, 0, data, le);
      return { apdu: unwrap(encodeCommand(apdu)), data, le, ...rest };
    });

  test.each(['TPDUs', 'characters'] as const)('carries APDUs of all cases in %s', (how) => {
    fc.assert(
      fc.property(apdus, fc.boolean(), fc.nat(2), ({ apdu, data, le, responseBytes }, isSingle, nulls) => {
        const executed: Uint8Array[] = [];
        const card = new T0Card({ takesData }, (seen) => {
          executed.push(Uint8Array.from(seen));
          // A command without data either way has no answer but its status: P3 cannot say so, the card knows its commands.
          const length = le === undefined && data.length === 0 ? 0 : responseBytes;
          return concat(new Uint8Array(length).fill(0x5a), Uint8Array.of(0x90, 0x00));
        });
        const line = new T0CardCharacters(card, { isSingle, nulls });
        const result = run(t0Exchange(apdu), (tpdu) => {
          if (how === 'TPDUs') return received(card.receive(tpdu.bytes) ?? new Uint8Array(0));
          const read = run(t0Characters(tpdu), ({ bytes, expected }) => received(line.exchange(bytes, expected)));
          return received(unwrap(read));
        });
        const answer = unwrap(result);
        const sw = toHex(answer.subarray(-2));
        // A case 2 command that the card has answered with 6Cxx is asked again: that is no second execution of it.
        expect(executed.length).toBeGreaterThan(0);
        for (const seen of executed)
          expect(toHex(seen.subarray(data.length > 255 ? 7 : 5)).startsWith(toHex(data))).toBe(true);
        if (le === undefined || responseBytes === 0) return;
        // Where the card names its own length (6Cxx), the command is repeated with that, and all of it comes.
        const wanted = Math.min(responseBytes, le);
        const count = answer.length - 2;
        expect([wanted, responseBytes]).toContain(count);
        expect(toHex(answer.subarray(0, count))).toBe('5A'.repeat(count));
        expect(sw).toMatch(count === responseBytes ? /^9000$/ : /^61..$/);
      }),
      { numRuns: 300 },
    );
  });

  test('ends with whatever a card says, in TPDUs and in characters', () => {
    const said = fc.array(fc.option(fc.uint8Array({ maxLength: 6 })), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(apdus, said, ({ apdu }, list) => {
        let at = 0;
        const answer = (): Reception => {
          const bytes = list[at++ % list.length] ?? null;
          return bytes === null ? { type: 'silence' } : received(bytes);
        };
        expect(run(t0Exchange(apdu), answer)).toHaveProperty('ok');
        const tpdu = { bytes: apdu.subarray(0, 5), isReading: true };
        expect(run(t0Characters(tpdu), answer)).toHaveProperty('ok');
      }),
    );
  });
});
