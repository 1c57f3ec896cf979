import { decodeResponse, type ResponseApdu } from '@tsunagu/protocols/apdu';
import { exchangeLevelOf, findCcidInterfaces } from '@tsunagu/protocols/ccid';
import { concat, fail, hex, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { parseAtr } from '@tsunagu/protocols/pcsc';
import { decodeTlv } from '@tsunagu/protocols/tlv';
import type { ChipReader } from '../readers/port.ts';
import { readConfiguration } from '../usb/port.ts';
import { applicationsOf } from './inspect.ts';
import type { Bench } from './bench.ts';
import { felicaSteps } from './felica-steps.ts';
import {
  anotherAnswer,
  failing,
  type Finding,
  insteadOf,
  judged,
  passed,
  type ScriptStep,
  skipped,
  swOf,
} from './findings.ts';
import { firstRecord, rehearse } from './rehearsal.ts';

async function send(reader: ChipReader, apdu: string | Uint8Array): Promise<Result<ResponseApdu>> {
  const answer = await reader.transmit(typeof apdu === 'string' ? hex(apdu) : apdu);
  return answer.ok ? decodeResponse(answer.value) : answer;
}

const directory = { contact: '1PAY.SYS.DDF01', contactless: '2PAY.SYS.DDF01' } as const;
const selectDirectory = (reader: ChipReader): Uint8Array =>
  concat(hex('00A404000E'), Buffer.from(directory[reader.kind], 'latin1'), hex('00'));

/** A command with 255 bytes of data and a full Le: 261 bytes, the longest of the short ones. The card may say no to it. */
const longestCommand = concat(hex('80A80000FF83'), hex('81FC'), new Uint8Array(252), hex('00'));

/** A status word alone, and one of these. */
function demanded(answer: ResponseApdu, words: readonly number[]): Finding {
  if (answer.data.length > 0)
    return failing(
      `${swOf(answer)} with ${answer.data.length} bytes, instead of a status word`,
      `ステータスワードのみのはずが、${swOf(answer)} とデータ ${answer.data.length} バイト`,
    );
  const wanted = words.map((sw) => sw.toString(16).toUpperCase());
  return words.includes(answer.sw) ? passed(swOf(answer)) : insteadOf(swOf(answer), wanted);
}

/** Powers the card, whatever was before, so that each step stands alone. */
async function onPowered(bench: Bench, work: (reader: ChipReader) => Promise<Finding>): Promise<Finding> {
  const powered = await bench.reader.powerOn();
  return powered.ok ? work(bench.reader) : judged(powered, () => passed());
}

/** `ok` for what this card answers when nothing is wrong: not every card has a directory, and then it is asked once more. */
async function answered(reader: ChipReader, { sw }: ResponseApdu): Promise<string> {
  if (sw === 0x9000) return 'ok';
  const powered = await reader.powerOn();
  const sound = powered.ok ? await send(reader, selectDirectory(reader)) : powered;
  if (!sound.ok) return sound.fault.code;
  return sound.value.sw === sw ? 'ok' : sw.toString(16).toUpperCase();
}

/** A fault of the emulator must become its code, and the next power-on must work. */
const afterFault = (fault: string, codes: readonly string[]) => (bench: Bench) =>
  onPowered(bench, async (reader) => {
    if (!(bench.hand.inject?.(fault) ?? false)) return skipped('noSuchFault');
    const answer = await send(reader, selectDirectory(reader));
    const code = answer.ok ? await answered(reader, answer.value) : answer.fault.code;
    if (!codes.includes(code)) return insteadOf(code, codes);
    return judged(await reader.powerOn(), () => passed(code));
  });

/** Steps that need no card: what a self-test runs. */
export const readerSteps: readonly ScriptStep[] = [
  {
    id: 'descriptor',
    en: 'The class descriptor says what the reader can do',
    ja: 'クラス記述子が正しい',
    clause: 'CCID 1.1, 5.1',
    card: 'reader',
    needs: 'usb',
    run: async ({ transport, info }) => {
      const device = transport === undefined ? fail('USB_NOT_FOUND') : await transport.open(info.id);
      if (!device.ok) return judged(device, () => passed());
      const configuration = await readConfiguration(device.value);
      await device.value.close();
      return judged(configuration, (bytes) => {
        const [face] = findCcidInterfaces(bytes);
        if (face === undefined) return skipped('noCcid');
        const { features, messageBytesMax, protocols, slotIndexMax } = face.descriptor;
        const level = exchangeLevelOf(features);
        if (messageBytesMax < (level === 'shortApdu' ? 271 : 261))
          return failing(`dwMaxCCIDMessageLength ${messageBytesMax}`);
        const can = `${level}, ${protocols.join('/')}`;
        return passed(
          `${can}, ${slotIndexMax + 1} slot(s), ${messageBytesMax} bytes`,
          `${can}、スロット ${slotIndexMax + 1}、${messageBytesMax} バイト`,
        );
      });
    },
  },
  {
    id: 'status',
    en: 'The slot tells its state, again and again',
    ja: 'スロット状態を取得できる',
    clause: 'CCID 1.1, 6.1.3',
    card: 'reader',
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
    card: 'reader',
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
    card: 'any',
    run: async ({ reader }) => judged(await reader.powerOn(), (atr) => passed(toHex(atr))),
  },
  {
    id: 'atr',
    en: 'The answer to reset is well-formed, checksum included',
    ja: 'ATRの形式とチェックサムが正しい',
    clause: 'ISO/IEC 7816-3:2006, 8.2; EMV 4.3 Book 1, 8',
    card: 'any',
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
    card: 'any',
    run: async ({ reader }) => {
      const first = await reader.powerOn();
      if (!first.ok) return judged(first, () => passed());
      const off = await reader.powerOff();
      if (!off.ok) return judged(off, () => passed());
      const state = await reader.state();
      if (!state.ok || state.value !== 'present') return failing(`state ${state.ok ? state.value : state.fault.code}`);
      return judged(await reader.powerOn(), (second) =>
        toHex(second) === toHex(first.value) ? passed() : insteadOf(toHex(second), [toHex(first.value)]),
      );
    },
  },
  {
    id: 'case-1',
    en: 'Case 1: a bare header that is no command is refused with 6D00 or 6E00, and nothing else comes back',
    ja: 'ケース1: 未定義命令(ヘッダーのみ)を6D00または6E00で拒否し、データを返さない',
    clause: 'ISO/IEC 7816-3:2006, 12.1.3 (case 1); EMV 4.3 Book 3, 6.3.5 (6D00, 6E00)',
    card: 'chip',
    run: (bench) =>
      onPowered(bench, async (reader) =>
        judged(await send(reader, '00FE0000'), (answer) => demanded(answer, [0x6d00, 0x6e00])),
      ),
  },
  {
    id: 'case-2',
    en: 'Case 2: after GET PROCESSING OPTIONS the first record of the file locator is read: 9000 and template 70',
    ja: 'ケース2: GPO後、AFLの先頭レコードを読み出せる(9000とテンプレート70)',
    clause: 'ISO/IEC 7816-3:2006, 12.1.3 (case 2); EMV 4.3 Book 3, 6.5.11 and 10.2',
    card: 'chip',
    run: (bench) =>
      onPowered(bench, async (reader) => {
        const listed = await applicationsOf(reader);
        if (!listed.ok) return judged(listed, () => passed());
        const [application] = listed.value;
        if (application === undefined) return skipped('noApplication');
        const record = await firstRecord(reader, hex(application.aid));
        if (!record.ok) return judged(record, () => passed());
        if (record.value === undefined) return skipped('noRecord');
        return judged(record.value, ({ sw, data }) => {
          if (sw !== 0x9000) return insteadOf(sw.toString(16).toUpperCase(), ['9000']);
          return judged(decodeTlv(data), ([first, ...others]) =>
            first?.tag === 0x70 && others.length === 0
              ? passed('9000')
              : failing('the answer is not template 70 alone', '応答がテンプレート70だけではありません'),
          );
        });
      }),
  },
  {
    id: 'case-3',
    en: 'Case 3: EXTERNAL AUTHENTICATE with a forged answer, before anything was asked, is refused as such; its data came whole',
    ja: 'ケース3: 要求前の偽のEXTERNAL AUTHENTICATEを正しく拒否する(データは欠けずに届く)',
    clause: 'ISO/IEC 7816-3:2006, 12.1.3 (case 3); EMV 4.3 Book 3, 6.5.4 and 6.3.5 (6300, 6982, 6985, 6D00, 6E00)',
    card: 'chip',
    run: (bench) =>
      onPowered(bench, async (reader) =>
        // 9000 would be a forged issuer that was believed, 6700 data that was lost on the way.
        judged(await send(reader, '0082000008A5A5A5A5A5A5A5A5'), (answer) =>
          demanded(answer, [0x6300, 0x6982, 0x6985, 0x6d00, 0x6e00]),
        ),
      ),
  },
  {
    id: 'case-4',
    en: 'Case 4: a command with data both ways',
    ja: 'ケース4: 双方向のデータ',
    clause: 'ISO/IEC 7816-3:2006, 12.1.3; EMV 4.3 Book 1, 9.3.1',
    card: 'chip',
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
    card: 'chip',
    run: (bench) =>
      onPowered(bench, async (reader) =>
        // 6700 is data that was lost on the way.
        judged(await send(reader, longestCommand), (answer) =>
          answer.sw === 0x6700 ? failing('6700: cut on the way', '6700: 途中で切れました') : passed(swOf(answer)),
        ),
      ),
  },
  {
    id: 'chaining',
    en: 'Command chaining is done or refused, and the next command works',
    ja: 'コマンド連鎖に対応または拒否し、次のコマンドが動作する',
    clause: 'ISO/IEC 7816-4:2020, 5.3.3',
    card: 'chip',
    run: (bench) =>
      onPowered(bench, async (reader) => {
        const first = await send(reader, '10A4040005A000000003');
        if (!first.ok) return judged(first, () => passed());
        return judged(await send(reader, selectDirectory(reader)), (next) =>
          next.sw === 0x9000 || next.sw === 0x6a82 || first.value.sw === 0x9000
            ? passed(swOf(first.value))
            : failing(`${swOf(first.value)}, then ${swOf(next)}`, `${swOf(first.value)}、次に ${swOf(next)}`),
        );
      }),
  },
  {
    id: 'many',
    en: 'Many commands in a row keep their answers',
    ja: '連続した多数のコマンドに応答する',
    clause: 'CCID 1.1, 6 (bSeq)',
    card: 'chip',
    run: (bench) =>
      onPowered(bench, async (reader) => {
        let expected: string | undefined;
        for (let count = 0; count < inARow; count++) {
          const answer = await reader.transmit(selectDirectory(reader));
          if (!answer.ok) return judged(answer, () => passed());
          expected ??= toHex(answer.value);
          if (toHex(answer.value) !== expected) return anotherAnswer(count);
        }
        return passed();
      }),
  },
  {
    id: 'time-extension',
    en: 'Requests for more time are waited for',
    ja: '時間延長要求を待てる',
    clause: 'CCID 1.1, 6.2.6 (bmCommandStatus 2)',
    card: 'chip',
    needs: 'faults',
    run: afterFault('timeExtension', ['ok']),
  },
  {
    id: 'mute',
    en: 'A mute card is reported or asked again, and powers on again',
    ja: '無応答カードを検出または再送し、再投入で復帰する',
    clause: 'CCID 1.1, 6.2.6 (ICC_MUTE); EMV 4.3 Book 1, 9.2.2.3',
    card: 'chip',
    needs: 'faults',
    // Blocks of T=1 are repeated, so that one lost answer is none.
    run: afterFault('mute', ['READER_CARD_MUTE', 'ok']),
  },
  {
    id: 'parity',
    en: 'A transmission error is reported or repaired, and the card powers on again',
    ja: '伝送エラーを検出または回復し、再投入で復帰する',
    clause: 'CCID 1.1, 6.2.6 (XFR_PARITY_ERROR)',
    card: 'chip',
    needs: 'faults',
    run: afterFault('parity', ['READER_REFUSED', 'TRANSMISSION_BROKEN', 'ok']),
  },
  {
    id: 'transaction',
    en: 'A whole transaction, both cryptograms checked (fictional cards)',
    ja: '取引全体とクリプトグラムの検証(試験用カード)',
    clause: 'EMV 4.3 Book 3, 6.5 and 10; Book 2, 8',
    card: 'chip',
    run: (bench) =>
      onPowered(bench, async (reader) => {
        const listed = await applicationsOf(reader);
        if (!listed.ok) return judged(listed, () => passed());
        const [application] = listed.value;
        if (application === undefined) return skipped('noApplication');
        if (!bench.isFictional()) return skipped('realCard');
        return judged(await rehearse(reader, hex(application.aid)), () => passed(application.aid));
      }),
  },
  {
    id: 'removal',
    en: 'A card that leaves during a command is noticed, and one that comes is found',
    ja: 'コマンド中のカード抜去を検出し、再挿入で復帰する',
    clause: 'CCID 1.1, 6.3.1 and 6.2.6; EMV 4.3 Book 1, 6.1.5',
    card: 'chip',
    needs: 'hand',
    run: (bench) => onPowered(bench, (reader) => removal(bench, reader)),
  },
];

/** Commands that are sent while the person pulls the card, and after how many of them the person is given time. */
const commandsMax = 2_000;
const commandsAtOnce = 100;

async function removal({ hand }: Bench, reader: ChipReader): Promise<Finding> {
  await hand.remove('duringCommand');
  let ended: string | undefined;
  for (let count = 0; count < commandsMax && ended === undefined; count++) {
    const answer = await reader.transmit(selectDirectory(reader));
    if (!answer.ok) ended = answer.fault.code;
    else if (count % commandsAtOnce === commandsAtOnce - 1) await hand.pause();
  }
  if (ended === undefined) return failing('the card was not taken out', 'カードが抜かれませんでした');
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
  certify: [...readerSteps, ...cardSteps, ...felicaSteps],
} as const satisfies Record<string, readonly ScriptStep[]>;

/** A name in `scripts`. */
export type ScriptName = keyof typeof scripts;

export const isScriptName = (name: string): name is ScriptName => Object.hasOwn(scripts, name);
