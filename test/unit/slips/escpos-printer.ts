/** What a printer put on paper. */
export interface Printed {
  readonly lines: readonly {
    readonly text: string;
    readonly isStrong: boolean;
    readonly isLarge: boolean;
    readonly isCentred: boolean;
  }[];
  readonly barcodes: readonly string[];
  readonly qrCodes: readonly string[];
  readonly rasters: readonly { readonly width: number; readonly height: number; readonly bits: Uint8Array }[];
  readonly cuts: number;
}

/**
 * An ESC/POS printer with a kanji ROM, as far as slips need one, written from the command reference and not from our encoder: a command
 * that it does not know, or a byte that is not text where text is expected, is an error. In kanji mode characters have two bytes.
 */
export function print(bytes: Uint8Array): Printed {
  const decoder = new TextDecoder('shift_jis', { fatal: true });
  const lines: { text: string; isStrong: boolean; isLarge: boolean; isCentred: boolean }[] = [];
  const barcodes: string[] = [];
  const qrCodes: string[] = [];
  const rasters: { width: number; height: number; bits: Uint8Array }[] = [];
  let [at, cuts] = [0, 0];
  let [text, isKanji, isStrong, isLarge, isCentred, isYen, isShiftJis] = ['', false, false, false, false, false, false];
  let symbol = '';
  const take = (): number => {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('the data end in a command');
    return byte;
  };
  const takeMany = (count: number): Uint8Array => Uint8Array.from({ length: count }, take);
  const unknown = (where: string, byte: number): Error => new Error(`${where} ${byte.toString(16)} at ${at - 1}`);
  while (at < bytes.length) {
    const byte = take();
    if (byte === 0x0a) {
      lines.push({ text, isStrong, isLarge, isCentred });
      text = '';
    } else if (byte === 0x1b) {
      const command = take();
      if (command === 0x40)
        [isKanji, isStrong, isLarge, isCentred, isYen, isShiftJis] = [false, false, false, false, false, false];
      else if (command === 0x52) isYen = take() === 8;
      else if (command === 0x45) isStrong = (take() & 1) === 1;
      else if (command === 0x61) isCentred = take() === 1;
      else if (command === 0x64) take();
      else throw unknown('ESC', command);
    } else if (byte === 0x1c) {
      const command = take();
      if (command === 0x26) isKanji = true;
      else if (command === 0x2e) isKanji = false;
      else if (command === 0x43) isShiftJis = take() === 1;
      else throw unknown('FS', command);
    } else if (byte === 0x1d) {
      const command = take();
      if (command === 0x21) isLarge = take() === 0x11;
      else if (command === 0x68 || command === 0x77 || command === 0x48) take();
      else if (command === 0x6b) {
        if (take() !== 73) throw unknown('barcode system', 0);
        const data = Buffer.from(takeMany(take())).toString('latin1');
        if (!data.startsWith('{B')) throw new Error('no code set');
        barcodes.push(data.slice(2));
      } else if (command === 0x56) {
        if (take() !== 0x42) throw unknown('GS V', 0);
        take();
        cuts += 1;
      } else if (command === 0x76) {
        takeMany(2);
        const rowBytes = take() | (take() << 8);
        const height = take() | (take() << 8);
        rasters.push({ width: rowBytes * 8, height, bits: takeMany(rowBytes * height) });
      } else if (command === 0x28) {
        if (take() !== 0x6b) throw unknown('GS (', 0);
        const body = takeMany(take() | (take() << 8));
        if (body[0] !== 0x31) throw unknown('symbol', body[0] ?? 0);
        if (body[1] === 0x50) symbol = Buffer.from(body.subarray(3)).toString('latin1');
        if (body[1] === 0x51) qrCodes.push(symbol);
      } else throw unknown('GS', command);
    } else if (isKanji) {
      if (!isShiftJis) throw new Error('kanji without Shift_JIS');
      text += decoder.decode(Uint8Array.of(byte, take()));
    } else if ((byte >= 0x20 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xdf)) {
      text += byte === 0x5c && isYen ? '¥' : decoder.decode(Uint8Array.of(byte));
    } else throw unknown('not a character:', byte);
  }
  if (text !== '') throw new Error('a line that was never printed');
  return { lines, barcodes, qrCodes, rasters, cuts };
}
