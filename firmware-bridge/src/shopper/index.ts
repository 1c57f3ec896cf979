export { openShopper, type Shopper, type ShopperOptions } from './shopper.ts';
