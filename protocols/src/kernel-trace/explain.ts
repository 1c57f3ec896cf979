import { stepDetail } from './step-detail.ts';
import { instructionName, statusMeaning } from '../apdu/index.ts';
import {
  type BitTableName,
  bitTables,
  cvmConditionOf,
  cvmMethodOf,
  meaningsOf,
  schemeOfAid,
  schemes,
  tagEntry,
} from '../emv/index.ts';
import { felicaCommands, felicaStatuses, transitCommands } from '../felica/index.ts';
import { counted, hex } from '../kit/index.ts';
import type { KernelNote, KernelTrace, KernelTraceCause, KernelTraceLine } from './trace.ts';

/** A text in both languages. */
interface Both {
  readonly en: string;
  readonly ja: string;
}

/** One line of an explained trace. */
export interface ExplainedLine {
  readonly atMs: number;
  readonly kind: 'command' | 'step' | 'finding' | 'decision';
  readonly text: Both;
  /** Bit by bit, or cause by cause. */
  readonly details: readonly Both[];
  /** Whether something is not as it should be. */
  readonly isBad: boolean;
  /** EMV book and clause (4.3) that it follows; absent where there is none. */
  readonly clause?: string;
}

/** Where the books speak of a command. B1 to B4: EMV 4.3 Books 1 to 4; C-2: EMV contactless Book C-2. */
const clauses: Readonly<Record<string, string>> = {
  SELECT: 'B1 12.3',
  'READ RECORD': 'B3 10.2',
  'GET PROCESSING OPTIONS': 'B3 10.1',
  'GET DATA': 'B3 6.5.7',
  'INTERNAL AUTHENTICATE': 'B2 6.5',
  'GET CHALLENGE': 'B2 7.2',
  VERIFY: 'B3 10.5.1',
  'GENERATE AC': 'B3 10.8',
  'EXTERNAL AUTHENTICATE': 'B3 10.9',
  'EXCHANGE RELAY RESISTANCE DATA': 'C-2 3.10',
  'GET RESPONSE': 'B1 9.3.1',
};

const both = (en: string, ja: string = en): Both => ({ en, ja });

/** The bit table of an object that a note holds. */
function tableOf(tag: string): BitTableName | undefined {
  return tagEntry(Number.parseInt(tag, 16))?.bits;
}

/** What a trace says, line by line, for people. It knows nothing that the trace does not hold. */
export const explainTrace = ({ lines }: Pick<KernelTrace, 'lines'>): readonly ExplainedLine[] => lines.map(explainLine);

function explainLine(line: KernelTraceLine): ExplainedLine {
  const { atMs } = line;
  if ('note' in line) return { atMs, ...explainNote(line.note) };
  if ('step' in line) {
    const name = steps[line.step] ?? both(line.step);
    const told = (language: 'en' | 'ja'): string =>
      line.detail === '' ? name[language] : `${name[language]}: ${stepDetail(line.detail, language)}`;
    return { atMs, kind: 'step', text: both(told('en'), told('ja')), details: [], isBad: false };
  }
  if ('felica' in line) return { atMs, ...explainFelica(line) };
  return { atMs, ...explainCommand(line) };
}

/** Steps that a person was shown, as far as the kernel's part goes. */
const steps: Readonly<Record<string, Both>> = {
  'application-selected': both('application selected', 'アプリケーション選択'),
  'card-read': both('card read', 'カード読取'),
  'negative-checked': both('negative file checked', 'ネガ照合'),
  'cryptogram-made': both('cryptogram made by the card', 'カードが暗号文を生成'),
  'card-completed': both('card completed', 'カード処理完了'),
  'card-elsewhere': both('card at another interface', '別の読取方法へ'),
  // What a transit card and its centre say to each other, by the message that carries it.
  transitOpen: both('the centre opens a session', 'センターがセッションを開始'),
  transitSettle: both('the centre settles what was open', 'センターが未確定処理を確定'),
  sale: both('the centre orders a debit', 'センターが引去りを指示'),
  charge: both('the centre orders a charge', 'センターがチャージを指示'),
  transitConfirm: both('the centre hears what the card did', 'カードの結果をセンターへ通知'),
  'card-again': both('hold the card here once more', 'もう一度カードを置いてください'),
};

