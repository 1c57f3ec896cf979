import {
  decodeFelicaResponse,
  encodeFelicaCommand,
  type FelicaCommand,
  type FelicaResponse,
} from '@tsunagu/protocols/felica';
import { fail, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import type { FelicaReader, FelicaTarget } from '../readers/port.ts';
import type { Bench } from './bench.ts';
import { anotherAnswer, failing, type Finding, judged, passed, type ScriptStep, skipped } from './findings.ts';

/** FeliCa Lite answers polling, reading and writing alone. */
const liteSystem = 0x88b4;
const anySystem = 0xffff;
/** No system has it: the upper byte 00 is for the Japanese transit cards, whose numbers begin at 00 03. */
const nobodysSystem = 0x0001;
/** A service that no card has: its number is in no area, and its attribute is none. */
const nobodysService = 0xfff0;
const servicesMax = 64;
const systemsMax = 16;
/** Commands in a row: enough to show a lost one, few enough for a slow reader. */
const inARow = 64;

interface Found {
  readonly felica: FelicaReader;
  readonly target: FelicaTarget;
  readonly systemCode: number;
}

const codeText = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0');
const isNoAnswer = (code: string): boolean => code === 'READER_CARD_ABSENT' || code === 'READER_CARD_MUTE';

async function say<T extends FelicaResponse['type']>(
  { felica }: Pick<Found, 'felica'>,
  command: FelicaCommand & { readonly type: T },
): Promise<Result<Extract<FelicaResponse, { readonly type: T }>>> {
  const answer = await felica.exchange(encodeFelicaCommand(command));
  if (!answer.ok) return answer;
  const read = decodeFelicaResponse(answer.value);
  if (!read.ok) return read;
  return isA(read.value, command.type) ? ok(read.value) : fail('FELICA_INVALID', { field: 'command' });
}

const isA = <T extends FelicaResponse['type']>(
  response: FelicaResponse,
  type: T,
): response is Extract<FelicaResponse, { readonly type: T }> => response.type === type;

/** Finds the card, whatever was before, so that each step stands alone. */
async function onFound({ reader }: Bench, work: (found: Found) => Promise<Finding>): Promise<Finding> {
  const { felica } = reader;
  if (felica === undefined) return skipped('noFelicaAntenna');
  const target = await felica.poll(anySystem);
  if (!target.ok) return judged(target, () => passed());
  const asked = await say({ felica }, { type: 'polling', systemCode: anySystem, request: 'systemCode', slots: 0 });
  if (!asked.ok) return judged(asked, () => passed());
  const { requested } = asked.value;
  if (requested === undefined) return failing('no system code in the answer', '応答にシステムコードがありません');
  return work({ felica, target: target.value, systemCode: requested });
}

/** As `onFound`, for commands that a FeliCa Lite does not have. */
const onFull = (bench: Bench, work: (found: Found) => Promise<Finding>): Promise<Finding> =>
  onFound(bench, (found) => (found.systemCode === liteSystem ? Promise.resolve(skipped('felicaLite')) : work(found)));

/** Services of the card's first system, by number. */
async function servicesOf(found: Found): Promise<Result<readonly number[]>> {
  const services: number[] = [];
  for (let index = 0; index < servicesMax; index++) {
    const node = await say(found, { type: 'searchServiceCode', idm: found.target.idm, index });
    if (!node.ok) return node;
    const [code = 0xffff, end] = node.value.codes;
    if (end === undefined && code === 0xffff) break;
    if (end === undefined) services.push(code);
  }
  return ok(services);
}

/** Random and cyclic services that are read without keys. FeliCa Card User's Manual, 3.4: attributes 09, 0B, 0D, 0F. */
const isOpenToRead = (service: number): boolean => [0x09, 0x0b, 0x0d, 0x0f].includes(service & 0x3f);

const readBlock = (found: Found, service: number) =>
  say(found, {
    type: 'readWithoutEncryption',
    idm: found.target.idm,
    services: [service],
    blocks: [{ service: 0, block: 0 }],
  });

/** What FeliCa cards are asked instead of what chip cards of ISO/IEC 14443-4 are. */
export const felicaSteps: readonly ScriptStep[] = [
  {
    id: 'felica-polling',
    en: 'Polling finds the card, and again with the system code that it gave',
    ja: 'ポーリングで検出し、応答のシステムコードで再検出できる',
    clause: 'FeliCa Card User’s Manual, 4.4.2; JIS X 6319-4',
    card: 'felica',
    run: (bench) =>
      onFound(bench, async ({ felica, target, systemCode }) =>
        judged(await felica.poll(systemCode), ({ idm, pmm }) =>
          toHex(idm) === toHex(target.idm)
            ? passed(
                `system ${codeText(systemCode)}, PMm ${toHex(pmm)}`,
                `システム ${codeText(systemCode)}、PMm ${toHex(pmm)}`,
              )
            : failing('another IDm for the same system', '同じシステムで別のIDmを返しました'),
        ),
      ),
  },
  {
    id: 'felica-stranger',
    en: 'Polling for a system that the card has not is answered by nobody',
    ja: '存在しないシステムコードのポーリングに応答しない',
    clause: 'FeliCa Card User’s Manual, 4.4.2',
    card: 'felica',
    run: (bench) =>
      onFound(bench, async ({ felica }) => {
        const found = await felica.poll(nobodysSystem);
        if (found.ok)
          return failing(
            `an answer to system ${codeText(nobodysSystem)}`,
            `システム ${codeText(nobodysSystem)} に応答しました`,
          );
        return isNoAnswer(found.fault.code) ? passed() : judged(found, () => passed());
      }),
  },
  {
    id: 'felica-request-response',
    en: 'Request Response tells mode 0',
    ja: 'Request Responseでモード0を返す',
    clause: 'FeliCa Card User’s Manual, 4.4.4',
    card: 'felica',
    run: (bench) =>
      onFull(bench, async (found) =>
        judged(await say(found, { type: 'requestResponse', idm: found.target.idm }), ({ mode }) =>
          mode === 0 ? passed() : failing(`mode ${mode}`, `モード ${mode}`),
        ),
      ),
  },
  {
    id: 'felica-systems',
    en: 'Each system in the list is found by polling, its number in the upper half of the IDm',
    ja: '一覧の各システムが検出でき、IDmの上位4ビットがシステム番号になる',
    clause: 'FeliCa Card User’s Manual, 3.2 and 4.4.8',
    card: 'felica',
    run: (bench) =>
      onFull(bench, async (found) => {
        const listed = await say(found, { type: 'requestSystemCode', idm: found.target.idm });
        if (!listed.ok) return judged(listed, () => passed());
        const systems = listed.value.systemCodes.slice(0, systemsMax);
        if (!systems.includes(found.systemCode))
          return failing(
            `${codeText(found.systemCode)} is not in the list`,
            `${codeText(found.systemCode)} が一覧にありません`,
          );
        for (const [index, system] of systems.entries()) {
          const polled = await found.felica.poll(system);
          if (!polled.ok) return judged(polled, () => passed());
          if ((polled.value.idm[0] ?? 0) >> 4 !== index)
            return failing(
              `system ${codeText(system)} is not number ${index}`,
              `システム ${codeText(system)} が ${index} 番ではありません`,
            );
        }
        return passed(systems.map(codeText).join(' '));
      }),
  },
  {
    id: 'felica-services',
    en: 'Services that the card lists have a key version, one that it has not has FFFF',
    ja: '一覧のサービスは鍵バージョンを持ち、存在しないサービスはFFFFを返す',
    clause: 'FeliCa Card User’s Manual, 4.4.3 and 4.4.7',
    card: 'felica',
    run: (bench) =>
      onFull(bench, async (found) => {
        const services = await servicesOf(found);
        if (!services.ok) return judged(services, () => passed());
        const known = services.value.slice(0, 16);
        const nodes = [...known, nobodysService];
        const asked = await say(found, { type: 'requestService', idm: found.target.idm, nodes });
        return judged(asked, ({ keyVersions }) => {
          if (keyVersions.length !== nodes.length)
            return failing(
              `${keyVersions.length} versions for ${nodes.length}`,
              `${nodes.length} 件に対して鍵バージョンが ${keyVersions.length} 件`,
            );
          const lacking = known.find((_service, index) => keyVersions[index] === 0xffff);
          if (lacking !== undefined)
            return failing(
              `${codeText(lacking)} is listed and has no key version`,
              `${codeText(lacking)} は一覧にあるのに鍵バージョンがありません`,
            );
          return keyVersions.at(-1) === 0xffff
            ? passed(known.map(codeText).join(' '))
            : failing(
                `${codeText(nobodysService)} has a key version`,
                `${codeText(nobodysService)} に鍵バージョンがあります`,
              );
        });
      }),
  },
  {
    id: 'felica-read',
    en: 'A block that needs no key is read: status 0000 and 16 bytes',
    ja: '鍵不要のブロックを読み出せる(ステータス0000、16バイト)',
    clause: 'FeliCa Card User’s Manual, 4.4.5',
    card: 'felica',
    run: (bench) =>
      onFull(bench, async (found) => {
        const services = await servicesOf(found);
        if (!services.ok) return judged(services, () => passed());
        const service = services.value.find(isOpenToRead);
        if (service === undefined) return skipped('noOpenService');
        return judged(await readBlock(found, service), ({ status1, status2, data }) =>
          status1 === 0 && data.length === 16
            ? passed(codeText(service))
            : failing(
                `status ${codeText((status1 << 8) | status2)}, ${data.length} bytes`,
                `ステータス ${codeText((status1 << 8) | status2)}、${data.length} バイト`,
              ),
        );
      }),
  },
  {
    id: 'felica-refusal',
    en: 'Reading a service that the card has not is refused with A6, and the next command works',
    ja: '存在しないサービスの読出しをA6で拒否し、次のコマンドが動作する',
    clause: 'FeliCa Card User’s Manual, 4.5 (status flag 2, A6)',
    card: 'felica',
    run: (bench) =>
      onFull(bench, async (found) => {
        const refused = await readBlock(found, nobodysService);
        if (!refused.ok) return judged(refused, () => passed());
        const { status1, status2, data } = refused.value;
        const flags = codeText((status1 << 8) | status2);
        if (status1 === 0 || status2 !== 0xa6 || data.length > 0)
          return failing(`status ${flags}`, `ステータス ${flags}`);
        return judged(await say(found, { type: 'requestResponse', idm: found.target.idm }), () => passed(flags));
      }),
  },
  {
    id: 'felica-many',
    en: 'Many commands in a row keep their answers',
    ja: '連続した多数のコマンドに応答する',
    clause: 'FeliCa Card User’s Manual, 4.4.2',
    card: 'felica',
    run: (bench) =>
      onFound(bench, async ({ felica, target, systemCode }) => {
        const poll = { type: 'polling', systemCode, request: 'systemCode', slots: 0 } as const;
        for (let count = 0; count < inARow; count++) {
          const answer = await say({ felica }, poll);
          if (!answer.ok) return judged(answer, () => passed());
          if (toHex(answer.value.idm) !== toHex(target.idm)) return anotherAnswer(count);
        }
        return passed();
      }),
  },
  {
    id: 'felica-mute',
    en: 'A card that stays mute is reported, and is found again',
    ja: '無応答カードを検出し、再検出で復帰する',
    clause: 'JIS X 6319-4; FeliCa Card User’s Manual, 3.5 (response times)',
    card: 'felica',
    needs: 'faults',
    run: (bench) =>
      onFull(bench, async (found) => {
        if (!(bench.hand.inject?.('mute') ?? false)) return skipped('noSuchFault');
        const { idm } = found.target;
        const answer = await say(found, { type: 'requestResponse', idm });
        if (answer.ok) return failing('an answer', '応答がありました');
        if (!isNoAnswer(answer.fault.code)) return judged(answer, () => passed());
        return judged(await found.felica.poll(found.systemCode), () => passed(answer.fault.code));
      }),
  },
  {
    id: 'felica-removal',
    en: 'A card that leaves is noticed, and one that comes is found',
    ja: 'カードの離脱を検出し、再び置くと検出する',
    clause: 'FeliCa Card User’s Manual, 4.4.2; PC/SC part 3, 3.1.3',
    card: 'felica',
    needs: 'hand',
    run: (bench) => onFound(bench, (found) => removal(bench, found)),
  },
];

/** How often a card is looked for while somebody moves it: questions are bounded, not the time, so that a replay asks as often. */
const asksMax = 120;

async function removal({ hand }: Bench, { felica, systemCode }: Found): Promise<Finding> {
  await hand.remove('now');
  const isGone = async (): Promise<Result<boolean>> => {
    const polled = await felica.poll(systemCode);
    return polled.ok || isNoAnswer(polled.fault.code) ? ok(!polled.ok) : polled;
  };
  for (const wanted of [true, false]) {
    let isSo: Result<boolean> = ok(false);
    for (let count = 0; count < asksMax && isSo.ok && !isSo.value; count++) {
      const gone = await isGone();
      isSo = gone.ok ? ok(gone.value === wanted) : gone;
      if (gone.ok && gone.value !== wanted) await hand.pause();
    }
    if (!isSo.ok) return judged(isSo, () => passed());
    if (!isSo.value)
      return wanted
        ? failing('the card was not taken away', 'カードが離されませんでした')
        : failing('no card came back', 'カードが戻りませんでした');
    if (wanted) await hand.insert();
  }
  return passed();
}
