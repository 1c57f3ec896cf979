import { decodeResponse, type ResponseApdu } from '@tsunagu/protocols/apdu';
import { exchangeLevelOf, findCcidInterfaces } from '@tsunagu/protocols/ccid';
import { concat, fail, hex, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { parseAtr } from '@tsunagu/protocols/pcsc';
import type { StepResult } from '@tsunagu/protocols/workshop';
import type { ChipReader } from '../readers/port.ts';
import { readConfiguration } from '../usb/port.ts';
import { applicationsOf } from './inspect.ts';
import { rehearse } from './rehearsal.ts';
import type { Bench } from './bench.ts';

/** What a step found. */
export type Finding = Pick<StepResult, 'verdict' | 'code' | 'detail'>;

/** One step of a script: what it is called, what it is held to, and what it needs beyond reader and card. */
export interface ScriptStep {
  readonly id: string;
  readonly en: string;
  readonly ja: string;
  readonly clause: string;
  /** `faults`: an emulator that breaks answers; `hand`: somebody who moves the card. */
  readonly needs?: 'faults' | 'hand';
  readonly run: (bench: Bench) => Promise<Finding>;
}

const passed = (detail?: string): Finding => ({ verdict: 'passed', ...(detail === undefined ? {} : { detail }) });
const failing = (detail: string): Finding => ({ verdict: 'failed', detail });
const skipped = (detail: string): Finding => ({ verdict: 'skipped', detail });

/** A finding out of a result: its fault's code, or what `check` says of the value. */
function judged<T>(result: Result<T>, check: (value: T) => Finding): Finding {
  if (result.ok) return check(result.value);
  const facts = Object.entries(result.fault.facts ?? {}).map(([name, value]) => `${name}=${value}`);
  return { verdict: 'failed', code: result.fault.code, ...(facts.length === 0 ? {} : { detail: facts.join(' ') }) };
}

const swOf = ({ sw }: ResponseApdu): string => sw.toString(16).toUpperCase().padStart(4, '0');

async function send(reader: ChipReader, apdu: string | Uint8Array): Promise<Result<ResponseApdu>> {
  const answer = await reader.transmit(typeof apdu === 'string' ? hex(apdu) : apdu);
  return answer.ok ? decodeResponse(answer.value) : answer;
}

const directory = { contact: '1PAY.SYS.DDF01', contactless: '2PAY.SYS.DDF01' } as const;
const selectDirectory = (reader: ChipReader): Uint8Array =>
  concat(hex('00A404000E'), Buffer.from(directory[reader.kind], 'latin1'), hex('00'));

/** A command with 255 bytes of data and a full Le: 261 bytes, the longest of the short ones. The card may say no to it. */
const longestCommand = concat(hex('80A80000FF83'), hex('81FC'), new Uint8Array(252), hex('00'));

/** Powers the card, whatever was before, so that each step stands alone. */
async function onPowered(bench: Bench, work: (reader: ChipReader) => Promise<Finding>): Promise<Finding> {
  const powered = await bench.reader.powerOn();
  return powered.ok ? work(bench.reader) : judged(powered, () => passed());
}

/** A fault of the emulator must become its code, and the next power-on must work. */
const afterFault = (fault: string, codes: readonly string[]) => (bench: Bench) =>
  onPowered(bench, async (reader) => {
    if (!(bench.hand.inject?.(fault) ?? false)) return skipped('no such fault');
    const answer = await send(reader, selectDirectory(reader));
    const code = answer.ok ? (answer.value.sw === 0x9000 ? 'ok' : swOf(answer.value)) : answer.fault.code;
    if (!codes.includes(code)) return failing(`${code} instead of ${codes.join('/')}`);
    return judged(await reader.powerOn(), () => passed(code));
  });

/** Steps that need no card: what a self-test runs. */
export const readerSteps: readonly ScriptStep[] = [
  {
    id: 'descriptor',
    en: 'The class descriptor says what the reader can do',
    ja: 'クラス記述子が正しい',
    clause: 'CCID 1.1, 5.1',
    run: async ({ transport, info }) => {
      const device = await transport.open(info.id);
      if (!device.ok) return judged(device, () => passed());
      const configuration = await readConfiguration(device.value);
      await device.value.close();
      return judged(configuration, (bytes) => {
        const [face] = findCcidInterfaces(bytes);
        if (face === undefined) return skipped('not a CCID reader');
        const { features, messageBytesMax, protocols, slotIndexMax } = face.descriptor;
        const level = exchangeLevelOf(features);
        if (messageBytesMax < (level === 'shortApdu' ? 271 : 261))
          return failing(`dwMaxCCIDMessageLength ${messageBytesMax}`);
        return passed(`${level}, ${protocols.join('/')}, ${slotIndexMax + 1} slot(s), ${messageBytesMax} bytes`);
      });
    },
  },
  {
    id: 'status',
    en: 'The slot tells its state, again and again',
    ja: 'スロット状態を取得できる',
    clause: 'CCID 1.1, 6.1.3',
    run: async ({ reader }) => {
      let last = '';
      for (let count = 0; count < 16; count++) {
        const state = await reader.state();
        if (!state.ok) return judged(state, () => passed());
        last = state.value;
      }
      return passed(last);
    },
  },
  {
    id: 'power-off',
    en: 'Power-off is taken in any state',
    ja: 'どの状態でも電源断を受け付ける',
    clause: 'CCID 1.1, 6.1.2',
    run: async ({ reader }) => {
      const first = await reader.powerOff();
      return judged(first.ok ? await reader.powerOff() : first, () => passed());
    },
  },
];

/** Commands in a row: enough to fill any queue, few enough for a slow reader. */
const inARow = 64;

/** Steps with a card in the reader. */
const cardSteps: readonly ScriptStep[] = [
  {
    id: 'power-on',
    en: 'Power-on gives the answer to reset',
    ja: '電源投入でATRを返す',
    clause: 'CCID 1.1, 6.1.1',
    run: async ({ reader }) => judged(await reader.powerOn(), (atr) => passed(toHex(atr))),
  },
  {
    id: 'atr',
    en: 'The answer to reset is well-formed, checksum included',
    ja: 'ATRの形式とチェックサムが正しい',
    clause: 'ISO/IEC 7816-3:2006, 8.2; EMV 4.3 Book 1, 8',
    run: async ({ reader }) => {
      const powered = await reader.powerOn();
      if (!powered.ok) return judged(powered, () => passed());
      return judged(parseAtr(powered.value), ({ protocols }) => passed(protocols.map((one) => `T=${one}`).join('/')));
    },
  },
  {
    id: 'reset',
    en: 'A cold reset gives the same answer again',
    ja: 'コールドリセットで同じATRを返す',
    clause: 'ISO/IEC 7816-3:2006, 6.2.1',
    run: async ({ reader }) => {
      const first = await reader.powerOn();
      if (!first.ok) return judged(first, () => passed());
      const off = await reader.powerOff();
      if (!off.ok) return judged(off, () => passed());
      const state = await reader.state();
      if (!state.ok || state.value !== 'present') return failing(`state ${state.ok ? state.value : state.fault.code}`);
      return judged(await reader.powerOn(), (second) =>
        toHex(second) === toHex(first.value) ? passed() : failing(`${toHex(second)} after ${toHex(first.value)}`),
      );
    },
  },
  {
    id: 'case-1',
    en: 'Case 1: a command without data, a response without data',
    ja: 'ケース1: データなしのコマンドと応答',
    clause: 'ISO/IEC 7816-3:2006, 12.1.3; EMV 4.3 Book 1, 9.3.1',
    run: (bench) =>
      onPowered(bench, async (reader) =>
        judged(await send(reader, '00A40400'), (answer) =>
          answer.data.length === 0 || answer.sw === 0x9000 ? passed(swOf(answer)) : failing(swOf(answer)),
        ),
      ),
  },
  {
    id: 'case-2',
    en: 'Case 2: a command that asks for data',
    ja: 'ケース2: 応答データのみ',
    clause: 'ISO/IEC 7816-3:2006, 12.1.3; EMV 4.3 Book 1, 9.3.1',
    run: (bench) =>
      onPowered(bench, async (reader) =>
        judged(await send(reader, '80CA9F1700'), (answer) =>
          (answer.sw === 0x9000) === answer.data.length > 0 ? passed(swOf(answer)) : failing(swOf(answer)),
        ),
      ),
  },
  {
    id: 'case-3',
    en: 'Case 3: a command that brings data',
    ja: 'ケース3: コマンドデータのみ',
    clause: 'ISO/IEC 7816-3:2006, 12.1.3; EMV 4.3 Book 1, 9.3.1',
    run: (bench) =>
      onPowered(bench, async (reader) =>
        judged(await send(reader, '0082000008A5A5A5A5A5A5A5A5'), (answer) =>
          answer.data.length === 0 && answer.sw !== 0x9000 ? passed(swOf(answer)) : failing(swOf(answer)),
        ),
      ),
  },
  {
    id: 'case-4',
    en: 'Case 4: a command with data both ways',
    ja: 'ケース4: 双方向のデータ',
    clause: 'ISO/IEC 7816-3:2006, 12.1.3; EMV 4.3 Book 1, 9.3.1',
    run: (bench) =>
      onPowered(bench, async (reader) => {
        const answer = await reader.transmit(selectDirectory(reader));
        if (!answer.ok) return judged(answer, () => passed());
        return judged(decodeResponse(answer.value), (response) => {
          if (response.sw === 0x6a82) return passed('6A82');
          return response.sw === 0x9000 && response.data[0] === 0x6f ? passed('9000') : failing(swOf(response));
        });
      }),
  },
  {
    id: 'longest',
    en: 'The longest short command comes through whole (chained where the protocol has blocks)',
    ja: '最長の短縮コマンドが通る(必要ならブロック連鎖)',
    clause: 'ISO/IEC 7816-3:2006, 11.6.2.2; CCID 1.1, 6.1.4',
    run: (bench) =>
      onPowered(bench, async (reader) => judged(await send(reader, longestCommand), (answer) => passed(swOf(answer)))),
  },
  {
    id: 'chaining',
    en: 'Command chaining is done or refused, and the next command works',
    ja: 'コマンド連鎖に対応または拒否し、次のコマンドが動作する',
    clause: 'ISO/IEC 7816-4:2020, 5.3.3',
    run: (bench) =>
      onPowered(bench, async (reader) => {
        const first = await send(reader, '10A4040005A000000003');
        if (!first.ok) return judged(first, () => passed());
        return judged(await send(reader, selectDirectory(reader)), (next) =>
          next.sw === 0x9000 || next.sw === 0x6a82 || first.value.sw === 0x9000
            ? passed(swOf(first.value))
            : failing(`${swOf(first.value)}, then ${swOf(next)}`),
        );
      }),
  },
  {
    id: 'many',
    en: 'Many commands in a row keep their answers',
    ja: '連続した多数のコマンドに応答する',
    clause: 'CCID 1.1, 6 (bSeq)',
    run: (bench) =>
      onPowered(bench, async (reader) => {
        let expected: string | undefined;
        for (let count = 0; count < inARow; count++) {
          const answer = await reader.transmit(selectDirectory(reader));
          if (!answer.ok) return judged(answer, () => passed());
          expected ??= toHex(answer.value);
          if (toHex(answer.value) !== expected) return failing(`command ${count + 1} has another answer`);
        }
        return passed();
      }),
  },
  {
    id: 'time-extension',
    en: 'Requests for more time are waited for',
    ja: '時間延長要求を待てる',
    clause: 'CCID 1.1, 6.2.6 (bmCommandStatus 2)',
    needs: 'faults',
    run: afterFault('timeExtension', ['ok']),
  },
  {
    id: 'mute',
    en: 'A mute card is reported or asked again, and powers on again',
    ja: '無応答カードを検出または再送し、再投入で復帰する',
    clause: 'CCID 1.1, 6.2.6 (ICC_MUTE); EMV 4.3 Book 1, 9.2.2.3',
    needs: 'faults',
    // Blocks of T=1 are repeated, so that one lost answer is none.
    run: afterFault('mute', ['READER_CARD_MUTE', 'ok']),
  },
  {
    id: 'parity',
    en: 'A transmission error is reported or repaired, and the card powers on again',
    ja: '伝送エラーを検出または回復し、再投入で復帰する',
    clause: 'CCID 1.1, 6.2.6 (XFR_PARITY_ERROR)',
    needs: 'faults',
    run: afterFault('parity', ['READER_REFUSED', 'TRANSMISSION_BROKEN', 'ok']),
  },
  {
    id: 'transaction',
    en: 'A whole transaction, both cryptograms checked (fictional cards)',
    ja: '取引全体とクリプトグラムの検証(試験用カード)',
    clause: 'EMV 4.3 Book 3, 6.5 and 10; Book 2, 8',
    run: (bench) =>
      onPowered(bench, async (reader) => {
        const listed = await applicationsOf(reader);
        if (!listed.ok) return judged(listed, () => passed());
        const [application] = listed.value;
        if (application === undefined) return skipped('no payment application');
        if (!bench.isFictional()) return skipped('a real card');
        return judged(await rehearse(reader, hex(application.aid)), () => passed(application.aid));
      }),
  },
  {
    id: 'removal',
    en: 'A card that leaves during a command is noticed, and one that comes is found',
    ja: 'コマンド中のカード抜去を検出し、再挿入で復帰する',
    clause: 'CCID 1.1, 6.3.1 and 6.2.6; EMV 4.3 Book 1, 6.1.5',
    needs: 'hand',
    run: (bench) => onPowered(bench, (reader) => removal(bench, reader)),
  },
];

/** Commands that are sent while the person pulls the card. */
const commandsMax = 2_000;

async function removal({ hand }: Bench, reader: ChipReader): Promise<Finding> {
  await hand.remove('duringCommand');
  let ended: string | undefined;
  for (let count = 0; count < commandsMax && ended === undefined; count++) {
    const answer = await reader.transmit(selectDirectory(reader));
    if (!answer.ok) ended = answer.fault.code;
  }
  if (ended === undefined) return failing('the card was not taken out');
  const gone = await settled(reader, 'absent', () => hand.pause());
  if (!gone.ok) return judged(gone, () => passed());
  await hand.insert();
  const back = await settled(reader, 'present', () => hand.pause());
  if (!back.ok) return judged(back, () => passed());
  return judged(await reader.powerOn(), () => passed(ended));
}

/** How often the state is asked while somebody moves a card. */
const asksMax = 120;

/** Asks for the state until it is this; the number of questions is bounded, not the time, so that a replay asks as often. */
async function settled(
  reader: ChipReader,
  wanted: 'absent' | 'present',
  pause: () => Promise<void>,
): Promise<Result<void>> {
  for (let count = 0; count < asksMax; count++) {
    const state = await reader.state();
    if (!state.ok) return state;
    if ((state.value === 'absent') === (wanted === 'absent')) return ok(undefined);
    await pause();
  }
  return fail(wanted === 'absent' ? 'READER_ANSWER_WRONG' : 'READER_CARD_ABSENT');
}

/** The scripts, by name: what the workshop runs against one reader, and replays from a trace. */
export const scripts = {
  'self-test': readerSteps,
  certify: [...readerSteps, ...cardSteps],
} as const satisfies Record<string, readonly ScriptStep[]>;

/** A name in `scripts`. */
export type ScriptName = keyof typeof scripts;

export const isScriptName = (name: string): name is ScriptName => Object.hasOwn(scripts, name);