/** How the kernel's part ended: a decision, or what the entry point does next (EMV Book A, 6.2). */
const outcomes: Readonly<Record<string, Both>> = {
  approved: both('approved', '承認'),
  approvedOffline: both('approved offline', 'オフライン承認'),
  declined: both('declined by the issuer', '発行会社が拒否'),
  refused: both('refused', '端末またはカードが拒否'),
  withdrawn: both('withdrawn by the card after the issuer approved', '発行会社の承認後にカードが拒否'),
  unable: both('the issuer could not be asked', 'オンライン不可'),
  selectNext: both('next application', '次のアプリケーションへ'),
  tryAgain: both('present the card again', 'カードを再提示'),
  tryAnotherInterface: both('another interface', '別の読取方法へ'),
  endApplication: both('application ended', 'アプリケーション終了'),
};

type Explained = Omit<ExplainedLine, 'atMs'>;
type CommandLine = Extract<KernelTraceLine, { readonly cla: number }>;

function explainCommand({ cla, ins, p1, p2, sentBytes, receivedBytes, sw, tookMs }: CommandLine): Explained {
  const known = instructionName(cla, ins);
  const name = known?.name ?? `INS ${hexByte(ins)}`;
  const meaning = statusMeaning(Number.parseInt(sw, 16));
  const target = targetOf(name, p1, p2);
  const head = `${name}${target === undefined ? '' : ` ${target.en}`}`;
  const headJa = `${name}${known === undefined ? '' : `（${known.ja}）`}${target === undefined ? '' : ` ${target.ja}`}`;
  const clause = clauses[name];
  return {
    kind: 'command',
    text: both(
      `${head}  ${sw} ${meaning.en}  (${sentBytes} → ${counted(receivedBytes, 'byte')}, ${tookMs.toFixed(1)} ms)`,
      `${headJa}  ${sw} ${meaning.ja}  (${sentBytes} → ${receivedBytes} バイト, ${tookMs.toFixed(1)} ms)`,
    ),
    details: [],
    isBad: meaning.kind === 'error' || meaning.kind === 'warning',
    ...(clause !== undefined && { clause }),
  };
}

/** Commands of a FeliCa card by code; clauses of the FeliCa Card User's Manual. Our own session has none. */
const felicaNames: Readonly<Record<number, { readonly name: Both; readonly clause?: string }>> = {
  [felicaCommands.polling]: { name: both('Polling', 'ポーリング'), clause: 'FeliCa 4.4.2' },
  [felicaCommands.readWithoutEncryption]: {
    name: both('Read Without Encryption', '暗号化なし読出し'),
    clause: 'FeliCa 4.4.5',
  },
  [transitCommands.open]: { name: both('open a session with the centre', 'センターとの相互認証') },
  [transitCommands.transfer]: { name: both('transfer ordered by the centre', 'センターからの増減額指示') },
};

type FelicaLine = Extract<KernelTraceLine, { readonly felica: number }>;

function explainFelica({ felica, sentBytes, receivedBytes, status, tookMs }: FelicaLine): Explained {
  const { name, clause } = felicaNames[felica] ?? { name: both(`FeliCa ${hexByte(felica)}`) };
  const isMute = receivedBytes === 0;
  const flags = status ?? '';
  const meaning = isMute
    ? both('no answer', '応答なし')
    : (felicaStatuses[Number.parseInt(flags.slice(2), 16)] ?? both(''));
  const part = (text: string): string => [flags, text].filter((word) => word !== '').join(' ');
  return {
    kind: 'command',
    text: both(
      `${name.en}  ${part(meaning.en)}  (${sentBytes} → ${counted(receivedBytes, 'byte')}, ${tookMs.toFixed(1)} ms)`,
      `${name.ja}  ${part(meaning.ja)}  (${sentBytes} → ${receivedBytes} バイト, ${tookMs.toFixed(1)} ms)`,
    ),
    details: [],
    isBad: isMute || !/^(00..)?$/.test(flags),
    ...(clause !== undefined && { clause }),
  };
}

