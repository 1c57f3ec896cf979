import type { PinModification, PinVerification } from '@tsunagu/protocols/ccid';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from '../codes.ts';
import type { PinEntry, PinFormat, PinPad } from '../port.ts';
import type { ApduExchange } from './levels.ts';

interface FormatBytes {
  /** bmFormatString, bmPINBlockString and bmPINLengthFormat. CCID 1.1, 6.1.11.1 to 6.1.11.3. */
  readonly format: number;
  readonly pinBlock: (blockBytes: number) => number;
  readonly lengthFormat: number;
}

const formats = {
  // Digits in BCD from the second byte on; their count in 4 bits, 4 bits into the block. ISO 9564-1, 9.3.
  'iso9564-2': { format: 0x89, pinBlock: () => 0x47, lengthFormat: 0x04 },
  ascii: { format: 0x82, pinBlock: (blockBytes) => blockBytes & 0x0f, lengthFormat: 0x00 },
} as const satisfies Record<PinFormat, FormatBytes>;

/** USB language ids. */
const languages = { ja: 0x0411, en: 0x0409 } as const;

/** Status words that stand for the pad instead of the card. PC/SC part 10, 2.5. */
const padWords: Readonly<Record<number, ReaderCode>> = {
  0x6400: 'PIN_PAD_TIMEOUT',
  0x6401: 'PIN_PAD_CANCELLED',
  0x6402: 'PIN_PAD_MISMATCH',
  0x6403: 'PIN_PAD_LENGTH',
};

type Outcome = Promise<Result<Uint8Array, ReaderCode>>;
/** Runs work on the powered card, in its turn; READER_REFUSED when it is not powered. */
type WithCard = (work: (exchange: ApduExchange) => Outcome) => Outcome;

/** The PIN pad of a CCID reader: Secure messages. The driver sees the command's template and the card's status word only. */
export class CcidPinPad implements PinPad {
  readonly #withCard: WithCard;
  readonly #can: readonly ('verify' | 'modify')[];

  constructor(can: readonly ('verify' | 'modify')[], withCard: WithCard) {
    this.#can = can;
    this.#withCard = withCard;
  }

  verifyPin(entry: PinEntry): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#enter('verify', { operation: 'verify', ...common(entry, 1), messageIndex: 0 });
  }

  modifyPin(entry: PinEntry): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#enter('modify', {
      operation: 'modify',
      ...common(entry, 2),
      messageCount: 3,
      offsetOld: 0,
      offsetNew: blockBytesOf(entry, 2),
      // Ask for the old one, and for the new one twice.
      confirm: 3,
      messageIndexes: [0, 1, 2],
    });
  }

  async #enter(
    kind: 'verify' | 'modify',
    operation: PinVerification | PinModification,
  ): Promise<Result<Uint8Array, ReaderCode>> {
    if (!this.#can.includes(kind)) return fail('READER_REFUSED', { facts: { error: 'CMD_NOT_SUPPORTED' } });
    const answer = await this.#withCard((exchange) => exchange.secure(operation));
    if (!answer.ok) return answer;
    const { length } = answer.value;
    const word = ((answer.value[length - 2] ?? 0) << 8) | (answer.value[length - 1] ?? 0);
    const code = padWords[word];
    return code === undefined ? ok(answer.value) : fail(code);
  }
}

const blockBytesOf = ({ apdu }: PinEntry, blocks: number): number => Math.floor((apdu[4] ?? 0) / blocks);

function common(entry: PinEntry, blocks: number) {
  const { format, pinBlock, lengthFormat } = formats[entry.format];
  return {
    timeoutSeconds: Math.min(Math.max(1, entry.timeoutSeconds), 255),
    format,
    pinBlock: pinBlock(blockBytesOf(entry, blocks)),
    lengthFormat,
    digitsMin: entry.digitsMin,
    digitsMax: entry.digitsMax,
    // The person ends the entry with a key.
    validation: 0x02,
    messageCount: 1,
    languageId: languages[entry.language],
    prologue: [0, 0, 0],
    apdu: entry.apdu,
  } as const;
}
