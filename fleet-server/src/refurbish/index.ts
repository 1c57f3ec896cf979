export { openRefurbish, type Refurbish, type RefurbishRooms } from './refurbish.ts';