const hexByte = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');
const kinds = ['AAC', 'TC', 'ARQC', 'RFU'] as const;

/** What P1 and P2 point at. */
function targetOf(name: string, p1: number, p2: number): Both | undefined {
  switch (name) {
    case 'READ RECORD':
      return both(`file ${p2 >> 3}, record ${p1}`, `ファイル${p2 >> 3} レコード${p1}`);
    case 'GENERATE AC': {
      const isSigned = (p1 & 0x10) !== 0;
      return both(
        `${kinds[p1 >> 6]}${isSigned ? ' with CDA' : ''}`,
        `${kinds[p1 >> 6]}${isSigned ? '（CDA付き）' : ''}`,
      );
    }
    case 'GET DATA': {
      const tag = (p1 << 8) | p2;
      const entry = tagEntry(tag);
      return both(
        `${hexByte(p1)}${hexByte(p2)} ${entry?.en ?? ''}`.trim(),
        `${hexByte(p1)}${hexByte(p2)} ${entry?.ja ?? ''}`.trim(),
      );
    }
    case 'VERIFY':
      return p2 === 0x88 ? both('enciphered PIN', '暗号化PIN') : both('plaintext PIN', '平文PIN');
    case 'SELECT':
      return p2 === 0x02 ? both('next occurrence', '次候補') : undefined;
    default:
      return undefined;
  }
}

/** Rules that decide without a bit. */
const rules: Readonly<Record<string, Both>> = {
  'online-only': both('the terminal always asks the issuer', '端末は常にオンライン'),
  'no-code-met': both('no bit of the TVR met an action code', 'TVRのどのビットもアクションコードに該当しない'),
  refund: both('a refund takes no decision of the card', '返品はカードの判断を求めない'),
  'online-pin': both('nobody has judged the PIN that was entered for the issuer', 'オンラインPINが照合されていない'),
};

/** The meaning of one bit of the TVR. */
function tvrBit(byteNumber: number, bit: number): Both {
  const mask = 1 << (bit - 1);
  const found = bitTables.tvr.find(({ byte, mask: own }) => byte === byteNumber && (own & mask) !== 0);
  return found ?? both('reserved', '予備');
}

function explainCause(cause: KernelTraceCause): Both {
  if ('rule' in cause) return rules[cause.rule] ?? both(cause.rule);
  const { byte, bit, code, list } = cause;
  const meaning = tvrBit(byte, bit);
  return both(
    `TVR byte ${byte} bit ${bit} (${meaning.en}) is in ${code} ${list}`,
    `TVR バイト${byte} ビット${bit}（${meaning.ja}）が${code} ${listNames[list]}に該当`,
  );
}

const listNames = { denial: '拒否', online: 'オンライン', default: '既定' } as const;
const asked = {
  TC: both('approve offline (TC)', 'オフライン承認（TC）'),
  ARQC: both('ask the issuer (ARQC)', 'オンライン要求（ARQC）'),
  AAC: both('decline (AAC)', '拒否（AAC）'),
} as const;
const cvmEnds = {
  skipped: both('condition not met', '条件に非該当'),
  failed: both('failed', '失敗'),
  passed: both('successful', '成功'),
  unknown: both('to be judged by somebody else', '判定は他者'),
} as const;
const scriptEnds = {
  notPerformed: both('not performed', '未実施'),
  failed: both('failed', '失敗'),
  succeeded: both('successful', '成功'),
} as const;
const risks = {
  floorLimit: both('floor limit reached', 'フロアリミット到達'),
  random: both('chosen by lot', '無作為選択'),
  velocity: both('offline since the last online transaction', '前回オンライン以降のオフライン回数'),
  exceptionFile: both('on the negative file', 'ネガファイル該当'),
} as const;

