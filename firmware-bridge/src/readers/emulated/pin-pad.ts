import { decodePinOperation, type PinOperation, writePins } from '@tsunagu/protocols/ccid';
import { encodeT1Block } from '@tsunagu/protocols/iso7816';
import { Secret } from '@tsunagu/protocols/kit';

/** How an entry on the pad ended. */
export type PinEntryEnd =
  | { readonly type: 'unit'; readonly data: Secret<'pin'> }
  | { readonly type: 'error'; readonly error: number }
  | { readonly type: 'words'; readonly data: Uint8Array };

/** CCID 1.1, table 6.2-2. */
const errors = { cancelled: 0xef, timeout: 0xf0, format: 0x0f } as const;

interface Entry {
  readonly operation: PinOperation;
  readonly isBlock: boolean;
  readonly onEnd: (end: PinEntryEnd) => void;
}

/** The keys of an emulated reader, as a person reaches them: type when the reader asks. */
export class EmulatedPinPad {
  #entry: Entry | undefined;
  /** The reader announces keys and has none, as QEMU's usb-ccid does: it does not know the command. */
  isMissing = false;

  /** Whether the reader is asking for a PIN. */
  get isAsking(): boolean {
    return this.#entry !== undefined;
  }

  /** What the person types: one PIN, or old, new and new again. They are wiped. */
  type(...pins: readonly Secret<'pin'>[]): void {
    const entry = this.#entry;
    if (entry === undefined) throw new Error('the reader asks for no PIN');
    this.#entry = undefined;
    entry.onEnd(endOf(entry, pins));
    for (const pin of pins) pin.wipe();
  }

  /** The red key. */
  cancel(): void {
    this.#end(errors.cancelled);
  }

  /** Nobody types until the reader's time limit. */
  expire(): void {
    this.#end(errors.timeout);
  }

  /** Begins an entry; false when the data of the Secure message are none. */
  ask(data: Uint8Array, isBlock: boolean, onEnd: (end: PinEntryEnd) => void): boolean {
    const operation = decodePinOperation(data);
    if (!operation.ok) return false;
    this.#entry = { operation: { ...operation.value, apdu: Uint8Array.from(operation.value.apdu) }, isBlock, onEnd };
    return true;
  }

  /** The host aborts, or the power goes. */
  forget(): void {
    this.#entry = undefined;
  }

  #end(error: number): void {
    const entry = this.#entry;
    this.#entry = undefined;
    entry?.onEnd({ type: 'error', error });
  }
}

function endOf({ operation, isBlock }: Entry, pins: readonly Secret<'pin'>[]): PinEntryEnd {
  const { digitsMin, digitsMax } = operation;
  if (pins.some(({ length }) => length < digitsMin || length > digitsMax))
    return { type: 'words', data: Uint8Array.of(0x64, 0x03) };
  const [old, fresh, again] = pins;
  if (operation.operation === 'modify') {
    const isSame = fresh?.use((a) => again?.use((b) => Buffer.compare(a, b) === 0)) === true;
    if (!isSame) return { type: 'words', data: Uint8Array.of(0x64, 0x02) };
  }
  const typed = (operation.operation === 'verify' ? [old] : [old, fresh]).filter((pin) => pin !== undefined);
  const digits = typed.map((pin) => pin.use((bytes) => Uint8Array.from(bytes)));
  const apdu = writePins(operation, digits);
  for (const copy of digits) copy.fill(0);
  if (!apdu.ok) return { type: 'error', error: errors.format };
  if (!isBlock) return { type: 'unit', data: Secret.take('pin', apdu.value) };
  // T=1: the host gave the prologue of the block, the reader puts LEN and LRC to it.
  const seq = ((operation.prologue[1] >> 6) & 1) === 0 ? 0 : 1;
  const block = encodeT1Block({ type: 'I', seq, more: false, data: apdu.value }, 'lrc', operation.prologue[0]);
  apdu.value.fill(0);
  return { type: 'unit', data: Secret.take('pin', block) };
}
