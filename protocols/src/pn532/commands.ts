import { fail, ok, type Result } from '../kit/index.ts';
import type { FrameCode } from './frame.ts';

/** Modulation of InListPassiveTarget. */
export const targetKinds = { 0: '106A', 1: '212F', 2: '424F', 3: '106B', 4: 'jewel' } as const;
export type TargetKind = (typeof targetKinds)[keyof typeof targetKinds];
const targetOrder = ['106A', '212F', '424F', '106B', 'jewel'] as const;

/** A command to the chip. PN532 user manual (NXP UM0701-02), 7. */
export type Pn532Command =
  | { readonly type: 'getFirmwareVersion' | 'getGeneralStatus' }
  | { readonly type: 'diagnose'; readonly test: number; readonly parameters: Uint8Array }
  | { readonly type: 'readRegister'; readonly addresses: readonly number[] }
  | { readonly type: 'writeRegister'; readonly values: readonly { readonly address: number; readonly value: number }[] }
  /** Bit 4: answer RATS by itself; bit 6: ISO 14443-4 PICC emulation. */
  | { readonly type: 'setParameters'; readonly flags: number }
  /** Mode 1 normal; timeout in units of 50 ms; irq drives the P70 line. */
  | { readonly type: 'samConfiguration'; readonly mode: number; readonly timeout: number; readonly irq: number }
  | { readonly type: 'rfConfiguration'; readonly item: number; readonly data: Uint8Array }
  | {
      readonly type: 'inListPassiveTarget';
      readonly targetsMax: number;
      readonly kind: TargetKind;
      readonly initiator: Uint8Array;
    }
  | { readonly type: 'inDataExchange'; readonly target: number; readonly more: boolean; readonly data: Uint8Array }
  | { readonly type: 'inCommunicateThru'; readonly data: Uint8Array }
  /** Target 0 is all of them. */
  | { readonly type: 'inDeselect' | 'inRelease' | 'inSelect'; readonly target: number }
  | { readonly type: 'powerDown'; readonly wakeUp: number };

/** Command codes; the answer's is one higher. */
export const pn532Commands = {
  diagnose: 0x00,
  getFirmwareVersion: 0x02,
  getGeneralStatus: 0x04,
  readRegister: 0x06,
  writeRegister: 0x08,
  setParameters: 0x12,
  samConfiguration: 0x14,
  powerDown: 0x16,
  rfConfiguration: 0x32,
  inDataExchange: 0x40,
  inCommunicateThru: 0x42,
  inDeselect: 0x44,
  inListPassiveTarget: 0x4a,
  inRelease: 0x52,
  inSelect: 0x54,
} as const satisfies Record<Pn532Command['type'], number>;

/** Writes a command: direction byte D4, code, parameters. It goes into a frame, or into an ACR122U's pseudo-APDU. */
export function encodePn532Command(command: Pn532Command): Uint8Array {
  return Uint8Array.from([0xd4, pn532Commands[command.type], ...parametersOf(command)]);
}

function parametersOf(command: Pn532Command): readonly number[] {
  switch (command.type) {
    case 'getFirmwareVersion':
    case 'getGeneralStatus':
      return [];
    case 'diagnose':
      return [command.test, ...command.parameters];
    case 'readRegister':
      return command.addresses.flatMap((address) => [address >> 8, address & 0xff]);
    case 'writeRegister':
      return command.values.flatMap(({ address, value }) => [address >> 8, address & 0xff, value]);
    case 'setParameters':
      return [command.flags];
    case 'samConfiguration':
      return [command.mode, command.timeout, command.irq];
    case 'rfConfiguration':
      return [command.item, ...command.data];
    case 'inListPassiveTarget':
      return [command.targetsMax, targetOrder.indexOf(command.kind), ...command.initiator];
    case 'inDataExchange':
      return [command.target | (command.more ? 0x40 : 0), ...command.data];
    case 'inCommunicateThru':
      return [...command.data];
    case 'inDeselect':
    case 'inRelease':
    case 'inSelect':
      return [command.target];
    case 'powerDown':
      return [command.wakeUp];
  }
}

const invalid = (offset: number, field: string): Result<never, FrameCode> => fail('FRAME_INVALID', { offset, field });

