import { Box, Text, useInput } from 'ink';
import { useEffect, useState } from 'react';
import { isDivided, paymentMethodText } from '@tsunagu/protocols/acquiring';
import type { PaymentMethodOffer, SaleMethod } from '@tsunagu/protocols/fleet';
import type { Language, Texts } from '../language/index.ts';
import { useLatest } from './latest.ts';
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

/** What is chosen so far. */
interface Draft {
  readonly chosen: number;
  readonly amount: string;
  readonly isOwn: boolean;
  readonly wanted: SaleMethod;
}

/** So many cards are shown at once; the others come as the choice moves on. */
const shownMax = 10;

/**
 * Chooses a card and an amount for a test sale: arrows choose, digits write the amount, p and n choose how it is paid, a accepts an offer in the card's own currency and d declines it.
 */
export function SaleDialog({ texts, language, cards = [], offers, onCancel, onStart }: SaleDialogProps) {
  // Keys may come faster than frames: each builds on the one before, and Enter starts what was typed last.
  const [latest, setDraft] = useLatest<Draft>({ chosen: 0, amount: '1280', isOwn: false, wanted: { code: '10' } });
  const [isListening, setListening] = useState(false);
  const chosenIn = (draft: Draft) => {
    const card = cards[Math.min(draft.chosen, cards.length - 1)];
    const offer = offerFor(card ?? '', offers);
    return { card, offer, method: within(offer, draft.wanted) };
  };
  const { chosen, amount, isOwn } = latest();
  const { card, method } = chosenIn(latest());
  const first = Math.max(0, Math.min(chosen - shownMax + 1 + (shownMax >> 1), cards.length - shownMax));

  useInput((input, key) => {
    const character = input.normalize('NFKC');
    const draft = latest();
    const now = chosenIn(draft);
    const change = (to: Partial<Draft>): void => setDraft({ ...draft, ...to });
    if (key.escape || character === 'q') onCancel();
    else if (key.downArrow || character === 'j') change({ chosen: Math.min(cards.length - 1, draft.chosen + 1) });
    else if (key.upArrow || character === 'k') change({ chosen: Math.max(0, draft.chosen - 1) });
    else if (character === 'a') change({ isOwn: true });
    else if (character === 'd') change({ isOwn: false });
    else if (character === 'p') change({ wanted: nextMethod(now.offer, now.method) });
    else if (character === 'n') change({ wanted: nextInstalments(now.offer, now.method) });
    else if (key.backspace || key.delete) change({ amount: draft.amount.slice(0, -1) });
    else if (/^\d$/.test(character)) change({ amount: (draft.amount + character).slice(0, 8) });
    else if (key.return && now.card && Number(draft.amount) > 0)
      onStart(now.card, Number(draft.amount), {
        wantsOwnCurrency: draft.isOwn,
        method: now.method.code === '10' ? undefined : now.method,
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
      <Text>{texts.tui.own(isOwn)}</Text>
    </Box>
  );
}
