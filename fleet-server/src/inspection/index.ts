export { type InspectionRooms, type Inspections, openInspections } from './inspection.ts';
