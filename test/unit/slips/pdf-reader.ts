import { inflateSync } from 'node:zlib';

/** One stream of a PDF with its dictionary. */
export interface PdfStream {
  readonly dictionary: string;
  readonly content: Buffer;
}

/** The streams of a PDF as pdfkit writes it: deflated, lengths in the dictionaries. */
export function streamsOf(pdf: Uint8Array): readonly PdfStream[] {
  const bytes = Buffer.from(pdf);
  const text = bytes.toString('latin1');
  return [...text.matchAll(/<<((?:(?!endobj)[\s\S])*?)>>\s*stream\r?\n/g)].map((match) => {
    const dictionary = match[1] ?? '';
    const length = Number(/\/Length (\d+)/.exec(dictionary)?.[1]);
    const start = match.index + match[0].length;
    const raw = bytes.subarray(start, start + length);
    return { dictionary, content: dictionary.includes('FlateDecode') ? inflateSync(raw) : raw };
  });
}

/** What a person can read: glyph codes of the page, looked up in the font's ToUnicode map (ISO 32000-1, 9.10.3). */
export function textOf(pdf: Uint8Array): string {
  const streams = streamsOf(pdf).map(({ content }) => content.toString('latin1'));
  const map = new Map<number, string>();
  const unicode = (hexadecimal: string): string =>
    Buffer.from(hexadecimal.replaceAll(/\s/g, ''), 'hex').swap16().toString('utf16le');
  for (const stream of streams) {
    if (!stream.includes('beginbfrange')) continue;
    for (const [, first, list] of stream.matchAll(/<([0-9a-f]{4})>\s*<[0-9a-f]{4}>\s*\[([^\]]*)\]/gi))
      for (const [index, [, target]] of [...(list ?? '').matchAll(/<([0-9a-f ]+)>/gi)].entries())
        map.set(Number.parseInt(first ?? '', 16) + index, unicode(target ?? ''));
  }
  const page = streams.find((stream) => stream.includes(' TJ') || stream.includes(' Tj')) ?? '';
  return [...page.matchAll(/\[([^\]]*)\] TJ/g)]
    .map(([, shown]) =>
      [...(shown ?? '').matchAll(/<([0-9a-f]+)>/gi)]
        .map(([, codes]) => (codes ?? '').replaceAll(/.{4}/g, (code) => map.get(Number.parseInt(code, 16)) ?? '�'))
        .join(''),
    )
    .join('\n');
}
