export { keepWipe, wipeRecordOf } from './wipe-certificate.ts';
export { openRefurbish, type Refurbish, type RefurbishRooms } from './refurbish.ts';