/** Reads a command, as an emulated chip does. */
export function decodePn532Command(bytes: Uint8Array): Result<Pn532Command, FrameCode> {
  if (bytes.length < 2) return fail('FRAME_TRUNCATED', { offset: bytes.length });
  if (bytes[0] !== 0xd4) return invalid(0, 'TFI');
  const [a, b, c] = [bytes[2], bytes[3], bytes[4]];
  const rest = bytes.length - 2;
  switch (bytes[1]) {
    case 0x00:
      return a === undefined ? invalid(2, 'NumTst') : ok({ type: 'diagnose', test: a, parameters: bytes.subarray(3) });
    case 0x02:
      return rest === 0 ? ok({ type: 'getFirmwareVersion' }) : invalid(2, 'length');
    case 0x04:
      return rest === 0 ? ok({ type: 'getGeneralStatus' }) : invalid(2, 'length');
    case 0x06: {
      if (rest === 0 || rest % 2 !== 0) return invalid(2, 'ADR');
      const addresses: number[] = [];
      for (let at = 2; at < bytes.length; at += 2) addresses.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
      return ok({ type: 'readRegister', addresses });
    }
    case 0x08: {
      if (rest === 0 || rest % 3 !== 0) return invalid(2, 'ADR');
      const values: { address: number; value: number }[] = [];
      for (let at = 2; at < bytes.length; at += 3)
        values.push({ address: ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0), value: bytes[at + 2] ?? 0 });
      return ok({ type: 'writeRegister', values });
    }
    case 0x12:
      return a === undefined || rest !== 1 ? invalid(2, 'Flags') : ok({ type: 'setParameters', flags: a });
    case 0x14:
      // Timeout and IRQ may be left out; the chip then takes zero and one.
      if (a === undefined || rest > 3) return invalid(2, 'Mode');
      return ok({ type: 'samConfiguration', mode: a, timeout: b ?? 0, irq: c ?? 1 });
    case 0x16:
      return a === undefined ? invalid(2, 'WakeUpEnable') : ok({ type: 'powerDown', wakeUp: a });
    case 0x32:
      return a === undefined
        ? invalid(2, 'CfgItem')
        : ok({ type: 'rfConfiguration', item: a, data: bytes.subarray(3) });
    case 0x40: {
      if (a === undefined) return invalid(2, 'Tg');
      return ok({ type: 'inDataExchange', target: a & 0x0f, more: (a & 0x40) !== 0, data: bytes.subarray(3) });
    }
    case 0x42:
      return ok({ type: 'inCommunicateThru', data: bytes.subarray(2) });
    case 0x44:
    case 0x52:
    case 0x54: {
      if (a === undefined || rest !== 1) return invalid(2, 'Tg');
      const type = bytes[1] === 0x44 ? 'inDeselect' : bytes[1] === 0x52 ? 'inRelease' : 'inSelect';
      return ok({ type, target: a });
    }
    case 0x4a: {
      const kind = b === undefined ? undefined : targetOrder[b];
      if (a === undefined || a === 0 || a > 2 || kind === undefined) return invalid(2, 'MaxTg');
      return ok({ type: 'inListPassiveTarget', targetsMax: a, kind, initiator: bytes.subarray(4) });
    }
    default:
      return invalid(1, 'command');
  }
}

/** A card that the chip found. */
export type Pn532Target =
  | {
      readonly kind: '106A';
      readonly number: number;
      /** ATQA, as the chip gives it (high byte first). */
      readonly sensRes: number;
      /** SAK: bit 6 tells of ISO 14443-4. */
      readonly selRes: number;
      readonly uid: Uint8Array;
      /** Answer to select, its length byte left out; only of ISO 14443-4 cards. */
      readonly ats?: Uint8Array;
    }
  | {
      readonly kind: '212F' | '424F';
      readonly number: number;
      readonly idm: Uint8Array;
      readonly pmm: Uint8Array;
      readonly systemCode?: number;
    }
  | {
      readonly kind: '106B';
      readonly number: number;
      /** 12 bytes, beginning with 50. */
      readonly atqb: Uint8Array;
      readonly attribRes: Uint8Array;
    };

/** An answer of the chip. */
export type Pn532Response =
  | {
      readonly type: 'getFirmwareVersion';
      readonly chip: number;
      readonly version: number;
      readonly revision: number;
      readonly support: number;
    }
  | { readonly type: 'readRegister'; readonly values: Uint8Array }
  | { readonly type: 'inListPassiveTarget'; readonly targets: readonly Pn532Target[] }
  | {
      readonly type: 'inDataExchange' | 'inCommunicateThru';
      /** 0 when all went well; `pn532StatusMeaning` explains the others. */
      readonly status: number;
      /** More of the card's answer waits to be fetched. */
      readonly more: boolean;
      readonly data: Uint8Array;
    }
  | { readonly type: 'inDeselect' | 'inRelease' | 'inSelect' | 'powerDown'; readonly status: number }
  | { readonly type: 'writeRegister' | 'setParameters' | 'samConfiguration' | 'rfConfiguration' }
  | { readonly type: 'diagnose' | 'getGeneralStatus'; readonly data: Uint8Array };

