export { type Assessor, openAssessor } from './assessor.ts';
