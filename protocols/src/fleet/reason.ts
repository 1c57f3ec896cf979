import { z } from 'zod';
import { withoutCardNumbers } from '../kit/index.ts';

/**
 * Why somebody does what they ask for, in their own words: at most 200 characters. Whatever looks like a card number is cut from it before
 * anything reads it.
 * @param least characters that say something
 */
export const reasonText = (least = 1) => z.string().min(least).max(200).overwrite(withoutCardNumbers);