/** Writes an answer, as an emulated chip does: direction byte D5, code plus one, content. */
export function encodePn532Response(response: Pn532Response): Uint8Array {
  return Uint8Array.from([0xd5, pn532Commands[response.type] + 1, ...contentOf(response)]);
}

function contentOf(response: Pn532Response): readonly number[] {
  switch (response.type) {
    case 'getFirmwareVersion':
      return [response.chip, response.version, response.revision, response.support];
    case 'readRegister':
      return [...response.values];
    case 'inListPassiveTarget':
      return [response.targets.length, ...response.targets.flatMap(targetBytes)];
    case 'inDataExchange':
    case 'inCommunicateThru':
      return [response.status | (response.more ? 0x40 : 0), ...response.data];
    case 'inDeselect':
    case 'inRelease':
    case 'inSelect':
    case 'powerDown':
      return [response.status];
    case 'diagnose':
    case 'getGeneralStatus':
      return [...response.data];
    default:
      return [];
  }
}

function targetBytes(target: Pn532Target): readonly number[] {
  switch (target.kind) {
    case '106A': {
      const ats = target.ats === undefined ? [] : [target.ats.length + 1, ...target.ats];
      const { number, sensRes, selRes, uid } = target;
      return [number, sensRes >> 8, sensRes & 0xff, selRes, uid.length, ...uid, ...ats];
    }
    case '106B':
      return [target.number, ...target.atqb, target.attribRes.length, ...target.attribRes];
    default: {
      const { number, idm, pmm, systemCode } = target;
      const system = systemCode === undefined ? [] : [systemCode >> 8, systemCode & 0xff];
      return [number, 18 + system.length, 0x01, ...idm, ...pmm, ...system];
    }
  }
}

/**
 * Reads an answer of the chip.
 *
 * @param asked the command it answers: another code is FRAME_INVALID, and the kind of target is not in the answer.
 */
export function decodePn532Response(bytes: Uint8Array, asked: Pn532Command): Result<Pn532Response, FrameCode> {
  if (bytes.length < 2) return fail('FRAME_TRUNCATED', { offset: bytes.length });
  if (bytes[0] !== 0xd5) return invalid(0, 'TFI');
  if (bytes[1] !== pn532Commands[asked.type] + 1) return invalid(1, 'command');
  const content = bytes.subarray(2);
  const status = content[0];
  switch (asked.type) {
    case 'getFirmwareVersion': {
      const [chip, version, revision, support] = content;
      if (chip === undefined || version === undefined || revision === undefined || support === undefined)
        return fail('FRAME_TRUNCATED', { offset: bytes.length });
      return content.length === 4
        ? ok({ type: 'getFirmwareVersion', chip, version, revision, support })
        : invalid(6, 'length');
    }
    case 'readRegister':
      if (content.length !== asked.addresses.length) return invalid(2, 'length');
      return ok({ type: 'readRegister', values: content });
    case 'inListPassiveTarget':
      return readTargets(content, asked.kind);
    case 'inDataExchange':
    case 'inCommunicateThru': {
      if (status === undefined) return fail('FRAME_TRUNCATED', { offset: 2 });
      const more = (status & 0x40) !== 0;
      return ok({ type: asked.type, status: status & 0x3f, more, data: content.subarray(1) });
    }
    case 'inDeselect':
    case 'inRelease':
    case 'inSelect':
    case 'powerDown':
      if (status === undefined) return fail('FRAME_TRUNCATED', { offset: 2 });
      return ok({ type: asked.type, status: status & 0x3f });
    case 'diagnose':
    case 'getGeneralStatus':
      return ok({ type: asked.type, data: content });
    default:
      return content.length === 0 ? ok({ type: asked.type }) : invalid(2, 'length');
  }
}

