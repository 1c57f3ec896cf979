import { Box, Text, useInput } from 'ink';
import { useEffect, useState } from 'react';
import type { Texts } from '../language/index.ts';

interface SaleDialogProps {
  readonly texts: Texts;
  /** Names of the emulated cards; undefined while they are still being fetched. */
  readonly cards: readonly string[] | undefined;
  readonly onCancel: () => void;
  readonly onStart: (card: string, amountMinor: number, wantsOwnCurrency: boolean) => void;
}

/** So many cards are shown at once; the others come as the choice moves on. */
const shownMax = 10;

/** Chooses a card and an amount for a test sale: arrows choose, digits write the amount, o takes the card's own currency. */
export function SaleDialog({ texts, cards = [], onCancel, onStart }: SaleDialogProps) {
  const [chosen, setChosen] = useState(0);
  const [amount, setAmount] = useState('1280');
  const [isOwn, setOwn] = useState(false);
  const [isListening, setListening] = useState(false);
  const card = cards[Math.min(chosen, cards.length - 1)];
  const first = Math.max(0, Math.min(chosen - shownMax + 1 + (shownMax >> 1), cards.length - shownMax));

  useInput((input, key) => {
    const character = input.normalize('NFKC');
    if (key.escape || character === 'q') onCancel();
    else if (key.downArrow || character === 'j') setChosen((from) => Math.min(cards.length - 1, from + 1));
    else if (key.upArrow || character === 'k') setChosen((from) => Math.max(0, from - 1));
    else if (character === 'o') setOwn((is) => !is);
    else if (key.backspace || key.delete) setAmount((text) => text.slice(0, -1));
    else if (/^\d$/.test(character)) setAmount((text) => (text + character).slice(0, 8));
    else if (key.return && card && Number(amount) > 0) onStart(card, Number(amount), isOwn);
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
      <Text dimColor={!isOwn}>{texts.tui.own(isOwn)}</Text>
    </Box>
  );
}
