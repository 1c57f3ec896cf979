export { type Custody, type CustodyRooms, openCustody } from './custody.ts';
