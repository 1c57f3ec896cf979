export {
  dueAt,
  findingsOf,
  type Inspection,
  type InspectionFinding,
  inspection,
  inspectionPurpose,
  openInspection,
  signInspection,
  surfaces,
} from './inspection.ts';
