import {
  checkElements,
  entryModeOf,
  frameKeys,
  localTransactionTime,
  openFrame,
  pointOfService,
  readFrame,
  refusalFrame,
  refusalNumber,
  refusalOf,
  refusals,
  retrievalReference,
  reversalOf,
  saleRequest,
  sealFrame,
  terminalCodec,
  terminalFrame,
  terminalIdOf,
  terminalMessages,
  transmissionTime,
} from '@tsunagu/protocols/acquiring';
import {
  deriveAesInitialKey,
  deriveAesTransactionKey,
  deriveTdesInitialKey,
  deriveTdesTransactionKey,
  formatAesKsn,
  parseTdesKsn,
} from '@tsunagu/protocols/dukpt';
import { errorTable } from '@tsunagu/protocols/errors';
import { FrameReader, validate } from '@tsunagu/protocols/iso8583';
import { concat, hex, Secret, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

const initialKeyId = hex('1234567890123456');
const initialKey = unwrap(
  deriveAesInitialKey(Secret.take('key', hex('FEDCBA9876543210F1F1F1F1F1F1F1F1')), initialKeyId),
);
const transactionKey = unwrap(deriveAesTransactionKey(initialKey, 1));
const ksn = formatAesKsn({ initialKeyId, counter: 1 });
const requestKeys = frameKeys(transactionKey, 'request');
const answerKeys = frameKeys(transactionKey, 'answer');
const nowMs = Date.UTC(2026, 10, 23, 2, 45, 12);

const sale = () =>
  saleRequest({
    terminalId: terminalIdOf('CATS220-0001'),
    merchantId: 'M00000000001234',
    abilities: { readers: ['stripe', 'contact'], pinPad: true, printer: 'built-in', screen: 'mono' },
    stan: '000231',
    nowMs,
    amountMinor: 1280,
    entry: 'contact',
    verification: 'signature',
    pan: secretPan('4761739001010010'),
    panSequence: 1,
    emv: hex('9F0206000000001280'),
  });

/** The body of one whole frame. */
const bodyOf = (frame: Uint8Array): Uint8Array => {
  const [first, ...more] = new FrameReader(terminalFrame).push(frame).frames;
  expect(more).toEqual([]);
  if (!first) throw new Error('no frame');
  return first.message;
};

const sealed = (body: Uint8Array) => {
  const frame = unwrap(readFrame(body));
  if (frame.kind === 'refusal') throw new Error('a refusal');
  return frame;
};

const tdesKsn = hex('FFFF9876543210E00001');
const tdesRead = unwrap(parseTdesKsn(tdesKsn));
const tdesKey = unwrap(
  deriveTdesTransactionKey(
    unwrap(deriveTdesInitialKey(Secret.take('key', hex('0123456789ABCDEFFEDCBA9876543210')), tdesRead)),
    1,
  ),
);
const schemes = [
  { scheme: 'aes', ksn, keys: requestKeys, answers: answerKeys },
  { scheme: 'tdes', ksn: tdesKsn, keys: frameKeys(tdesKey, 'request'), answers: frameKeys(tdesKey, 'answer') },
] as const;

test.each(schemes)(
  '$scheme: what was sealed opens to the same message, for every length around a block',
  ({ scheme, ksn, keys }) => {
    for (let length = 0; length <= 48; length += 1) {
      const message = Uint8Array.from({ length }, (_, index) => (index * 7) & 0xff);
      const frame = sealed(bodyOf(sealFrame('request', ksn, message, keys)));
      expect([frame.kind, frame.scheme, toHex(frame.ksn)]).toEqual(['request', scheme, toHex(ksn)]);
      expect(toHex(unwrap(openFrame(frame, keys)))).toBe(toHex(message));
    }
  },
);

test('nothing of the message can be read on the wire', () => {
  const message = unwrap(terminalCodec.encode(sale()));
  expect(toHex(message)).toContain('4761739001010010');
  expect(toHex(sealFrame('request', ksn, message, requestKeys))).not.toContain('4761739001010010');
});

test.each(schemes)(
  '$scheme: a frame with any single bit changed does not open, and says no more than that',
  ({ ksn, keys }) => {
    const body = bodyOf(sealFrame('request', ksn, hex('00112233'), keys));
    for (let bit = 0; bit < body.length * 8; bit += 1) {
      const changed = Uint8Array.from(body);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const frame = readFrame(changed);
      if (!frame.ok) expect(frame.fault.code).toBe('ACQUIRING_FRAME_INVALID');
      else if (frame.value.kind !== 'refusal') {
        const opened = openFrame(frame.value, keys);
        expect(opened.ok).toBe(false);
        if (!opened.ok) expect(opened.fault).toEqual({ code: 'ACQUIRING_FRAME_NOT_AUTHENTIC' });
      }
    }
  },
);

test.each(schemes)('$scheme: a frame cut short anywhere is refused', ({ ksn, answers }) => {
  const body = bodyOf(sealFrame('answer', ksn, hex('00112233'), answers));
  for (let length = 0; length < body.length; length += 1) {
    const frame = readFrame(body.subarray(0, length));
    expect(frame.ok && frame.value.kind !== 'refusal' ? openFrame(frame.value, answers).ok : false).toBe(false);
  }
});

test('the keys of one direction do not open the other', () => {
  const frame = sealed(bodyOf(sealFrame('answer', ksn, hex('00'), answerKeys)));
  expect(openFrame(frame, requestKeys).ok).toBe(false);
  const others = frameKeys(unwrap(deriveAesTransactionKey(initialKey, 2)), 'answer');
  expect(openFrame(frame, others).ok).toBe(false);
});

test('every refusal has a number of its own, a code of the error table, and comes back as it went', () => {
  for (const [number, { code, afterwards }] of Object.entries(refusals)) {
    expect(errorTable[code]).toBeDefined();
    expect(refusalNumber(code)).toBe(Number(number));
    expect(unwrap(readFrame(bodyOf(refusalFrame(code, ksn))))).toMatchObject({
      kind: 'refusal',
      number: Number(number),
      code,
      afterwards,
    });
  }
  expect(refusalOf(9999)).toBeUndefined();
});

test('a refusal of a later version is understood as a reason to close', () => {
  const body = concat(hex('0103'), ksn, hex('7FFF'));
  expect(unwrap(readFrame(body))).toMatchObject({ kind: 'refusal', code: undefined, afterwards: 'close' });
});

test('a sale and its reversal carry what their tables say, and pass the semantic rules', () => {
  const request = sale();
  const reversal = reversalOf(request, { stan: '000232', nowMs, reason: '4021' });
  for (const message of [request, reversal]) {
    const decoded = terminalCodec.decode(unwrap(terminalCodec.encode(message)));
    if (!decoded.ok) throw new Error(decoded.fault.code);
    const table = message.mti === '1200' ? terminalMessages['1200'] : terminalMessages['1420'];
    expect(checkElements(table, new Set(decoded.value.elements), decoded.value.text(22))).toEqual({
      ok: true,
      value: true,
    });
    expect(validate(decoded.value).filter(({ severity }) => severity === 'error')).toEqual([]);
  }
  expect(reversal.fields[56]).toBe('12000002312611231145121139200012345');
  expect(reversal.fields[30]).toBe('000000001280000000000000');
});

test('a chip sale without chip data, or with an element that has no place, is named by the element', () => {
  const without = checkElements(
    terminalMessages['1200'],
    new Set([2, 3, 4, 7, 11, 12, 22, 24, 41, 42, 49]),
    '520101550340',
  );
  expect(without).toMatchObject({ ok: false, fault: { field: 55 } });
  const stray = checkElements(
    terminalMessages['1200'],
    new Set([2, 3, 4, 7, 11, 12, 22, 24, 39, 41, 42, 49, 55]),
    '520101550340',
  );
  expect(stray).toMatchObject({ ok: false, fault: { field: 39 } });
});

test('the point-of-service code says how the card was read', () => {
  const abilities = {
    readers: ['stripe', 'contact', 'contactless'],
    pinPad: true,
    printer: 'built-in',
    screen: 'colour',
  } as const;
  for (const entry of ['stripe', 'contact', 'contactless'] as const) {
    const code = pointOfService(entry, 'none', abilities);
    expect(code).toHaveLength(12);
    expect(entryModeOf(code)).toBe(entry);
  }
  // Positions 2, 8, 9 and 12: what the terminal can verify, how it did, who judged it, how many digits it takes. ISO 8583:1993, A.8.
  const verified = (verification: Parameters<typeof pointOfService>[1], pinPad = true): string => {
    const code = pointOfService('contact', verification, { ...abilities, pinPad });
    return [1, 7, 8, 11].map((at) => code[at]).join('');
  };
  expect(verified('offlinePin')).toBe('111C');
  expect(verified('onlinePin')).toBe('113C');
  expect(verified('signature')).toBe('154C');
  expect(verified('none', false)).toBe('0000');
});

test('times are written in UTC for the line and in Japan time for the slip', () => {
  expect(transmissionTime(nowMs)).toBe('1123024512');
  expect(localTransactionTime(nowMs)).toBe('261123114512');
  expect(retrievalReference(nowMs, '000231')).toBe('632711000231');
  expect(localTransactionTime(Date.UTC(2026, 11, 31, 15, 0, 0))).toBe('270101000000');
});
