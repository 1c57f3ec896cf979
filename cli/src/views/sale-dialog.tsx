import { Box, Text, useInput } from 'ink';
import { useEffect, useState } from 'react';
import { isDivided, paymentMethodText } from '@tsunagu/protocols/acquiring';
import type { PaymentMethodOffer, SaleMethod } from '@tsunagu/protocols/fleet';
import type { Language, Texts } from '../language/index.ts';
import { nextInstalments, nextMethod, offerFor, within } from './sale-methods.ts';

interface SaleDialogProps {
  readonly texts: Texts;
  readonly language: Language;
  /** Names of the emulated cards; undefined while they are still being fetched. */
  readonly cards: readonly string[] | undefined;
  /** How may be paid, by card scheme. */
  readonly offers: readonly PaymentMethodOffer[];
  readonly onCancel: () => void;
  readonly onStart: (
    card: string,
    amountMinor: number,
    how: { readonly wantsOwnCurrency: boolean; readonly method: SaleMethod | undefined },
  ) => void;
}

/** So many cards are shown at once; the others come as the choice moves on. */
const shownMax = 10;

/**
 * Chooses a card and an amount for a test sale: arrows choose, digits write the amount, p and n choose how it is paid, o takes the card's own currency.
 */
export function SaleDialog({ texts, language, cards = [], offers, onCancel, onStart }: SaleDialogProps) {
  const [chosen, setChosen] = useState(0);
  const [amount, setAmount] = useState('1280');
  const [isOwn, setOwn] = useState(false);
  const [wanted, setMethod] = useState<SaleMethod>({ code: '10' });
  const [isListening, setListening] = useState(false);
  const card = cards[Math.min(chosen, cards.length - 1)];
  const offer = offerFor(card ?? '', offers);
  const method = within(offer, wanted);
  const first = Math.max(0, Math.min(chosen - shownMax + 1 + (shownMax >> 1), cards.length - shownMax));

  useInput((input, key) => {
    const character = input.normalize('NFKC');
    if (key.escape || character === 'q') onCancel();
    else if (key.downArrow || character === 'j') setChosen((from) => Math.min(cards.length - 1, from + 1));
    else if (key.upArrow || character === 'k') setChosen((from) => Math.max(0, from - 1));
    else if (character === 'o') setOwn((is) => !is);
    // Keys may come faster than frames: each builds on the one before.
    else if (character === 'p') setMethod((from) => nextMethod(offer, within(offer, from)));
    else if (character === 'n') setMethod((from) => nextInstalments(offer, within(offer, from)));
    else if (key.backspace || key.delete) setAmount((text) => text.slice(0, -1));
    else if (/^\d$/.test(character)) setAmount((text) => (text + character).slice(0, 8));
    else if (key.return && card && Number(amount) > 0)
      onStart(card, Number(amount), {
        wantsOwnCurrency: isOwn,
        method: method.code === '10' ? undefined : method,
      });
  });

  // Keys are heard from the first effects on: who sees the dialog can use it.
  useEffect(() => setListening(true), []);
  if (!isListening) return null;
  return (
    <Box flexDirection="column" flexShrink={0} borderStyle="round" paddingX={1} marginTop={1}>
      <Text bold>{texts.tui.chooseCard}</Text>
      {cards.length === 0 && <Text dimColor>{texts.tui.noCards}</Text>}
      {cards.slice(first, first + shownMax).map((name) => (
        <Text key={name} inverse={name === card}>
          {name === card ? '> ' : '  '}
          {name}
        </Text>
      ))}
      {cards.length > shownMax && (
        <Text dimColor>
          {chosen + 1} / {cards.length}
        </Text>
      )}
      <Text>
        {texts.tui.amount}: <Text bold>{amount}_</Text> <Text dimColor>{texts.tui.start}</Text>
      </Text>
      <Text dimColor={method.code === '10'}>
        {texts.tui.method(paymentMethodText(method, language), isDivided(method.code))}
      </Text>
      <Text dimColor={!isOwn}>{texts.tui.own(isOwn)}</Text>
    </Box>
  );
}
