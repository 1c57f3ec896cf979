export { EmvCard } from './emv-card.ts';
export { TransitCard } from './felica/transit-card.ts';
export { cardNames, EmulatedHand, type Entry, entryOf, type Presented, readableCards } from './hand.ts';
export { isStripeCardName, type StripeCardName, stripeCards, trackOf } from './stripe-cards.ts';
export { type CardWallet, folderWallet, pocket } from './wallet.ts';
