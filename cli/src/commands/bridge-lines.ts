import type { BridgeEvent, CardSeen, ReaderSeen, StepResult } from '@tsunagu/protocols/workshop';
import { type Console, explain } from '../console/index.ts';

/** What a code of the error table says, behind the code. */
const because = (console: Console, code: string): string => `${code}: ${explain(code, console.language).says}`;

const idText = ({ vendorId, productId }: Pick<ReaderSeen, 'vendorId' | 'productId'>): string =>
  [vendorId, productId].map((part) => part.toString(16).padStart(4, '0')).join(':');

/** A reader in one line. */
export function readerText(console: Console, reader: ReaderSeen): string {
  const { texts } = console;
  const kind = reader.kind === undefined ? '' : `  ${texts.workshop.kind[reader.kind]}`;
  const why = reader.code === undefined ? '' : `  ${because(console, reader.code)}`;
  return `${reader.id}  ${idText(reader)}  ${reader.name ?? ''}${kind}${why}`;
}

/** A card in lines: its ATR explained, its applications. */
export function cardTexts(console: Console, card: CardSeen): readonly string[] {
  const { language, texts } = console;
  const applications = card.applications.map(({ aid, label, name }) =>
    [aid, label, name?.[language]].filter((part) => part !== undefined && part !== '').join('  '),
  );
  return [
    `ATR ${card.atr}`,
    ...card.explained.map((line) => `  ${line[language]}`),
    ...(applications.length === 0 ? [texts.workshop.noApplications] : applications),
  ];
}

/** What a step met, in the reader's language. */
export const detailOf = ({ detail }: Pick<StepResult, 'detail'>, language: Console['language']): string | undefined =>
  typeof detail === 'object' ? detail[language] : detail;

/** An event as a person reads it; nothing for those that say nothing by themselves. */
export function linesOf(console: Console, event: BridgeEvent): readonly string[] {
  const { language } = console;
  const texts = console.texts.workshop;
  switch (event.event) {
    case 'ready':
    case 'failed':
    case 'scriptStarted':
    case 'attestationOpened':
      return [];
    case 'exported': {
      const { host, port, busId } = event;
      // 3240 is what usbip takes by itself.
      const command = `usbip ${port === 3240 ? '' : `--tcp-port ${port} `}attach -r ${host} -b ${busId}`;
      return [
        texts.exported(`${event.reader} (${idText(event)})`, `${host}:${port}`, busId),
        texts.attachWith(command),
        texts.readerHand,
      ];
    }
    case 'imported':
    case 'released':
      return [texts[event.event](event.busId, event.peer)];
    case 'clientRefused':
      return [`${texts.clientRefused(event.peer)}: ${because(console, event.code)}`];
    case 'cardInserted':
    case 'cardRemoved':
      return [texts[event.event](event.card)];
    case 'cablePulled':
    case 'cablePlugged':
      return [texts[event.event](event.busId)];
    case 'faultSet':
      return [texts.faultSet(event.fault)];
    case 'commandUnknown':
      return [texts.commandUnknown(event.says)];
    case 'cardConnected':
    case 'cardDisconnected':
      return [texts[event.event](event.peer)];
    case 'cardPower':
      return [texts.cardPower[event.power]];
    case 'cardCommand':
      return [`${event.instruction}  ${event.sw}`];
    case 'readerFound':
      return [`+ ${readerText(console, event.reader)}`];
    case 'readerGone':
      return [`- ${readerText(console, event.reader)}  ${texts.unplugged}`];
    case 'slotEmpty':
      return [`  ${event.reader}  ${texts.slotEmpty}`];
    case 'cardFound':
      return cardTexts(console, event.card).map(
        (line, index) => `  ${index === 0 ? `${event.reader}  ` : '  '}${line}`,
      );
    case 'cardUnread':
      return [`  ${event.reader}  ${because(console, event.code)}`];
    case 'listed':
      return [event.readers === 0 ? texts.noReaders : texts.readers(event.readers)];
    case 'askedOfPerson':
      return [console.paint('bold', texts.ask[event.ask])];
    case 'step': {
      const { verdict, title, clause, code } = event.result;
      const tone = verdict === 'passed' ? 'ok' : verdict === 'failed' ? 'error' : 'muted';
      const met = detailOf(event.result, language);
      const why = [code === undefined ? undefined : because(console, code), met].filter(Boolean).join('  ');
      return [
        `${console.paint(tone, texts.verdict[verdict])}  ${title[language]}`,
        console.paint('muted', `    ${clause}${why === '' ? '' : `  ·  ${why}`}`),
      ];
    }
    case 'scriptEnded':
      return [texts.counts(event.passed, event.failed, event.skipped)];
    case 'recorded':
      return [texts.recorded(event.file, event.steps, event.sealed), `sha256 ${event.hash}`];
    case 'replayed':
      return [texts.replayed(event.steps), `sha256 ${event.hash}`];
    case 'attested':
      return [
        texts.attested(event.file, event.runs, event.kid),
        ...(event.readers < event.readersNeeded
          ? [texts.tooThin(event.readers, event.readersNeeded, event.cardsNeeded)]
          : []),
      ];
  }
}
