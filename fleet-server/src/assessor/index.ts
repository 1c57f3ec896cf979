export { type Assessor, type AssessorRooms, openAssessor } from './assessor.ts';