function readTargets(content: Uint8Array, kind: TargetKind): Result<Pn532Response, FrameCode> {
  const count = content[0];
  if (count === undefined) return fail('FRAME_TRUNCATED', { offset: 2 });
  if (count > 2) return invalid(2, 'NbTg');
  const targets: Pn532Target[] = [];
  let at = 1;
  const truncated = (): Result<never, FrameCode> => fail('FRAME_TRUNCATED', { offset: content.length + 2 });
  const take = (length: number): Uint8Array | undefined => {
    if (at + length > content.length) return undefined;
    at += length;
    return content.subarray(at - length, at);
  };
  for (let index = 0; index < count; index++) {
    if (kind === '106A') {
      const head = take(5);
      const uid = head === undefined ? undefined : take(head[4] ?? 0);
      if (head === undefined || uid === undefined) return truncated();
      const [number = 0, high = 0, low = 0, selRes = 0] = head;
      const target = { kind, number, sensRes: (high << 8) | low, selRes, uid };
      if ((selRes & 0x20) === 0 || at >= content.length) {
        targets.push(target);
        continue;
      }
      const length = content[at++] ?? 0;
      const ats = length === 0 ? undefined : take(length - 1);
      if (ats === undefined) return truncated();
      targets.push({ ...target, ats });
    } else if (kind === '106B') {
      const head = take(14);
      const attribRes = head === undefined ? undefined : take(head[13] ?? 0);
      if (head === undefined || attribRes === undefined) return truncated();
      targets.push({ kind, number: head[0] ?? 0, atqb: head.subarray(1, 13), attribRes });
    } else if (kind === 'jewel') return invalid(at + 2, 'BrTy');
    else {
      const head = take(2);
      const length = head?.[1] ?? 0;
      const body = take(length - 1);
      if (head === undefined || body === undefined) return truncated();
      if ((length !== 18 && length !== 20) || body[0] !== 1) return invalid(at, 'POL_RES');
      const target = { kind, number: head[0] ?? 0, idm: body.subarray(1, 9), pmm: body.subarray(9, 17) };
      targets.push(length === 18 ? target : { ...target, systemCode: ((body[17] ?? 0) << 8) | (body[18] ?? 0) });
    }
  }
  return at === content.length ? ok({ type: 'inListPassiveTarget', targets }) : invalid(at + 2, 'length');
}

/** Status codes of the chip. PN532 user manual, 7.1. */
export const pn532Statuses: Readonly<Record<number, { readonly en: string; readonly ja: string }>> = {
  0x00: { en: 'Done', ja: '正常終了' },
  0x01: { en: 'The card did not answer in time', ja: 'カード応答なし（時間切れ）' },
  0x02: { en: 'CRC error on the air', ja: '無線CRCエラー' },
  0x03: { en: 'Parity error on the air', ja: '無線パリティエラー' },
  0x04: { en: 'Wrong bit count during anti-collision', ja: '衝突防止中のビット数不正' },
  0x05: { en: 'Framing error during a MIFARE operation', ja: 'MIFAREフレーミングエラー' },
  0x06: { en: 'Bit collision: more than one card', ja: 'ビット衝突（複数カード）' },
  0x07: { en: 'Communication buffer too small', ja: '通信バッファー不足' },
  0x09: { en: 'Receive buffer overflow', ja: '受信バッファーあふれ' },
  0x0a: { en: 'The RF field was not switched on in time', ja: 'RF磁界が時間内に生成されない' },
  0x0b: { en: 'RF protocol error', ja: 'RFプロトコルエラー' },
  0x0d: { en: 'The chip is too hot', ja: 'チップ過熱' },
  0x0e: { en: 'Internal buffer overflow', ja: '内部バッファーあふれ' },
  0x10: { en: 'Parameter out of range', ja: 'パラメーター範囲外' },
  0x13: { en: 'Data format does not fit the protocol', ja: 'データ形式が不適合' },
  0x14: { en: 'MIFARE authentication failed', ja: 'MIFARE認証失敗' },
  0x23: { en: 'Check byte of the UID is wrong', ja: 'UIDのチェックバイト不一致' },
  0x25: { en: 'Invalid state of the chip', ja: 'チップの状態が不正' },
  0x26: { en: 'Operation not allowed in this configuration', ja: 'この設定では許可されない操作' },
  0x27: { en: 'Command not acceptable now', ja: '現在受け付けられないコマンド' },
  0x29: { en: 'The target was released', ja: 'ターゲットは解放済み' },
  0x2a: { en: 'Another card than before', ja: '以前と異なるカード' },
  0x2b: { en: 'The card has gone', ja: 'カードが離れた' },
  0x2d: { en: 'Over-current', ja: '過電流' },
};

/** The meaning of a status byte; its flag bits are ignored. */
export const pn532StatusMeaning = (status: number): { readonly en: string; readonly ja: string } =>
  pn532Statuses[status & 0x3f] ?? { en: 'Unknown status', ja: '不明なステータス' };