function explainNote(note: KernelNote): Explained {
  switch (note.type) {
    case 'application': {
      const scheme = schemeOfAid(hex(note.aid));
      const kernel = note.kernel === undefined ? both('') : both(`, kernel ${note.kernel}`, `、カーネル${note.kernel}`);
      const of = scheme === undefined ? both('') : both(` (${schemes[scheme].en})`, `（${schemes[scheme].ja}）`);
      return {
        kind: 'finding',
        text: both(
          `application ${note.aid} "${note.label}"${of.en}${kernel.en}`,
          `アプリケーション ${note.aid}「${note.label}」${of.ja}${kernel.ja}`,
        ),
        details: [],
        isBad: false,
        clause: note.kernel === undefined ? 'B1 12.4' : 'B 3.3',
      };
    }
    case 'authentication': {
      const { method, isPassed, step } = note;
      const end =
        method === 'none'
          ? both('not performed', '未実施')
          : isPassed
            ? both('passed', '成功')
            : both('failed', '失敗');
      return {
        kind: 'finding',
        text: both(
          `offline data authentication${method === 'none' ? '' : ` ${method}`}: ${end.en}`,
          `オフラインデータ認証${method === 'none' ? '' : ` ${method}`}: ${end.ja}`,
        ),
        details: step === undefined ? [] : [both(`at: ${step}`, `箇所: ${step}`)],
        isBad: !isPassed && method !== 'none',
        clause: method === 'fDDA' ? 'C-3 annex C' : 'B3 10.3',
      };
    }
    case 'cvm': {
      const code = Number.parseInt(note.rule, 16);
      const [method, condition, end] = [cvmMethodOf(code >> 8), cvmConditionOf(code & 0xff), cvmEnds[note.result]];
      return {
        kind: 'finding',
        text: both(
          `CVM rule ${note.rule} ${method.en} (${condition.en}): ${end.en}`,
          `CVM規則 ${note.rule} ${method.ja}（${condition.ja}）: ${end.ja}`,
        ),
        details: [],
        isBad: note.result === 'failed',
        clause: 'B3 10.5',
      };
    }
    case 'value': {
      const entry = tagEntry(Number.parseInt(note.tag, 16));
      const table = tableOf(note.tag);
      const [method = 0, condition = 0] = hex(note.value);
      const rule = note.tag === '9F34' ? [cvmMethodOf(method), cvmConditionOf(condition)] : [];
      return {
        kind: 'finding',
        text: both(`${note.tag} ${entry?.en ?? ''} ${note.value}`, `${note.tag} ${entry?.ja ?? ''} ${note.value}`),
        details: [...rule, ...(table === undefined ? [] : meaningsOf(table, hex(note.value)))].map(({ en, ja }) =>
          both(en, ja),
        ),
        isBad: false,
      };
    }
    case 'action':
      return {
        kind: 'decision',
        text: both(`the terminal decides: ${asked[note.asks].en}`, `端末の判断: ${asked[note.asks].ja}`),
        details: note.because.map(explainCause),
        isBad: note.asks === 'AAC',
        clause: 'B3 10.7',
      };
    case 'script': {
      const end = scriptEnds[note.outcome];
      const at = note.at === 0 ? both('') : both(` at command ${note.at}`, `（コマンド${note.at}）`);
      return {
        kind: 'finding',
        text: both(
          `issuer script ${note.template}: ${end.en}${at.en}`,
          `発行者スクリプト${note.template}: ${end.ja}${at.ja}`,
        ),
        details: [],
        isBad: note.outcome !== 'succeeded',
        clause: 'B3 10.10',
      };
    }
    case 'risk': {
      const what = risks[note.what];
      return {
        kind: 'finding',
        text: both(`risk: ${what.en} (${note.detail})`, `リスク: ${what.ja}（${note.detail}）`),
        details: [],
        isBad: note.what === 'exceptionFile',
        clause: 'B3 10.6',
      };
    }
    case 'outcome': {
      const [name = '', ...why] = note.outcome.split(' ');
      const end = outcomes[name] ?? both(name);
      return {
        kind: 'decision',
        text: both(`outcome: ${[end.en, ...why].join(' ')}`, `結果: ${[end.ja, ...why].join(' ')}`),
        details: [],
        isBad: false,
        clause: 'A 6.2',
      };
    }
  }
}
